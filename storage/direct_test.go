package storage_test

import (
	"errors"
	"testing"

	"hedgehog/storage"
)

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

func TestPositionsAreStoredDirectlyAllOrNone(t *testing.T) {
	db := newDB(t)
	good, bad := position("A", "p1"), position("A", "p2")
	bad.Slot = -1
	if err := db.UpsertPositions(t.Context(), []storage.Position{good, bad}); !errors.Is(err, storage.ErrRefused) {
		t.Errorf("a slot below 0: %v, want ErrRefused", err)
	}
	if err := db.UpsertPositions(t.Context(), []storage.Position{good}); err != nil {
		t.Error(err)
	}
	if all := mustPositions(t, db, ""); len(all) != 1 {
		t.Errorf("stored %+v, want the good one alone", all)
	}
}

func TestSymbolsAreSeededDirectlyOnce(t *testing.T) {
	db := newDB(t)
	for _, want := range []int{2, 0} {
		if added, err := db.SeedSettings(t.Context(), []string{"A", "B"}); err != nil || added != want {
			t.Errorf("added %d, %v; want %d", added, err, want)
		}
	}
}
