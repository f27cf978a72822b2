package sim_test

import (
	"math"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"hedgehog/exchange"
	"hedgehog/exchange/sim"
)

// Trades that pass at once are worth as much as the same trades one by one, wherever
// they fill nothing.
func TestTradesThatFillNothingMayPassAtOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules, err := sim.SymbolFor("XRPUSDT")
		if err != nil {
			t.Fatal(err)
		}
		rules.Filters.AvgPriceMinutes = rapid.IntRange(0, 2).Draw(t, "minutes")
		config := sim.DefaultConfig(sim.InfoFor([]exchange.Symbol{rules}))
		single, err := sim.New(config)
		if err != nil {
			t.Fatal(err)
		}
		defer single.Close()
		atOnce, err := sim.New(config)
		if err != nil {
			t.Fatal(err)
		}
		defer atOnce.Close()
		var id int64
		var at exchange.Micros = 1_700_000_000_000_000
		for range rapid.IntRange(1, 8).Draw(t, "batches") {
			low, high, err := atOnce.Calm("XRPUSDT")
			if err != nil {
				t.Fatal(err)
			}
			var calm []exchange.Tick
			for range rapid.IntRange(0, 40).Draw(t, "trades") {
				id++
				at += exchange.Micros(rapid.Int64Range(0, 20_000_000).Draw(t, "pause"))
				price := exchange.Units(rapid.Int64Range(4_000, 6_000).Draw(t, "price") * 1e4)
				tick := exchange.Tick{ID: id, Time: at, Price: price, Quantity: exchange.Units(rapid.Int64Range(1, 1e15).Draw(t, "quantity"))}
				if err := single.Trade(tick.Event("XRPUSDT")); err != nil {
					t.Fatal(err)
				}
				if price >= low && price <= high {
					calm = append(calm, tick)
					continue
				}
				if err := atOnce.Pass("XRPUSDT", calm); err != nil {
					t.Fatal(err)
				}
				calm = nil
				if err := atOnce.Trade(tick.Event("XRPUSDT")); err != nil {
					t.Fatal(err)
				}
				if low, high, err = atOnce.Calm("XRPUSDT"); err != nil {
					t.Fatal(err)
				}
			}
			if err := atOnce.Pass("XRPUSDT", calm); err != nil {
				t.Fatal(err)
			}
			order := exchange.LimitOrder{Symbol: "XRPUSDT", Side: exchange.Buy, Price: decimal.New(rapid.Int64Range(4_000, 6_000).Draw(t, "limit"), -4), Quantity: decimal.New(100, 0)}
			for _, e := range []*sim.Engine{single, atOnce} {
				_, _ = e.Place(sim.PlaceRequest{Account: "a", Order: order}) // refused alike, as the journals would show
			}
			if one, other := single.AllOrders("a", "XRPUSDT", sim.OrderQuery{Limit: 100}), atOnce.AllOrders("a", "XRPUSDT", sim.OrderQuery{Limit: 100}); !sameOrders(one, other) {
				t.Fatalf("orders one by one %v, at once %v", one, other)
			}
			_, one, lastOne, _ := single.AveragePrice("XRPUSDT")
			_, other, lastOther, _ := atOnce.AveragePrice("XRPUSDT")
			if !one.Equal(other) || lastOne != lastOther {
				t.Fatalf("average price one by one %s at %d, at once %s at %d", one, lastOne, other, lastOther)
			}
		}
	})
}

func sameOrders(a, b []exchange.Order) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].ID != b[i].ID || a[i].Status != b[i].Status || !a[i].ExecutedQuantity.Equal(b[i].ExecutedQuantity) {
			return false
		}
	}
	return true
}

func TestWithoutOrdersEveryPriceIsCalm(t *testing.T) {
	rules, err := sim.SymbolFor("XRPUSDT")
	if err != nil {
		t.Fatal(err)
	}
	engine, err := sim.New(sim.DefaultConfig(sim.InfoFor([]exchange.Symbol{rules})))
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	if low, high, err := engine.Calm("XRPUSDT"); err != nil || low != 0 || high != math.MaxInt64 {
		t.Errorf("calm from %s to %s, %v; want all prices", low, high, err)
	}
}

func TestTradesDoNotPassAtOnceWhereTheyAreKept(t *testing.T) {
	rules, err := sim.SymbolFor("XRPUSDT")
	if err != nil {
		t.Fatal(err)
	}
	config := sim.DefaultConfig(sim.InfoFor([]exchange.Symbol{rules}))
	config.DataDir = t.TempDir()
	engine, err := sim.New(config)
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	if err := engine.Pass("XRPUSDT", []exchange.Tick{{ID: 1, Time: 1, Price: 1, Quantity: 1}}); err == nil || !strings.Contains(err.Error(), "data directory") {
		t.Errorf("pass: %v, want an error that names the data directory", err)
	}
}

// A trade that does not fit is refused before it is in the log, which else could not
// be read again.
func TestATradeOfTooManyPlacesIsRefusedAndNotKept(t *testing.T) {
	rules, err := sim.SymbolFor("XRPUSDT")
	if err != nil {
		t.Fatal(err)
	}
	config := sim.DefaultConfig(sim.InfoFor([]exchange.Symbol{rules}))
	config.DataDir = t.TempDir()
	engine, err := sim.New(config)
	if err != nil {
		t.Fatal(err)
	}
	trade := exchange.TradeEvent{Symbol: "XRPUSDT", ID: 1, Price: decimal.New(1, -9), Quantity: decimal.New(1, 0), TradeTime: 1}
	if err := engine.Trade(trade); err == nil || !strings.Contains(err.Error(), "price") {
		t.Errorf("trade: %v, want an error that names the price", err)
	}
	if err := engine.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := sim.New(config)
	if err != nil {
		t.Fatalf("open again: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}
