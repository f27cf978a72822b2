package judge

import (
	"cmp"

	"hedgehog/exchange"
	"hedgehog/storage"
)

// books are the stored orders, fills and positions in the order in which they are
// asked for.
type books struct {
	all    *book            // what all nodes have together
	byNode map[string]*book // by name
	// positions are those of the node that has applied most of the cluster's log.
	positions map[positionKey]storage.Position
}

type book struct {
	node   string
	orders map[orderKey]exchange.Order
	fills  map[orderKey]map[int64]exchange.Fill // by trade id
}

type orderKey struct {
	symbol string
	id     int64
}

func (k orderKey) compare(o orderKey) int {
	return cmp.Or(cmp.Compare(k.symbol, o.symbol), cmp.Compare(k.id, o.id))
}

type positionKey struct{ symbol, id string }

func newBook(node string) *book {
	return &book{node: node, orders: make(map[orderKey]exchange.Order), fills: make(map[orderKey]map[int64]exchange.Fill)}
}

func readBooks(stores []Store) books {
	b := books{all: newBook("no node"), byNode: make(map[string]*book), positions: make(map[positionKey]storage.Position)}
	var latest Store
	for _, s := range stores {
		b.byNode[s.Node] = newBook(s.Node)
		b.all.add(s)
		b.byNode[s.Node].add(s)
		if s.Index >= latest.Index {
			latest = s
		}
	}
	for _, p := range latest.Positions {
		b.positions[positionKey{p.Symbol, p.ID}] = p
	}
	return b
}

// add takes the latest state of each order, and every fill.
func (b *book) add(s Store) {
	for _, o := range s.Orders {
		key := orderKey{o.Symbol, o.ID}
		if known, there := b.orders[key]; !there || o.Supersedes(known) {
			b.orders[key] = o
		}
	}
	for _, f := range s.Fills {
		key := orderKey{f.Symbol, f.OrderID}
		if b.fills[key] == nil {
			b.fills[key] = make(map[int64]exchange.Fill)
		}
		b.fills[key][f.TradeID] = f
	}
}
