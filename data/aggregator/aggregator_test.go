package aggregator_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"hedgehog/data/aggregator"
	"hedgehog/data/bus"
	"hedgehog/exchange"
)

func TestARecordedDayMakesTheSameCandlesOnTheBus(t *testing.T) {
	trades := recordedTrades(t)
	candles := candlesOf(aggregate(t, database{openDB(t)}, history(nil), quiet(), symbol, trades))
	for _, minutes := range exchange.CandleMinutes {
		wantCandles(t, ofLength(candles, minutes), plainCandles(trades, int64(minutes)))
	}
}

func TestACutAnywhereChangesNoStoredCandle(t *testing.T) {
	db := openDB(t)
	runs := 0
	rapid.Check(t, func(rt *rapid.T) {
		runs++
		symbol := fmt.Sprintf("S%d", runs) // each run's rows are its own
		trades := drawTrades(rt, symbol)
		// Some trades never reach the bus: the exchange has them. The first trade of
		// a day always comes: what is missing before it goes unnoticed after a cut.
		var published []*exchange.TradeEvent
		for i, trade := range trades {
			sameDay := i > 0 && trade.TradeTime/day == trades[i-1].TradeTime/day
			if !sameDay || i == len(trades)-1 || rapid.IntRange(0, 9).Draw(rt, "missing") > 0 {
				published = append(published, trade)
			}
		}
		// goOn publishes what is not stored yet and returns what passed on the bus.
		goOn := func() []bus.Event {
			last, _, err := db.LastTradeID(t.Context(), symbol)
			if err != nil {
				rt.Fatalf("last stored trade: %v", err)
			}
			next := slices.IndexFunc(published, func(t *exchange.TradeEvent) bool { return t.ID > last })
			if next < 0 {
				next = len(published)
			}
			type start struct {
				minutes int
				at      exchange.Micros
			}
			known := make(map[start]bool)
			for _, minutes := range exchange.CandleMinutes {
				for _, c := range storedCandles(rt, db, symbol, minutes) {
					known[start{minutes, c.StartTime}] = true
				}
			}
			events := aggregate(rt, database{db}, history(trades), quiet(), symbol, published[next:])
			for _, c := range candlesOf(events) {
				if known[start{c.Minutes, c.StartTime}] {
					rt.Fatalf("published again: %v", *c)
				}
			}
			return events
		}
		for range rapid.IntRange(0, 2).Draw(rt, "cuts") {
			events := goOn()
			if rapid.Bool().Draw(rt, "candles go first") {
				candlesFirst(events)
			}
			store(rt, db, events[:rapid.IntRange(0, len(events)).Draw(rt, "stored events")])
		}
		store(rt, db, goOn())
		for _, minutes := range exchange.CandleMinutes {
			wantCandles(rt, storedCandles(rt, db, symbol, minutes), plainCandles(trades, int64(minutes)))
		}
	})
}

// candlesFirst moves each candle before the trade that closed it: a collector
// may see them so, since it is given the trade last.
func candlesFirst(events []bus.Event) {
	for i := 1; i < len(events); i++ {
		_, isCandle := events[i].(*exchange.Candle)
		if _, afterTrade := events[i-1].(*exchange.TradeEvent); isCandle && afterTrade {
			events[i-1], events[i] = events[i], events[i-1]
		}
	}
}

func TestAGapIsFilledFromTheExchange(t *testing.T) {
	trades := []*exchange.TradeEvent{
		trade(10, midnight, "10"), trade(11, midnight+second, "9.5"), trade(12, midnight+2*second, "11"),
		trade(13, midnight+minute, "10"), trade(14, midnight+2*minute, "10"),
	}
	for _, c := range []struct {
		name   string
		stored []int // of trades
		then   []int
	}{
		{"within what passes on the bus", nil, []int{0, 2, 4}},
		{"between what is stored and what passes", []int{0, 1}, []int{3, 4}},
		{"within what is stored", []int{0, 3}, []int{4}},
	} {
		t.Run(c.name, func(t *testing.T) {
			db := openDB(t)
			for _, i := range c.stored {
				store(t, db, []bus.Event{trades[i]})
			}
			var then []*exchange.TradeEvent
			for _, i := range c.then {
				then = append(then, trades[i])
			}
			candles := candlesOf(aggregate(t, database{db}, history(trades), quiet(), symbol, then))
			wantCandles(t, ofLength(candles, 1), plainCandles(trades, 1))
		})
	}
}

// After a restart the trades from the last stored candles on are counted: the first
// of them may be missing too.
func TestAGapIsFilledWhereARestartBegins(t *testing.T) {
	trades := []*exchange.TradeEvent{
		trade(10, midnight-second, "10"), trade(11, midnight, "9"), trade(12, midnight+second, "12"),
		trade(13, midnight+2*second, "11"), trade(14, midnight+minute, "10"),
	}
	first := aggregate(t, database{openDB(t)}, history(trades), quiet(), symbol, trades[:2])
	if n := len(candlesOf(first)); n != len(exchange.CandleMinutes) {
		t.Fatalf("%d candles end at midnight, want one of each length", n)
	}
	for name, stored := range map[string][]*exchange.TradeEvent{"trades behind it": {trades[0], trades[3]}, "none behind it": {trades[0]}} {
		t.Run(name, func(t *testing.T) {
			db := openDB(t)
			for _, c := range candlesOf(first) {
				store(t, db, []bus.Event{c})
			}
			for _, s := range stored {
				store(t, db, []bus.Event{s})
			}
			candles := candlesOf(aggregate(t, database{db}, history(trades), quiet(), symbol, trades[4:]))
			wantCandles(t, ofLength(candles, 1), plainCandles(trades[1:], 1))
		})
	}
}

// counting is an exchange's memory that counts how often it is asked.
type counting struct {
	history
	requests int
}

func (c *counting) TradesFrom(ctx context.Context, symbol string, fromID int64, limit int) ([]exchange.TradeEvent, error) {
	c.requests++
	return c.history.TradesFrom(ctx, symbol, fromID, limit)
}

// Where a symbol moves between nodes, what each has stored has many holes. Each of
// them was a request, at every start, until nothing was left of the exchange's limits.
func TestManyHolesCostFewRequestsAndOnlyOnce(t *testing.T) {
	var trades []*exchange.TradeEvent
	var stored []bus.Event
	for id := int64(1); id <= 2500; id++ {
		trades = append(trades, trade(id, midnight+exchange.Micros(id)*second/10, "10"))
		if id%10 < 5 {
			stored = append(stored, trades[id-1])
		}
	}
	db := openDB(t)
	store(t, db, stored)
	ex := &counting{history: trades}
	for start, want := range []int{3, 0} {
		ex.requests = 0
		candles := candlesOf(aggregate(t, database{db}, ex, quiet(), symbol, []*exchange.TradeEvent{trade(2501, midnight+5*minute, "10")}))
		wantCandles(t, ofLength(candles, 1), plainCandles(append(trades[:len(trades):len(trades)], trade(2501, midnight+5*minute, "10")), 1))
		if ex.requests != want {
			t.Errorf("start %d took %d requests, want %d", start+1, ex.requests, want)
		}
	}
}

func TestAHugeGapDropsTheOpenCandles(t *testing.T) {
	log := new(bytes.Buffer)
	logTo := slog.New(slog.NewTextHandler(log, nil))
	for _, missing := range []int64{aggregator.MaxGap, aggregator.MaxGap + 1} {
		t.Run(fmt.Sprintf("%d trades", missing), func(t *testing.T) {
			before := []*exchange.TradeEvent{trade(1, midnight, "10"), trade(2, midnight+minute, "12"), trade(3, midnight+minute, "12")}
			id := 3 + missing + 1
			behind := []*exchange.TradeEvent{
				trade(id, midnight+10*minute, "20"), trade(id+1, midnight+10*minute, "21"), trade(id+2, midnight+11*minute, "22"), trade(id+3, midnight+day, "23"),
			}
			all := slices.Clone(before)
			for id := int64(4); id < 4+missing; id++ {
				all = append(all, trade(id, midnight+2*minute, "15"))
			}
			all = append(all, behind...)
			dropped := missing > aggregator.MaxGap
			log.Reset()

			// In one run, and with a cut behind the gap.
			db := openDB(t)
			events := aggregate(t, database{db}, history(all), logTo, symbol, append(slices.Clone(before), behind...))
			for _, minutes := range exchange.CandleMinutes {
				want := plainCandles(all, int64(minutes))
				if dropped {
					want = plainCandles(behind, int64(minutes))
					if minutes == 1 { // the first one had closed before the gap
						want = append(plainCandles(before, 1), want...)
					}
				}
				wantCandles(t, ofLength(candlesOf(events), minutes), want)
			}
			if said := strings.Contains(log.String(), "open candles dropped"); said != dropped {
				t.Errorf("the log says that candles were dropped: %t, want %t", said, dropped)
			}
			closing := slices.IndexFunc(events, func(e bus.Event) bool { return e == bus.Event(behind[3]) })
			store(t, db, events[:closing])
			resumed := aggregate(t, database{db}, history(all), quiet(), symbol, behind[3:])
			if got, want := candlesOf(resumed), candlesOf(events[closing:]); !slices.EqualFunc(got, want, func(a, b *exchange.Candle) bool { return sameCandle(*a, *b) }) {
				t.Errorf("candles after a cut\n got %v\nwant %v", got, want)
			}
		})
	}
}

func TestReplayedTradesAreHistory(t *testing.T) {
	live := []*exchange.TradeEvent{trade(1, midnight, "10"), trade(2, midnight+minute, "11"), trade(3, midnight+2*minute, "12")}
	mixed := slices.Clone(live)
	for i, at := range []exchange.Micros{midnight, midnight + day, midnight + 2*day} {
		replayed := trade(int64(i)+2, at, "99")
		replayed.Source = exchange.Replay
		mixed = slices.Insert(mixed, 2*i, replayed)
	}
	candles := candlesOf(aggregate(t, database{openDB(t)}, history(nil), quiet(), symbol, mixed))
	wantCandles(t, ofLength(candles, 1), plainCandles(live, 1))
	if len(candles) != 2 {
		t.Errorf("%d candles, want 2", len(candles))
	}
}
