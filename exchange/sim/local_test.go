package sim_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"hedgehog/exchange"
	"hedgehog/exchange/sim"
)

// sinkFuncs is a sink of both kinds that calls functions; a connection that has
// none is passed over.
type sinkFuncs struct {
	connected func(context.Context) error
	trade     func(context.Context, *exchange.TradeEvent) error
	update    func(context.Context, *exchange.OrderUpdate) error
}

func (s sinkFuncs) Connected(ctx context.Context) error {
	if s.connected == nil {
		return nil
	}
	return s.connected(ctx)
}

func (s sinkFuncs) Trade(ctx context.Context, t *exchange.TradeEvent) error { return s.trade(ctx, t) }

func (s sinkFuncs) OrderUpdate(ctx context.Context, u *exchange.OrderUpdate) error {
	return s.update(ctx, u)
}

func TestLocalOrdersLiveAsAtTheExchange(t *testing.T) {
	e := mustOpen(t, testConfig(t))
	l := sim.NewLocal(e, alice, "test")
	ctx := t.Context()
	update, err := l.PlaceLimitOrder(ctx, request(alice, "a", exchange.Buy, "0.5", "20").Order)
	if err != nil || update.Status != exchange.New {
		t.Fatalf("placed %+v, %v", update, err)
	}
	mustTrade(t, e, "0.4")
	ref := exchange.OrderRef{Symbol: symbol, ClientID: "a"}
	if o, err := l.Order(ctx, ref); err != nil || o.Status != exchange.Filled {
		t.Errorf("order %+v, %v", o, err)
	}
	if fills, err := l.Fills(ctx, symbol, update.ID); err != nil || len(fills) != 1 {
		t.Errorf("fills %+v, %v", fills, err)
	}
	if all, err := l.AllOrders(ctx, symbol, 0, 10); err != nil || len(all) != 1 {
		t.Errorf("all orders %+v, %v", all, err)
	}
	if open, err := l.OpenOrders(ctx, ""); err != nil || len(open) != 0 {
		t.Errorf("open orders %+v, %v", open, err)
	}
	if _, err := l.CancelOrder(ctx, ref); !errors.Is(err, exchange.ErrUnknownOrder) {
		t.Errorf("cancel of a filled order: %v", err)
	}
	if trades, err := l.TradesFrom(ctx, symbol, 1, 10); err != nil || len(trades) != 1 || trades[0].Source != exchange.Backfill {
		t.Errorf("trades %+v, %v", trades, err)
	}
	if account, err := l.Account(ctx); err != nil || !account.CanTrade || !account.MakerCommission.Equal(dec("0.001")) {
		t.Errorf("account %+v, %v", account, err)
	}
	if info, err := l.ExchangeInfo(ctx); err != nil || info.ServerTime != exchange.MicrosOf(e.Now()) {
		t.Errorf("info of %d, %v", info.ServerTime, err)
	}
}

func TestLocalErrorsCanBeToldApart(t *testing.T) {
	l := sim.NewLocal(mustOpen(t, testConfig(t)), alice, "test")
	ctx := t.Context()
	small := request(alice, "a", exchange.Buy, "0.5", "0.1").Order
	_, err := l.PlaceLimitOrder(ctx, small)
	var broken *exchange.FilterError
	if !errors.As(err, &broken) || broken.Filter != "NOTIONAL" || broken.Symbol != symbol || !errors.Is(err, exchange.ErrOrderRejected) {
		t.Errorf("order of little worth: %v", err)
	}
	large := request(alice, "a", exchange.Buy, "0.5", "2000.1").Order
	if _, err := l.PlaceLimitOrder(ctx, large); !errors.Is(err, exchange.ErrInsufficientBalance) {
		t.Errorf("order of more than there is: %v", err)
	}
	if _, err := l.AllOrders(ctx, "NOUSDT", 0, 10); !errors.Is(err, exchange.ErrUnknownSymbol) {
		t.Errorf("orders of an unknown symbol: %v", err)
	}
	if err := l.StreamTrades(ctx, "NOUSDT", sinkFuncs{}); !errors.Is(err, exchange.ErrUnknownSymbol) {
		t.Errorf("stream of an unknown symbol: %v", err)
	}
	ended, cancel := context.WithCancelCause(ctx)
	cancel(errEnough)
	if _, err := l.OpenOrders(ended, symbol); !errors.Is(err, errEnough) {
		t.Errorf("with an ended context: %v", err)
	}
	if err := l.StreamOrders(ended, sinkFuncs{}); !errors.Is(err, errEnough) {
		t.Errorf("stream with an ended context: %v", err)
	}
}

func TestLocalStreamConnectsBeforeItsFirstTrade(t *testing.T) {
	e := mustOpen(t, testConfig(t))
	var seen []int64
	sink := sinkFuncs{
		connected: func(context.Context) error {
			seen = append(seen, 0)
			mustTrade(t, e, "0.5") // a trade of the new connection waits
			return nil
		},
		trade: func(_ context.Context, trade *exchange.TradeEvent) error {
			seen = append(seen, trade.ID)
			return errEnough
		},
	}
	if err := sim.NewLocal(e, alice, "test").StreamTrades(t.Context(), symbol, sink); !errors.Is(err, errEnough) {
		t.Errorf("stream ended with %v, want the sink's error", err)
	}
	if len(seen) != 2 || seen[0] != 0 || seen[1] != 1 {
		t.Errorf("seen %v, want the connection and then trade 1", seen)
	}
}

func TestLocalStreamThatFallsFarBehindConnectsAnew(t *testing.T) {
	cfg := testConfig(t)
	cfg.KeepTrades = 10
	e := mustOpen(t, cfg)
	connections := 0
	sink := sinkFuncs{
		connected: func(context.Context) error {
			connections++
			if connections == 2 {
				return errEnough
			}
			for i := range sim.StreamBound + 1 {
				if err := e.Trade(exchange.TradeEvent{Symbol: symbol, ID: int64(i + 1), Price: dec("0.5"), Quantity: dec("1")}); err != nil {
					return err
				}
			}
			return nil
		},
		trade: func(context.Context, *exchange.TradeEvent) error { return nil },
	}
	if err := sim.NewLocal(e, alice, "test").StreamTrades(t.Context(), symbol, sink); !errors.Is(err, errEnough) {
		t.Error(err)
	}
	if connections != 2 {
		t.Errorf("%d connections, want 2", connections)
	}
}

func TestLocalStreamOfOrdersHasEveryChange(t *testing.T) {
	e := mustOpen(t, testConfig(t))
	l := sim.NewLocal(e, alice, "test")
	var seen []exchange.Status
	sink := sinkFuncs{
		connected: func(ctx context.Context) error {
			if _, err := l.PlaceLimitOrder(ctx, request(alice, "a", exchange.Buy, "0.5", "20").Order); err != nil {
				return err
			}
			mustPlace(t, e, request(bob, "b", exchange.Buy, "0.5", "20"))
			mustTrade(t, e, "0.4")
			return nil
		},
		update: func(_ context.Context, u *exchange.OrderUpdate) error {
			seen = append(seen, u.Status)
			if u.Status.Done() {
				if len(u.Fills) != 1 || u.ClientID != "a" {
					t.Errorf("update %+v", u)
				}
				return errEnough
			}
			return nil
		},
	}
	if err := l.StreamOrders(t.Context(), sink); !errors.Is(err, errEnough) {
		t.Error(err)
	}
	if len(seen) != 2 || seen[0] != exchange.New || seen[1] != exchange.Filled {
		t.Errorf("seen %v, want NEW and FILLED", seen)
	}
}

func TestSinkThatEndsLetsTheReplayGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := mustOpen(t, ethConfig(t))
		cfg := sim.DefaultReplay("XRPETH", writeDump(t, make([]int, 40)...))
		cfg.Start = sim.AtOnce
		l := sim.NewLocal(e, alice, "test")
		inTrade, leave := make(chan struct{}), make(chan struct{})
		streamed := start(func() error {
			return l.StreamTrades(t.Context(), "XRPETH", sinkFuncs{trade: func(context.Context, *exchange.TradeEvent) error {
				close(inTrade)
				<-leave
				return errEnough
			}})
		})
		synctest.Wait() // subscribed
		replayed := start(func() error { return mustReplay(t, e, cfg).Run(t.Context()) })
		<-inTrade
		synctest.Wait()
		if n := e.Counts().Trades; n != 8 {
			t.Errorf("%d trades passed while the sink was at the first, want 8", n)
		}
		close(leave)
		if err := <-streamed; !errors.Is(err, errEnough) {
			t.Error(err)
		}
		if err := <-replayed; err != nil || e.Counts().Trades != 40 {
			t.Errorf("%d trades passed, %v; want all 40", e.Counts().Trades, err)
		}
	})
}
