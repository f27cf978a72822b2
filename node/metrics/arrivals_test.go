package metrics_test

import (
	"context"
	"io"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"hedgehog/exchange"
	"hedgehog/exchange/binance"
	"hedgehog/node/metrics"
)

// bench is the metrics of a node that knows nothing else, and its clock.
type bench struct {
	*metrics.Metrics
	now time.Time
}

func newBench() *bench {
	b := &bench{now: time.Now()}
	b.Metrics = metrics.New(func() time.Time { return b.now },
		func(context.Context) (metrics.Figures, error) { return metrics.Figures{}, nil }, slog.New(slog.DiscardHandler))
	return b
}

// wantLines reports each of the lines that the metrics lack.
func (b *bench) wantLines(t *testing.T, lines ...string) {
	t.Helper()
	answer := httptest.NewRecorder()
	b.ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.Code != 200 {
		t.Fatalf("status %d, %v", answer.Code, err)
	}
	for _, line := range lines {
		if !strings.Contains("\n"+string(body), "\n"+line+"\n") {
			name, _, _ := strings.Cut(line, " ")
			_, from, _ := strings.Cut(string(body), "\n"+name)
			from, _, _ = strings.Cut(from, "\n")
			t.Errorf("want %q, got %s%s", line, name, from)
		}
	}
}

// ahead is the clock of an exchange that is ahead of ours.
func (b *bench) ahead(d time.Duration) binance.ClockEstimate {
	return binance.EstimateClock(binance.ClockSample{Sent: b.now, Received: b.now, Server: b.now.Add(d)})
}

func TestTheLagOfATradeGoesByTheExchangesClock(t *testing.T) {
	b := newBench()
	a := b.Arrivals()
	if _, ok := a.Last(); ok {
		t.Error("there is a last trade before the first")
	}
	sent := exchange.MicrosOf(b.now.Add(time.Minute - 30*time.Millisecond))
	a.Add(&exchange.TradeEvent{ID: 1, EventTime: sent}, binance.ClockEstimate{})
	if _, ok := a.Last(); ok {
		t.Error("a lag is told without the exchange's clock")
	}
	a.Add(&exchange.TradeEvent{ID: 2, EventTime: sent}, b.ahead(time.Minute))
	if last, ok := a.Last(); !ok || last.Sent != sent || last.Lag.Round(time.Millisecond) != 30*time.Millisecond {
		t.Errorf("last %+v, %t, want a lag of 30 ms", last, ok)
	}
	a.Add(&exchange.TradeEvent{ID: 3}, b.ahead(time.Minute)) // of no known time
	a.Add(&exchange.TradeEvent{ID: 4, EventTime: sent}, b.ahead(time.Second))
	b.wantLines(t, `hedgehog_market_data_lag_seconds_count 2`, `hedgehog_market_data_lag_seconds_bucket{le="0.001"} 1`,
		`hedgehog_market_data_lag_seconds_bucket{le="0.025"} 1`, `hedgehog_market_data_lag_seconds_bucket{le="0.05"} 2`)
}

func TestADecisionIsMeasuredFromTheArrivalOfItsOwnTrade(t *testing.T) {
	b := newBench()
	a := b.Arrivals()
	for id := int64(1); id <= 300; id++ {
		a.Add(&exchange.TradeEvent{ID: id}, binance.ClockEstimate{})
		b.now = b.now.Add(time.Millisecond)
	}
	a.Decided(300) // 1 ms ago
	a.Decided(200) // 101 ms ago
	for _, unknown := range []int64{0, 44, 301, -1} {
		a.Decided(unknown) // never came, or longer ago than is kept
	}
	b.wantLines(t, `hedgehog_decision_latency_seconds_count 2`, `hedgehog_decision_latency_seconds_bucket{le="0.05"} 1`,
		`hedgehog_decision_latency_seconds_bucket{le="0.0005"} 0`, `hedgehog_decision_latency_seconds_bucket{le="0.001"} 1`)
}

func TestOnlyAcknowledgedOrdersHaveALatency(t *testing.T) {
	b := newBench()
	b.Ordered("BUY", metrics.Placed, 20*time.Millisecond)
	b.Ordered("SELL", metrics.Unknown, 5*time.Second)
	b.TookOver(metrics.FailedOver)
	b.Wrote(2*time.Second, 3*time.Millisecond)
	b.wantLines(t, `hedgehog_orders_total{outcome="placed",side="BUY"} 1`, `hedgehog_orders_total{outcome="placed",side="SELL"} 0`,
		`hedgehog_orders_total{outcome="unknown",side="SELL"} 1`, `hedgehog_order_latency_seconds_count 1`,
		`hedgehog_order_latency_seconds_sum 0.02`, `hedgehog_takeovers_total{kind="failed_over"} 1`,
		`hedgehog_takeovers_total{kind="handed_over"} 0`, `hedgehog_database_write_wait_seconds_sum 2`,
		`hedgehog_database_write_seconds_sum 0.003`)
}

func BenchmarkArrival(b *testing.B) {
	m := metrics.New(time.Now, nil, slog.New(slog.DiscardHandler))
	a := m.Arrivals()
	clock := binance.EstimateClock(binance.ClockSample{Sent: time.Now(), Received: time.Now(), Server: time.Now()})
	t := &exchange.TradeEvent{EventTime: exchange.MicrosOf(time.Now())}
	b.ReportAllocs()
	for b.Loop() {
		t.ID++
		a.Add(t, clock)
	}
}
