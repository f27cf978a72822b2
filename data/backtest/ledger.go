package backtest

import (
	"math"
	"math/big"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
)

// worthPlaces is how many decimal places a worth has: those of a price and of a
// quantity together. Nothing is rounded.
const worthPlaces = 2 * exchange.UnitPlaces

// ledger follows what the account is worth in the quote asset, from its budget on:
// its highest worth, the deepest fall below that, and how long how much was bound.
type ledger struct {
	base, quote string          // assets
	balance     decimal.Decimal // of the quote asset: the budget and what came of it
	held        decimal.Decimal // of the base asset
	cost        decimal.Decimal // of what is held, in the quote asset, on average
	fees        decimal.Decimal // in the quote asset, those in the base asset at their fill's price
	buys, sells int             // fills

	since    exchange.Micros // of the latest change
	inMarket exchange.Micros // time with something held
	bound    decimal.Decimal // cost × µs

	// The worth at price p is cash + units × p, in 10^-16 of the quote asset. Integers
	// and scratch space, since a mark may be due at every trade.
	cash, units big.Int
	peak        big.Int // the highest worth so far
	fall, from  big.Int // the deepest fall, as the share fall / from of the peak
	worth, a, b big.Int // scratch
	remainder   big.Int // of a division, which nobody wants

	// A price outside of low … high is to be marked.
	low, high exchange.Units
}

func newLedger(symbol exchange.Symbol, budget decimal.Decimal) *ledger {
	l := &ledger{base: symbol.BaseAsset, quote: symbol.QuoteAsset, balance: budget}
	l.settle()
	l.peak.Set(&l.cash)
	l.from.SetInt64(1)
	return l
}

// apply takes a fill into account. The price of the trade is to be marked before
// and after it.
func (l *ledger) apply(f exchange.Fill) {
	l.pass(f.Time)
	worth := f.Price.Mul(f.Quantity)
	if f.CommissionAsset == l.base {
		l.held = l.held.Sub(f.Commission)
		l.fees = l.fees.Add(f.Commission.Mul(f.Price))
	} else {
		l.balance = l.balance.Sub(f.Commission)
		l.fees = l.fees.Add(f.Commission)
	}
	if f.Side == exchange.Buy {
		l.buys++
		l.balance = l.balance.Sub(worth)
		l.held = l.held.Add(f.Quantity)
		l.cost = l.cost.Add(worth)
	} else {
		l.sells++
		l.balance = l.balance.Add(worth)
		if before := l.held; before.Sign() > 0 {
			l.cost = l.cost.Sub(l.cost.Mul(f.Quantity).DivRound(before, worthPlaces))
		}
		l.held = l.held.Sub(f.Quantity)
	}
	l.settle()
}

// pass lets the time until now count for what was held.
func (l *ledger) pass(now exchange.Micros) {
	if d := now - l.since; l.since > 0 && l.held.Sign() > 0 {
		l.inMarket += d
		l.bound = l.bound.Add(l.cost.Mul(decimal.NewFromInt(int64(d))))
	}
	l.since = now
}

// settle takes over the balances for marking, which is due at any price.
func (l *ledger) settle() {
	l.cash.Set(l.balance.Shift(worthPlaces).BigInt())
	l.units.Set(l.held.Shift(exchange.UnitPlaces).BigInt())
	l.low, l.high = 1, 0
}

// mark notes the worth at the price, and works out the prices at which there will be
// something to note again.
func (l *ledger) mark(price exchange.Units) {
	l.worth.Mul(&l.units, l.a.SetInt64(int64(price)))
	l.worth.Add(&l.worth, &l.cash)
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

// equity returns the worth at the price, in the quote asset.
func (l *ledger) equity(price exchange.Units) decimal.Decimal {
	return l.balance.Add(l.held.Mul(price.Decimal()))
}

// deepest returns the deepest fall from a peak, in the quote asset and as a share.
func (l *ledger) deepest() (amount, share decimal.Decimal) {
	amount = decimal.NewFromBigInt(&l.fall, -worthPlaces)
	if l.fall.Sign() == 0 {
		return amount, decimal.Zero
	}
	return amount, amount.DivRound(decimal.NewFromBigInt(&l.from, -worthPlaces), sharePlaces)
}

// sharePlaces is how many decimal places a share of something is given with.
const sharePlaces = 8
