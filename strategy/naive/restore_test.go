package naive_test

import (
	"strings"
	"testing"

	"hedgehog/exchange"
	"hedgehog/strategy/naive"
)

func contains(s, part string) bool { return strings.Contains(s, part) }

func named(id int64, position, parent naive.PositionID, side exchange.Side, attempt int, executed string, status exchange.Status) exchange.Order {
	return exchange.Order{
		Symbol: "XRPUSDT", ID: id, ClientID: naive.OrderName{Position: position, Parent: parent, Side: side, Attempt: attempt}.String(),
		Side: side, Status: status, Price: d("0.43"), OriginalQuantity: d("10"), ExecutedQuantity: d(executed), QuoteQuantity: d("0.43").Mul(d(executed)),
	}
}

func TestRebuildMakesPositionsFromTheExchangesOrdersAlone(t *testing.T) {
	orders := []exchange.Order{
		named(1, 100, 0, exchange.Buy, 1, "10", exchange.Filled),
		named(2, 100, 0, exchange.Sell, 1, "10", exchange.Filled), // a finished cycle
		named(3, 101, 0, exchange.Buy, 1, "10", exchange.Filled),
		named(4, 101, 0, exchange.Sell, 1, "4", exchange.Canceled),
		named(5, 101, 0, exchange.Sell, 2, "1", exchange.PartiallyFilled),
		named(6, 102, 101, exchange.Buy, 1, "0", exchange.New),
		named(7, 103, 0, exchange.Buy, 1, "0", exchange.Canceled), // never bought anything
		{Symbol: "XRPUSDT", ID: 8, ClientID: "web_1", Side: exchange.Buy, Status: exchange.New},
	}
	positions := naive.Rebuild("XRPUSDT", nil, orders)
	if len(positions) != 3 {
		t.Fatalf("%d positions, want 3: %+v", len(positions), positions)
	}
	cycle, first, second := positions[0], positions[1], positions[2]
	if cycle.ID != 100 || cycle.State != naive.Finished {
		t.Errorf("finished cycle %+v: want 100", cycle)
	}
	if first.ID != 101 || !first.RebuyTriggered || first.Sell.ID != 5 || len(first.Replaced) != 1 || first.Replaced[0].ID != 4 {
		t.Errorf("first position %+v: want 101 with its second sell, the first one before it, and its rebuy triggered", first)
	}
	if second.ID != 102 || second.Parent != 101 || second.Sell != nil || second.Buy.ID != 6 || second.Slot != 1 {
		t.Errorf("second position %+v: want 102, a rebuy of 101", second)
	}
}

func TestRebuildBringsKnownPositionsUpToDate(t *testing.T) {
	stub := func(position naive.PositionID, side exchange.Side) *exchange.Order {
		return &exchange.Order{ClientID: naive.OrderName{Position: position, Side: side, Attempt: 1}.String()}
	}
	known := []naive.Position{
		{Symbol: "XRPUSDT", ID: 100, State: naive.Open, Slot: 0, Buy: stub(100, exchange.Buy)},
		{Symbol: "XRPUSDT", ID: 101, State: naive.Open, Slot: 1, Buy: stub(101, exchange.Buy), RebuyTriggered: true},
		{Symbol: "XRPUSDT", ID: 102, State: naive.Open, Slot: 4},
	}
	orders := []exchange.Order{
		named(1, 100, 0, exchange.Buy, 1, "10", exchange.Filled),
		named(2, 100, 0, exchange.Sell, 1, "10", exchange.Filled), // sent and filled, never recorded
		named(3, 103, 0, exchange.Buy, 1, "0", exchange.New),      // never recorded
	}
	positions := naive.Rebuild("XRPUSDT", known, orders)
	if len(positions) != 4 {
		t.Fatalf("%d positions, want 4: %+v", len(positions), positions)
	}
	if p := positions[0]; p.State != naive.Open || p.Sell == nil || p.Sell.Status != exchange.Filled {
		t.Errorf("%+v: want 100 open with its filled sell, for rule 5 to close", p)
	}
	if p := positions[1]; p.State != naive.Dropped {
		t.Errorf("%+v: the exchange has no order of 101, want it ended", p)
	}
	if p := positions[2]; p.ID != 102 || p.State != naive.Open {
		t.Errorf("%+v: want 102 as it was, nothing of it was sent", p)
	}
	if p := positions[3]; p.ID != 103 || p.Slot != 5 {
		t.Errorf("%+v: want 103 in the slot after the known ones", p)
	}
}
