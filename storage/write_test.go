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

// update returns news of order id of symbol A, 10 ordered.
func update(id int64, status exchange.Status, executed string, fills ...exchange.Fill) *exchange.OrderUpdate {
	return &exchange.OrderUpdate{Order: exchange.Order{
		Symbol: "A", ID: id, ClientID: fmt.Sprint("client-", id), Side: exchange.Buy, Status: status, Price: amount("0.00141342"),
		OriginalQuantity: amount("10"), ExecutedQuantity: amount(executed), QuoteQuantity: amount(executed).Mul(amount("0.00141342")),
		Time: exchange.Micros(id), UpdateTime: exchange.Micros(id + 1),
	}, Fills: fills}
}

func fill(order, trade int64, quantity string) exchange.Fill {
	return exchange.Fill{Symbol: "A", OrderID: order, TradeID: trade, Side: exchange.Buy, Price: amount("0.00141342"), Quantity: amount(quantity),
		Commission: amount("0.001"), CommissionAsset: "XRP", Maker: true, Time: 5}
}

func candle(start exchange.Micros, trades int64, high string) *exchange.Candle {
	return &exchange.Candle{Symbol: "A", Minutes: 1, StartTime: start, Open: amount("1"), High: amount(high), Low: amount("0.5"),
		Close: amount("1.5"), Volume: amount("100"), Trades: trades}
}

func mustOrders(tb testing.TB, db *storage.DB, f storage.OrderFilter) []exchange.Order {
	tb.Helper()
	orders, err := db.Orders(tb.Context(), f)
	if err != nil {
		tb.Fatal(err)
	}
	return orders
}

func sameOrder(a, b exchange.Order) bool {
	return a.Symbol == b.Symbol && a.ID == b.ID && a.ClientID == b.ClientID && a.Side == b.Side && a.Status == b.Status &&
		a.Price.Equal(b.Price) && a.OriginalQuantity.Equal(b.OriginalQuantity) && a.ExecutedQuantity.Equal(b.ExecutedQuantity) &&
		a.QuoteQuantity.Equal(b.QuoteQuantity) && a.Time == b.Time && a.UpdateTime == b.UpdateTime
}

func TestWritingABatchAgainChangesNothing(t *testing.T) {
	db := newDB(t)
	b := storage.Batch{
		Trades:  trades(1, 2, 3),
		Orders:  []*exchange.OrderUpdate{update(1, exchange.New, "0"), update(1, exchange.Filled, "10", fill(1, 7, "4"), fill(1, 8, "6"))},
		Candles: []*exchange.Candle{candle(0, 3, "2")},
	}
	if w, want := mustWrite(t, db, b), (storage.Written{Trades: 3, Orders: 2, Fills: 2, Candles: 1}); w != want {
		t.Errorf("first: %+v, want %+v", w, want)
	}
	if w := mustWrite(t, db, b); w != (storage.Written{}) {
		t.Errorf("again: %+v, want nothing", w)
	}
}

func TestABatchIsStoredWhollyOrNotAtAll(t *testing.T) {
	good := func() storage.Batch {
		return storage.Batch{Trades: trades(1), Orders: []*exchange.OrderUpdate{update(1, exchange.New, "0", fill(1, 1, "1"))},
			Candles: []*exchange.Candle{candle(0, 1, "2")}}
	}
	tests := map[string]func(*storage.Batch){
		"trade without a symbol":     func(b *storage.Batch) { b.Trades[0].Symbol = "" },
		"trade at no price":          func(b *storage.Batch) { b.Trades[0].Price = amount("0") },
		"trade below 0":              func(b *storage.Batch) { b.Trades[0].Quantity = amount("-1") },
		"order of no side":           func(b *storage.Batch) { b.Orders[0].Side = "" },
		"order of an unknown status": func(b *storage.Batch) { b.Orders[0].Status = "DREAMT" },
		"fill of nothing":            func(b *storage.Batch) { b.Orders[0].Fills[0].Quantity = amount("0") },
		"candle without trades":      func(b *storage.Batch) { b.Candles[0].Trades = 0 },
	}
	db := newDB(t)
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			b := good()
			spoil(&b)
			if w, err := db.Write(t.Context(), b); !errors.Is(err, storage.ErrRefused) || w != (storage.Written{}) {
				t.Errorf("wrote %+v, %v; want ErrRefused", w, err)
			}
		})
	}
	if w, want := mustWrite(t, db, good()), (storage.Written{Trades: 1, Orders: 1, Fills: 1, Candles: 1}); w != want {
		t.Errorf("after the refused ones: %+v, want %+v: something had been kept", w, want)
	}
}

func TestAWriteWhoseContextHasEndedStoresNothing(t *testing.T) {
	db := newDB(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := db.Write(ctx, storage.Batch{Trades: trades(1)}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if _, ok, err := db.LastTradeID(t.Context(), "A"); ok || err != nil {
		t.Errorf("a trade is there (%v)", err)
	}
}

func TestNewsOfAnOrderNeverGoBackwards(t *testing.T) {
	db, id := newDB(t), int64(0)
	rapid.Check(t, func(rt *rapid.T) {
		id++ // an order of its own for each round
		history := []*exchange.OrderUpdate{
			update(id, exchange.New, "0"),
			update(id, exchange.PartiallyFilled, "9"), // as text, 9 is more than 10
			update(id, exchange.Filled, "10"),
		}
		news := rapid.SliceOfN(rapid.SampledFrom(history), 1, 8).Draw(rt, "news")
		split := rapid.IntRange(0, len(news)).Draw(rt, "split")
		for _, part := range [][]*exchange.OrderUpdate{news[:split], news[split:]} {
			if _, err := db.Write(t.Context(), storage.Batch{Orders: part}); err != nil {
				rt.Fatal(err)
			}
		}
		want := slices.MaxFunc(news, func(a, b *exchange.OrderUpdate) int { return a.ExecutedQuantity.Cmp(b.ExecutedQuantity) }).Order
		orders, err := db.OrdersByClientID(t.Context(), "A", want.ClientID)
		if err != nil || len(orders) != 1 || !sameOrder(orders[0], want) {
			rt.Fatalf("stored %+v (%v), want %+v", orders, err, want)
		}
	})
}

func TestNewsWithoutTheTimeOfAcceptanceKeepTheStoredOne(t *testing.T) {
	db := newDB(t)
	filled := update(1, exchange.Filled, "10")
	filled.Time = 0
	mustWrite(t, db, storage.Batch{Orders: []*exchange.OrderUpdate{update(1, exchange.New, "0")}})
	mustWrite(t, db, storage.Batch{Orders: []*exchange.OrderUpdate{filled}})
	if o := mustOrders(t, db, storage.OrderFilter{})[0]; o.Time != 1 || o.Status != exchange.Filled {
		t.Errorf("stored %+v, want it filled with time 1", o)
	}
}

func TestOrdersAreChosenAndNewestFirst(t *testing.T) {
	db := newDB(t)
	other := update(4, exchange.PartiallyFilled, "2")
	other.Symbol = "B"
	reused := update(5, exchange.New, "0")
	reused.ClientID = "client-1"
	mustWrite(t, db, storage.Batch{Orders: []*exchange.OrderUpdate{
		update(1, exchange.Filled, "10"), update(3, exchange.Canceled, "0"), update(2, exchange.New, "0"), other, reused,
	}})
	ids := func(orders []exchange.Order) (ids []int64) {
		for _, o := range orders {
			ids = append(ids, o.ID)
		}
		return ids
	}
	tests := []struct {
		filter storage.OrderFilter
		want   []int64
	}{
		{storage.OrderFilter{}, []int64{5, 4, 3, 2, 1}},
		{storage.OrderFilter{Limit: 2}, []int64{5, 4}},
		{storage.OrderFilter{Symbol: "A"}, []int64{5, 3, 2, 1}},
		{storage.OrderFilter{Symbol: "A", OpenOnly: true}, []int64{5, 2}},
		{storage.OrderFilter{OpenOnly: true}, []int64{5, 4, 2}},
		{storage.OrderFilter{Symbol: "C"}, nil},
	}
	for _, tt := range tests {
		if got := ids(mustOrders(t, db, tt.filter)); !slices.Equal(got, tt.want) {
			t.Errorf("%+v: %v, want %v", tt.filter, got, tt.want)
		}
	}
	if o, ok, err := db.Order(t.Context(), "A", 3); err != nil || !ok || o.ID != 3 || o.Status != exchange.Canceled {
		t.Errorf("order 3: %+v, %v, %v", o, ok, err)
	}
	if o, ok, err := db.Order(t.Context(), "B", 3); err != nil || ok {
		t.Errorf("order 3 of another symbol: %+v, %v, %v", o, ok, err)
	}
	orders, err := db.OrdersByClientID(t.Context(), "A", "client-1")
	if got := ids(orders); err != nil || !slices.Equal(got, []int64{5, 1}) {
		t.Errorf("orders of client-1: %v, %v; want 5 and 1", got, err)
	}
}

func TestTheLatestFillsComeFirst(t *testing.T) {
	db := newDB(t)
	at := func(order, trade int64, when exchange.Micros) exchange.Fill {
		f := fill(order, trade, "4")
		f.Time = when
		return f
	}
	mustWrite(t, db, storage.Batch{Orders: []*exchange.OrderUpdate{
		update(1, exchange.Filled, "8", at(1, 11, 30), at(1, 9, 10)), update(2, exchange.Filled, "4", at(2, 10, 20)),
	}})
	for limit, want := range map[int][]int64{2: {11, 10}, 10: {11, 10, 9}} {
		fills, err := db.LatestFills(t.Context(), "A", limit)
		var got []int64
		for _, f := range fills {
			got = append(got, f.TradeID)
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("trades %v, %v, want %v", got, err, want)
		}
	}
	if fills, err := db.LatestFills(t.Context(), "B", 10); err != nil || len(fills) > 0 {
		t.Errorf("fills %v, %v of a symbol that has none", fills, err)
	}
}

func TestFillsComeBackAsTheyWereWritten(t *testing.T) {
	db := newDB(t)
	rebate := fill(1, 9, "6")
	rebate.Commission = amount("-0.0001")
	mustWrite(t, db, storage.Batch{Orders: []*exchange.OrderUpdate{update(1, exchange.Filled, "10", rebate, fill(1, 8, "4")), update(2, exchange.New, "0")}})
	fills, err := db.Fills(t.Context(), "A", 1)
	if err != nil || len(fills) != 2 {
		t.Fatalf("%d fills, %v; want 2", len(fills), err)
	}
	for i, want := range []exchange.Fill{fill(1, 8, "4"), rebate} {
		got := fills[i]
		if !got.Price.Equal(want.Price) || !got.Quantity.Equal(want.Quantity) || !got.Commission.Equal(want.Commission) {
			t.Errorf("fill %d: %+v, want %+v", i, got, want)
		}
		got.Price, got.Quantity, got.Commission = want.Price, want.Quantity, want.Commission
		if got != want {
			t.Errorf("fill %d: %+v, want %+v", i, got, want)
		}
	}
}

func TestOfTwoCandlesTheOneOfMoreTradesIsKept(t *testing.T) {
	db := newDB(t)
	mustWrite(t, db, storage.Batch{Candles: []*exchange.Candle{candle(0, 5, "2"), candle(0, 3, "9"), candle(0, 6, "3"), candle(60_000_000, 1, "4")}})
	candles, err := db.Candles(t.Context(), "A", 1, storage.CandleRange{})
	if err != nil || len(candles) != 2 {
		t.Fatalf("%d candles, %v; want 2", len(candles), err)
	}
	if c := candles[0]; c.Trades != 6 || !c.High.Equal(amount("3")) {
		t.Errorf("kept %+v, want the one of 6 trades", c)
	}
}

func TestCandlesAreChosenByTimeWithTheNewestWithinTheLimit(t *testing.T) {
	const minute = 60_000_000
	db := newDB(t)
	for i := range exchange.Micros(5) {
		mustWrite(t, db, storage.Batch{Candles: []*exchange.Candle{candle(i*minute, 1, "2")}})
	}
	tests := []struct {
		choose storage.CandleRange
		want   []exchange.Micros // in minutes
	}{
		{storage.CandleRange{}, []exchange.Micros{0, 1, 2, 3, 4}},
		{storage.CandleRange{From: 2 * minute}, []exchange.Micros{2, 3, 4}},
		{storage.CandleRange{From: minute, To: 3 * minute}, []exchange.Micros{1, 2}},
		{storage.CandleRange{Limit: 2}, []exchange.Micros{3, 4}},
		{storage.CandleRange{To: 3 * minute, Limit: 1}, []exchange.Micros{2}},
	}
	for _, tt := range tests {
		candles, err := db.Candles(t.Context(), "A", 1, tt.choose)
		if err != nil {
			t.Fatal(err)
		}
		var got []exchange.Micros
		for _, c := range candles {
			got = append(got, c.StartTime/minute)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%+v: %v, want %v", tt.choose, got, tt.want)
		}
	}
	if c, ok, err := db.LastCandle(t.Context(), "A", 1); err != nil || !ok || c.StartTime != 4*minute {
		t.Errorf("last candle %+v, %v, %v", c, ok, err)
	}
	if _, ok, err := db.LastCandle(t.Context(), "A", 5); err != nil || ok {
		t.Errorf("a candle of 5 minutes is there (%v)", err)
	}
}
