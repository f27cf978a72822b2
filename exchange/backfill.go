package exchange

import (
	"context"
	"fmt"
	"iter"
)

// TradeHistory is the part of an Exchange that old trades are read from.
type TradeHistory interface {
	TradesFrom(ctx context.Context, symbol string, fromID int64, limit int) ([]TradeEvent, error)
}

// TradesPage is the most trades that the exchange gives at once.
const TradesPage = 1000

// MissedTrades reads the trades of symbol from id first on, page by page, up to
// and including id last, or to the newest there is when last is zero. It ends
// early with an error when a page can't be read or ids don't rise.
func MissedTrades(ctx context.Context, h TradeHistory, symbol string, first, last int64) iter.Seq2[*TradeEvent, error] {
	return func(yield func(*TradeEvent, error) bool) {
		for next := first; last == 0 || next <= last; {
			page, err := h.TradesFrom(ctx, symbol, next, TradesPage)
			if err != nil {
				yield(nil, fmt.Errorf("trades of %s from id %d: %w", symbol, next, err))
				return
			}
			for i := range page {
				t := &page[i]
				if t.ID < next {
					yield(nil, fmt.Errorf("trades of %s from id %d: id %d is out of order", symbol, next, t.ID))
					return
				}
				if last != 0 && t.ID > last {
					return
				}
				next = t.ID + 1
				if !yield(t, nil) {
					return
				}
			}
			if len(page) < TradesPage {
				return
			}
		}
	}
}
