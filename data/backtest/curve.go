package backtest

import (
	"math/big"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
)

// Point is a stretch of time of a run, for charts.
type Point struct {
	Time      exchange.Micros // its start
	Low, High exchange.Units  // of the trades' prices
	Close     exchange.Units
	Equity    decimal.Decimal // at its end, in the quote asset
	// Drawdown is how far that is below the highest Equity before, as a share.
	Drawdown decimal.Decimal

	holding *holding // that Equity follows from
}

// mostPoints bounds a curve: as many as a screen is wide.
const mostPoints = 2048

// curve samples a run at a pace that halves whenever it has become long, so that
// its length has a bound and follows from the trades alone.
type curve struct {
	points []Point
	step   exchange.Micros // length of a point
	open   Point
	due    exchange.Micros // end of the open point
}

// firstStep is the length of a point at first: one second.
const firstStep exchange.Micros = 1_000_000

// next begins the point of a trade that is due. The open one ends with what the
// account holds.
func (c *curve) next(t exchange.Tick, l *ledger) {
	if c.step == 0 {
		c.step = firstStep
	} else {
		c.close(l)
	}
	start := t.Time - t.Time%c.step
	c.open = Point{Time: start, Low: t.Price, High: t.Price, Close: t.Price}
	c.due = start + c.step
}

func (c *curve) close(l *ledger) {
	c.open.holding = l.holding
	c.points = append(c.points, c.open)
	for len(c.points) >= mostPoints {
		c.halve()
	}
}

// finished returns the points, with what follows from what they hold.
func (c *curve) finished() []Point {
	var worth, peak, below big.Int
	for i := range c.points {
		p := &c.points[i]
		p.holding.at(p.Close, &worth)
		p.Equity = amountOf(&worth)
		if worth.Cmp(&peak) >= 0 {
			peak.Set(&worth)
		} else if peak.Sign() > 0 {
			p.Drawdown = shareOf(below.Sub(&peak, &worth), &peak)
		}
	}
	return c.points
}

// halve puts the points of a step of twice the length together.
func (c *curve) halve() {
	c.step *= 2
	kept := c.points[:0]
	for _, p := range c.points {
		p.Time -= p.Time % c.step
		if n := len(kept); n > 0 && kept[n-1].Time == p.Time {
			last := &kept[n-1]
			last.Low, last.High = min(last.Low, p.Low), max(last.High, p.High)
			last.Close, last.holding = p.Close, p.holding
			continue
		}
		kept = append(kept, p)
	}
	c.points = kept
}
