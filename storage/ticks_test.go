package storage_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"hedgehog/exchange"
	"hedgehog/storage"
)

// tick returns the same trade as the function trade.
func tick(id int64) exchange.Tick {
	return exchange.Tick{ID: id, Time: exchange.Micros(id) * 1_000_000, Price: 150_000_000, Quantity: 200_000_000}
}

func ticks(ids ...int64) []exchange.Tick {
	all := make([]exchange.Tick, len(ids))
	for i, id := range ids {
		all[i] = tick(id)
	}
	return all
}

func mustPutTicks(tb testing.TB, db *storage.DB, symbol string, ticks []exchange.Tick) int64 {
	tb.Helper()
	n, err := db.PutTicks(tb.Context(), symbol, ticks)
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

func mustTicks(tb testing.TB, db *storage.DB, symbol string, r storage.TradeRange) []exchange.Tick {
	tb.Helper()
	var all []exchange.Tick
	if err := db.Ticks(tb.Context(), symbol, r, func(page []exchange.Tick) error {
		all = append(all, page...)
		return nil
	}); err != nil {
		tb.Fatal(err)
	}
	return all
}

// recordedTicks returns the trades of one real day of XRPETH.
func recordedTicks(tb testing.TB) []exchange.Tick {
	tb.Helper()
	var all []exchange.Tick
	for _, event := range recordedTrades(tb) {
		t, err := exchange.TickOf(event)
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, t)
	}
	return all
}

func TestTicksAndTradesAreTheSameRows(t *testing.T) {
	asTicks, asEvents, want := newDB(t), newDB(t), recordedTicks(t)
	if n := mustPutTicks(t, asTicks, "XRPETH", want); n != 5929 {
		t.Fatalf("wrote %d trades, want 5929", n)
	}
	mustWrite(t, asEvents, storage.Batch{Trades: recordedTrades(t)})
	for name, db := range map[string]*storage.DB{"ticks": asTicks, "events": asEvents} {
		if got := mustTicks(t, db, "XRPETH", storage.TradeRange{}); !slices.Equal(got, want) {
			t.Errorf("written as %s, the ticks differ from those written", name)
		}
	}
	all := storage.TradeRange{}
	if !slices.EqualFunc(mustRead(t, asTicks.Trades(t.Context(), "XRPETH", all)), mustRead(t, asEvents.Trades(t.Context(), "XRPETH", all)), sameTrade) {
		t.Error("the events of ticks differ from those of events")
	}
}

func TestEveryTickComesBackAsItWasWritten(t *testing.T) {
	db, round := newDB(t), 0
	amounts := rapid.OneOf(rapid.Int64Range(1, 1<<62), rapid.Map(rapid.Int64Range(1, 1000), func(n int64) int64 { return n * 100_000_000 }))
	rapid.Check(t, func(rt *rapid.T) {
		round++
		symbol := fmt.Sprint("A", round)
		var want []exchange.Tick
		id, at := int64(0), exchange.Micros(1)
		for range rapid.SampledFrom([]int{0, 1, 99, 100, 101, 250}).Draw(rt, "count") {
			id += int64(rapid.IntRange(1, 3).Draw(rt, "step"))
			at += exchange.Micros(rapid.IntRange(0, 2).Draw(rt, "pause"))
			want = append(want, exchange.Tick{ID: id, Time: at, Price: exchange.Units(amounts.Draw(rt, "price")),
				Quantity: exchange.Units(amounts.Draw(rt, "quantity")), BuyerIsMaker: rapid.Bool().Draw(rt, "maker")})
		}
		n, err := db.PutTicks(t.Context(), symbol, want)
		if err != nil || n != int64(len(want)) {
			rt.Fatalf("wrote %d, %v; want %d", n, err, len(want))
		}
		if n, err := db.PutTicks(t.Context(), symbol, want); err != nil || n != 0 {
			rt.Fatalf("wrote %d again, %v", n, err)
		}
		if got := mustTicks(t, db, symbol, storage.TradeRange{}); !slices.Equal(got, want) {
			rt.Fatalf("got %d ticks, want %d", len(got), len(want))
		}
	})
}

func TestTicksOfARangeAreTheTradesOfThatRange(t *testing.T) {
	db := newDB(t)
	ids := make([]int64, 0, 9000)
	for id := int64(5); len(ids) < cap(ids); id++ {
		if id%7 != 0 {
			ids = append(ids, id)
		}
	}
	mustPutTicks(t, db, "A", ticks(ids...))
	mustPutTicks(t, db, "B", ticks(1, 2, 3))
	rapid.Check(t, func(rt *rapid.T) {
		at := func(name string) exchange.Micros {
			return exchange.Micros(rapid.SampledFrom([]int64{0, 1, 7_000_000, 7_000_001, 9_000_000_000, 90_000_000_000}).Draw(rt, name))
		}
		r := storage.TradeRange{FromID: rapid.Int64Range(0, 11_000).Draw(rt, "from id"), From: at("from"), To: at("to"),
			Limit: rapid.SampledFrom([]int{0, 1, 8191, 8192, 8193}).Draw(rt, "limit")}
		var want []int64
		for _, id := range ids {
			if e := tick(id); e.ID >= r.FromID && e.Time >= r.From && (r.To == 0 || e.Time < r.To) && (r.Limit == 0 || len(want) < r.Limit) {
				want = append(want, id)
			}
		}
		if got := mustTicks(t, db, "A", r); !slices.Equal(got, ticks(want...)) {
			rt.Fatalf("%+v: %d ticks, want %d", r, len(got), len(want))
		}
	})
	if got := mustTicks(t, db, "C", storage.TradeRange{From: 1, To: 1 << 60}); len(got) != 0 {
		t.Errorf("%d ticks of a symbol without any", len(got))
	}
}

func TestStoredTradesAreNotContradicted(t *testing.T) {
	for name, change := range map[string]func(*exchange.Tick){
		"price":    func(t *exchange.Tick) { t.Price++ },
		"quantity": func(t *exchange.Tick) { t.Quantity++ },
		"time":     func(t *exchange.Tick) { t.Time += 1000 },
		"side":     func(t *exchange.Tick) { t.BuyerIsMaker = !t.BuyerIsMaker },
	} {
		t.Run(name, func(t *testing.T) {
			db := newDB(t)
			mustPutTicks(t, db, "A", ticks(2, 4))
			given := ticks(1, 2, 3, 4, 5)
			change(&given[3])
			if n, err := db.PutTicks(t.Context(), "A", given); !errors.Is(err, storage.ErrContradiction) || n != 0 {
				t.Errorf("wrote %d, %v; want %v", n, err, storage.ErrContradiction)
			}
			if got := mustTicks(t, db, "A", storage.TradeRange{}); !slices.Equal(got, ticks(2, 4)) {
				t.Errorf("stored %+v, want what was stored before", got)
			}
		})
	}
}

func TestATimeInMillisecondsIsNoContradictionOfMicroseconds(t *testing.T) {
	exact := tick(1)
	exact.Time += 123
	rounded := tick(1)
	for name, order := range map[string][2]exchange.Tick{"exact first": {exact, rounded}, "exact last": {rounded, exact}} {
		t.Run(name, func(t *testing.T) {
			db := newDB(t)
			mustPutTicks(t, db, "A", order[:1])
			if n := mustPutTicks(t, db, "A", order[1:]); n != 0 {
				t.Errorf("wrote %d, want the stored trade to stay", n)
			}
			if got := mustTicks(t, db, "A", storage.TradeRange{}); !slices.Equal(got, order[:1]) {
				t.Errorf("stored %+v, want %+v", got, order[:1])
			}
		})
	}
}

func TestWhatIsNoTradeIsRefusedWhole(t *testing.T) {
	free := tick(3)
	free.Price = 0
	for name, given := range map[string][]exchange.Tick{
		"ids that fall":   ticks(1, 2, 1),
		"an id twice":     ticks(1, 1),
		"a price of zero": {tick(1), free},
	} {
		t.Run(name, func(t *testing.T) {
			db := newDB(t)
			// Padded to a statement of many rows, too.
			for _, given := range [][]exchange.Tick{given, append(slices.Clone(given), make([]exchange.Tick, 100)...)} {
				if n, err := db.PutTicks(t.Context(), "A", given); err == nil || n != 0 {
					t.Errorf("wrote %d, %v; want an error", n, err)
				}
			}
			if got := mustTicks(t, db, "A", storage.TradeRange{}); len(got) != 0 {
				t.Errorf("stored %+v, want nothing", got)
			}
		})
	}
}

func TestReadingTicksEndsWithItsConsumerAndItsContext(t *testing.T) {
	db := newDB(t)
	mustPutTicks(t, db, "A", ticks(1, 2, 3))
	enough := errors.New("enough")
	if err := db.Ticks(t.Context(), "A", storage.TradeRange{}, func([]exchange.Tick) error { return enough }); err != enough {
		t.Errorf("error %v, want the consumer's", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := db.Ticks(ctx, "A", storage.TradeRange{}, func([]exchange.Tick) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}

func TestTheIDsOfTicksAreThoseOfTheFirstAndTheLast(t *testing.T) {
	db := newDB(t)
	mustPutTicks(t, db, "XRPETH", ticks(3, 4, 5, 8, 9)) // of as many seconds
	for _, test := range []struct {
		from, to    exchange.Micros // seconds
		first, last int64
	}{{0, 0, 3, 9}, {4, 0, 4, 9}, {0, 9, 3, 8}, {1, 100, 3, 9}, {5, 6, 5, 5}, {10, 0, 0, 0}, {0, 3, 0, 0}} {
		first, last, err := db.TickIDs(t.Context(), "XRPETH", storage.TradeRange{From: test.from * 1_000_000, To: test.to * 1_000_000})
		if err != nil || first != test.first || last != test.last {
			t.Errorf("from %d to %d: %d to %d, %v; want %d to %d", test.from, test.to, first, last, err, test.first, test.last)
		}
	}
	if first, last, err := db.AggTickIDs(t.Context(), "XRPETH", storage.TradeRange{}); err != nil || first != 0 || last != 0 {
		t.Errorf("of no aggregate trades: %d to %d, %v", first, last, err)
	}
}
