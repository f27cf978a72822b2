package sim

import (
	"errors"
	"fmt"
	"math"

	"hedgehog/exchange"
)

// Calm returns the prices from low to high, both included, at which a trade of the
// symbol fills no resting order. It holds until an order is placed, filled or
// cancelled. Where no price is calm, low is above high.
func (e *Engine) Calm(symbol string) (low, high exchange.Units, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	m, err := e.market(symbol)
	if err != nil {
		return 0, 0, err
	}
	low, high = 0, math.MaxInt64
	fits := true
	if len(m.book.bids) > 0 {
		low, fits = exchange.UnitsOf(m.book.bids[0].Price)
	}
	if len(m.book.asks) > 0 && fits {
		high, fits = exchange.UnitsOf(m.book.asks[0].Price)
	}
	if !fits {
		return 1, 0, nil
	}
	return low, high, nil
}

// Pass is Trade for many trades of a symbol at once that the caller knows to fill
// nothing, by Calm: a backtest passes most of its trades so. They count for the
// average price, and are neither kept in the history nor handed to listeners. An
// engine with a data directory refuses them, since its log would lack them. Ids
// must rise; from the first that does not on, nothing has passed.
func (e *Engine) Pass(symbol string, ticks []exchange.Tick) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	m, err := e.market(symbol)
	if err != nil {
		return fmt.Errorf("pass trades of %s: %w", symbol, err)
	}
	if e.log != nil {
		return fmt.Errorf("pass trades of %s: %w", symbol, errKept)
	}
	last := m.average.last.ID
	for i := range ticks {
		if t := &ticks[i]; t.ID <= last || t.Price <= 0 || t.Quantity <= 0 {
			if i > 0 {
				m.average.add(ticks[:i]...)
			}
			return fmt.Errorf("trade %s %d: want an id above %d, and price %s and quantity %s above 0",
				symbol, t.ID, last, t.Price, t.Quantity)
		}
		last = ticks[i].ID
	}
	if len(ticks) > 0 {
		m.average.add(ticks...)
	}
	e.counts.Trades += int64(len(ticks))
	return nil
}

var errKept = errors.New("the engine keeps its state in a data directory")
