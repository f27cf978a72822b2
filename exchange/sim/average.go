package sim

import (
	"math"
	"math/big"
	"math/bits"
	"sort"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
)

// average keeps the volume-weighted average price of the trades within window of
// the newest one. Its sums are whole numbers, exact, and are worked out when they are
// asked for: a backtest adds thousands of trades between two questions, and most of
// them are out of the window by then.
type average struct {
	window exchange.Micros // 0: the last price is the average

	last    exchange.Tick   // the newest trade; zero before the first
	ticks   []exchange.Tick // from index oldest on those within the window
	oldest  int
	counted int // those from oldest up to here are in the sums
	full    int // at this length those out of the window are dropped
	base    sum // of quantities, in units
	quote   sum // of price × quantity, in units of units
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

// add takes the next trades, of which there is at least one. Prices and quantities
// are above zero.
func (a *average) add(ticks ...exchange.Tick) {
	a.last = ticks[len(ticks)-1]
	if a.window == 0 {
		return
	}
	if limit := a.last.Time - a.window; ticks[0].Time < limit {
		// All those before are out of the window as well.
		a.ticks, a.oldest, a.counted, a.base, a.quote = a.ticks[:0], 0, 0, sum{}, sum{}
		ticks = ticks[firstFrom(ticks, limit):]
	}
	a.ticks = append(a.ticks, ticks...)
	if len(a.ticks) >= a.full {
		a.advance()
		a.ticks = a.ticks[:copy(a.ticks, a.ticks[a.oldest:])]
		a.counted -= a.oldest
		a.oldest = 0
		// Up to the window at twice its length: dropping costs a few steps a trade.
		a.full = max(2*len(a.ticks), 1024)
	}
}

// advance passes over the trades that are out of the window.
func (a *average) advance() {
	limit := a.last.Time - a.window
	for a.oldest < a.counted && a.ticks[a.oldest].Time < limit {
		gone := a.ticks[a.oldest]
		a.base.subtract(sum{low: uint64(gone.Quantity)})
		a.quote.subtract(worth(gone))
		a.oldest++
	}
	if a.oldest == a.counted {
		a.oldest += firstFrom(a.ticks[a.oldest:], limit)
		a.counted = a.oldest
	}
}

// firstFrom returns the index of the first trade that is not before the time.
func firstFrom(ticks []exchange.Tick, limit exchange.Micros) int {
	return sort.Search(len(ticks), func(i int) bool { return ticks[i].Time >= limit })
}

// count brings the sums up to date.
func (a *average) count() {
	a.advance()
	for _, t := range a.ticks[a.counted:] {
		a.base.add(sum{low: uint64(t.Quantity)})
		a.quote.add(worth(t))
	}
	a.counted = len(a.ticks)
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
		a.count()
		if a.base.high == 0 && a.quote.high < a.base.low {
			if p, rest := bits.Div64(a.quote.high, a.quote.low, a.base.low); p < math.MaxInt64 {
				if rest >= a.base.low-rest {
					p++
				}
				return exchange.Units(p).Decimal()
			}
		}
		quote := decimal.NewFromBigInt(a.quote.big(), -2*exchange.UnitPlaces)
		return quote.DivRound(decimal.NewFromBigInt(a.base.big(), -exchange.UnitPlaces), exchange.UnitPlaces)
	}
}
