package naive

import (
	"github.com/shopspring/decimal"

	"hedgehog/exchange"
)

// Formula is the naive formula for one symbol: rules and fee in, decisions out.
// It has no state, no clock and no exchange.
type Formula struct {
	Symbol exchange.Symbol
	// Fee is the share that the exchange takes per side (0.001 is 0.1 %).
	Fee decimal.Decimal
}

// DefaultFee is the share per side where the exchange does not tell.
var DefaultFee = decimal.New(1, -3)

// Event is what a position is asked about: a trade's price, or news of one of
// its own orders.
type Event struct {
	// Price is the trade's price in the quote asset; unused when News is set.
	Price decimal.Decimal
	// TradeID is the trade's id; unused when News is set.
	TradeID int64
	// News is an order's new state; nil for a trade.
	News *exchange.OrderUpdate
}

// Action is what a decision asks for.
type Action uint8

// The actions.
const (
	// Nothing is to be done.
	Nothing Action = iota
	// PlaceBuy asks for a limit buy at the decision's price and quantity.
	PlaceBuy
	// PlaceSell asks for a limit sell at the decision's price and quantity.
	PlaceSell
	// FetchFills asks for the fills of the position's order that is over: without
	// them it is not known what was really received.
	FetchFills
	// Renew asks for a fresh position in place of this one, which is over.
	Renew
	// End says that the position is over and nothing takes its place.
	End
	// Rebuy asks for one further position.
	Rebuy
)

// Decision is what to do about a position.
type Decision struct {
	Action   Action
	Price    decimal.Decimal // of PlaceBuy and PlaceSell, in the quote asset
	Quantity decimal.Decimal // of PlaceBuy and PlaceSell, in the base asset
}

// Step applies the first rule that fits to one position and returns the
// position as it then is, with what is to be done. open is how many positions
// the symbol has. The numbers are those of the rules in docs/strategy.md.
func (f Formula) Step(p Position, e Event, s Settings, open int) (Position, Decision) {
	if e.News != nil {
		return f.stepNews(p, e.News, s, open)
	}
	switch {
	case p.Buy == nil: // 1
		if s.Status == Shutdown {
			return over(p, Dropped), Decision{Action: End}
		}
		price := f.BuyPrice(e.Price, s.BuyDownInterval)
		return p, Decision{Action: PlaceBuy, Price: price, Quantity: f.BuyQuantity(price, s)}
	case p.buyFailed():
		return over(p, Dropped), f.renewal(s, open)
	case p.bought() && p.Sell == nil, p.sellLost(): // 4
		return f.proceed(p, s, open)
	case p.Sell != nil && p.Sell.Status == exchange.Filled: // 5
		if e.TradeID <= p.lastFill(p.Sell) {
			// The trade that filled the sell, overtaken by the news of it: the cycle
			// is closed by the next one, whichever comes first.
			return p, Decision{}
		}
		return f.proceed(p, s, open)
	case !p.RebuyTriggered && s.Status != Shutdown && open < s.Chunks &&
		e.Price.LessThan(RebuyBelow(p.Buy.Price, s.RebuyInterval)): // 7
		p.RebuyTriggered = true
		return p, Decision{Action: Rebuy}
	default: // 8
		return p, Decision{}
	}
}

// stepNews takes news of one of the position's orders: rules 2, 3 and 6.
func (f Formula) stepNews(p Position, news *exchange.OrderUpdate, s Settings, open int) (Position, Decision) {
	speaksOfBuy := p.Buy != nil && p.Buy.ClientID == news.ClientID
	if speaksOfBuy && p.Sell != nil { // 2
		return p, Decision{}
	}
	p, changed := p.withNews(news) // 3 and 6
	if changed && speaksOfBuy && p.bought() {
		return f.proceed(p, s, open) // 4, in the same step
	}
	return p, Decision{}
}

// proceed is rules 4 and 5 for a position that has bought, and sold or lost its
// sell where it had one.
func (f Formula) proceed(p Position, s Settings, open int) (Position, Decision) {
	if p.lacksFills() != nil {
		return p, Decision{Action: FetchFills}
	}
	if p.Sell != nil && p.Sell.Status == exchange.Filled {
		return f.finish(p), f.renewal(s, open)
	}
	return f.sell(p, s, open)
}

// sell is rule 4: sell what was really received, less what earlier sells had
// sold. An order cut short behind our back can leave less than the exchange
// takes; such a rest ends the position. A whole buy's rest does not: to buy
// again what can't be sold would pile it up.
func (f Formula) sell(p Position, s Settings, open int) (Position, Decision) {
	sold := p.Sold()
	d := Decision{
		Action:   PlaceSell,
		Price:    f.SellPrice(p.Buy.Price, s.ProfitTarget),
		Quantity: f.Symbol.FloorQuantity(p.received(f.Symbol.BaseAsset).Sub(sold)),
	}
	cutShort := p.Buy.Status != exchange.Filled || sold.Sign() > 0
	rest := exchange.LimitOrder{Side: exchange.Sell, Price: d.Price, Quantity: d.Quantity}
	if cutShort && f.Symbol.CheckOrder(rest, exchange.MarketState{}) != nil {
		if p.Sell == nil {
			return over(p, Dropped), f.renewal(s, open)
		}
		return f.finish(p), f.renewal(s, open)
	}
	return p, d
}

func (f Formula) finish(p Position) Position {
	p.Profit = p.profit(f.Symbol.QuoteAsset)
	return over(p, Finished)
}

// renewal is what follows the end of a position: a fresh one in its place,
// unless trading is shut down or more positions are open than the settings now
// allow.
func (f Formula) renewal(s Settings, open int) Decision {
	if s.Status == Shutdown || open > s.Chunks {
		return Decision{Action: End}
	}
	return Decision{Action: Renew}
}

func over(p Position, state State) Position {
	p.State = state
	return p
}

// BuyPrice is floor_tick(price − price × interval).
func (f Formula) BuyPrice(price, interval decimal.Decimal) decimal.Decimal {
	return f.Symbol.FloorPrice(price.Sub(price.Mul(interval)))
}

// BuyQuantity is floor_step((budget / chunks) / buyPrice), in the base asset;
// zero when the price is not above zero.
func (f Formula) BuyQuantity(buyPrice decimal.Decimal, s Settings) decimal.Decimal {
	if buyPrice.Sign() <= 0 {
		return decimal.Zero
	}
	// budget / (chunks × price) in one division, whose remainder is cut: a
	// rounded quotient could come out one step too high.
	quantity, _ := s.Budget.QuoRem(buyPrice.Mul(decimal.NewFromInt(int64(s.Chunks))), quotientPlaces)
	return f.Symbol.FloorQuantity(quantity)
}

// quotientPlaces is how many decimal places a quotient keeps before it is
// floored to the step; the exchange's steps have eight at most.
const quotientPlaces = 18

// SellPrice is floor_tick(buyPrice × (1 + fee) × (1 + target) × (1 + fee)).
func (f Formula) SellPrice(buyPrice, target decimal.Decimal) decimal.Decimal {
	one := decimal.New(1, 0)
	fee := one.Add(f.Fee)
	return f.Symbol.FloorPrice(buyPrice.Mul(fee).Mul(one.Add(target)).Mul(fee))
}

// RebuyBelow is the price under which a position bought at buyPrice asks for
// one further position: buyPrice − buyPrice × interval.
func RebuyBelow(buyPrice, interval decimal.Decimal) decimal.Decimal {
	return buyPrice.Sub(buyPrice.Mul(interval))
}
