package storage_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"testing"

	"hedgehog/exchange"
	"hedgehog/storage"
)

const secondMicros = exchange.Micros(1_000_000)

// mustSelect returns what is told of each of the rows.
func mustSelect[T, K any](tb testing.TB, rows iter.Seq2[T, error], told func(T) K) []K {
	tb.Helper()
	var all []K
	for row, err := range rows {
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, told(row))
	}
	return all
}

// inSelection returns a database with trades, orders with a fill each, and candles,
// at seconds 1 to 4, of the symbols A and B.
func inSelection(tb testing.TB) *storage.DB {
	tb.Helper()
	db := newDB(tb)
	var batch storage.Batch
	for _, symbol := range []string{"B", "A"} {
		for id := range int64(4) {
			t := trade(id + 1)
			t.Symbol = symbol
			batch.Trades = append(batch.Trades, t)
			o := exchange.Order{Symbol: symbol, ID: id + 1, ClientID: "c", Side: exchange.Buy, Status: exchange.Filled, Price: amount("1"),
				OriginalQuantity: amount("2"), ExecutedQuantity: amount("2"), QuoteQuantity: amount("2"), Time: t.TradeTime}
			batch.Orders = append(batch.Orders, &exchange.OrderUpdate{Order: o, Fills: []exchange.Fill{{Symbol: symbol, OrderID: o.ID,
				TradeID: o.ID, Side: o.Side, Price: o.Price, Quantity: amount("2"), CommissionAsset: "X", Time: o.Time}}})
			for _, minutes := range []int{5, 1} {
				batch.Candles = append(batch.Candles, &exchange.Candle{Symbol: symbol, Minutes: minutes, StartTime: t.TradeTime,
					Open: t.Price, High: t.Price, Low: t.Price, Close: t.Price, Volume: t.Quantity, Trades: 1})
			}
		}
	}
	mustWrite(tb, db, batch)
	return db
}

type chosen struct {
	symbol string
	id     int64
}

func TestASelectionTakesWhatItsBoundsAllow(t *testing.T) {
	db, ctx := inSelection(t), t.Context()
	for _, c := range []struct {
		name string
		s    storage.Selection
		want []chosen
	}{
		{"everything", storage.Selection{}, []chosen{{"A", 1}, {"A", 2}, {"A", 3}, {"A", 4}, {"B", 1}, {"B", 2}, {"B", 3}, {"B", 4}}},
		{"a symbol", storage.Selection{Symbol: "B"}, []chosen{{"B", 1}, {"B", 2}, {"B", 3}, {"B", 4}}},
		{"a symbol and its last moments", storage.Selection{Symbol: "A", From: 3 * secondMicros}, []chosen{{"A", 3}, {"A", 4}}},
		{"up to a time, which is left out", storage.Selection{To: 2 * secondMicros}, []chosen{{"A", 1}, {"B", 1}}},
		{"a period", storage.Selection{Symbol: "A", From: 2 * secondMicros, To: 4 * secondMicros}, []chosen{{"A", 2}, {"A", 3}}},
		{"a period without anything", storage.Selection{From: 9 * secondMicros}, nil},
		{"a symbol without anything", storage.Selection{Symbol: "C"}, nil},
	} {
		for kind, got := range map[string][]chosen{
			"trades":  mustSelect(t, db.SelectTrades(ctx, c.s), func(r exchange.TradeEvent) chosen { return chosen{r.Symbol, r.ID} }),
			"orders":  mustSelect(t, db.SelectOrders(ctx, c.s), func(r exchange.Order) chosen { return chosen{r.Symbol, r.ID} }),
			"fills":   mustSelect(t, db.SelectFills(ctx, c.s), func(r exchange.Fill) chosen { return chosen{r.Symbol, r.OrderID} }),
			"candles": mustSelect(t, db.SelectCandles(ctx, c.s, 5), func(r exchange.Candle) chosen { return chosen{r.Symbol, int64(r.StartTime / secondMicros)} }),
		} {
			if !slices.Equal(got, c.want) {
				t.Errorf("%s: %s %v, want %v", c.name, kind, got, c.want)
			}
		}
	}
	lengths := mustSelect(t, db.SelectCandles(ctx, storage.Selection{Symbol: "A", To: 2 * secondMicros}, 0), func(c exchange.Candle) int { return c.Minutes })
	if !slices.Equal(lengths, []int{1, 5}) {
		t.Errorf("candles of all lengths: %v", lengths)
	}
}

func TestFinishedPositionsComeInTheOrderOfTheirEnd(t *testing.T) {
	db := newDB(t)
	position := func(id string, state storage.PositionState, end exchange.Micros) storage.Position {
		return storage.Position{Symbol: "A", ID: id, State: state, StartTime: 1, EndTime: end, Profit: amount("-0.5")}
	}
	mustApply(t, db, assign("n1", 1, 1, ""))
	mustApply(t, db, storage.Command{Positions: &storage.PositionsChange{Node: "n1", Epochs: map[string]int64{"A": 1}, Positions: []storage.Position{
		position("1", storage.PositionFinished, 30), position("2", storage.PositionOpen, 0),
		position("3", storage.PositionFinished, 20), position("4", storage.PositionDropped, 10),
	}}})
	got := mustSelect(t, db.SelectFinished(t.Context(), storage.Selection{}), func(p storage.Position) string { return p.ID })
	if !slices.Equal(got, []string{"3", "1"}) {
		t.Errorf("positions %v, want 3 and 1", got)
	}
	got = mustSelect(t, db.SelectFinished(t.Context(), storage.Selection{From: 21}), func(p storage.Position) string { return p.ID })
	if !slices.Equal(got, []string{"1"}) {
		t.Errorf("positions that ended late: %v, want 1", got)
	}
}

func TestASelectionMayBeLeftEarlyAndEndsWithItsContext(t *testing.T) {
	db := inSelection(t)
	for range 10 { // more often than there are connections
		for o, err := range db.SelectOrders(t.Context(), storage.Selection{}) {
			if err != nil || o.Symbol != "A" || o.ID != 1 {
				t.Fatalf("first order %+v, %v", o, err)
			}
			break
		}
	}
	stopped := errors.New("stopped by hand")
	ctx, stop := context.WithCancelCause(t.Context())
	stop(stopped)
	for _, err := range db.SelectFills(ctx, storage.Selection{}) {
		if !errors.Is(err, stopped) {
			t.Errorf("error %v, want the cause", err)
		}
	}
}
