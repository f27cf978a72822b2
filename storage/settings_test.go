package storage_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"hedgehog/exchange/wire"
	"hedgehog/storage"
)

// seeded returns a database that knows the symbols.
func seeded(tb testing.TB, symbols ...string) *storage.DB {
	tb.Helper()
	db := newDB(tb)
	if r := mustApply(tb, db, storage.Command{Seed: symbols}); r.Err != nil || r.Applied != len(symbols) {
		tb.Fatalf("seeding %d symbols: %+v", len(symbols), r)
	}
	return db
}

func mustSettings(tb testing.TB, db *storage.DB, symbol string) storage.Settings {
	tb.Helper()
	s, err := db.Settings(tb.Context(), symbol)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func mustAllSettings(tb testing.TB, db *storage.DB) []storage.Settings {
	tb.Helper()
	all, err := db.AllSettings(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

// same compares settings with their amounts by value.
func same(a, b storage.Settings) bool {
	equal := a.Trading.Budget.Equal(b.Trading.Budget) && a.Trading.BuyDownInterval.Equal(b.Trading.BuyDownInterval) &&
		a.Trading.ProfitTarget.Equal(b.Trading.ProfitTarget) && a.Trading.RebuyInterval.Equal(b.Trading.RebuyInterval)
	b.Trading.Budget, b.Trading.BuyDownInterval = a.Trading.Budget, a.Trading.BuyDownInterval
	b.Trading.ProfitTarget, b.Trading.RebuyInterval = a.Trading.ProfitTarget, a.Trading.RebuyInterval
	return equal && a.Symbol == b.Symbol && a.Streaming == b.Streaming && a.Aggregating == b.Aggregating &&
		a.Collecting == b.Collecting && a.Trading.Status == b.Trading.Status && a.Trading.Chunks == b.Trading.Chunks
}

// settings returns the command that changes settings.
func settings(c storage.SettingsChange) storage.Command { return storage.Command{Settings: &c} }

func TestSeedingTheWholeExchangeTwiceChangesNothingTheSecondTime(t *testing.T) {
	info, err := wire.ParseExchangeInfo(recorded(t, "exchangeInfo-2021-06-17.json"))
	if err != nil {
		t.Fatal(err)
	}
	db := seeded(t, info.Names()...)
	mustApply(t, db, settings(storage.SettingsChange{Symbol: "XRPETH", Streaming: new(true), Budget: new(amount("10"))}))
	before := mustAllSettings(t, db)
	if len(before) != 1505 {
		t.Fatalf("%d symbols have settings of every kind, want 1505", len(before))
	}
	if r := mustApply(t, db, storage.Command{Seed: info.Names()}); r.Err != nil || r.Applied != 0 {
		t.Errorf("second seeding: %+v, want nothing added", r)
	}
	if after := mustAllSettings(t, db); !slices.EqualFunc(before, after, same) {
		t.Errorf("the second seeding changed %+v to %+v", before, after)
	}
	if s := mustSettings(t, db, "XRPETH"); !s.Streaming || !s.Trading.Budget.Equal(amount("10")) {
		t.Errorf("a changed row was not kept: %+v", s)
	}
}

func TestSeededSettingsAreOffWithTheDefaults(t *testing.T) {
	db := seeded(t, "XRPETH")
	want := storage.Settings{Symbol: "XRPETH", Trading: storage.Trading{Status: storage.TradingOff, Chunks: 5, Budget: amount("1000"),
		BuyDownInterval: amount("0.0001"), ProfitTarget: amount("0.002"), RebuyInterval: amount("0.001")}}
	if got := mustSettings(t, db, "XRPETH"); !same(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestAChangeOfSettingsChangesWhatItNamesOnly(t *testing.T) {
	tests := []struct {
		name   string
		change storage.SettingsChange
		want   func(*storage.Settings)
	}{
		{"nothing", storage.SettingsChange{}, func(*storage.Settings) {}},
		{"streaming", storage.SettingsChange{Streaming: new(true)}, func(s *storage.Settings) { s.Streaming = true }},
		{"aggregating", storage.SettingsChange{Aggregating: new(true)}, func(s *storage.Settings) { s.Aggregating = true }},
		{"collecting trades", storage.SettingsChange{CollectTrades: new(true)}, func(s *storage.Settings) { s.Collecting.TradeEvents = true }},
		{"collecting orders", storage.SettingsChange{CollectOrders: new(true)}, func(s *storage.Settings) { s.Collecting.Orders = true }},
		{"collecting candles", storage.SettingsChange{CollectOHLC: new(true)}, func(s *storage.Settings) { s.Collecting.OHLC = true }},
		{"trading status", storage.SettingsChange{TradingStatus: new("shutdown")}, func(s *storage.Settings) { s.Trading.Status = storage.TradingShutdown }},
		{"trading", storage.SettingsChange{Chunks: new(3), Budget: new(amount("7")), BuyDownInterval: new(amount("0.1")),
			ProfitTarget: new(amount("0.010")), RebuyInterval: new(amount("0"))},
			func(s *storage.Settings) {
				s.Trading.Chunks, s.Trading.Budget, s.Trading.BuyDownInterval = 3, amount("7"), amount("0.1")
				s.Trading.ProfitTarget, s.Trading.RebuyInterval = amount("0.01"), amount("0")
			}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			db := seeded(t, "A", "B")
			want, other := mustSettings(t, db, "A"), mustSettings(t, db, "B")
			tt.want(&want)
			tt.change.Symbol = "A"
			r := mustApply(t, db, settings(tt.change))
			if r.Err != nil || r.Applied != 1 || r.Settings == nil || !same(*r.Settings, want) {
				t.Errorf("result %+v with %+v, want %+v", r, r.Settings, want)
			}
			if got := mustSettings(t, db, "A"); !same(got, want) {
				t.Errorf("got %+v, want %+v", got, want)
			}
			if got := mustSettings(t, db, "B"); !same(got, other) {
				t.Errorf("another symbol changed: %+v", got)
			}
			tt.change.Symbol = "C"
			if r := mustApply(t, db, settings(tt.change)); !errors.Is(r.Err, storage.ErrUnknownSymbol) || r.Settings != nil {
				t.Errorf("unknown symbol: %+v, want ErrUnknownSymbol", r)
			}
		})
	}
}

func TestSwitchingAnythingOnMarksTheSymbolAsAssigned(t *testing.T) {
	tests := map[string]struct {
		change   storage.SettingsChange
		assigned bool
	}{
		"streaming on":     {storage.SettingsChange{Streaming: new(true)}, true},
		"aggregating on":   {storage.SettingsChange{Aggregating: new(true)}, true},
		"trades on":        {storage.SettingsChange{CollectTrades: new(true)}, true},
		"orders on":        {storage.SettingsChange{CollectOrders: new(true)}, true},
		"candles on":       {storage.SettingsChange{CollectOHLC: new(true)}, true},
		"trading on":       {storage.SettingsChange{TradingStatus: new("on")}, true},
		"trading shutdown": {storage.SettingsChange{TradingStatus: new("shutdown")}, true},
		"all off": {storage.SettingsChange{Streaming: new(false), Aggregating: new(false), CollectTrades: new(false), CollectOrders: new(false),
			CollectOHLC: new(false), TradingStatus: new("off")}, false},
		"a number": {storage.SettingsChange{Chunks: new(7)}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			db := seeded(t, "A", "B")
			tt.change.Symbol = "A"
			mustApply(t, db, settings(tt.change))
			var want []storage.ClusterSymbol
			if tt.assigned {
				want = []storage.ClusterSymbol{{Symbol: "A", Assigned: true, Weight: 1}}
			}
			if got := mustState(t, db).Symbols; !slices.Equal(got, want) {
				t.Errorf("symbols %+v, want %+v", got, want)
			}
			active, err := db.ActiveSettings(t.Context())
			if err != nil || (len(active) == 1) != tt.assigned {
				t.Errorf("active: %+v, %v", active, err)
			}
		})
	}
}

func TestSwitchingOnLeavesWeightAndPin(t *testing.T) {
	db := seeded(t, "A")
	mustApply(t, db, member("n1"))
	mustApply(t, db, storage.Command{Assigned: &storage.AssignedChange{Symbols: []string{"A"}, Weight: 4}})
	mustApply(t, db, storage.Command{Pin: &storage.PinChange{Symbol: "A", Node: "n1"}})
	mustApply(t, db, settings(storage.SettingsChange{Symbol: "A", Streaming: new(true)}))
	want := []storage.ClusterSymbol{{Symbol: "A", Assigned: true, Weight: 4, Pin: "n1"}}
	if got := mustState(t, db).Symbols; !slices.Equal(got, want) {
		t.Errorf("symbols %+v, want %+v", got, want)
	}
}

func TestAChangeThatExpectsAnotherStatusChangesNothing(t *testing.T) {
	db := seeded(t, "A")
	change := storage.SettingsChange{Symbol: "A", TradingStatus: new("off"), Streaming: new(true), ExpectTradingStatus: "shutdown"}
	if r := mustApply(t, db, settings(change)); !errors.Is(r.Err, storage.ErrConflict) || r.Settings != nil || r.Applied != 0 {
		t.Errorf("result %+v, want ErrConflict alone", r)
	}
	if s := mustSettings(t, db, "A"); s.Streaming {
		t.Errorf("the refused change was kept: %+v", s)
	}
	mustApply(t, db, settings(storage.SettingsChange{Symbol: "A", TradingStatus: new("shutdown")}))
	if r := mustApply(t, db, settings(change)); r.Err != nil || r.Settings.Trading.Status != storage.TradingOff {
		t.Errorf("result %+v, want no error and trading off", r)
	}
}

func TestSettingsOutOfRangeAreRefusedWithFieldAndValue(t *testing.T) {
	of := func(s string) *decimal.Decimal { return new(amount(s)) }
	tests := []struct {
		change storage.SettingsChange
		want   string
	}{
		{storage.SettingsChange{TradingStatus: new("maybe")}, `trading_status "maybe"`},
		{storage.SettingsChange{ExpectTradingStatus: "maybe"}, `expect_trading_status "maybe"`},
		{storage.SettingsChange{Chunks: new(0)}, "chunks 0"},
		{storage.SettingsChange{Chunks: new(101)}, "chunks 101"},
		{storage.SettingsChange{Budget: of("0")}, "budget 0"},
		{storage.SettingsChange{Budget: of("-1")}, "budget -1"},
		{storage.SettingsChange{Budget: of("1e21")}, "budget of its size"},
		{storage.SettingsChange{BuyDownInterval: of("1")}, "buy_down_interval 1"},
		{storage.SettingsChange{BuyDownInterval: of("-0.1")}, "buy_down_interval -0.1"},
		{storage.SettingsChange{BuyDownInterval: new(decimal.New(1, -2_000_000_000))}, "buy_down_interval of its size"},
		{storage.SettingsChange{ProfitTarget: of("0")}, "profit_target 0"},
		{storage.SettingsChange{ProfitTarget: of(strings.Repeat("9", 100))}, "profit_target of its size"},
		{storage.SettingsChange{RebuyInterval: of("1.5")}, "rebuy_interval 1.5"},
		{storage.SettingsChange{RebuyInterval: of("-0.1")}, "rebuy_interval -0.1"},
	}
	for _, tt := range tests {
		t.Run(tt.want, func(t *testing.T) {
			tt.change.Symbol = "A"
			_, err := settings(tt.change).Encode()
			if !errors.Is(err, storage.ErrRefused) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want ErrRefused with %q", err, tt.want)
			}
		})
	}
}

func TestReadingSettingsOfAnUnknownSymbolIsAnError(t *testing.T) {
	if _, err := newDB(t).Settings(t.Context(), "A"); !errors.Is(err, storage.ErrUnknownSymbol) {
		t.Errorf("got %v, want ErrUnknownSymbol", err)
	}
}
