package binance_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hedgehog/exchange"
)

// TestBothEndsRotateWithoutAGap streams trades and orders from the simulated
// exchange, which ends connections for their age or is ahead of that.
func TestBothEndsRotateWithoutAGap(t *testing.T) {
	for _, c := range []struct {
		name string
		with func(*setup)
	}{
		{"the client replaces connections", func(with *setup) { with.client.MaxConnectionAge = time.Minute }},
		{"the exchange announces the end of connections", func(with *setup) { with.server.MaxConnectionAge = time.Minute }},
	} {
		t.Run(c.name, func(t *testing.T) {
			withSimulated(t, c.with, func(ctx context.Context, t *testing.T, s *simulated) {
				ctx, cancel := context.WithCancelCause(ctx)
				over := errors.New("over")
				trades, updates := &transcript{}, &updates{}
				var running sync.WaitGroup
				for _, stream := range []func() error{
					func() error { return s.client.StreamTrades(ctx, symbol, trades) },
					func() error { return s.client.StreamOrders(ctx, updates) },
				} {
					running.Go(func() {
						if err := stream(); !errors.Is(err, over) {
							t.Errorf("stream ended with %v", err)
						}
					})
				}
				synctest.Wait()
				placed := 0
				for range 600 { // seconds
					time.Sleep(time.Second)
					s.trade(t, "0.5")
					if placed < 60 && s.last%10 == 0 {
						placed++
						o := limitOrder("o" + time.Duration(s.last).String())
						if _, err := s.client.PlaceLimitOrder(ctx, o); err != nil {
							t.Fatal(err)
						}
						if _, err := s.client.CancelOrder(ctx, exchange.OrderRef{Symbol: symbol, ClientID: o.ClientID}); err != nil {
							t.Fatal(err)
						}
					}
				}
				synctest.Wait()
				connections := s.client.Stats().Connections
				cancel(over)
				running.Wait()
				if connections < 2*9 {
					t.Errorf("%d connections, want one a minute for each stream", connections)
				}
				if got := trades.String(); strings.Count(got, "connected") != 1 || len(strings.Fields(got)) != 601 {
					t.Errorf("a gap in the trades: %s", got)
				}
				if updates.connected != 1 || len(updates.seen) != placed {
					t.Errorf("connected %d times, saw %d orders, want 1 and %d", updates.connected, len(updates.seen), placed)
				}
				for id, order := range updates.seen {
					if order.Status != exchange.Canceled {
						t.Errorf("order %d was last seen %s", id, order.Status)
					}
				}
			})
		})
	}
}

// updates is a sink that keeps the latest state of each order.
type updates struct {
	connected int
	seen      map[int64]exchange.Order
}

func (u *updates) Connected(context.Context) error {
	u.connected++
	return nil
}

func (u *updates) OrderUpdate(_ context.Context, update *exchange.OrderUpdate) error {
	if u.seen == nil {
		u.seen = map[int64]exchange.Order{}
	}
	if old, ok := u.seen[update.ID]; !ok || update.Supersedes(old) {
		u.seen[update.ID] = update.Order
	}
	return nil
}
