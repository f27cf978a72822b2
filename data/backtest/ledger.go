package backtest

import (
	"math"
	"math/big"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
)

// worthPlaces is how many decimal places a worth has: those of a price and of a
// quantity together.
const worthPlaces = 2 * exchange.UnitPlaces

// ledger follows what the account is worth in the quote asset, from its budget on:
// its highest worth, the deepest fall below that, and how long how much was bound.
//
// It reckons in whole numbers without a bound, which nothing is rounded in but costs:
// amounts of the quote asset in 10^-16, of the base asset in 10^-8. They are worked with
// in place, since there may be something to note at every trade.
type ledger struct {
	base   string // asset
	budget big.Int
	*holding
	cost        big.Int // of what is held, on average
	fees        big.Int // those in the base asset at their fill's price
	buys, sells int     // fills

	since    exchange.Micros // of the latest change
	inMarket exchange.Micros // time with something held
	bound    big.Int         // cost × µs

	peak        big.Int // the highest worth so far
	fall, from  big.Int // the deepest fall, as the share fall / from of the peak
	worth, a, b big.Int // scratch
	remainder   big.Int // of a division, which nobody wants

	// A price outside of low … high is to be marked.
	low, high exchange.Units
}

// holding is what the account has from one fill to the next. Its worth at price p is
// cash + units × p. It does not change.
type holding struct {
	cash  big.Int // the budget and what came of it
	units big.Int // of the base asset
}

func newLedger(symbol exchange.Symbol, budget decimal.Decimal) *ledger {
	l := &ledger{base: symbol.BaseAsset, holding: new(holding), low: 1}
	setWhole(&l.budget, budget, worthPlaces)
	l.cash.Set(&l.budget)
	l.peak.Set(&l.budget)
	l.from.SetInt64(1)
	return l
}

// setWhole sets n to the amount in units of so many decimal places.
func setWhole(n *big.Int, amount decimal.Decimal, places int32) {
	if u, ok := exchange.UnitsOf(amount); ok && places == exchange.UnitPlaces {
		n.SetInt64(int64(u))
	} else {
		n.Set(amount.Shift(places).BigInt())
	}
}

// amountOf returns the amount in the quote asset.
func amountOf(n *big.Int) decimal.Decimal { return decimal.NewFromBigInt(n, -worthPlaces) }

// apply takes a fill into account. The price of the trade is to be marked before
// and after it.
func (l *ledger) apply(f exchange.Fill) {
	l.pass(f.Time)
	price, quantity, commission := &l.a, &l.b, &l.remainder
	setWhole(price, f.Price, exchange.UnitPlaces)
	setWhole(quantity, f.Quantity, exchange.UnitPlaces)
	next := new(holding)
	if f.CommissionAsset == l.base {
		setWhole(commission, f.Commission, exchange.UnitPlaces)
		next.units.Sub(&l.units, commission)
		next.cash.Set(&l.cash)
		l.fees.Add(&l.fees, commission.Mul(commission, price))
	} else {
		setWhole(commission, f.Commission, worthPlaces)
		next.units.Set(&l.units)
		next.cash.Sub(&l.cash, commission)
		l.fees.Add(&l.fees, commission)
	}
	l.worth.Mul(price, quantity)
	if f.Side == exchange.Buy {
		l.buys++
		next.cash.Sub(&next.cash, &l.worth)
		next.units.Add(&next.units, quantity)
		l.cost.Add(&l.cost, &l.worth)
	} else {
		l.sells++
		next.cash.Add(&next.cash, &l.worth)
		if next.units.Sign() > 0 {
			l.worth.Mul(&l.cost, quantity)
			l.a.QuoRem(&l.worth, &next.units, &l.remainder)
			l.cost.Sub(&l.cost, &l.a)
		}
		next.units.Sub(&next.units, quantity)
	}
	l.holding = next
	l.low, l.high = 1, 0
}

// pass lets the time until now count for what was held.
func (l *ledger) pass(now exchange.Micros) {
	if d := now - l.since; l.since > 0 && l.units.Sign() > 0 {
		l.inMarket += d
		l.bound.Add(&l.bound, l.a.Mul(&l.cost, l.b.SetInt64(int64(d))))
	}
	l.since = now
}

// mark notes the worth at the price, and works out the prices at which there will be
// something to note again.
func (l *ledger) mark(price exchange.Units) {
	l.at(price, &l.worth)
	if l.worth.Cmp(&l.peak) > 0 {
		l.peak.Set(&l.worth)
	} else {
		// Is (peak − worth) / peak deeper than fall / from?
		l.a.Sub(&l.peak, &l.worth)
		l.b.Mul(&l.a, &l.from)
		l.worth.Mul(&l.fall, &l.peak)
		if l.b.Cmp(&l.worth) > 0 {
			l.fall.Set(&l.a)
			l.from.Set(&l.peak)
		}
	}
	if l.units.Sign() <= 0 {
		l.low, l.high = 0, math.MaxInt64
		return
	}
	// A new peak is above (peak − cash) / units.
	l.a.Sub(&l.peak, &l.cash)
	l.high = l.quotient()
	// A deeper fall is below (peak × (from − fall) / from − cash) / units.
	l.a.Sub(&l.from, &l.fall)
	l.b.Mul(&l.a, &l.peak)
	l.a.QuoRem(&l.b, &l.from, &l.remainder)
	l.a.Sub(&l.a, &l.cash)
	l.low = l.quotient() + 1
}

// quotient returns a / units, cut and within bounds.
func (l *ledger) quotient() exchange.Units {
	switch l.b.QuoRem(&l.a, &l.units, &l.remainder); {
	case l.b.Sign() <= 0:
		return 0
	case !l.b.IsInt64():
		return math.MaxInt64 - 1
	default:
		return exchange.Units(l.b.Int64())
	}
}

// profit returns what the worth at the price is above the budget, in the quote asset.
func (l *ledger) profit(price exchange.Units) decimal.Decimal {
	l.at(price, &l.worth)
	return amountOf(l.worth.Sub(&l.worth, &l.budget))
}

// at sets worth to what the account is worth at the price.
func (h *holding) at(price exchange.Units, worth *big.Int) {
	var p big.Int
	worth.Mul(&h.units, p.SetInt64(int64(price)))
	worth.Add(worth, &h.cash)
}

// deepest returns the deepest fall from a peak, in the quote asset and as a share.
func (l *ledger) deepest() (amount, share decimal.Decimal) {
	return amountOf(&l.fall), shareOf(&l.fall, &l.from)
}

// shareOf returns part / whole, both above zero, rounded.
func shareOf(part, whole *big.Int) decimal.Decimal {
	var n big.Int
	n.Mul(part, n.SetInt64(2*1e8)) // 10^sharePlaces
	n.Add(&n, whole)
	var twice big.Int
	return decimal.NewFromBigInt(n.Quo(&n, twice.Lsh(whole, 1)), -sharePlaces)
}

// sharePlaces is how many decimal places a share of something is given with.
const sharePlaces = 8
