package storage_test

import (
	"errors"
	"testing"

	"hedgehog/exchange/wire"
	"hedgehog/storage"
)

func seeded(tb testing.TB, symbols ...string) *storage.DB {
	tb.Helper()
	db := newDB(tb)
	if added, err := db.SeedSettings(tb.Context(), symbols); err != nil || added != len(symbols) {
		tb.Fatalf("seeded %d of %d: %v", added, len(symbols), err)
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

func TestSeedingTheWholeExchangeTwiceChangesNothingTheSecondTime(t *testing.T) {
	info, err := wire.ParseExchangeInfo(recorded(t, "exchangeInfo-2021-06-17.json"))
	if err != nil {
		t.Fatal(err)
	}
	db := newDB(t)
	added, err := db.SeedSettings(t.Context(), info.Names())
	if err != nil || added != 1505 {
		t.Fatalf("first seeding added %d, %v; want 1505", added, err)
	}
	if err := db.SetStreaming(t.Context(), "XRPETH", true); err != nil {
		t.Fatal(err)
	}
	if _, err := db.UpdateTrading(t.Context(), "XRPETH", func(s *storage.Trading) error {
		s.Budget = amount("10")
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	before := mustAllSettings(t, db)
	if len(before) != 1505 {
		t.Fatalf("%d symbols have settings of every kind, want 1505", len(before))
	}
	added, err = db.SeedSettings(t.Context(), info.Names())
	if err != nil || added != 0 {
		t.Errorf("second seeding added %d, %v; want 0", added, err)
	}
	after := mustAllSettings(t, db)
	if len(after) != len(before) {
		t.Fatalf("%d symbols after the second seeding, %d before", len(after), len(before))
	}
	for i := range before {
		if !same(before[i], after[i]) {
			t.Errorf("the second seeding changed %+v to %+v", before[i], after[i])
		}
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

func TestSeedingRefusesWhatIsNoSymbol(t *testing.T) {
	db := newDB(t)
	if added, err := db.SeedSettings(t.Context(), []string{"XRPETH", "../etc"}); err == nil || added != 0 {
		t.Errorf("added %d, %v; want an error", added, err)
	}
	if all := mustAllSettings(t, db); len(all) != 0 {
		t.Errorf("%d symbols seeded beside the bad one", len(all))
	}
}

func TestEachSetterChangesItsOwnSettingOnly(t *testing.T) {
	tests := []struct {
		name string
		set  func(db *storage.DB, symbol string) error
		want func(*storage.Settings)
	}{
		{"streaming", func(db *storage.DB, s string) error { return db.SetStreaming(t.Context(), s, true) },
			func(s *storage.Settings) { s.Streaming = true }},
		{"aggregating", func(db *storage.DB, s string) error { return db.SetAggregating(t.Context(), s, true) },
			func(s *storage.Settings) { s.Aggregating = true }},
		{"collecting trade events", func(db *storage.DB, s string) error {
			return db.SetCollecting(t.Context(), s, storage.CollectTradeEvents, true)
		}, func(s *storage.Settings) { s.Collecting.TradeEvents = true }},
		{"collecting orders", func(db *storage.DB, s string) error {
			return db.SetCollecting(t.Context(), s, storage.CollectOrders, true)
		}, func(s *storage.Settings) { s.Collecting.Orders = true }},
		{"collecting candles", func(db *storage.DB, s string) error {
			return db.SetCollecting(t.Context(), s, storage.CollectOHLC, true)
		}, func(s *storage.Settings) { s.Collecting.OHLC = true }},
		{"trading status", func(db *storage.DB, s string) error {
			return db.SetTradingStatus(t.Context(), s, storage.TradingShutdown)
		}, func(s *storage.Settings) { s.Trading.Status = storage.TradingShutdown }},
		{"trading", func(db *storage.DB, s string) error {
			_, err := db.UpdateTrading(t.Context(), s, func(t *storage.Trading) error {
				t.Status, t.Chunks, t.ProfitTarget = storage.TradingOn, 3, amount("0.01")
				return nil
			})
			return err
		}, func(s *storage.Settings) {
			s.Trading.Status, s.Trading.Chunks, s.Trading.ProfitTarget = storage.TradingOn, 3, amount("0.01")
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			db := seeded(t, "A", "B")
			want, other := mustSettings(t, db, "A"), mustSettings(t, db, "B")
			if err := tt.set(db, "A"); err != nil {
				t.Fatal(err)
			}
			tt.want(&want)
			if got := mustSettings(t, db, "A"); !same(got, want) {
				t.Errorf("got %+v, want %+v", got, want)
			}
			if got := mustSettings(t, db, "B"); !same(got, other) {
				t.Errorf("another symbol changed: %+v", got)
			}
			active, err := db.ActiveSettings(t.Context())
			if err != nil || len(active) != 1 || active[0].Symbol != "A" {
				t.Errorf("active: %+v, %v; want A alone", active, err)
			}
			if err := tt.set(db, "C"); !errors.Is(err, storage.ErrUnknownSymbol) {
				t.Errorf("unknown symbol: %v, want ErrUnknownSymbol", err)
			}
		})
	}
}

func TestReadingSettingsOfAnUnknownSymbolIsAnError(t *testing.T) {
	if _, err := newDB(t).Settings(t.Context(), "A"); !errors.Is(err, storage.ErrUnknownSymbol) {
		t.Errorf("got %v, want ErrUnknownSymbol", err)
	}
}

func TestTradingSettingsThatMakeNoSenseAreRefused(t *testing.T) {
	tests := map[string]func(*storage.Trading){
		"status":                 func(s *storage.Trading) { s.Status = "maybe" },
		"no chunks":              func(s *storage.Trading) { s.Chunks = 0 },
		"too many chunks":        func(s *storage.Trading) { s.Chunks = 101 },
		"no budget":              func(s *storage.Trading) { s.Budget = amount("0") },
		"budget below 0":         func(s *storage.Trading) { s.Budget = amount("-1") },
		"buy down interval of 1": func(s *storage.Trading) { s.BuyDownInterval = amount("1") },
		"buy down interval < 0":  func(s *storage.Trading) { s.BuyDownInterval = amount("-0.1") },
		"no profit target":       func(s *storage.Trading) { s.ProfitTarget = amount("0") },
		"rebuy interval of 1.5":  func(s *storage.Trading) { s.RebuyInterval = amount("1.5") },
		"rebuy interval < 0":     func(s *storage.Trading) { s.RebuyInterval = amount("-0.1") },
	}
	db := seeded(t, "A")
	before := mustSettings(t, db, "A")
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := db.UpdateTrading(t.Context(), "A", func(s *storage.Trading) error { change(s); return nil })
			if !errors.Is(err, storage.ErrRefused) {
				t.Errorf("got %v, want ErrRefused", err)
			}
			if after := mustSettings(t, db, "A"); !same(before, after) {
				t.Errorf("the refused change was kept: %+v", after)
			}
		})
	}
	if err := db.SetTradingStatus(t.Context(), "A", "maybe"); !errors.Is(err, storage.ErrRefused) {
		t.Errorf("status: %v, want ErrRefused", err)
	}
	if err := db.SetCollecting(t.Context(), "A", "orders = 1 --", true); err == nil {
		t.Error("an unknown kind of event was taken")
	}
}

func TestAChangeThatFailsLeavesTradingAsItWas(t *testing.T) {
	db := seeded(t, "A")
	before, no := mustSettings(t, db, "A"), errors.New("no")
	_, err := db.UpdateTrading(t.Context(), "A", func(s *storage.Trading) error { s.Chunks = 9; return no })
	if !errors.Is(err, no) {
		t.Errorf("got %v, want the change's error", err)
	}
	if after := mustSettings(t, db, "A"); !same(before, after) {
		t.Errorf("changed to %+v", after)
	}
}
