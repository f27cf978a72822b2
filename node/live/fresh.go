package live

import "hedgehog/exchange"

// Fresh keeps the trades of a symbol from being told twice: while it is handed over,
// two nodes publish them. The zero value has seen nothing.
type Fresh struct{ last int64 }

// IsNew says whether an event of the symbol's is to be told. All but trades are, and so
// are trades that are played again.
func (f *Fresh) IsNew(event any) bool {
	t, ok := event.(*exchange.TradeEvent)
	if !ok || t.Source == exchange.Replay {
		return true
	}
	if t.ID <= f.last {
		return false
	}
	f.last = t.ID
	return true
}
