package sim_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
	"hedgehog/exchange/sim"
)

// walk runs a walk for a while of virtual time, on an engine of its own or the
// given one, and returns the trades of its symbol.
func walk(t *testing.T, cfg sim.WalkConfig, engine sim.Config, d time.Duration) (trades []exchange.TradeEvent) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		engine.Now = time.Now
		e := mustOpen(t, engine)
		w, err := sim.NewWalk(cfg, e)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), d)
		defer cancel()
		if err := w.Run(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		if trades, err = e.Trades(cfg.Symbols[0], 0, 1<<20); err != nil {
			t.Fatal(err)
		}
	})
	return trades
}

func walkConfig(tb testing.TB, names ...string) sim.Config {
	tb.Helper()
	var symbols []exchange.Symbol
	for _, name := range names {
		symbols = append(symbols, mustSymbol(tb, name))
	}
	return sim.DefaultConfig(sim.InfoFor(symbols))
}

func TestWalkIsTheSameForTheSameSeed(t *testing.T) {
	describe := func(seed uint64) string {
		cfg := sim.DefaultWalk([]string{symbol, "ETHUSDT"})
		cfg.Seed = seed
		var text strings.Builder
		for _, trade := range walk(t, cfg, walkConfig(t, cfg.Symbols...), 20*time.Second) {
			fmt.Fprintln(&text, trade.ID, trade.Price, trade.Quantity, trade.BuyerIsMaker)
		}
		return text.String()
	}
	first := describe(1)
	if n := strings.Count(first, "\n"); n < 95 || n > 100 {
		t.Errorf("%d trades in 20 seconds at 5 a second", n)
	}
	if describe(1) != first {
		t.Error("the same seed gave other trades")
	}
	if describe(2) == first {
		t.Error("another seed gave the same trades")
	}
}

func TestWalkKeepsToTheSymbolsUnits(t *testing.T) {
	for _, name := range []string{symbol, "BTCUSDT", "XRPETH", "ETHBTC", "SHIBUSDT"} {
		t.Run(name, func(t *testing.T) {
			cfg := sim.DefaultWalk([]string{name})
			cfg.PerSecond = 100
			rules := mustSymbol(t, name)
			prices := make(map[string]bool)
			for i, trade := range walk(t, cfg, walkConfig(t, name), time.Minute) {
				if trade.ID != int64(i+1) || !rules.FloorPrice(trade.Price).Equal(trade.Price) || !rules.FloorQuantity(trade.Quantity).Equal(trade.Quantity) {
					t.Fatalf("trade %+v", trade)
				}
				prices[trade.Price.String()] = true
			}
			if len(prices) < 20 {
				t.Errorf("%d prices in a minute: the walk stands still", len(prices))
			}
		})
	}
}

func TestWalkGoesOnAfterARestart(t *testing.T) {
	cfg := sim.DefaultWalk([]string{symbol})
	engine := walkConfig(t, symbol)
	engine.DataDir = filepath.Join(t.TempDir(), "data")
	before := walk(t, cfg, engine, 20*time.Second)
	after := walk(t, cfg, engine, 20*time.Second)[len(before):]
	last, first := before[len(before)-1], after[0]
	if first.ID != last.ID+1 {
		t.Errorf("trade %d after the restart, want %d", first.ID, last.ID+1)
	}
	if first.Price.Sub(last.Price).Abs().GreaterThan(last.Price.Mul(dec("0.002"))) {
		t.Errorf("price %s after the restart, %s before", first.Price, last.Price)
	}
	if after[0].Price.Equal(before[0].Price) && after[1].Price.Equal(before[1].Price) && after[2].Price.Equal(before[2].Price) {
		t.Error("the walk takes the same steps again")
	}
}

// A trader with usual settings should see something happen while somebody looks
// at it: a position bought and sold within two minutes, whatever the seed.
func TestWalkLetsATraderComeOutOfItsPositions(t *testing.T) {
	const seeds = 20
	cycles, without := 0, 0
	for seed := range uint64(seeds) {
		cfg := sim.DefaultWalk([]string{symbol})
		cfg.Seed = seed
		n := tradeCycles(mustSymbol(t, symbol), walk(t, cfg, walkConfig(t, symbol), 2*time.Minute))
		cycles += n
		if n == 0 {
			without++
		}
	}
	t.Logf("%d cycles in %d walks, %d walks without one", cycles, seeds, without)
	if without > seeds/10 {
		t.Errorf("%d of %d walks had no cycle in two minutes", without, seeds)
	}
}

// tradeCycles counts how often one position is bought 0.05 % below the price and
// sold for 0.2 % of profit after the fees of both sides.
func tradeCycles(rules exchange.Symbol, trades []exchange.TradeEvent) int {
	one, fee, profit := decimal.New(1, 0), dec("0.001"), dec("0.002")
	var buy, sell decimal.Decimal
	holds, cycles := false, 0
	for _, trade := range trades {
		switch {
		case buy.IsZero():
			buy = rules.FloorPrice(trade.Price.Mul(one.Sub(dec("0.0005"))))
			sell = rules.FloorPrice(buy.Mul(one.Add(fee)).Mul(one.Add(profit)).Mul(one.Add(fee)))
		case !holds:
			holds = trade.Price.LessThan(buy)
		case trade.Price.GreaterThan(sell):
			cycles++
			buy, holds = decimal.Zero, false
		}
	}
	return cycles
}

func TestWalkThatCanNotBeMadeIsRefused(t *testing.T) {
	e := mustOpen(t, testConfig(t))
	cases := map[string]struct {
		cfg  sim.WalkConfig
		want string
	}{
		"no symbols":     {sim.DefaultWalk(nil), "Symbols"},
		"twice":          {sim.DefaultWalk([]string{symbol, symbol}), "twice"},
		"no pace":        {sim.WalkConfig{Symbols: []string{symbol}}, "PerSecond"},
		"unknown symbol": {sim.DefaultWalk([]string{"ETHUSDT"}), "ETHUSDT"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if _, err := sim.NewWalk(c.cfg, e); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one that says %s", err, c.want)
			}
		})
	}
}
