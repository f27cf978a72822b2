package storage_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
)

func TestTheRulesOfASymbolAreTheLatestThatTheExchangeTold(t *testing.T) {
	db := mustOpen(t, filepath.Join(t.TempDir(), "hedgehog.db"))
	rules := exchange.Symbol{
		Name: "XRPETH", Status: "TRADING", BaseAsset: "XRP", QuoteAsset: "ETH", BaseAssetPrecision: 8, QuoteAssetPrecision: 8,
		Filters: exchange.Filters{
			TickSize: decimal.New(1, -8), StepSize: decimal.New(1, 0), MinQuantity: decimal.New(1, 0),
			NotionalFilter: "MIN_NOTIONAL", MinNotional: decimal.New(5, -3), AvgPriceMinutes: 5, MaxNumOrders: 200,
		},
	}
	other := exchange.Symbol{Name: "BTCUSDT", BaseAsset: "BTC", QuoteAsset: "USDT"}
	if err := db.PutRules(t.Context(), []exchange.Symbol{rules, other}); err != nil {
		t.Fatal(err)
	}
	rules.Filters.TickSize = decimal.New(1, -7)
	if err := db.PutRules(t.Context(), []exchange.Symbol{rules}); err != nil {
		t.Fatal(err)
	}
	got, ok, err := db.Rules(t.Context(), "XRPETH")
	if err != nil || !ok || !got.Filters.TickSize.Equal(rules.Filters.TickSize) {
		t.Fatalf("rules %+v, %t, %v; want %+v", got, ok, err, rules)
	}
	if want, have := fmt.Sprint(rules), fmt.Sprint(got); have != want {
		t.Errorf("rules %s, want %s", have, want)
	}
	if _, ok, err := db.Rules(t.Context(), "BTCUSDT"); err != nil || !ok {
		t.Errorf("the other symbol's rules: %t, %v; want them to stay", ok, err)
	}
	if got, ok, err := db.Rules(t.Context(), "NONE"); err != nil || ok {
		t.Errorf("rules of a symbol that there is not: %+v, %t, %v", got, ok, err)
	}
}
