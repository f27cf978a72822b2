package sim

import (
	"slices"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
)

// order is an order with what the exchange alone knows of it.
type order struct {
	exchange.Order
	account   string
	userAgent string // of the request that placed it
}

func (o *order) remaining() decimal.Decimal { return o.OriginalQuantity.Sub(o.ExecutedQuantity) }

// book holds the resting orders of one symbol, each side with the order to fill
// first at its head: the better price and, at the same price, the older order.
type book struct {
	bids, asks []*order
}

// match is what one order gets of a passing trade.
type match struct {
	order    *order
	quantity decimal.Decimal // base asset
}

// matches returns what a trade at price fills, in order of priority, and changes
// nothing. Each side gets at most quantity, shared in that order; a negative
// quantity is no bound.
func (b *book) matches(price, quantity decimal.Decimal) []match {
	var found []match
	for _, side := range [...][]*order{b.bids, b.asks} {
		left := quantity
		for _, o := range side {
			if !through(o, price) || left.IsZero() {
				break
			}
			filled := o.remaining()
			if !left.IsNegative() {
				filled = decimal.Min(filled, left)
				left = left.Sub(filled)
			}
			found = append(found, match{order: o, quantity: filled})
		}
	}
	return found
}

// through says whether a trade at price goes through the order's limit.
func through(o *order, price decimal.Decimal) bool {
	if o.Side == exchange.Buy {
		return price.LessThan(o.Price)
	}
	return price.GreaterThan(o.Price)
}

// add puts an order that is newer than all others behind those of its price.
func (b *book) add(o *order) {
	side := b.side(o.Side)
	at, _ := slices.BinarySearchFunc(*side, o, priority)
	*side = slices.Insert(*side, at, o)
}

// remove takes an order out; one that is not there is passed over.
func (b *book) remove(o *order) {
	side := b.side(o.Side)
	if at, found := slices.BinarySearchFunc(*side, o, priority); found {
		*side = slices.Delete(*side, at, at+1)
	}
}

func (b *book) side(s exchange.Side) *[]*order {
	if s == exchange.Buy {
		return &b.bids
	}
	return &b.asks
}

// priority orders the resting orders of one side. Ids rise with time.
func priority(a, b *order) int {
	c := a.Price.Cmp(b.Price)
	if a.Side == exchange.Buy {
		c = -c
	}
	if c != 0 {
		return c
	}
	return int(min(max(a.ID-b.ID, -1), 1))
}
