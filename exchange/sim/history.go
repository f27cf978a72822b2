package sim

import (
	"slices"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
)

// history holds the newest trades of one symbol, in order of id, and the sums
// behind their average price.
type history struct {
	keep   int
	window exchange.Micros // what the average price is taken over

	trades []*exchange.TradeEvent
	// The trades from index oldest on are not older than window, seen from the
	// newest one; base and quote sum up their quantities.
	oldest      int
	base, quote decimal.Decimal
}

func newHistory(keep, averageMinutes int) *history {
	return &history{keep: keep, window: exchange.Micros(averageMinutes) * 60_000_000}
}

// add takes the next trade and forgets the ones beyond the bound.
func (h *history) add(t *exchange.TradeEvent) {
	h.trades = append(h.trades, t)
	h.base = h.base.Add(t.Quantity)
	h.quote = h.quote.Add(t.Price.Mul(t.Quantity))
	for h.trades[h.oldest].TradeTime < t.TradeTime-h.window {
		h.dropFromAverage()
	}
	if len(h.trades) < 2*h.keep {
		return
	}
	// Twice the bound, then down to it: copying costs one step a trade.
	excess := len(h.trades) - h.keep
	for h.oldest < excess {
		h.dropFromAverage()
	}
	h.trades = slices.Clone(h.trades[excess:])
	h.oldest -= excess
}

func (h *history) dropFromAverage() {
	t := h.trades[h.oldest]
	h.base = h.base.Sub(t.Quantity)
	h.quote = h.quote.Sub(t.Price.Mul(t.Quantity))
	h.oldest++
}

// last returns the newest trade, nil before the first.
func (h *history) last() *exchange.TradeEvent {
	if len(h.trades) == 0 {
		return nil
	}
	return h.trades[len(h.trades)-1]
}

// kept returns the trades within the bound.
func (h *history) kept() []*exchange.TradeEvent {
	return h.trades[max(0, len(h.trades)-h.keep):]
}

// average returns the volume-weighted average price of the window that ends with
// the newest trade, the last price where the window is zero, and zero before the
// first trade. Time is that of the trades, which may have been recorded long ago.
func (h *history) average() decimal.Decimal {
	switch {
	case len(h.trades) == 0:
		return decimal.Zero
	case h.window == 0:
		return h.last().Price
	default:
		return h.quote.DivRound(h.base, 8)
	}
}

// from returns up to limit trades with ids from fromID on, the newest ones when
// fromID is zero.
func (h *history) from(fromID int64, limit int) []exchange.TradeEvent {
	trades := h.kept()
	if fromID == 0 {
		trades = trades[max(0, len(trades)-limit):]
	} else {
		at, _ := slices.BinarySearchFunc(trades, fromID, func(t *exchange.TradeEvent, id int64) int {
			return int(min(max(t.ID-id, -1), 1))
		})
		trades = trades[at:]
	}
	return values(trades[:min(limit, len(trades))])
}

// between returns up to limit trades with a trade time from start to end.
func (h *history) between(start, end exchange.Micros, limit int) []exchange.TradeEvent {
	var found []*exchange.TradeEvent
	for _, t := range h.kept() {
		if len(found) == limit {
			break
		}
		if t.TradeTime >= start && t.TradeTime <= end {
			found = append(found, t)
		}
	}
	return values(found)
}

func values(trades []*exchange.TradeEvent) []exchange.TradeEvent {
	copies := make([]exchange.TradeEvent, len(trades))
	for i, t := range trades {
		copies[i] = *t
	}
	return copies
}
