package streamer

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/shopspring/decimal"

	"hedgehog/data/bus"
	"hedgehog/exchange"
)

// OrderExchange is what Orders asks of the exchange.
type OrderExchange interface {
	AllOrders(ctx context.Context, symbol string, fromID int64, limit int) ([]exchange.Order, error)
	Fills(ctx context.Context, symbol string, orderID int64) ([]exchange.Fill, error)
	StreamOrders(ctx context.Context, sink exchange.OrderSink) error
}

// OrderStore tells what is known of the orders already.
type OrderStore interface {
	// OldestOpenOrder returns the id of the oldest stored order of the symbol that
	// may still change; of the newest one when none may; 0 when none is stored.
	OldestOpenOrder(ctx context.Context, symbol string) (int64, error)
	// StoredOrder returns an order as it is stored and the quantity that its
	// stored fills add up to; false when it is not stored.
	StoredOrder(ctx context.Context, symbol string, id int64) (o exchange.Order, filled decimal.Decimal, ok bool, err error)
}

// Orders publishes the updates of the account's orders.
type Orders struct {
	exchange OrderExchange
	store    OrderStore
	bus      *bus.Bus
	symbols  func() []string
	log      *slog.Logger
}

// NewOrders returns an Orders that publishes on b. symbols returns those whose
// orders are looked up at every connection.
func NewOrders(ex OrderExchange, store OrderStore, b *bus.Bus, symbols func() []string, log *slog.Logger) *Orders {
	return &Orders{exchange: ex, store: store, bus: b, symbols: symbols, log: log}
}

// Run streams until ctx ends (it returns ctx's cause), or something fails that a
// new Run may mend.
func (o *Orders) Run(ctx context.Context) error {
	if err := o.exchange.StreamOrders(ctx, orderSink{o}); err != nil {
		return fmt.Errorf("stream orders: %w", err)
	}
	return nil
}

// ordersPage is the most orders that the exchange gives at once.
const ordersPage = 1000

// CatchUp publishes the orders of symbol that the exchange knows more of than
// is stored, with the fills that are missing: of the newest orders, as many as
// the exchange gives at once, and of all from the oldest on that is stored and may
// still change. That one alone is no place to begin: what is stored has holes
// where a node heard of an order before it had read those that others had sent.
func (o *Orders) CatchUp(ctx context.Context, symbol string) error {
	oldest, err := o.store.OldestOpenOrder(ctx, symbol)
	if err != nil {
		return fmt.Errorf("oldest open order of %s: %w", symbol, err)
	}
	page, err := o.page(ctx, symbol, 0) // the newest
	if err != nil {
		return err
	}
	if oldest == 0 || len(page) < ordersPage || page[0].ID <= oldest {
		return o.publishNew(ctx, page)
	}
	for from := oldest; ; from = page[len(page)-1].ID + 1 {
		if page, err = o.page(ctx, symbol, from); err != nil {
			return err
		}
		if err := o.publishNew(ctx, page); err != nil || len(page) < ordersPage {
			return err
		}
	}
}

func (o *Orders) page(ctx context.Context, symbol string, from int64) ([]exchange.Order, error) {
	page, err := o.exchange.AllOrders(ctx, symbol, from, ordersPage)
	if err != nil {
		return nil, fmt.Errorf("orders of %s from id %d: %w", symbol, from, err)
	}
	return page, nil
}

func (o *Orders) publishNew(ctx context.Context, orders []exchange.Order) error {
	for _, order := range orders {
		if err := o.publishIfNew(ctx, order); err != nil {
			return err
		}
	}
	return nil
}

func (o *Orders) publishIfNew(ctx context.Context, order exchange.Order) error {
	stored, filled, ok, err := o.store.StoredOrder(ctx, order.Symbol, order.ID)
	if err != nil {
		return fmt.Errorf("stored state of %s order %d: %w", order.Symbol, order.ID, err)
	}
	fillsKnown := filled.Cmp(order.ExecutedQuantity) >= 0
	if ok && fillsKnown && !order.Supersedes(stored) {
		return nil
	}
	update := &exchange.OrderUpdate{Order: order}
	if !fillsKnown {
		if update.Fills, err = o.exchange.Fills(ctx, order.Symbol, order.ID); err != nil {
			return fmt.Errorf("fills of %s order %d: %w", order.Symbol, order.ID, err)
		}
	}
	return o.bus.Publish(ctx, bus.Orders(order.Symbol), update)
}

// orderSink is Orders as the exchange's stream sees it.
type orderSink struct{ *Orders }

// Connected looks up what may have changed while there was no connection.
func (s orderSink) Connected(ctx context.Context) error {
	s.log.Info("order stream connected")
	for _, symbol := range s.symbols() {
		if err := s.CatchUp(ctx, symbol); err != nil {
			return err
		}
	}
	return nil
}

// OrderUpdate publishes u.
func (s orderSink) OrderUpdate(ctx context.Context, u *exchange.OrderUpdate) error {
	return s.bus.Publish(ctx, bus.Orders(u.Symbol), u)
}
