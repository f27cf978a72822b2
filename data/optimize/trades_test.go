package optimize_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"hedgehog/data/optimize"
	"hedgehog/exchange"
)

func TestTradesBetweenTwoTimesAreThoseOfAPlainLook(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var ticks []exchange.Tick
		at := exchange.Micros(0)
		for id := range rapid.Int64Range(1, 200).Draw(t, "trades") {
			at += exchange.Micros(rapid.Int64Range(0, 3).Draw(t, "pause"))
			ticks = append(ticks, exchange.Tick{ID: id, Time: at, Price: 1, Quantity: 1})
		}
		trades := optimize.NewTrades(1 << 20)
		for batch := range slices.Chunk(ticks, rapid.IntRange(1, 50).Draw(t, "batch")) {
			if err := trades.Add(batch); err != nil {
				t.Fatal(err)
			}
		}
		from, to := exchange.Micros(rapid.Int64Range(0, int64(at)+2).Draw(t, "from")), exchange.Micros(rapid.Int64Range(0, int64(at)+2).Draw(t, "to"))
		to = max(from, to)
		var got, want []exchange.Tick
		for batch := range trades.Between(from, to) {
			got = append(got, batch...)
		}
		for _, tick := range ticks {
			if tick.Time >= from && tick.Time < to {
				want = append(want, tick)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("from %d to before %d: %v, want %v", from, to, got, want)
		}
	})
}

func TestManyTradesAreKeptInOrder(t *testing.T) {
	const n = 200_000 // several blocks
	trades := waves(t, n)
	next := int64(1)
	for batch := range trades.Between(0, 1<<62) {
		for _, tick := range batch {
			if tick.ID != next {
				t.Fatalf("trade %d, want %d", tick.ID, next)
			}
			next++
		}
	}
	if next != n+1 || trades.Count() != n || trades.First().ID != 1 || trades.Last().ID != n {
		t.Errorf("%d trades, %d counted, from %d to %d; want %d", next-1, trades.Count(), trades.First().ID, trades.Last().ID, n)
	}
}

func TestTradesThatDoNotFitAreRefused(t *testing.T) {
	tick := func(id int64, at exchange.Micros) exchange.Tick {
		return exchange.Tick{ID: id, Time: at, Price: 1, Quantity: 1}
	}
	trades := optimize.NewTrades(2 * 40)
	if err := trades.Add([]exchange.Tick{tick(5, 5)}); err != nil {
		t.Fatal(err)
	}
	for want, bad := range map[string]exchange.Tick{"ids must rise": tick(5, 6), "earlier time": tick(6, 4)} {
		if err := trades.Add([]exchange.Tick{bad}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("add %+v: %v, want that %s", bad, err, want)
		}
	}
	if err := trades.Add([]exchange.Tick{tick(6, 5), tick(7, 5)}); !errors.Is(err, optimize.ErrMemory) || !strings.Contains(err.Error(), "1970-01-01T00:00:00Z") {
		t.Errorf("a third trade where two fit: %v, want ErrMemory and up to when they fit", err)
	}
	if trades.Count() != 2 {
		t.Errorf("%d trades, want 2", trades.Count())
	}
	if err := optimize.NewTrades(0).Add([]exchange.Tick{tick(1, 1)}); !errors.Is(err, optimize.ErrMemory) {
		t.Errorf("a trade where none fits: %v, want ErrMemory", err)
	}
}

func TestTheDigestTellsTradesApart(t *testing.T) {
	base := exchange.Tick{ID: 1, Time: 2, Price: 3, Quantity: 4}
	digest := func(tick exchange.Tick) string {
		trades := optimize.NewTrades(1 << 20)
		if err := trades.Add([]exchange.Tick{tick}); err != nil {
			t.Fatal(err)
		}
		text, err := trades.Digest(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	seen := map[string]bool{digest(base): true}
	for _, change := range []func(*exchange.Tick){
		func(t *exchange.Tick) { t.ID++ }, func(t *exchange.Tick) { t.Time++ }, func(t *exchange.Tick) { t.Price++ },
		func(t *exchange.Tick) { t.Quantity++ }, func(t *exchange.Tick) { t.BuyerIsMaker = true },
	} {
		other := base
		change(&other)
		seen[digest(other)] = true
	}
	if len(seen) != 6 || !seen[digest(base)] {
		t.Errorf("%d digests of 6 different trades", len(seen))
	}
}
