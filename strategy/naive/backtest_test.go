package naive_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"

	"hedgehog/data/backtest"
	"hedgehog/exchange"
	"hedgehog/exchange/dump"
	"hedgehog/exchange/sim"
	"hedgehog/storage"
	"hedgehog/strategy/naive"
)

// The live parts, where each trade waits until the one before has been dealt with,
// make the orders and fills that a backtest makes of the same trades: the same ones
// at the same times under the same names.
func TestABacktestMakesTheOrdersOfTheLiveParts(t *testing.T) {
	for _, day := range []string{"2019-10-11", "2019-10-12"} {
		t.Run(day, func(t *testing.T) {
			path := "../../../shared/data/XRPETH-trades-" + day + ".csv"
			rules, err := sim.SymbolOfDump(path)
			if errors.Is(err, os.ErrNotExist) {
				t.Skip("the recorded trades are not beside the repository")
			}
			if err != nil {
				t.Fatal(err)
			}
			trades := readTrades(t, path)
			settings := naive.DefaultSettings(rules.Name)
			settings.Status, settings.Budget, settings.ProfitTarget = naive.On, d("10"), d("0.001")
			db := openDB(t)
			live := liveOrders(t, rules, settings, trades, db)

			config := backtest.DefaultConfig(rules)
			config.Settings = settings
			var tried []string
			orders := 0
			config.Order = func(o exchange.Order) error { tried = append(tried, orderLine(o)); orders++; return nil }
			var fills []string
			config.Fill = func(f exchange.Fill) error { fills = append(fills, fillLine(f)); return nil }
			if _, err := backtest.Run(t.Context(), config, backtest.Memory(ticksOf(t, trades))); err != nil {
				t.Fatal(err)
			}
			if orders < 50 {
				t.Fatalf("%d orders: too few to tell anything", orders)
			}
			same(t, "order", live.orders, tried)
			same(t, "fill", live.fills, fills)
			var collected []string
			stored, err := db.Orders(t.Context(), storage.OrderFilter{Symbol: rules.Name})
			if err != nil {
				t.Fatal(err)
			}
			for i := range stored { // newest first
				collected = append(collected, orderLine(stored[len(stored)-1-i]))
			}
			same(t, "collected order", collected, tried)
		})
	}
}

// record is what an exchange has of an account.
type record struct{ orders, fills []string }

// liveOrders lets the trades happen to the live parts.
func liveOrders(t *testing.T, rules exchange.Symbol, settings naive.Settings, trades []exchange.TradeEvent, db *storage.DB) record {
	t.Helper()
	now := &clock{at: trades[0].TradeTime.Time()}
	config := sim.DefaultConfig(sim.InfoFor([]exchange.Symbol{rules}))
	config.Now = now.Now
	engine, err := sim.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	desk := newDesk(t, engine, sim.NewLocal(engine, account, "hedgehog/test (lockstep)"), db)
	desk.now = now
	desk.startTrader(settings, nil)
	for _, trade := range trades {
		now.set(trade.TradeTime.Time())
		desk.happens(trade)
	}
	if err := desk.stop(); err != nil && !errors.Is(err, context.Canceled) {
		t.Fatalf("trader: %v", err)
	}
	var r record
	for _, o := range engine.AllOrders(account, rules.Name, sim.OrderQuery{FromID: 1, Limit: 100_000}) {
		r.orders = append(r.orders, orderLine(o))
	}
	for _, f := range engine.Fills(account, rules.Name, sim.FillQuery{Limit: 100_000}) {
		r.fills = append(r.fills, fillLine(f))
	}
	return r
}

func orderLine(o exchange.Order) string {
	return fmt.Sprintf("%d %s %s %s of %s, %s of it filled for %s, %s, at %d to %d",
		o.ID, o.ClientID, o.Side, o.Price, o.OriginalQuantity, o.ExecutedQuantity, o.QuoteQuantity, o.Status, o.Time, o.UpdateTime)
}

func fillLine(f exchange.Fill) string {
	return fmt.Sprintf("order %d by trade %d, %s %s of %s, less %s %s, at %d", f.OrderID, f.TradeID, f.Side, f.Price, f.Quantity, f.Commission, f.CommissionAsset, f.Time)
}

// same fails at the first line that differs.
func same(t *testing.T, what string, live, tried []string) {
	t.Helper()
	for i := range max(len(live), len(tried)) {
		switch {
		case i >= len(live) || i >= len(tried):
			t.Fatalf("%d %ss live, %d in the backtest", len(live), what, len(tried))
		case live[i] != tried[i]:
			t.Fatalf("%s %d\n    live %s\nbacktest %s", what, i+1, live[i], tried[i])
		}
	}
}

func readTrades(t *testing.T, path string) (trades []exchange.TradeEvent) {
	t.Helper()
	r, err := dump.Open(path, dump.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for {
		trade, err := r.Next()
		if err == io.EOF {
			return trades
		}
		if err != nil {
			t.Fatal(err)
		}
		trades = append(trades, trade)
	}
}

func ticksOf(t *testing.T, trades []exchange.TradeEvent) []exchange.Tick {
	t.Helper()
	ticks := make([]exchange.Tick, len(trades))
	for i := range trades {
		var err error
		if ticks[i], err = exchange.TickOf(&trades[i]); err != nil {
			t.Fatal(err)
		}
	}
	return ticks
}
