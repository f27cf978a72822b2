package storage_test

import (
	"fmt"
	"iter"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"hedgehog/exchange"
	"hedgehog/storage"
)

func mustRead(tb testing.TB, seq iter.Seq2[exchange.TradeEvent, error]) []exchange.TradeEvent {
	tb.Helper()
	var all []exchange.TradeEvent
	for t, err := range seq {
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, t)
	}
	return all
}

func sameTrade(a, b exchange.TradeEvent) bool {
	equal := a.Price.Equal(b.Price) && a.Quantity.Equal(b.Quantity)
	b.Price, b.Quantity = a.Price, a.Quantity
	return equal && a == b
}

func TestARealDayOfTradesComesBackAsItWasWritten(t *testing.T) {
	want, db := recordedTrades(t), newDB(t)
	if w := mustWrite(t, db, storage.Batch{Trades: want}); w.Trades != 5929 {
		t.Fatalf("wrote %d trades, want 5929", w.Trades)
	}
	got := mustRead(t, db.Trades(t.Context(), "XRPETH", storage.TradeRange{}))
	if !slices.EqualFunc(got, want, func(a exchange.TradeEvent, b *exchange.TradeEvent) bool { return sameTrade(a, *b) }) {
		t.Error("trades differ from those written")
	}
	stats, err := db.TradeStats(t.Context(), "XRPETH")
	if want := (storage.TradeStats{Count: 5929, FirstID: 13519807, LastID: 13525735}); err != nil || stats != want {
		t.Errorf("stats %+v, %v; want %+v", stats, err, want)
	}
}

func TestEveryFieldOfATradeComesBack(t *testing.T) {
	db := newDB(t)
	full := &exchange.TradeEvent{Symbol: "A", ID: 1, Price: amount("0.000000010000"), Quantity: amount("90000000000.00000001"),
		TradeTime: 1570752011620123, EventTime: 1570752011620999, BuyerIsMaker: true, BuyerOrderID: 5, SellerOrderID: 1 << 62, Source: exchange.Live}
	mustWrite(t, db, storage.Batch{Trades: []*exchange.TradeEvent{full}})
	want := *full
	want.Source = exchange.Replay
	if got := mustRead(t, db.Trades(t.Context(), "A", storage.TradeRange{})); len(got) != 1 || !sameTrade(got[0], want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestStatsCountTheIDsThatAreMissing(t *testing.T) {
	db := newDB(t)
	mustWrite(t, db, storage.Batch{Trades: trades(3, 4, 7, 9)})
	stats, err := db.TradeStats(t.Context(), "A")
	if want := (storage.TradeStats{Count: 4, FirstID: 3, LastID: 9, Missing: 3}); err != nil || stats != want {
		t.Errorf("stats %+v, %v; want %+v", stats, err, want)
	}
	if stats, err := db.TradeStats(t.Context(), "B"); err != nil || stats != (storage.TradeStats{}) {
		t.Errorf("no trades: %+v, %v", stats, err)
	}
	if id, ok, err := db.LastTradeID(t.Context(), "B"); err != nil || ok || id != 0 {
		t.Errorf("last of none: %d, %v, %v", id, ok, err)
	}
}

func TestTradesOfARangeAreThoseThatASimpleFilterKeeps(t *testing.T) {
	db, round := newDB(t), 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		symbol := fmt.Sprint("A", round) // with other symbols' trades around it
		// Ids with holes, times that repeat, several pages.
		all := trades()
		id, at := int64(rapid.IntRange(0, 5).Draw(rt, "first")), exchange.Micros(1)
		for range rapid.SampledFrom([]int{0, 1, 7, 20, 50, 100, 1001}).Draw(rt, "count") {
			id += int64(rapid.IntRange(1, 3).Draw(rt, "step"))
			at += exchange.Micros(rapid.IntRange(0, 2).Draw(rt, "pause"))
			next := trade(id)
			next.Symbol, next.TradeTime = symbol, at
			all = append(all, next)
		}
		r := storage.TradeRange{
			FromID: int64(rapid.IntRange(0, int(id)+2).Draw(rt, "from id")),
			From:   exchange.Micros(rapid.IntRange(0, int(at)+2).Draw(rt, "from")),
			To:     exchange.Micros(rapid.IntRange(0, int(at)+2).Draw(rt, "to")),
			Limit:  rapid.SampledFrom([]int{0, 1, 20, 999, 1000, 1001}).Draw(rt, "limit"),
		}
		if _, err := db.Write(t.Context(), storage.Batch{Trades: all}); err != nil {
			rt.Fatal(err)
		}
		var want, got []int64
		for _, e := range all {
			if e.ID >= r.FromID && e.TradeTime >= r.From && (r.To == 0 || e.TradeTime < r.To) && (r.Limit == 0 || len(want) < r.Limit) {
				want = append(want, e.ID)
			}
		}
		before := slices.IndexFunc(all, func(e *exchange.TradeEvent) bool { return e.TradeTime >= r.From })
		if before < 0 {
			before = len(all)
		}
		if last, ok, err := db.LastTradeBefore(t.Context(), symbol, r.From); err != nil || ok != (before > 0) || ok && last != all[before-1].ID {
			rt.Fatalf("last before %d: %d, %v, %v; want that of %d trades", r.From, last, ok, err, before)
		}
		for e, err := range db.Trades(t.Context(), symbol, r) {
			if err != nil {
				rt.Fatal(err)
			}
			got = append(got, e.ID)
		}
		if !slices.Equal(got, want) {
			rt.Fatalf("%+v: %d trades, want %d", r, len(got), len(want))
		}
	})
}

func TestReadingTradesHoldsNoConnectionWhileItsConsumerThinks(t *testing.T) {
	db := newDB(t)
	mustWrite(t, db, storage.Batch{Trades: trades(1, 2, 3)})
	// Far more readers than connections, all in the middle of their trades.
	for range 20 {
		next, stop := iter.Pull2(db.Trades(t.Context(), "A", storage.TradeRange{}))
		defer stop()
		if e, err, ok := next(); !ok || err != nil || e.ID != 1 {
			t.Fatalf("first trade %+v, %v, %v", e, err, ok)
		}
	}
}

func BenchmarkWriteTrades(b *testing.B) {
	for _, size := range []int{1, 1000} {
		b.Run(map[int]string{1: "one by one", 1000: "1000 a batch"}[size], func(b *testing.B) {
			db := newDB(b)
			batch := make([]*exchange.TradeEvent, size)
			for i := range batch {
				batch[i] = trade(0)
				batch[i].Price, batch[i].Quantity = amount("0.00141342"), amount("23.5")
			}
			var id int64
			b.ReportAllocs()
			for b.Loop() {
				for _, t := range batch {
					id++
					t.ID, t.TradeTime = id, exchange.Micros(1570752011620000+id)
				}
				mustWrite(b, db, storage.Batch{Trades: batch})
			}
			b.ReportMetric(float64(id)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
