package sim

import (
	"math/big"
	"math/bits"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
)

// average keeps the volume-weighted average price of the trades within window of
// the newest one. Its sums are whole numbers, exact: a backtest adds millions of
// trades between two questions.
type average struct {
	window exchange.Micros // 0: the last price is the average

	last   exchange.Tick   // the newest trade; zero before the first
	ticks  []exchange.Tick // from index oldest on those within the window
	oldest int
	base   sum // of quantities, in units
	quote  sum // of price × quantity, in units of units
}

// sum is an unsigned number of 128 bits: two of 64 are multiplied.
type sum struct{ high, low uint64 }

func (s *sum) add(o sum) {
	var carry uint64
	s.low, carry = bits.Add64(s.low, o.low, 0)
	s.high, _ = bits.Add64(s.high, o.high, carry)
}

func (s *sum) subtract(o sum) {
	var borrow uint64
	s.low, borrow = bits.Sub64(s.low, o.low, 0)
	s.high, _ = bits.Sub64(s.high, o.high, borrow)
}

func (s sum) big() *big.Int {
	n := new(big.Int).SetUint64(s.high)
	return n.Lsh(n, 64).Or(n, new(big.Int).SetUint64(s.low))
}

func worth(t exchange.Tick) (quote sum) {
	quote.high, quote.low = bits.Mul64(uint64(t.Price), uint64(t.Quantity))
	return quote
}

// add takes the next trade. Price and quantity are above zero.
func (a *average) add(t exchange.Tick) {
	a.last = t
	if a.window == 0 {
		return
	}
	a.ticks = append(a.ticks, t)
	a.base.add(sum{low: uint64(t.Quantity)})
	a.quote.add(worth(t))
	for a.ticks[a.oldest].Time < t.Time-a.window {
		gone := a.ticks[a.oldest]
		a.base.subtract(sum{low: uint64(gone.Quantity)})
		a.quote.subtract(worth(gone))
		a.oldest++
	}
	if a.oldest > len(a.ticks)/2 {
		// Down to the window at twice its length: copying costs a step a trade.
		a.ticks = a.ticks[:copy(a.ticks, a.ticks[a.oldest:])]
		a.oldest = 0
	}
}

// price returns the average, rounded to eight places, and zero before the first
// trade. Time is that of the trades, which may have been recorded long ago.
func (a *average) price() decimal.Decimal {
	switch {
	case a.last.ID == 0:
		return decimal.Zero
	case a.window == 0:
		return a.last.Price.Decimal()
	default:
		quote := decimal.NewFromBigInt(a.quote.big(), -2*exchange.UnitPlaces)
		return quote.DivRound(decimal.NewFromBigInt(a.base.big(), -exchange.UnitPlaces), exchange.UnitPlaces)
	}
}
