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
	RecentFills(ctx context.Context, symbol string, limit int) ([]exchange.Fill, error)
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

// ordersPage is the most orders, and the most fills, that the exchange gives at once.
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
		return o.publishNew(ctx, symbol, page)
	}
	for from := oldest; ; from = page[len(page)-1].ID + 1 {
		if page, err = o.page(ctx, symbol, from); err != nil {
			return err
		}
		if err := o.publishNew(ctx, symbol, page); err != nil || len(page) < ordersPage {
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

// unknown is an order that the exchange knows more of than is stored.
type unknown struct {
	exchange.OrderUpdate
	lacksFills bool
}

// publishNew publishes those of the symbol's orders that are not stored as they are.
func (o *Orders) publishNew(ctx context.Context, symbol string, orders []exchange.Order) error {
	var news []unknown
	lacking := 0
	for _, order := range orders {
		stored, filled, ok, err := o.store.StoredOrder(ctx, symbol, order.ID)
		if err != nil {
			return fmt.Errorf("stored state of %s order %d: %w", symbol, order.ID, err)
		}
		lacks := filled.LessThan(order.ExecutedQuantity)
		if ok && !lacks && !order.Supersedes(stored) {
			continue
		}
		news = append(news, unknown{exchange.OrderUpdate{Order: order}, lacks})
		if lacks {
			lacking++
		}
	}
	recent, err := o.recentFills(ctx, symbol, lacking)
	if err != nil {
		return err
	}
	for _, u := range news {
		if u.lacksFills {
			if u.Fills, err = o.fills(ctx, u.Order, recent[u.ID]); err != nil {
				return err
			}
		}
		if err := o.bus.Publish(ctx, bus.Orders(symbol), &u.OrderUpdate); err != nil {
			return err
		}
	}
	return nil
}

// fillsAtOnce is from how many orders on their fills are read at once: the exchange
// takes as much for the most recent fills as for those of four orders.
const fillsAtOnce = 5

// recentFills returns the most recent fills by order where so many orders lack
// theirs that it is worth it.
func (o *Orders) recentFills(ctx context.Context, symbol string, lacking int) (map[int64][]exchange.Fill, error) {
	if lacking < fillsAtOnce {
		return nil, nil
	}
	fills, err := o.exchange.RecentFills(ctx, symbol, ordersPage)
	if err != nil {
		return nil, err
	}
	byOrder := make(map[int64][]exchange.Fill)
	for _, f := range fills {
		byOrder[f.OrderID] = append(byOrder[f.OrderID], f)
	}
	return byOrder, nil
}

// fills returns the fills of an order: those that are known if they are all.
func (o *Orders) fills(ctx context.Context, order exchange.Order, known []exchange.Fill) ([]exchange.Fill, error) {
	filled := decimal.Zero
	for _, f := range known {
		filled = filled.Add(f.Quantity)
	}
	if filled.GreaterThanOrEqual(order.ExecutedQuantity) {
		return known, nil
	}
	fills, err := o.exchange.Fills(ctx, order.Symbol, order.ID)
	if err != nil {
		return nil, fmt.Errorf("fills of %s order %d: %w", order.Symbol, order.ID, err)
	}
	return fills, nil
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
