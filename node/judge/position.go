package judge

import (
	"github.com/shopspring/decimal"

	"hedgehog/exchange"
	"hedgehog/strategy/naive"
)

// position is a position as its orders tell of it. Amounts are in the base asset.
type position struct {
	id       naive.PositionID
	buy      *order          // the latest
	orders   []*order        // in the order of their acceptance
	received decimal.Decimal // bought less the commission
	promised decimal.Decimal // of sells: filled, or to be filled
	resting  int             // orders that may still fill
	open     bool
}

// join takes an order that was just accepted into its position.
func (j *Judge) join(m *market, o *order) {
	p := m.positions[o.name.Position]
	if p == nil {
		p = &position{id: o.name.Position}
		m.positions[p.id] = p
	}
	o.position = p
	p.orders = append(p.orders, o)
	p.resting++
	switch o.Side {
	case exchange.Buy:
		if b := p.buy; b != nil && !(b.status.Done() && b.executed.IsZero()) {
			j.breach(SoldIsBought, o.Symbol, "%s, but position %s has bought already: %s", describe(o.JournalEntry), p.id, describe(b.JournalEntry))
		}
		p.buy = o
	case exchange.Sell:
		p.promised = p.promised.Add(o.Quantity)
		if p.promised.GreaterThan(p.received) {
			j.breach(SoldIsBought, o.Symbol, "%s: position %s sells %s in all and has %s after commission", describe(o.JournalEntry), p.id, p.promised, p.received)
		}
	}
	j.count(m, o)
}

// progress takes what has become of an order into its position; quantity is what
// was filled of it just now.
func (j *Judge) progress(m *market, o *order, quantity decimal.Decimal) {
	p := o.position
	if o.Side == exchange.Buy {
		p.received = p.received.Add(quantity).Sub(j.commission(quantity))
	}
	if !o.status.Done() {
		return
	}
	p.resting--
	if o.Side == exchange.Sell {
		p.promised = p.promised.Sub(o.Quantity).Add(o.executed)
	}
	j.count(m, o)
}

// count looks whether the order's position is open, and whether that is one too many.
func (j *Judge) count(m *market, o *order) {
	p := o.position
	open := p.resting > 0 || p.sellable(m.rules)
	switch {
	case open && !p.open:
		if m.open++; m.open > j.cfg.Chunks {
			j.breach(BoundedPositions, o.Symbol, "%s makes it %d open positions, at most %d may be", describe(o.JournalEntry), m.open, j.cfg.Chunks)
		}
	case !open && p.open:
		m.open--
	}
	p.open = open
}

// sellable says whether the position holds something that the exchange would take
// an order for. What is too little for that ends a position.
func (p *position) sellable(rules exchange.Symbol) bool {
	rest := p.received.Sub(p.promised)
	if p.buy == nil || rest.Sign() <= 0 || rest.LessThan(rules.Filters.StepSize) {
		return false
	}
	sell := exchange.LimitOrder{Symbol: rules.Name, Side: exchange.Sell, Price: p.buy.Price, Quantity: rules.FloorQuantity(rest)}
	return rules.CheckOrder(sell, exchange.MarketState{}) == nil
}

// sold says whether the position's last sell was filled.
func (p *position) sold() bool {
	last := p.orders[len(p.orders)-1]
	return last.Side == exchange.Sell && last.status == exchange.Filled
}
