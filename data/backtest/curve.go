package backtest

import (
	"github.com/shopspring/decimal"

	"hedgehog/exchange"
)

// Point is a stretch of time of a run, for charts.
type Point struct {
	Time      exchange.Micros // its start
	Low, High exchange.Units  // of the trades' prices
	Close     exchange.Units
	Equity    decimal.Decimal // at its end, in the quote asset
	Drawdown  decimal.Decimal // at its end, as a share of the highest equity before
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

// next begins the point of a trade that is due, after the open one was closed with
// what the account was worth.
func (c *curve) next(t exchange.Tick, equity func() (worth, drawdown decimal.Decimal)) {
	if c.step == 0 {
		c.step = firstStep
	} else {
		c.close(equity)
	}
	start := t.Time - t.Time%c.step
	c.open = Point{Time: start, Low: t.Price, High: t.Price, Close: t.Price}
	c.due = start + c.step
}

func (c *curve) close(equity func() (worth, drawdown decimal.Decimal)) {
	c.open.Equity, c.open.Drawdown = equity()
	c.points = append(c.points, c.open)
	for len(c.points) >= mostPoints {
		c.halve()
	}
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
			last.Close, last.Equity, last.Drawdown = p.Close, p.Equity, decimal.Max(last.Drawdown, p.Drawdown)
			continue
		}
		kept = append(kept, p)
	}
	c.points = kept
}
