package binance_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"hedgehog/exchange"
)

// limited gives the exchange these limits instead of its usual ones.
func limited(limits ...exchange.RateLimit) func(*setup) {
	return func(with *setup) { with.info.RateLimits = limits }
}

var (
	weightLimit = exchange.RateLimit{Type: "REQUEST_WEIGHT", Interval: "MINUTE", IntervalNum: 1, Limit: 200}
	orderLimit  = exchange.RateLimit{Type: "ORDERS", Interval: "SECOND", IntervalNum: 10, Limit: 5}
)

// atMinute lets time pass until a minute begins, and a little more.
func atMinute() {
	now := time.Now()
	time.Sleep(now.Truncate(time.Minute).Add(time.Minute + time.Second).Sub(now))
}

func TestReadsWaitForTheNextMinuteBeforeTheExchangeRefusesThem(t *testing.T) {
	withSimulated(t, limited(weightLimit, orderLimit), func(ctx context.Context, t *testing.T, s *simulated) {
		atMinute()
		if _, err := s.client.ExchangeInfo(ctx); err != nil { // 20
			t.Fatal(err)
		}
		start := time.Now()
		for range 10 { // 25 each: 6 fit into the 90 percent for reads
			if _, err := s.client.TradesFrom(ctx, symbol, 0, 10); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(start); took < 58*time.Second || took > 61*time.Second {
			t.Errorf("ten reads took %s, want the rest of the minute", took)
		}
	})
}

func TestOrdersGoOutWhileReadsWait(t *testing.T) {
	withSimulated(t, limited(weightLimit, orderLimit), func(ctx context.Context, t *testing.T, s *simulated) {
		if _, err := s.client.ExchangeInfo(ctx); err != nil {
			t.Fatal(err)
		}
		if _, err := s.client.Account(ctx); err != nil { // measures the clock
			t.Fatal(err)
		}
		atMinute()
		done := make(chan error)
		go func() {
			for range 7 { // 175: the seventh would pass 180 together with the one after it
				_, err := s.client.TradesFrom(ctx, symbol, 0, 10)
				done <- err
			}
			_, err := s.client.TradesFrom(ctx, symbol, 0, 10)
			done <- err
		}()
		for range 7 {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		start := time.Now()
		if _, err := s.client.PlaceLimitOrder(ctx, limitOrder("urgent")); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("the order took %s", took)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(start); waited < 50*time.Second {
			t.Errorf("the read waited %s, want the rest of the minute", waited)
		}
	})
}

func TestOrdersWaitForTheOrderLimit(t *testing.T) {
	withSimulated(t, limited(weightLimit, orderLimit), func(ctx context.Context, t *testing.T, s *simulated) {
		if _, err := s.client.ExchangeInfo(ctx); err != nil {
			t.Fatal(err)
		}
		atMinute()
		start := time.Now()
		for _, id := range []string{"1", "2", "3", "4", "5"} {
			if _, err := s.client.PlaceLimitOrder(ctx, limitOrder(id)); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("five orders took %s", took)
		}
		if _, err := s.client.PlaceLimitOrder(ctx, limitOrder("6")); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took < 9*time.Second || took > 10*time.Second {
			t.Errorf("the sixth order was there after %s, want the end of the ten seconds", took)
		}
	})
}

func TestWeightThatOthersUseCounts(t *testing.T) {
	withSimulated(t, limited(weightLimit, orderLimit), func(ctx context.Context, t *testing.T, s *simulated) {
		if _, err := s.client.ExchangeInfo(ctx); err != nil {
			t.Fatal(err)
		}
		atMinute()
		s.inject(http.MethodGet, "/api/v3/trades", func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
			w.Header().Set("X-MBX-USED-WEIGHT-1M", "190")
			_, _ = w.Write([]byte("[]"))
		})
		start := time.Now()
		for range 2 {
			if _, err := s.client.TradesFrom(ctx, symbol, 0, 10); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(start); took < 58*time.Second {
			t.Errorf("two reads took %s, want the rest of the minute", took)
		}
	})
}

func TestACountOfTheMinuteBeforeIsNotTakenForThisOne(t *testing.T) {
	withSimulated(t, limited(weightLimit, orderLimit), func(ctx context.Context, t *testing.T, s *simulated) {
		if _, err := s.client.ExchangeInfo(ctx); err != nil {
			t.Fatal(err)
		}
		atMinute()
		s.inject(http.MethodGet, "/api/v3/trades", func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
			w.Header().Set("X-MBX-USED-WEIGHT-1M", "190")
			_, _ = w.Write([]byte("[]"))
			time.Sleep(10 * time.Second)
		})
		time.Sleep(55 * time.Second)
		if _, err := s.client.TradesFrom(ctx, symbol, 0, 10); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if _, err := s.client.TradesFrom(ctx, symbol, 0, 10); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("the read in the new minute took %s", took)
		}
	})
}

func TestEverythingWaitsAsLongAsTheExchangeAsks(t *testing.T) {
	for _, c := range []struct {
		name       string
		status     int
		retryAfter string
		want       time.Duration
	}{
		{"429", http.StatusTooManyRequests, "30", 30 * time.Second},
		{"429 without a time", http.StatusTooManyRequests, "", time.Minute},
		{"418", http.StatusTeapot, "110", 110 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			withSimulated(t, nil, func(ctx context.Context, t *testing.T, s *simulated) {
				if _, err := s.client.Account(ctx); err != nil {
					t.Fatal(err)
				}
				s.inject(http.MethodPost, ordersPath, func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
					if c.retryAfter != "" {
						w.Header().Set("Retry-After", c.retryAfter)
					}
					status(c.status, `{"code":-1003,"msg":"Too much request weight used; please slow down."}`)(w)
				})
				start := time.Now()
				if _, err := s.client.PlaceLimitOrder(ctx, limitOrder("first")); !errors.Is(err, exchange.ErrRateLimited) {
					t.Errorf("error %v, want ErrRateLimited", err)
				}
				if _, err := s.client.Order(ctx, exchange.OrderRef{Symbol: symbol, ClientID: "first"}); !errors.Is(err, exchange.ErrUnknownOrder) {
					t.Errorf("error %v, want ErrUnknownOrder", err)
				}
				if took := time.Since(start); took < c.want || took > c.want+time.Second {
					t.Errorf("the next request came after %s, want %s", took, c.want)
				}
				if n := s.requests(http.MethodPost, ordersPath); n != 1 {
					t.Errorf("the refused order was sent %d times", n)
				}
			})
		})
	}
}

func TestAWaitThatIsTooLongIsAnError(t *testing.T) {
	withSimulated(t, nil, func(ctx context.Context, t *testing.T, s *simulated) {
		s.inject(http.MethodGet, "/api/v3/time", func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
			w.Header().Set("Retry-After", "86400")
			status(http.StatusTeapot, `{"code":-1003,"msg":"Way too much request weight used; IP banned."}`)(w)
		})
		start := time.Now()
		if _, err := s.client.ServerTime(ctx); !errors.Is(err, exchange.ErrRateLimited) {
			t.Errorf("error %v, want ErrRateLimited", err)
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("the error took %s", took)
		}
	})
	withSimulated(t, nil, func(ctx context.Context, t *testing.T, s *simulated) {
		s.inject(http.MethodGet, "/api/v3/time", func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
			w.Header().Set("Retry-After", "30")
			status(http.StatusTooManyRequests, "")(w)
		})
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		start := time.Now()
		if _, err := s.client.ServerTime(ctx); !errors.Is(err, exchange.ErrRateLimited) {
			t.Errorf("error %v, want ErrRateLimited: its context ends before", err)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("the error took %s", took)
		}
	})
}

func TestReadsAreTriedAgainAFewTimes(t *testing.T) {
	withSimulated(t, nil, func(ctx context.Context, t *testing.T, s *simulated) {
		s.trade(t, "0.5")
		for name, f := range map[string]fault{"503": notExecuted(status(503, "")), "a dropped connection": notExecuted(dropConnection)} {
			before := s.requests(http.MethodGet, "/api/v3/trades")
			s.inject(http.MethodGet, "/api/v3/trades", f)
			trades, err := s.client.TradesFrom(ctx, symbol, 0, 10)
			if err != nil || len(trades) != 1 {
				t.Errorf("after %s: trades %v, %v", name, trades, err)
			}
			if n := s.requests(http.MethodGet, "/api/v3/trades") - before; n != 2 {
				t.Errorf("after %s: %d requests, want 2", name, n)
			}
		}
		s.failAll("/api/v3/trades")
		before := s.client.Stats().Requests
		if _, err := s.client.TradesFrom(ctx, symbol, 0, 10); !errors.Is(err, exchange.ErrUnavailable) {
			t.Errorf("error %v, want ErrUnavailable", err)
		}
		if n := s.client.Stats().Requests - before; n != 4 {
			t.Errorf("%d requests, want 4", n)
		}
		s.failAll("")
		if _, err := s.client.TradesFrom(ctx, "NOBODYUSDT", 0, 10); !errors.Is(err, exchange.ErrUnknownSymbol) {
			t.Errorf("error %v, want ErrUnknownSymbol", err)
		}
	})
}

func TestARefusedHandshakeIsNotRepeatedBeforeTheExchangeAllowsIt(t *testing.T) {
	configure := func(with *setup) { with.server.ConnectionsPer5Minutes = 1 }
	withSimulated(t, configure, func(ctx context.Context, t *testing.T, s *simulated) {
		ctx, cancel := context.WithTimeout(ctx, 20*time.Minute)
		defer cancel()
		var running sync.WaitGroup
		sinks := []*transcript{{}, {}}
		for _, sink := range sinks {
			running.Go(func() {
				if err := s.client.StreamTrades(ctx, symbol, sink); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("stream ended with %v", err)
				}
			})
		}
		running.Wait()
		if sinks[0].String() != "connected" || sinks[1].String() != "connected" {
			t.Errorf("got %q and %q, want both connected", sinks[0], sinks[1])
		}
		if n := s.requests(http.MethodGet, "/ws"); n > 4 {
			t.Errorf("%d handshakes, want one refused, a few at most", n)
		}
	})
}

// A symbol's new owner reads its orders before it acts.
func TestATakeoverDoesNotWaitForReadsThatCan(t *testing.T) {
	withSimulated(t, limited(weightLimit, orderLimit), func(ctx context.Context, t *testing.T, s *simulated) {
		if _, err := s.client.ExchangeInfo(ctx); err != nil {
			t.Fatal(err)
		}
		if _, err := s.client.Account(ctx); err != nil { // measures the clock
			t.Fatal(err)
		}
		atMinute()
		for range 8 { // 20 each
			if _, err := s.client.RecentFills(ctx, symbol, 10); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.client.ServerTime(ctx); err != nil { // 1: no further read fits into the 90 percent
			t.Fatal(err)
		}
		start := time.Now()
		if _, err := s.client.AllOrders(ctx, symbol, 0, 10); err != nil { // 20
			t.Fatal(err)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("reading the orders took %s", took)
		}
	})
}
