package sim_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"hedgehog/exchange"
	"hedgehog/exchange/sim"
)

// BenchmarkTrade passes trades beside a book of 100 orders that none of them reaches.
func BenchmarkTrade(b *testing.B) {
	for _, kept := range []bool{false, true} {
		b.Run(fmt.Sprint("kept=", kept), func(b *testing.B) {
			cfg := testConfig(b)
			cfg.Info.RateLimits = nil
			if kept {
				cfg.DataDir = filepath.Join(b.TempDir(), "data")
			}
			e := mustOpen(b, cfg)
			for i := range 100 {
				mustPlace(b, e, request(alice, fmt.Sprint("a-", i), exchange.Buy, "0.5", "10"))
			}
			t := exchange.TradeEvent{Symbol: symbol, Price: dec("0.51"), Quantity: dec("10")}
			b.ReportAllocs()
			for b.Loop() {
				t.ID++
				if err := e.Trade(t); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkOrderLife places an order and passes the trade that fills it.
func BenchmarkOrderLife(b *testing.B) {
	cfg := testConfig(b)
	cfg.Info.RateLimits = nil
	cfg.Commission = dec("0")
	e := mustOpen(b, cfg)
	t := exchange.TradeEvent{Symbol: symbol, Quantity: dec("10")}
	buy, sell := request(alice, "a", exchange.Buy, "0.5", "10"), request(alice, "b", exchange.Sell, "0.5", "10")
	cycle := func(r sim.PlaceRequest, price string) {
		if _, err := e.Place(r); err != nil {
			b.Fatal(err)
		}
		t.ID++
		t.Price = dec(price)
		if err := e.Trade(t); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		cycle(buy, "0.49")
		cycle(sell, "0.51")
	}
}
