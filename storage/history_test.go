package storage_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"hedgehog/exchange"
	"hedgehog/storage"
)

func mustRanges(tb testing.TB, db *storage.DB, symbol string) []storage.Range {
	tb.Helper()
	var passed int64
	ranges, err := db.Ranges(tb.Context(), symbol, func(rows int64) { passed += rows })
	if span, problem := db.Span(tb.Context(), symbol); problem != nil || passed != span {
		tb.Errorf("%d rows are passed of %d, %v", passed, span, problem)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return ranges
}

func mustPrune(tb testing.TB, db *storage.DB, symbol string, o storage.PruneOptions) []storage.Pruned {
	tb.Helper()
	pruned, err := db.Prune(tb.Context(), symbol, o)
	if err != nil {
		tb.Fatal(err)
	}
	return pruned
}

func aggTrade(id int64) exchange.AggTrade {
	return exchange.AggTrade{Tick: tick(id), FirstID: 10 * id, LastID: 10*id + 9}
}

// minute returns the candle of one minute that is n minutes after 1970.
func minute(n int64) exchange.Candle {
	return exchange.Candle{Symbol: "A", Minutes: 1, StartTime: exchange.Micros(n) * 60_000_000,
		Open: amount("2"), High: amount("3"), Low: amount("1"), Close: amount("2.5"), Volume: amount("10"), Trades: 4}
}

func TestRangesTellWhatIsThereAndWhatIsMissing(t *testing.T) {
	db := newDB(t)
	mustPutTicks(t, db, "A", ticks(3, 4, 7, 9, 10, 15))
	mustPutTicks(t, db, "B", ticks(1))
	if n, err := db.PutAggTrades(t.Context(), "A", []exchange.AggTrade{aggTrade(2), aggTrade(3)}); err != nil || n != 2 {
		t.Fatalf("wrote %d aggregate trades, %v", n, err)
	}
	if n, err := db.PutOldCandles(t.Context(), []exchange.Candle{minute(5), minute(6), minute(9)}); err != nil || n != 3 {
		t.Fatalf("wrote %d candles, %v", n, err)
	}
	const second, length = 1_000_000, 60_000_000
	want := []storage.Range{
		{Symbol: "A", Kind: storage.KindTrades, Count: 6, FirstID: 3, LastID: 15, FirstTime: 3 * second, LastTime: 15 * second,
			Missing: 7, HoleCount: 3, Holes: []storage.Hole{
				{FirstID: 5, LastID: 6, Missing: 2, After: 4 * second, Before: 7 * second},
				{FirstID: 8, LastID: 8, Missing: 1, After: 7 * second, Before: 9 * second},
				{FirstID: 11, LastID: 14, Missing: 4, After: 10 * second, Before: 15 * second},
			}},
		{Symbol: "A", Kind: storage.KindAggTrades, Count: 2, FirstID: 2, LastID: 3, FirstTime: 2 * second, LastTime: 3 * second},
		{Symbol: "A", Kind: storage.KindCandles, Minutes: 1, Count: 3, FirstTime: 5 * length, LastTime: 9 * length,
			Missing: 2, HoleCount: 1, Holes: []storage.Hole{{Missing: 2, After: 6 * length, Before: 9 * length}}},
	}
	got := mustRanges(t, db, "A")
	if !slices.EqualFunc(got, want, sameRange) {
		t.Errorf("ranges\n got %+v\nwant %+v", got, want)
	}
	symbols, err := db.HistorySymbols(t.Context())
	if err != nil || !slices.Equal(symbols, []string{"A", "B"}) {
		t.Errorf("symbols %v, %v; want A and B", symbols, err)
	}
	if got := mustRanges(t, db, "C"); len(got) != 0 {
		t.Errorf("ranges of a symbol without any: %+v", got)
	}
}

func sameRange(a, b storage.Range) bool {
	holes := slices.Equal(a.Holes, b.Holes)
	a.Holes, b.Holes = nil, nil
	return holes && fmt.Sprint(a) == fmt.Sprint(b)
}

// withHoles returns the trades 1 to last of symbol but for those that are missing,
// and what Ranges has to tell of them.
func withHoles(symbol string, last int64, missing []int64) ([]exchange.Tick, storage.Range) {
	r := storage.Range{Symbol: symbol, Kind: storage.KindTrades, FirstID: 1, LastID: last, FirstTime: tick(1).Time, LastTime: tick(last).Time}
	var all []exchange.Tick
	var hole storage.Hole
	for id := int64(1); id <= last; id++ {
		if slices.Contains(missing, id) {
			if hole.Missing == 0 {
				hole.FirstID, hole.After = id, tick(id-1).Time
			}
			hole.LastID, hole.Before = id, tick(id+1).Time
			hole.Missing++
			r.Missing++
			continue
		}
		if hole.Missing > 0 {
			r.HoleCount++
			if len(r.Holes) < 100 {
				r.Holes = append(r.Holes, hole)
			}
			hole = storage.Hole{}
		}
		all = append(all, tick(id))
		r.Count++
	}
	return all, r
}

func TestRangesAreThoseOfAPlainCount(t *testing.T) {
	db, round := newDB(t), 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		symbol := fmt.Sprint("A", round)
		all, want := withHoles(symbol, 500, rapid.SliceOfN(rapid.Int64Range(2, 499), 0, 400).Draw(rt, "missing"))
		if _, err := db.PutTicks(t.Context(), symbol, all); err != nil {
			rt.Fatal(err)
		}
		if got, err := db.Ranges(t.Context(), symbol, func(int64) {}); err != nil || len(got) != 1 || !sameRange(got[0], want) {
			rt.Fatalf("ranges\n got %+v, %v\nwant %+v", got, err, want)
		}
	})
}

func TestHolesAreSeenWhereOneQueryEndsAndTheNextBegins(t *testing.T) {
	const rows = 1 << 16 // of one query
	db := newDB(t)
	missing := []int64{2, rows, rows + 1, rows + 2}
	all, _ := withHoles("A", rows+3, missing)
	mustPutTicks(t, db, "A", all)
	for { // fewer and fewer are missing
		_, want := withHoles("A", rows+3, missing)
		if got := mustRanges(t, db, "A"); len(got) != 1 || !sameRange(got[0], want) {
			t.Errorf("without %v the ranges are\n got %+v\nwant %+v", missing, got, want)
		}
		if len(missing) == 0 {
			return
		}
		mustPutTicks(t, db, "A", ticks(missing[0]))
		missing = missing[1:]
	}
}

func TestImportedCandlesDoNotReplaceOwnOnes(t *testing.T) {
	db := newDB(t)
	own := minute(5)
	mustWrite(t, db, storage.Batch{Candles: []*exchange.Candle{&own}})
	old := minute(5)
	old.Trades, old.Close = 40, amount("1")
	if n, err := db.PutOldCandles(t.Context(), []exchange.Candle{old, minute(6)}); err != nil || n != 1 {
		t.Fatalf("wrote %d, %v; want 1", n, err)
	}
	got, err := db.Candles(t.Context(), "A", 1, storage.CandleRange{})
	if err != nil || len(got) != 2 || !got[0].Close.Equal(own.Close) || got[0].Trades != own.Trades {
		t.Errorf("stored %+v, %v; want the own one first", got, err)
	}
}

func TestStoredAggregateTradesAreNotContradicted(t *testing.T) {
	for name, change := range map[string]func(*exchange.AggTrade){
		"price":    func(t *exchange.AggTrade) { t.Price++ },
		"quantity": func(t *exchange.AggTrade) { t.Quantity++ },
		"first id": func(t *exchange.AggTrade) { t.FirstID-- },
		"last id":  func(t *exchange.AggTrade) { t.LastID++ },
		"side":     func(t *exchange.AggTrade) { t.BuyerIsMaker = true },
	} {
		t.Run(name, func(t *testing.T) {
			db := newDB(t)
			given := make([]exchange.AggTrade, 120)
			for i := range given {
				given[i] = aggTrade(int64(i + 1))
			}
			for want := int64(len(given)); want >= 0; want -= int64(len(given)) { // and again
				if n, err := db.PutAggTrades(t.Context(), "A", given); err != nil || n != want {
					t.Fatalf("wrote %d, %v; want %d", n, err, want)
				}
			}
			change(&given[60])
			if n, err := db.PutAggTrades(t.Context(), "A", append(given, aggTrade(121))); !errors.Is(err, storage.ErrContradiction) || n != 0 {
				t.Errorf("wrote %d, %v; want %v", n, err, storage.ErrContradiction)
			}
			if got := mustRanges(t, db, "A"); len(got) != 1 || got[0].Count != 120 {
				t.Errorf("stored %+v, want what was stored before", got)
			}
		})
	}
}

func TestPruneDeletesWhatIsOlderAndNotTheNewest(t *testing.T) {
	db := newDB(t)
	ids := make([]int64, 25_000) // more than one transaction deletes
	for i := range ids {
		ids[i] = int64(i + 1)
	}
	mustPutTicks(t, db, "A", ticks(ids...))
	mustPutTicks(t, db, "B", ticks(1, 2, 3))
	if _, err := db.PutOldCandles(t.Context(), []exchange.Candle{minute(5), minute(6), minute(700)}); err != nil {
		t.Fatal(err)
	}
	before := tick(24_000).Time
	trades := storage.Pruned{Symbol: "A", Kind: storage.KindTrades, Rows: 23_999, From: tick(1).Time}
	candles := storage.Pruned{Symbol: "A", Kind: storage.KindCandles, Minutes: 1, Rows: 2, From: minute(5).StartTime}

	if got := mustPrune(t, db, "A", storage.PruneOptions{Before: before, Candles: true, DryRun: true}); !slices.Equal(got, []storage.Pruned{trades, candles}) {
		t.Errorf("a dry run says %+v", got)
	}
	if got := mustTicks(t, db, "A", storage.TradeRange{}); len(got) != len(ids) {
		t.Errorf("%d trades are left after a dry run, want all", len(got))
	}
	var told []int64
	got := mustPrune(t, db, "A", storage.PruneOptions{Before: before, Deleted: func(rows int64) { told = append(told, rows) }})
	if !slices.Equal(got, []storage.Pruned{trades}) || !slices.Equal(told, []int64{20_000, 3999}) {
		t.Errorf("pruned %+v in steps of %v", got, told)
	}
	if got := mustTicks(t, db, "A", storage.TradeRange{}); len(got) != 1001 || got[0].ID != 24_000 {
		t.Errorf("%d trades are left, want 1001 from 24000 on", len(got))
	}
	if got := mustPrune(t, db, "A", storage.PruneOptions{Before: 1 << 60, Candles: true}); len(got) != 2 || got[0].Rows != 1000 || got[1].Rows != 2 {
		t.Errorf("pruned %+v, want all but the newest of each", got)
	}
	if got := mustPrune(t, db, "A", storage.PruneOptions{Before: 1 << 60, Candles: true}); len(got) != 0 {
		t.Errorf("pruned %+v once more, want nothing", got)
	}
	if got := mustTicks(t, db, "B", storage.TradeRange{}); !slices.Equal(got, ticks(1, 2, 3)) {
		t.Errorf("of another symbol are left %+v", got)
	}
}

func TestAnInterruptedPruneHasDeletedTheOldest(t *testing.T) {
	db := newDB(t)
	ids := make([]int64, 21_000)
	for i := range ids {
		ids[i] = int64(i + 1)
	}
	mustPutTicks(t, db, "A", ticks(ids...))
	ctx, cancel := context.WithCancel(t.Context())
	got, err := db.Prune(ctx, "A", storage.PruneOptions{Before: 1 << 60, Deleted: func(int64) { cancel() }})
	if !errors.Is(err, context.Canceled) || len(got) != 1 || got[0].Rows != 20_000 {
		t.Errorf("pruned %+v, %v; want 20000 rows and %v", got, err, context.Canceled)
	}
	if left := mustTicks(t, db, "A", storage.TradeRange{}); len(left) != 1000 || left[0].ID != 20_001 {
		t.Errorf("%d trades are left, from %d on", len(left), left[0].ID)
	}
}

func TestADumpCountsAsImportedUntilSomeOfItIsPruned(t *testing.T) {
	db := newDB(t)
	mustPutTicks(t, db, "A", ticks(1, 2, 3))
	dump := storage.ImportedDump{Name: "A-trades.csv", Sum: sha256.Sum256([]byte("a")), Symbol: "A", Kind: storage.KindTrades, FirstTime: tick(1).Time}
	later := dump
	later.Name, later.FirstTime = "A-trades-later.csv", tick(2).Time
	other := dump
	other.Name, other.Symbol = "B-trades.csv", "B"
	check := func(d storage.ImportedDump, want bool) {
		t.Helper()
		if got, err := db.Imported(t.Context(), d.Name, d.Sum); err != nil || got != want {
			t.Errorf("imported %s: %t, %v; want %t", d.Name, got, err, want)
		}
	}
	check(dump, false)
	for _, d := range []storage.ImportedDump{dump, later, other, dump} {
		if err := db.PutImported(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	changed := dump
	changed.Sum = sha256.Sum256([]byte("b"))
	check(dump, true)
	check(changed, false)
	mustPrune(t, db, "A", storage.PruneOptions{Before: tick(2).Time, DryRun: true})
	check(dump, true)
	mustPrune(t, db, "A", storage.PruneOptions{Before: tick(2).Time})
	check(dump, false)
	check(later, true)
	check(other, true)
}
