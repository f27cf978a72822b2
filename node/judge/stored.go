package judge

import (
	"maps"
	"slices"

	"hedgehog/exchange"
)

// Span is which trades of a symbol have to be stored, by their ids.
type Span struct {
	First int64 // 0: the lowest that is stored
	Last  int64 // 0: the highest that is stored
}

// End is how a run has ended.
type End struct {
	// Stores are what the nodes have stored, those of dead ones too.
	Stores []Store
	// Settled is a time of the exchange's clock: what had happened by then has had
	// the time to be stored and told to the cluster, and each symbol a further trade,
	// which is what closes a cycle. Orders and positions that changed later are passed
	// over, since there the nodes may still be at work.
	Settled exchange.Micros
	// Collected are the symbols whose trades were collected.
	Collected map[string]Span
}

// Stored compares what the nodes have stored with the journal so far, which has to
// be there from its first line. Symbols that are traded have to have their orders
// collected too.
func (j *Judge) Stored(end End) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.states(end.Stores)
	for _, symbol := range slices.Sorted(maps.Keys(end.Collected)) {
		j.trades(symbol, end.Collected[symbol], end.Stores)
	}
	books := readBooks(end.Stores)
	for _, symbol := range slices.Sorted(maps.Keys(j.markets)) {
		m := j.markets[symbol]
		j.orders(m, books, end.Settled)
		j.positions(m, books, end.Settled)
	}
	j.strangers(books)
}

// states expects the nodes that have applied as much to have the same state.
func (j *Judge) states(stores []Store) {
	first := make(map[uint64]Store)
	for _, s := range stores {
		other, there := first[s.Index]
		if !there {
			first[s.Index] = s
			continue
		}
		for i := range max(len(s.State), len(other.State)) {
			if a, b := rowAt(other, i), rowAt(s, i); a != b {
				j.breach(SameState, "", "after entry %d %s has %q where %s has %q", s.Index, other.Node, a, s.Node, b)
				break
			}
		}
	}
}

func rowAt(s Store, i int) string {
	if i < len(s.State) {
		return s.State[i]
	}
	return ""
}

// trades expects all ids of the span, over all stores together, and everywhere
// the same trade under the same id.
func (j *Judge) trades(symbol string, span Span, stores []Store) {
	type copyOf struct {
		*exchange.TradeEvent
		node string
	}
	stored := make(map[int64]copyOf)
	var watermark int64
	for _, s := range stores {
		watermark = max(watermark, s.Watermarks[symbol])
		for i := range s.Trades[symbol] {
			t := &s.Trades[symbol][i]
			other, there := stored[t.ID]
			switch {
			case !there:
				stored[t.ID] = copyOf{t, s.Node}
			case !sameTrade(t, other.TradeEvent):
				j.breach(SameTrades, symbol, "trade %d is %s at %s (%d) on %s and %s at %s (%d) on %s", t.ID,
					other.Quantity, other.Price, other.TradeTime, other.node, t.Quantity, t.Price, t.TradeTime, s.Node)
			}
		}
	}
	ids := slices.Sorted(maps.Keys(stored))
	if len(ids) == 0 {
		j.breach(NoGap, symbol, "no trade is stored")
		return
	}
	last := max(span.Last, watermark, ids[len(ids)-1])
	next := ids[0]
	if span.First != 0 {
		next = span.First
	}
	for _, id := range append(ids, last+1) {
		if id > next {
			j.breach(NoGap, symbol, "trades %d to %d are missing (asked for are %d to %d, the watermark is %d)", next, id-1, span.First, span.Last, watermark)
		}
		next = max(next, id+1)
	}
}

func sameTrade(a, b *exchange.TradeEvent) bool {
	return a.Price.Equal(b.Price) && a.Quantity.Equal(b.Quantity) && a.TradeTime == b.TradeTime && a.BuyerIsMaker == b.BuyerIsMaker
}

// recent is how many of a symbol's newest orders a new owner reads at the
// exchange: those it has to know itself, older ones may be stored elsewhere.
const recent = 1000

// orders expects every order to be stored, by the symbol's owner where that reads
// it, as the exchange has it.
func (j *Judge) orders(m *market, b books, settled exchange.Micros) {
	ids := slices.Sorted(maps.Keys(m.orders))
	for i, id := range ids {
		o := m.orders[id]
		if o.changed > settled {
			continue
		}
		at := b.all
		if own := b.byNode[m.owner()]; own != nil && i >= len(ids)-recent {
			at = own
		}
		key := orderKey{o.Symbol, id}
		row, there := at.orders[key]
		if !there {
			j.breach(OrdersKnown, o.Symbol, "%s has not stored %s", at.node, describe(o.JournalEntry))
			continue
		}
		if !o.is(row) {
			j.breach(OrdersExact, o.Symbol, "%s has stored %s %s, %s of %s executed at %s for %s; the exchange has %s with %s executed for %s", at.node,
				row.ClientID, row.Status, row.ExecutedQuantity, row.OriginalQuantity, row.Price, row.QuoteQuantity, describe(o.JournalEntry), o.executed, o.quote())
		}
		j.fills(m, o, at.node, at.fills[key])
	}
}

// is says whether the row is the order as the exchange has it.
func (o *order) is(row exchange.Order) bool {
	return row.ClientID == o.ClientOrderID && row.Side == o.Side && row.Status == o.status && row.Price.Equal(o.Price) &&
		row.OriginalQuantity.Equal(o.Quantity) && row.ExecutedQuantity.Equal(o.executed) && row.QuoteQuantity.Equal(o.quote())
}

// fills expects the stored fills of an order to be those of the journal.
func (j *Judge) fills(m *market, o *order, node string, stored map[int64]exchange.Fill) {
	for _, f := range o.fills {
		row, there := stored[f.tradeID]
		if !there {
			j.breach(OrdersKnown, o.Symbol, "%s has not stored the fill of order %d by trade %d", node, o.OrderID, f.tradeID)
			continue
		}
		asset, commission := j.charged(m.rules, o, f)
		if row.Side != o.Side || !row.Price.Equal(o.Price) || !row.Quantity.Equal(f.quantity) || row.CommissionAsset != asset || !row.Commission.Equal(commission) {
			j.breach(OrdersExact, o.Symbol, "%s has stored the fill of order %d by trade %d as %s %s at %s, commission %s %s; the exchange has %s %s at %s, commission %s %s", node,
				o.OrderID, f.tradeID, row.Side, row.Quantity, row.Price, row.Commission, row.CommissionAsset, o.Side, f.quantity, o.Price, commission, asset)
		}
	}
	if len(stored) > len(o.fills) {
		j.breach(OrdersExact, o.Symbol, "%s has stored %d fills of order %d, the exchange has %d", node, len(stored), o.OrderID, len(o.fills))
	}
}

// strangers expects no order to be stored that the exchange does not have.
func (j *Judge) strangers(b books) {
	for _, key := range slices.SortedFunc(maps.Keys(b.all.orders), orderKey.compare) {
		m := j.markets[key.symbol]
		if m == nil || m.orders[key.id] == nil {
			row := b.all.orders[key]
			j.breach(OrdersExact, key.symbol, "order %d %s is stored and was never accepted", key.id, row.ClientID)
		}
	}
}
