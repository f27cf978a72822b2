package exchange_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"hedgehog/exchange"
)

func d(s string) decimal.Decimal { return decimal.RequireFromString(s) }

func xrpeth() exchange.Symbol {
	return exchange.Symbol{
		Name: "XRPETH", Status: "TRADING", BaseAsset: "XRP", QuoteAsset: "ETH",
		Filters: exchange.Filters{
			MinPrice: d("0.00000001"), MaxPrice: d("1000"), TickSize: d("0.00000001"),
			MinQuantity: d("1"), MaxQuantity: d("90000000"), StepSize: d("1"),
			NotionalFilter: "NOTIONAL", MinNotional: d("0.005"), MaxNotional: d("9000"),
			PercentPriceFilter: "PERCENT_PRICE_BY_SIDE",
			BidMultiplierUp:    d("5"), BidMultiplierDown: d("0.2"), AskMultiplierUp: d("4"), AskMultiplierDown: d("0.5"),
			MaxNumOrders: 200, MaxPosition: d("10000"),
		},
	}
}

func TestAnOrderIsHeldAgainstEachFilter(t *testing.T) {
	good := exchange.LimitOrder{Symbol: "XRPETH", Side: exchange.Buy, Price: d("0.00141342"), Quantity: d("100")}
	tests := []struct {
		name   string
		change func(*exchange.LimitOrder, *exchange.MarketState)
		filter string // that is broken; empty: none
	}{
		{name: "a good order"},
		{"no price", func(o *exchange.LimitOrder, _ *exchange.MarketState) { o.Price = d("0") }, "PRICE_FILTER"},
		{"below the least price", func(o *exchange.LimitOrder, _ *exchange.MarketState) { o.Price = d("0.000000001") }, "PRICE_FILTER"},
		{"above the highest price", func(o *exchange.LimitOrder, _ *exchange.MarketState) { o.Price = d("1000.1") }, "PRICE_FILTER"},
		{"off the tick", func(o *exchange.LimitOrder, _ *exchange.MarketState) { o.Price = d("0.001413425") }, "PRICE_FILTER"},
		{"no quantity", func(o *exchange.LimitOrder, _ *exchange.MarketState) { o.Quantity = d("-1") }, "LOT_SIZE"},
		{"too small a quantity", func(o *exchange.LimitOrder, _ *exchange.MarketState) { o.Quantity = d("0.5") }, "LOT_SIZE"},
		{"too large a quantity", func(o *exchange.LimitOrder, _ *exchange.MarketState) { o.Quantity = d("90000001") }, "LOT_SIZE"},
		{"off the step", func(o *exchange.LimitOrder, _ *exchange.MarketState) { o.Quantity = d("100.5") }, "LOT_SIZE"},
		{"too little in all", func(o *exchange.LimitOrder, _ *exchange.MarketState) { o.Quantity = d("3") }, "NOTIONAL"},
		{"exactly enough in all", func(o *exchange.LimitOrder, _ *exchange.MarketState) { o.Price, o.Quantity = d("0.001"), d("5") }, ""},
		{"too much in all", func(o *exchange.LimitOrder, _ *exchange.MarketState) { o.Price, o.Quantity = d("900"), d("11") }, "NOTIONAL"},
		{"too far above the average", func(_ *exchange.LimitOrder, m *exchange.MarketState) { m.AveragePrice = d("0.00028") }, "PERCENT_PRICE_BY_SIDE"},
		{"too far below the average", func(_ *exchange.LimitOrder, m *exchange.MarketState) { m.AveragePrice = d("0.0071") }, "PERCENT_PRICE_BY_SIDE"},
		{"a sell has bounds of its own", func(o *exchange.LimitOrder, m *exchange.MarketState) {
			o.Side, m.AveragePrice = exchange.Sell, d("0.0029")
		}, "PERCENT_PRICE_BY_SIDE"},
		{"as many orders as may be", func(_ *exchange.LimitOrder, m *exchange.MarketState) { m.OpenOrders = 200 }, "MAX_NUM_ORDERS"},
		{"one fewer", func(_ *exchange.LimitOrder, m *exchange.MarketState) { m.OpenOrders = 199 }, ""},
		{"too large a position", func(_ *exchange.LimitOrder, m *exchange.MarketState) { m.BaseHeld = d("9901") }, "MAX_POSITION"},
		{"a sell makes no position", func(o *exchange.LimitOrder, m *exchange.MarketState) {
			o.Side, m.BaseHeld = exchange.Sell, d("9901")
		}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o, m := good, exchange.MarketState{}
			if tt.change != nil {
				tt.change(&o, &m)
			}
			err := xrpeth().CheckOrder(o, m)
			if tt.filter == "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			var broken *exchange.FilterError
			if !errors.As(err, &broken) || broken.Filter != tt.filter || !errors.Is(err, exchange.ErrOrderRejected) {
				t.Errorf("error %v, want filter %s", err, tt.filter)
			}
		})
	}
}

func TestASymbolWithoutRulesTakesAnyOrder(t *testing.T) {
	o := exchange.LimitOrder{Side: exchange.Buy, Price: d("0.123456789"), Quantity: d("0.000000001")}
	if err := (exchange.Symbol{}).CheckOrder(o, exchange.MarketState{AveragePrice: d("9"), OpenOrders: 9, BaseHeld: d("9")}); err != nil {
		t.Errorf("refused: %v", err)
	}
}

func TestFloorNeverRisesAndLosesLessThanOneUnit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		unit := decimal.New(rapid.Int64Range(1, 500).Draw(t, "unit"), -rapid.Int32Range(0, 8).Draw(t, "places"))
		value := decimal.New(rapid.Int64Range(-1e15, 1e15).Draw(t, "value"), -rapid.Int32Range(0, 12).Draw(t, "value places"))
		s := exchange.Symbol{Filters: exchange.Filters{TickSize: unit, StepSize: unit}}
		for _, got := range []decimal.Decimal{s.FloorPrice(value), s.FloorQuantity(value)} {
			if got.GreaterThan(value) || value.Sub(got).Cmp(unit) >= 0 || !got.Mod(unit).IsZero() {
				t.Fatalf("%s floored to %s with unit %s", value, got, unit)
			}
			if -got.Exponent() > max(0, -unit.Exponent()) {
				t.Fatalf("%s floored to %s has more places than the unit %s", value, got.StringFixed(-got.Exponent()), unit)
			}
		}
	})
}

// Both ways to reckon, on whole numbers and on decimals, give the same decimal to the
// last zero.
func TestFloorIsTheNumberLessItsRemainder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		unit := decimal.New(rapid.Int64Range(1, 1e9).Draw(t, "unit"), rapid.Int32Range(-9, 3).Draw(t, "unit exponent"))
		value := decimal.New(rapid.Int64().Draw(t, "value"), rapid.Int32Range(-20, 6).Draw(t, "exponent"))
		remainder := value.Mod(unit)
		if remainder.IsNegative() {
			remainder = remainder.Add(unit)
		}
		want := value.Sub(remainder).Truncate(max(0, -unit.Exponent()))
		s := exchange.Symbol{Filters: exchange.Filters{TickSize: unit, StepSize: unit}}
		got := s.FloorPrice(value)
		if !got.Equal(want) || got.Exponent() != want.Exponent() {
			t.Fatalf("%s floored to %s with unit %s, want %s", value, got.StringFixed(-got.Exponent()), unit, want.StringFixed(-want.Exponent()))
		}
		if value.Sign() <= 0 {
			return
		}
		err := s.CheckOrder(exchange.LimitOrder{Side: exchange.Buy, Price: value, Quantity: unit}, exchange.MarketState{})
		if refused := err != nil; refused == remainder.IsZero() {
			t.Fatalf("%s with tick %s: %v", value, unit, err)
		}
	})
}

func TestNewsSupersedeOnlyWhatIsOlder(t *testing.T) {
	order := func(status exchange.Status, executed string) exchange.Order {
		return exchange.Order{Status: status, ExecutedQuantity: d(executed)}
	}
	// In the order of an order's life: each supersedes all before it and none after.
	life := []exchange.Order{
		order(exchange.PendingNew, "0"), order(exchange.New, "0"), order(exchange.PartiallyFilled, "1"),
		order(exchange.PartiallyFilled, "9"), order(exchange.Filled, "10"),
	}
	for i, older := range life {
		for j, newer := range life {
			if got, want := newer.Supersedes(older), j > i; got != want {
				t.Errorf("%s with %s supersedes %s with %s: %t, want %t", newer.Status, newer.ExecutedQuantity, older.Status, older.ExecutedQuantity, got, want)
			}
		}
	}
	canceled := order(exchange.Canceled, "9")
	if !canceled.Supersedes(life[3]) || life[3].Supersedes(canceled) {
		t.Error("a cancel after a partial fill has to be the last word")
	}
}

func TestCandleStartIsAWholeMultipleOfItsLength(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := exchange.Micros(rapid.Int64Range(-1e15, 4e15).Draw(t, "at"))
		minutes := rapid.SampledFrom(exchange.CandleMinutes[:]).Draw(t, "minutes")
		length := exchange.Micros(minutes) * 60 * 1_000_000
		start := exchange.CandleStart(at, minutes)
		if start > at || at-start >= length || start%length != 0 {
			t.Fatalf("%d minutes: %d starts at %d", minutes, at, start)
		}
	})
}

func TestSymbolNames(t *testing.T) {
	for _, good := range []string{"XRPETH", "1INCHUSDT", "BTCUSDT_231229", "A.B-C"} {
		if !exchange.ValidSymbolName(good) {
			t.Errorf("%q is refused", good)
		}
	}
	for _, bad := range []string{"", "xrpeth", "XRP/ETH", "..", "XRP ETH", strings.Repeat("A", 21), "XRPÉTH"} {
		if exchange.ValidSymbolName(bad) {
			t.Errorf("%q is taken", bad)
		}
	}
}

// pages is a history of the trades 1 to size.
type pages struct{ size int64 }

func (p *pages) TradesFrom(_ context.Context, symbol string, fromID int64, limit int) ([]exchange.TradeEvent, error) {
	var page []exchange.TradeEvent
	for id := fromID; id <= p.size && len(page) < limit; id++ {
		page = append(page, exchange.TradeEvent{Symbol: symbol, ID: id})
	}
	return page, nil
}

func TestMissedTradesAreReadToTheEndAndNotBeyond(t *testing.T) {
	trades := &pages{size: 2500}
	var ids []int64
	for trade, err := range exchange.MissedTrades(t.Context(), trades, "XRPETH", 101, 2200) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, trade.ID)
	}
	if len(ids) != 2100 || ids[0] != 101 || ids[len(ids)-1] != 2200 || !slices.IsSorted(ids) {
		t.Errorf("%d ids from %d to %d, want 2100 from 101 to 2200", len(ids), ids[0], ids[len(ids)-1])
	}
	count := 0
	for _, err := range exchange.MissedTrades(t.Context(), trades, "XRPETH", 101, 0) {
		if err != nil {
			t.Fatal(err)
		}
		count++
	}
	if count != 2400 {
		t.Errorf("%d trades up to the newest, want 2400", count)
	}
}
