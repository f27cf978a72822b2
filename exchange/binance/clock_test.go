package binance_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"hedgehog/exchange"
	"hedgehog/exchange/binance"
)

// TestTheExchangesClockIsWithinTheErrorOfTheEstimate lets samples be answered at
// any moment of their round trips, by clocks that drift apart.
func TestTheExchangesClockIsWithinTheErrorOfTheEstimate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := time.Unix(1_700_000_000, 0)
		ahead := time.Duration(rapid.Int64Range(-int64(time.Hour), int64(time.Hour)).Draw(t, "ahead"))
		rate := rapid.Float64Range(-450e-6, 450e-6).Draw(t, "drift")
		exchangeClock := func(ours time.Time) time.Time {
			return ours.Add(ahead + time.Duration(float64(ours.Sub(start))*rate))
		}
		resolution := rapid.SampledFrom([]time.Duration{time.Microsecond, time.Millisecond}).Draw(t, "resolution")
		var samples []binance.ClockSample
		sent := start
		for range rapid.IntRange(1, 5).Draw(t, "samples") {
			there := time.Duration(rapid.Int64Range(0, int64(time.Second)).Draw(t, "there"))
			back := time.Duration(rapid.Int64Range(0, int64(time.Second)).Draw(t, "back"))
			samples = append(samples, binance.ClockSample{
				Sent: sent, Received: sent.Add(there + back),
				Server: exchangeClock(sent.Add(there)).Truncate(resolution), Resolution: resolution,
			})
			sent = sent.Add(there + back)
		}
		estimate := binance.EstimateClock(samples...)
		at := sent.Add(time.Duration(rapid.Int64Range(0, int64(10*time.Minute)).Draw(t, "later")))
		wrong := estimate.Exchange(at).Sub(exchangeClock(at)).Abs()
		// A microsecond for rounding.
		if within := estimate.Error(at) + time.Microsecond; wrong > within {
			t.Fatalf("wrong by %s, said to be within %s", wrong, within)
		}
	})
}

func TestTheQuickestSampleIsTaken(t *testing.T) {
	at := time.Unix(1_700_000_000, 0)
	sample := func(trip, ahead time.Duration) binance.ClockSample {
		return binance.ClockSample{Sent: at, Received: at.Add(trip), Server: at.Add(trip/2 + ahead), Resolution: time.Microsecond}
	}
	e := binance.EstimateClock(sample(time.Second, time.Hour), sample(10*time.Millisecond, time.Minute), sample(time.Second, time.Hour))
	if got := e.Exchange(at).Sub(at).Round(time.Millisecond); got != time.Minute {
		t.Errorf("the exchange is %s ahead, want 1m", got)
	}
	if !binance.EstimateClock().IsZero() {
		t.Error("an estimate of no samples is not zero")
	}
}

func TestRequestsAreStampedByTheExchangesClock(t *testing.T) {
	for _, ahead := range []time.Duration{-2 * time.Hour, -30 * time.Second, 1500 * time.Millisecond, time.Hour} {
		t.Run(ahead.String(), func(t *testing.T) {
			withSimulated(t, nil, func(ctx context.Context, t *testing.T, s *simulated) {
				s.setClock(ahead)
				if _, err := s.client.PlaceLimitOrder(ctx, limitOrder("skewed")); err != nil {
					t.Error(err)
				}
				if got := s.ahead(); (got - ahead).Abs() > time.Millisecond {
					t.Errorf("the exchange's clock is taken to be %s ahead, want %s", got, ahead)
				}
			})
		})
	}
}

func TestARefusedTimestampHasTheClockMeasuredAnewAndTheOrderSentOnce(t *testing.T) {
	withSimulated(t, nil, func(ctx context.Context, t *testing.T, s *simulated) {
		if _, err := s.client.Account(ctx); err != nil {
			t.Fatal(err)
		}
		s.setClock(20 * time.Second) // what was measured is wrong now
		if _, err := s.client.PlaceLimitOrder(ctx, limitOrder("restamped")); err != nil {
			t.Error(err)
		}
		if n := len(s.orders()); n != 1 {
			t.Errorf("the exchange has %d orders, want 1", n)
		}
		if n := s.requests(http.MethodPost, ordersPath); n != 2 {
			t.Errorf("%d orders were sent, want the refused and the accepted one", n)
		}
	})
}

func TestATimestampThatStaysRefusedIsStale(t *testing.T) {
	withSimulated(t, nil, func(ctx context.Context, t *testing.T, s *simulated) {
		// Beyond the receive window on its way, each time it is sent.
		var late fault
		late = func(w http.ResponseWriter, r *http.Request, front http.Handler) {
			s.inject(http.MethodPost, ordersPath, late)
			time.Sleep(recvWindow + time.Second)
			front.ServeHTTP(w, r)
		}
		s.inject(http.MethodPost, ordersPath, late)
		_, err := s.client.PlaceLimitOrder(ctx, limitOrder("late"))
		if !errors.Is(err, exchange.ErrStaleTimestamp) {
			t.Errorf("error %v, want ErrStaleTimestamp", err)
		}
		if n := len(s.orders()); n != 0 {
			t.Errorf("the exchange has %d orders, want none", n)
		}
	})
}

func TestRunKeepsTheClockFresh(t *testing.T) {
	withSimulated(t, nil, func(ctx context.Context, t *testing.T, s *simulated) {
		ctx, cancel := context.WithCancelCause(ctx)
		over := errors.New("over")
		done := make(chan error, 1)
		go func() { done <- s.client.Run(ctx) }()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if age := s.client.Clock().Age(time.Now()); age > 30*time.Second {
			t.Errorf("the estimate is %s old", age)
		}
		s.setClock(time.Minute)
		time.Sleep(31 * time.Second)
		if got := s.ahead(); got.Round(time.Second) != time.Minute {
			t.Errorf("the exchange's clock is taken to be %s ahead, want 1m", got)
		}
		cancel(over)
		if err := <-done; !errors.Is(err, over) {
			t.Errorf("Run returned %v, want the cause", err)
		}
	})
}

func TestTheGuardSeesTheTimestampBeforeAnythingIsSent(t *testing.T) {
	refused := errors.New("lease ends too soon")
	var (
		refuse bool
		asked  []string
		stamp  time.Time
		window time.Duration
	)
	configure := func(with *setup) {
		with.client.Guard = func(_ context.Context, symbol string, timestamp time.Time, w time.Duration) error {
			asked, stamp, window = append(asked, symbol), timestamp, w
			if refuse {
				return refused
			}
			return nil
		}
	}
	withSimulated(t, configure, func(ctx context.Context, t *testing.T, s *simulated) {
		placed, err := s.client.PlaceLimitOrder(ctx, limitOrder("guarded"))
		if err != nil {
			t.Fatal(err)
		}
		if len(asked) != 1 || asked[0] != symbol {
			t.Errorf("guard asked for %v, want %s once", asked, symbol)
		}
		if age := time.Since(stamp); age < 0 || age > time.Millisecond {
			t.Errorf("timestamp %s ago, want the moment of the request", age)
		}
		// At least what two clocks may drift apart meanwhile: 500 µs a second.
		if window < recvWindow+2500*time.Microsecond || window > recvWindow+50*time.Millisecond {
			t.Errorf("window %s, want the receive window and a little for the clock's error", window)
		}

		refuse = true
		ref := exchange.OrderRef{Symbol: symbol, ID: placed.ID}
		if _, err := s.client.PlaceLimitOrder(ctx, limitOrder("refused")); !errors.Is(err, refused) {
			t.Errorf("place: error %v, want the guard's", err)
		}
		if _, err := s.client.CancelOrder(ctx, ref); !errors.Is(err, refused) {
			t.Errorf("cancel: error %v, want the guard's", err)
		}
		if posts, deletes := s.requests(http.MethodPost, ordersPath), s.requests(http.MethodDelete, ordersPath); posts != 1 || deletes != 0 {
			t.Errorf("%d orders and %d cancels were sent, want 1 and 0", posts, deletes)
		}
		if _, err := s.client.Order(ctx, ref); err != nil {
			t.Errorf("a query does not need the guard: %v", err)
		}
	})
}

func TestAFailingClockKeepsOrdersBack(t *testing.T) {
	withSimulated(t, nil, func(ctx context.Context, t *testing.T, s *simulated) {
		s.failAll("/api/v3/time")
		if _, err := s.client.PlaceLimitOrder(ctx, limitOrder("timeless")); !errors.Is(err, exchange.ErrUnavailable) {
			t.Errorf("error %v, want ErrUnavailable", err)
		}
		if n := s.requests(http.MethodPost, ordersPath); n != 0 {
			t.Errorf("%d orders were sent", n)
		}
	})
}
