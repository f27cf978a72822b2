package naive

import (
	"slices"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
)

// State is where a position is in its life.
type State string

// The states of a position.
const (
	Open     State = "open"     // may still buy or sell
	Finished State = "finished" // bought and sold
	Dropped  State = "dropped"  // given up without a whole cycle
)

// Position is one chunk of the budget on its way from a buy to a sell. The
// trader publishes a copy whenever one changes.
type Position struct {
	Symbol string `json:"symbol"`
	// ID is unique and rises: the trader's clock in milliseconds when the
	// position started, or one more than the position before.
	ID PositionID `json:"position_id"`
	// Parent is the position whose rebuy started this one; 0 when none did.
	Parent PositionID `json:"parent_id,omitzero"`
	// Slot is the place among the symbol's positions; they take their turns in
	// the order of their slots.
	Slot           int   `json:"slot"`
	State          State `json:"state"`
	RebuyTriggered bool  `json:"rebuy_triggered"`

	// Buy and Sell are the latest known states of the position's orders, nil
	// before they are placed. They are replaced, never changed.
	Buy  *exchange.Order `json:"buy,omitempty"`
	Sell *exchange.Order `json:"sell,omitempty"`
	// Fills are the known fills of these orders.
	Fills []exchange.Fill `json:"-"`
	// Replaced are earlier sells, cut short behind our back, in the order in which
	// they were placed.
	Replaced []exchange.Order `json:"-"`

	StartTime exchange.Micros `json:"start_time"`
	EndTime   exchange.Micros `json:"end_time,omitempty"` // 0 while open
	// Profit is what a finished position earned after the known commissions, in
	// the quote asset.
	Profit decimal.Decimal `json:"profit"`
}

// bought says that the buy will not fill any further and has filled at least in
// part.
func (p *Position) bought() bool {
	return p.Buy != nil && p.Buy.Status.Done() && p.Buy.ExecutedQuantity.Sign() > 0
}

// buyFailed says that the buy ended without any fill.
func (p *Position) buyFailed() bool {
	return p.Buy != nil && p.Buy.Status.Done() && p.Buy.ExecutedQuantity.Sign() == 0
}

// sellLost says that the sell ended before it was filled.
func (p *Position) sellLost() bool {
	return p.Sell != nil && p.Sell.Status.Done() && p.Sell.Status != exchange.Filled
}

// fillsComplete says whether the known fills of the order explain all that it
// has executed.
func (p *Position) fillsComplete(o *exchange.Order) bool {
	known := decimal.Zero
	for _, f := range p.Fills {
		if f.OrderID == o.ID {
			known = known.Add(f.Quantity)
		}
	}
	return known.Cmp(o.ExecutedQuantity) >= 0
}

// lacksFills returns an order that is over and whose fills have to be known before
// the position can go on: of the buy for what was received, of the sells for what
// they earned; nil where all are known.
func (p *Position) lacksFills() *exchange.Order {
	for i := range p.Replaced {
		if o := &p.Replaced[i]; !p.fillsComplete(o) {
			return o
		}
	}
	switch {
	case p.Sell != nil && !p.fillsComplete(p.Sell):
		return p.Sell
	case (p.Sell == nil || p.sellLost()) && !p.fillsComplete(p.Buy):
		return p.Buy
	default:
		return nil
	}
}

// lastFill is the id of the latest known trade that filled the order; 0 when none
// is known.
func (p *Position) lastFill(o *exchange.Order) int64 {
	var last int64
	for _, f := range p.Fills {
		if f.OrderID == o.ID {
			last = max(last, f.TradeID)
		}
	}
	return last
}

// received is what the buy really brought: the bought quantity less what was
// taken from it as commission, in the base asset.
func (p *Position) received(baseAsset string) decimal.Decimal {
	received := p.Buy.ExecutedQuantity
	for _, f := range p.Fills {
		if f.OrderID == p.Buy.ID && f.CommissionAsset == baseAsset {
			received = received.Sub(f.Commission)
		}
	}
	return received
}

// Held is what the position has of the base asset: what its buy brought, less
// what it has sold.
func (p *Position) Held(baseAsset string) decimal.Decimal {
	if p.Buy == nil {
		return decimal.Zero
	}
	return p.received(baseAsset).Sub(p.Sold())
}

// costPlaces are the decimal places that Cost is rounded to.
const costPlaces = 8

// Cost is what that which the position holds has cost, in the quote asset: what it has
// sold of what it bought has paid for as much of it.
func (p *Position) Cost(baseAsset string) decimal.Decimal {
	held := p.Held(baseAsset)
	if held.Sign() <= 0 {
		return decimal.Zero
	}
	return p.Buy.QuoteQuantity.Mul(held).DivRound(held.Add(p.Sold()), costPlaces)
}

// Sold is what the sells have sold so far, in the base asset.
func (p *Position) Sold() decimal.Decimal {
	sold := decimal.Zero
	if p.Sell != nil {
		sold = p.Sell.ExecutedQuantity
	}
	for _, o := range p.Replaced {
		sold = sold.Add(o.ExecutedQuantity)
	}
	return sold
}

// sells returns the position with o as its sell, in place of one that was cut short.
func (p Position) sells(o *exchange.Order) Position {
	if p.Sell != nil {
		p.Replaced = append(slices.Clone(p.Replaced), *p.Sell)
	}
	p.Sell = o
	return p
}

// profit is what the sells brought less what the buy cost and the known
// commissions in the quote asset.
func (p *Position) profit(quoteAsset string) decimal.Decimal {
	profit := p.Sell.QuoteQuantity.Sub(p.Buy.QuoteQuantity)
	for _, o := range p.Replaced {
		profit = profit.Add(o.QuoteQuantity)
	}
	for _, f := range p.Fills {
		if f.CommissionAsset == quoteAsset {
			profit = profit.Sub(f.Commission)
		}
	}
	return profit
}

// withFills returns the position with the fills that it did not know yet.
func (p Position) withFills(fills []exchange.Fill) Position {
	known := p.Fills
	p.Fills = slices.Clone(known)
	for _, f := range fills {
		if !slices.ContainsFunc(p.Fills, func(k exchange.Fill) bool { return k.OrderID == f.OrderID && k.TradeID == f.TradeID }) {
			p.Fills = append(p.Fills, f)
		}
	}
	return p
}

// withNews returns the position with the order's new state, and whether the
// news say more than was known. News of an order that is not its latest buy or
// sell change nothing.
func (p Position) withNews(u *exchange.OrderUpdate) (Position, bool) {
	for _, order := range []**exchange.Order{&p.Buy, &p.Sell} {
		known := *order
		if known == nil || known.ClientID != u.ClientID {
			continue
		}
		if !u.Order.Supersedes(*known) {
			return p, false
		}
		latest := u.Order
		*order = &latest
		return p.withFills(u.Fills), true
	}
	return p, false
}

// nextAttempt returns the attempt number that the next order of the side bears.
func (p *Position) nextAttempt(side exchange.Side) int {
	order := p.Buy
	if side == exchange.Sell {
		order = p.Sell
	}
	if order == nil {
		return 1
	}
	name, err := ParseOrderName(order.ClientID)
	if err != nil {
		return 1
	}
	return name.Attempt + 1
}
