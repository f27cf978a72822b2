package backtest_test

import (
	"slices"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
	"hedgehog/strategy/naive"
)

// plain computes the orders of a run a second time, from the design's rules and
// nothing else: every trade looks at every order and every position, all in
// decimals. It shares no code with the formula, the trader or the engine.
type plain struct {
	tick, step decimal.Decimal
	fee        decimal.Decimal
	settings   naive.Settings

	orders    []*plainOrder
	positions []*plainPosition
}

type plainOrder struct {
	side            exchange.Side
	price, quantity decimal.Decimal
	filled          bool // at the exchange
	known           bool // and the trader has learnt of it
}

func (o *plainOrder) status() exchange.Status {
	if o.filled {
		return exchange.Filled
	}
	return exchange.New
}

type plainPosition struct {
	buy, sell *plainOrder
	triggered bool
}

func floorTo(d, unit decimal.Decimal) decimal.Decimal { return d.Div(unit).Floor().Mul(unit) }

// run lets the trades pass.
func (p *plain) run(trades []exchange.Tick) {
	p.positions = []*plainPosition{{}}
	for _, t := range trades {
		price := t.Price.Decimal()
		filled := p.fill(price)
		p.trade(price)
		for _, o := range filled {
			p.news(o)
		}
	}
}

// fill fills the orders that the price goes through: buys from the highest, then
// sells from the lowest, of one price the older first.
func (p *plain) fill(price decimal.Decimal) (filled []*plainOrder) {
	for _, side := range []exchange.Side{exchange.Buy, exchange.Sell} {
		var through []*plainOrder
		for _, o := range p.orders {
			if o.side == side && !o.filled && (side == exchange.Buy && price.LessThan(o.price) || side == exchange.Sell && price.GreaterThan(o.price)) {
				through = append(through, o)
			}
		}
		slices.SortStableFunc(through, func(a, b *plainOrder) int {
			if side == exchange.Buy {
				return b.price.Cmp(a.price)
			}
			return a.price.Cmp(b.price)
		})
		filled = append(filled, through...)
	}
	for _, o := range filled {
		o.filled = true
	}
	return filled
}

// trade is a trade as the trader's positions learn of it: rules 1, 5 and 7.
func (p *plain) trade(price decimal.Decimal) {
	for i, pos := range slices.Clone(p.positions) {
		switch {
		case pos.buy == nil:
			buy := floorTo(price.Sub(price.Mul(p.settings.BuyDownInterval)), p.tick)
			chunk := p.settings.Budget.DivRound(decimal.NewFromInt(int64(p.settings.Chunks)), 24)
			pos.buy = p.place(exchange.Buy, buy, floorTo(chunk.DivRound(buy, 24), p.step))
		case pos.sell != nil && pos.sell.known:
			p.positions[i] = &plainPosition{}
		case !pos.triggered && len(p.positions) < p.settings.Chunks &&
			price.LessThan(pos.buy.price.Sub(pos.buy.price.Mul(p.settings.RebuyInterval))):
			pos.triggered = true
			p.positions = append(p.positions, &plainPosition{})
		}
	}
}

// news is news of an order that was filled: rules 3, 4 and 6.
func (p *plain) news(o *plainOrder) {
	o.known = true
	at := slices.IndexFunc(p.positions, func(pos *plainPosition) bool { return pos.buy == o })
	if at < 0 {
		return
	}
	one := decimal.New(1, 0)
	sell := o.price.Mul(one.Add(p.fee)).Mul(one.Add(p.settings.ProfitTarget)).Mul(one.Add(p.fee))
	received := o.quantity.Sub(o.quantity.Mul(p.fee).Truncate(8))
	p.positions[at].sell = p.place(exchange.Sell, floorTo(sell, p.tick), floorTo(received, p.step))
}

func (p *plain) place(side exchange.Side, price, quantity decimal.Decimal) *plainOrder {
	o := &plainOrder{side: side, price: price, quantity: quantity}
	p.orders = append(p.orders, o)
	return o
}

// plainAccount reckons what an account is worth after each trade, from fills alone.
type plainAccount struct {
	quote, base, fees      decimal.Decimal
	peak, fall, fallAmount decimal.Decimal
	inMarket, span         exchange.Micros
}

// reckon goes through the trades and the fills, which are in order of their trades.
func reckon(budget decimal.Decimal, trades []exchange.Tick, fills []exchange.Fill, baseAsset string) plainAccount {
	a := plainAccount{quote: budget, peak: budget}
	for i, t := range trades {
		price := t.Price.Decimal()
		if i > 0 {
			a.span += t.Time - trades[i-1].Time
			if a.base.Sign() > 0 {
				a.inMarket += t.Time - trades[i-1].Time
			}
		}
		a.look(price)
		for len(fills) > 0 && fills[0].TradeID == t.ID {
			f := fills[0]
			fills = fills[1:]
			got := f.Quantity // of the base asset
			if f.Side == exchange.Sell {
				got = got.Neg()
			}
			a.base, a.quote = a.base.Add(got), a.quote.Sub(got.Mul(f.Price))
			if f.CommissionAsset == baseAsset {
				a.base, a.fees = a.base.Sub(f.Commission), a.fees.Add(f.Commission.Mul(f.Price))
			} else {
				a.quote, a.fees = a.quote.Sub(f.Commission), a.fees.Add(f.Commission)
			}
		}
		a.look(price)
	}
	return a
}

func (a *plainAccount) look(price decimal.Decimal) {
	worth := a.quote.Add(a.base.Mul(price))
	a.peak = decimal.Max(a.peak, worth)
	if amount := a.peak.Sub(worth); amount.DivRound(a.peak, 24).GreaterThan(a.fall) {
		a.fall, a.fallAmount = amount.DivRound(a.peak, 24), amount
	}
}
