package sim_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
	"hedgehog/exchange/sim"
)

// Accounts trade, ask and listen at once while trades pass: what they hold in the
// end is what they began with, but for the commissions and what the market gave.
func TestManyAccountsAtOnceLoseNothing(t *testing.T) {
	cfg := testConfig(t)
	cfg.Info.RateLimits = nil
	cfg.Commission = dec("0")
	e := mustOpen(t, cfg)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	var streams, work errgroup.Group
	const workers, orders = 4, 50
	streamed := make([]*collecting, workers)
	for i := range workers {
		streamed[i] = &collecting{}
		l := sim.NewLocal(e, fmt.Sprint("account-", i), "test")
		streams.Go(func() error { return l.StreamTrades(ctx, symbol, streamed[i]) })
		work.Go(func() error { return buyAndCancel(ctx, l, orders) })
	}
	for range 500 {
		mustTrade(t, e, "0.495")
	}
	if err := work.Wait(); err != nil {
		t.Error(err)
	}
	mustTrade(t, e, "0.495") // fills what was placed last
	cancel(errEnough)
	if err := streams.Wait(); !errors.Is(err, errEnough) {
		t.Error(err)
	}
	for i, s := range streamed {
		for j := 1; j < len(s.ids); j++ {
			if s.ids[j] != s.ids[j-1]+1 {
				t.Errorf("stream %d: trade %d after %d", i, s.ids[j], s.ids[j-1])
			}
		}
	}
	for i := range workers {
		bought := decimal.Zero
		all := e.AllOrders(fmt.Sprint("account-", i), symbol, sim.OrderQuery{})
		for _, o := range all {
			if !o.Status.Done() {
				t.Errorf("order %d is still %s", o.ID, o.Status)
			}
			bought = bought.Add(o.ExecutedQuantity)
		}
		if len(all) != orders {
			t.Errorf("account %d has %d orders, want %d", i, len(all), orders)
		}
		name := fmt.Sprint("account-", i)
		wantBalance(t, e, name, "XRP", dec("1000").Add(bought).String(), "0")
		wantBalance(t, e, name, "USDT", dec("1000").Sub(bought.Mul(dec("0.5"))).String(), "0")
	}
}

// buyAndCancel places n buy orders and cancels every other one, if it isn't
// filled before.
func buyAndCancel(ctx context.Context, l *sim.Local, n int) error {
	for i := range n {
		o := request("", fmt.Sprint("a-", i), exchange.Buy, "0.5", "10").Order
		if _, err := l.PlaceLimitOrder(ctx, o); err != nil {
			return err
		}
		if i%2 == 0 {
			continue
		}
		_, err := l.CancelOrder(ctx, exchange.OrderRef{Symbol: symbol, ClientID: o.ClientID})
		if err != nil && !errors.Is(err, exchange.ErrUnknownOrder) {
			return err
		}
		if _, err := l.OpenOrders(ctx, ""); err != nil {
			return err
		}
	}
	return nil
}
