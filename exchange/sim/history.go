package sim

import (
	"slices"

	"hedgehog/exchange"
)

// history holds the newest trades of one symbol, in order of id.
type history struct {
	keep   int
	trades []*exchange.TradeEvent
}

// add takes the next trade and forgets the ones beyond the bound.
func (h *history) add(t *exchange.TradeEvent) {
	h.trades = append(h.trades, t)
	if len(h.trades) >= 2*h.keep {
		// Twice the bound, then down to it: copying costs one step a trade.
		h.trades = slices.Clone(h.kept())
	}
}

// kept returns the trades within the bound.
func (h *history) kept() []*exchange.TradeEvent {
	return h.trades[max(0, len(h.trades)-h.keep):]
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
