package optimize

import (
	"errors"
	"fmt"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
)

// Window is a stretch of time in two parts: settings are chosen by what they do from
// From to before Split, in sample, and judged by what they do from Split to before To.
type Window struct {
	From  exchange.Micros `json:"from"`
	Split exchange.Micros `json:"split"`
	To    exchange.Micros `json:"to"`
}

// ErrTooFewTrades is returned when a window has a part without trades.
var ErrTooFewTrades = errors.New("too few trades for these windows")

// Windows cuts the time of the trades into so many windows of the same length, and
// each of them after a share of its time.
func Windows(trades *Trades, windows int, split decimal.Decimal) ([]Window, error) {
	if trades.Count() == 0 {
		return nil, fmt.Errorf("%w: there are none", ErrTooFewTrades)
	}
	begin := trades.First().Time
	span := decimal.NewFromInt(int64(trades.Last().Time + 1 - begin))
	// at returns the time after n + share windows.
	at := func(n int, share decimal.Decimal) exchange.Micros {
		passed := span.Mul(decimal.NewFromInt(int64(n)).Add(share)).DivRound(decimal.NewFromInt(int64(windows)), 0)
		return begin + exchange.Micros(passed.IntPart())
	}
	cut := make([]Window, windows)
	for i := range cut {
		w := Window{From: at(i, decimal.Zero), Split: at(i, split), To: at(i+1, decimal.Zero)}
		switch {
		case !trades.has(w.From, w.Split):
			return nil, fmt.Errorf("%w: window %d of %d has none in its first part", ErrTooFewTrades, i+1, windows)
		case !trades.has(w.Split, w.To):
			return nil, fmt.Errorf("%w: window %d of %d has none in its second part", ErrTooFewTrades, i+1, windows)
		}
		cut[i] = w
	}
	return cut, nil
}
