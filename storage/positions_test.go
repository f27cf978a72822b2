package storage_test

import (
	"slices"
	"testing"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
	"hedgehog/storage"
)

func TestEarningsAreOfFinishedPositionsSinceATime(t *testing.T) {
	db := newDB(t)
	mustApply(t, db, storage.Command{Assign: []storage.Assignment{{Symbol: "A", Node: "n1", Epoch: 1}, {Symbol: "B", Node: "n1", Epoch: 1}}})
	position := func(symbol, id string, state storage.PositionState, end exchange.Micros, profit string) storage.Position {
		return storage.Position{Symbol: symbol, ID: id, State: state, StartTime: 1, EndTime: end, Profit: amount(profit)}
	}
	positions := []storage.Position{
		position("B", "1", storage.PositionFinished, 100, "0.1"),
		position("B", "2", storage.PositionFinished, 200, "0.20000000000000000001"),
		position("B", "3", storage.PositionFinished, 300, "-0.05"),
		position("B", "4", storage.PositionDropped, 300, "7"),
		position("B", "5", storage.PositionOpen, 0, "0"),
		position("A", "1", storage.PositionOpen, 0, "0"),
	}
	mustApply(t, db, storage.Command{Positions: &storage.PositionsChange{Node: "n1", Epochs: map[string]int64{"A": 1, "B": 1}, Positions: positions}})
	all, err := db.Earnings(t.Context(), "", 200, 301)
	if err != nil {
		t.Fatal(err)
	}
	want := []storage.Earnings{
		{Symbol: "A", Open: 1, ProfitOf: amounts("0", "0")},
		{Symbol: "B", Open: 1, Finished: 3, Profit: amount("0.25000000000000000001"), ProfitOf: amounts("0.15000000000000000001", "0")},
	}
	same := func(a, b storage.Earnings) bool {
		return a.Symbol == b.Symbol && a.Open == b.Open && a.Finished == b.Finished && a.Profit.Equal(b.Profit) &&
			slices.EqualFunc(a.ProfitOf, b.ProfitOf, decimal.Decimal.Equal)
	}
	if !slices.EqualFunc(all, want, same) {
		t.Errorf("earnings %+v, want %+v", all, want)
	}
	if one, err := db.Earnings(t.Context(), "A"); err != nil || len(one) != 1 || one[0].Symbol != "A" {
		t.Errorf("earnings of A: %+v, %v", one, err)
	}
	if none, err := db.Earnings(t.Context(), "C"); err != nil || len(none) != 0 {
		t.Errorf("earnings of a symbol without positions: %+v, %v", none, err)
	}
}

func amounts(texts ...string) []decimal.Decimal {
	var all []decimal.Decimal
	for _, s := range texts {
		all = append(all, amount(s))
	}
	return all
}
