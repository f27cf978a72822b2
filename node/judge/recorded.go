package judge

import (
	"maps"
	"slices"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
	"hedgehog/storage"
)

// positions expects every order in the position of the replicated state that its
// name speaks of, and every position that has sold to be finished there with what
// it has earned.
func (j *Judge) positions(m *market, b books, settled exchange.Micros) {
	for _, id := range slices.Sorted(maps.Keys(m.positions)) {
		p := m.positions[id]
		if p.changed() > settled || p.vain() {
			continue
		}
		row, there := b.positions[positionKey{m.rules.Name, id.String()}]
		if !there {
			j.breach(PositionsKnown, m.rules.Name, "position %s is not in the replicated state: %s", id, describe(p.orders[0].JournalEntry))
			continue
		}
		buy, sell := p.latest(exchange.Buy), p.latest(exchange.Sell)
		if row.BuyClientID != clientID(buy) || row.SellClientID != clientID(sell) {
			j.breach(PositionsKnown, m.rules.Name, "position %s is recorded with the orders %q and %q, the exchange has %q and %q",
				id, row.BuyClientID, row.SellClientID, clientID(buy), clientID(sell))
		}
		j.cycle(m, p, row)
	}
}

// cycle expects a position to be recorded as open, or as finished with its profit.
func (j *Judge) cycle(m *market, p *position, row storage.Position) {
	symbol := m.rules.Name
	switch {
	case p.sold() && row.State != storage.PositionFinished:
		j.breach(CyclesRecorded, symbol, "position %s has sold and is recorded as %s", p.id, row.State)
	case p.open && row.State != storage.PositionOpen:
		j.breach(PositionsKnown, symbol, "position %s is recorded as %s and its orders are not over: %s", p.id, row.State, describe(p.orders[len(p.orders)-1].JournalEntry))
	case p.sold():
		if profit := j.profit(m.rules, p); !row.Profit.Equal(profit) {
			j.breach(ProfitsExact, symbol, "position %s is recorded with a profit of %s, its fills give %s", p.id, row.Profit, profit)
		}
	}
}

// profit is what the position's sells brought less what its buy cost, after the
// commissions in the quote asset.
func (j *Judge) profit(rules exchange.Symbol, p *position) decimal.Decimal {
	profit := decimal.Zero
	for _, o := range p.orders {
		if o.Side == exchange.Buy {
			profit = profit.Sub(o.quote())
			continue
		}
		profit = profit.Add(o.quote())
		for _, f := range o.fills {
			_, commission := j.charged(rules, o, f)
			profit = profit.Sub(commission)
		}
	}
	return profit
}

// changed is when the position's orders last changed.
func (p *position) changed() exchange.Micros {
	var last exchange.Micros
	for _, o := range p.orders {
		last = max(last, o.changed)
	}
	return last
}

// vain says whether nothing was bought and nothing will be: of such a position
// nobody has to know.
func (p *position) vain() bool {
	return p.resting == 0 && p.received.IsZero()
}

// latest returns the position's last order of the side, nil when it has none.
func (p *position) latest(side exchange.Side) *order {
	for _, o := range slices.Backward(p.orders) {
		if o.Side == side {
			return o
		}
	}
	return nil
}

func clientID(o *order) string {
	if o == nil {
		return ""
	}
	return o.ClientOrderID
}
