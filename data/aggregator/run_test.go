package aggregator_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"hedgehog/data/aggregator"
	"hedgehog/data/bus"
	"hedgehog/exchange"
)

// part is an Aggregator that a test runs again and again.
type part struct {
	*aggregator.Aggregator
	bus     *bus.Bus
	candles *bus.Subscription
}

// newPart returns an Aggregator and, subscribed to its candles, a queue of the
// given capacity.
func newPart(tb testing.TB, s aggregator.Store, ex exchange.TradeHistory, capacity int) *part {
	tb.Helper()
	b := bus.New()
	trades := b.Subscribe(bus.Options{Name: "aggregator"}, bus.TradeEvents(symbol))
	candles := b.Subscribe(bus.Options{Name: "candles", Capacity: capacity}, bus.OHLC(symbol))
	tb.Cleanup(trades.Close)
	tb.Cleanup(candles.Close)
	return &part{aggregator.New(symbol, s, ex, b, trades, quiet()), b, candles}
}

func (p *part) publish(tb testing.TB, e bus.Event) {
	tb.Helper()
	if err := p.bus.Publish(tb.Context(), bus.TradeEvents(symbol), e); err != nil {
		tb.Fatal(err)
	}
}

// lengths returns the lengths of the next n candles.
func (p *part) lengths(tb testing.TB, n int) []int {
	tb.Helper()
	var lengths []int
	for range n {
		m, err := p.candles.Next(tb.Context())
		if err != nil {
			tb.Fatal(err)
		}
		lengths = append(lengths, m.Event.(*exchange.Candle).Minutes)
	}
	return lengths
}

func TestACandleThatWasNotTakenIsPublishedByTheNextRun(t *testing.T) {
	p := newPart(t, database{openDB(t)}, history(nil), 2)
	p.publish(t, trade(1, midnight, "10"))
	p.publish(t, trade(2, midnight+day, "11")) // closes all six
	stopped := errors.New("lease lost")
	ctx, stop := context.WithCancelCause(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	got := p.lengths(t, 1) // two more have room, the other three wait
	stop(stopped)
	if err := <-ended; !errors.Is(err, stopped) {
		t.Fatalf("run: %v, want the cause %v", err, stopped)
	}
	ctx, stop = context.WithCancelCause(t.Context())
	go func() { ended <- p.Run(ctx) }()
	got = append(got, p.lengths(t, 5)...)
	stop(stopped)
	if err := <-ended; !errors.Is(err, stopped) {
		t.Fatalf("run: %v, want the cause %v", err, stopped)
	}
	for i, minutes := range exchange.CandleMinutes {
		if got[i] != minutes {
			t.Fatalf("candles of %v minutes, want %v", got, exchange.CandleMinutes)
		}
	}
	if n := p.candles.Waiting(); n != 0 {
		t.Errorf("%d candles more than were closed", n)
	}
}

// failing is a store, and an exchange, whose reads fail while there is an error.
type failing struct {
	database
	history
	err error
}

func (f *failing) LastCandle(ctx context.Context, symbol string, minutes int) (exchange.Candle, bool, error) {
	if f.err != nil {
		return exchange.Candle{}, false, f.err
	}
	return f.database.LastCandle(ctx, symbol, minutes)
}

func (f *failing) TradesFrom(ctx context.Context, symbol string, fromID int64, limit int) ([]exchange.TradeEvent, error) {
	if f.err != nil {
		return nil, f.err
	}
	return f.history.TradesFrom(ctx, symbol, fromID, limit)
}

func TestAFailedReadEndsTheRunAndTheNextOneMendsIt(t *testing.T) {
	trades := history{trade(1, midnight, "10"), trade(2, midnight+second, "11"), trade(3, midnight+minute, "12"), trade(4, midnight+2*minute, "12")}
	f := &failing{database: database{openDB(t)}, history: trades, err: errors.New("disk is full")}
	p := newPart(t, f, f, 100)
	if err := p.Run(t.Context()); !errors.Is(err, f.err) || !strings.HasPrefix(err.Error(), "aggregate XRPETH: last candle of 1 minutes") {
		t.Errorf("run on a store that fails: %v", err)
	}
	f.err = nil
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	p.publish(t, trades[0])
	if err := p.bus.Settle(t.Context(), bus.TradeEvents(symbol)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatalf("run: %v", err)
	}
	f.err = exchange.ErrUnavailable
	p.publish(t, trades[2])
	if err := p.Run(t.Context()); !errors.Is(err, exchange.ErrUnavailable) {
		t.Errorf("run without the exchange: %v", err)
	}
	f.err = nil
	p.publish(t, trades[3])
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	go func() { ended <- p.Run(ctx) }()
	var got []exchange.Candle
	for range 2 {
		m, err := p.candles.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, *m.Event.(*exchange.Candle))
	}
	wantCandles(t, got, plainCandles(trades, 1))
	cancel()
	<-ended
}

func TestARunThatIsStoppedWhileItReadsReturnsTheCause(t *testing.T) {
	stopped := errors.New("lease lost")
	ctx, stop := context.WithCancelCause(t.Context())
	stop(stopped)
	if err := newPart(t, database{openDB(t)}, history(nil), 1).Run(ctx); !errors.Is(err, stopped) {
		t.Errorf("run: %v, want the cause %v", err, stopped)
	}
}

func TestAnEventOfAnotherTypeEndsTheRunAndIsNamed(t *testing.T) {
	p := newPart(t, database{openDB(t)}, history(nil), 1)
	p.publish(t, "a string")
	err := p.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "event of type string on TRADE_EVENTS:XRPETH") {
		t.Errorf("run: %v, want an error that names the type and the topic", err)
	}
}
