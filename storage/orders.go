package storage

import (
	"context"
	"fmt"

	"hedgehog/exchange"
)

const (
	selectOrders = `SELECT symbol, order_id, client_order_id, side, status, price, original_quantity,
		executed_quantity, quote_quantity, order_time, update_time FROM orders`
	selectOrder = selectOrders + " WHERE symbol = ? AND order_id = ?"

	selectFills = `SELECT symbol, order_id, trade_id, side, price, quantity, commission,
		commission_asset, maker, fill_time FROM fills`

	upsertOrder = `INSERT OR REPLACE INTO orders (symbol, order_id, client_order_id, side, status, price, original_quantity,
		executed_quantity, quote_quantity, order_time, update_time) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

	insertFill = `INSERT INTO fills (symbol, order_id, trade_id, side, price, quantity, commission,
		commission_asset, maker, fill_time) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`
)

// putOrders applies the updates one after the other and returns how many rows
// of orders and of fills it added or changed.
func putOrders(ctx context.Context, b batch, updates []*exchange.OrderUpdate) (orders, fills int64, err error) {
	for _, u := range updates {
		n, err := putOrder(ctx, b, u.Order)
		if err != nil {
			return 0, 0, fmt.Errorf("%s order %d: %w", u.Symbol, u.ID, err)
		}
		orders += n
		for _, f := range u.Fills {
			n, err := b.exec(ctx, insertFill, f.Symbol, f.OrderID, f.TradeID, f.Side, text(f.Price), text(f.Quantity),
				text(f.Commission), f.CommissionAsset, f.Maker, int64(f.Time))
			if err != nil {
				return 0, 0, fmt.Errorf("%s order %d, fill %d: %w", f.Symbol, f.OrderID, f.TradeID, err)
			}
			fills += n
		}
	}
	return orders, fills, nil
}

// putOrder stores o unless the row that is there tells as much or more.
func putOrder(ctx context.Context, b batch, o exchange.Order) (int64, error) {
	stored, err := scanOrder(b.row(ctx, selectOrder, o.Symbol, o.ID))
	switch {
	case none(err):
	case err != nil:
		return 0, err
	case !o.Supersedes(stored):
		return 0, nil
	case o.Time == 0: // not all news tell when the order was accepted
		o.Time = stored.Time
	}
	return b.exec(ctx, upsertOrder, o.Symbol, o.ID, o.ClientID, o.Side, o.Status, text(o.Price), text(o.OriginalQuantity),
		text(o.ExecutedQuantity), text(o.QuoteQuantity), int64(o.Time), int64(o.UpdateTime))
}

// OrderFilter chooses stored orders. A zero field sets no bound.
type OrderFilter struct {
	Symbol   string
	OpenOnly bool // only orders that may still fill
	Limit    int  // at most so many
}

// Orders returns the latest known state of the chosen orders, newest first.
func (db *DB) Orders(ctx context.Context, f OrderFilter) ([]exchange.Order, error) {
	where, args := " WHERE true", []any{}
	if f.Symbol != "" {
		where, args = where+" AND symbol = ?", append(args, f.Symbol)
	}
	if f.OpenOnly {
		where += " AND status IN ('NEW', 'PENDING_NEW', 'PARTIALLY_FILLED')"
	}
	limit := -1 // SQLite's word for no limit
	if f.Limit > 0 {
		limit = f.Limit
	}
	orders, err := db.orders(ctx, where+" ORDER BY order_time DESC, order_id DESC LIMIT ?", append(args, limit)...)
	if err != nil {
		return nil, fmt.Errorf("read orders: %w", err)
	}
	return orders, nil
}

// Order returns the latest known state of one order; ok is false when it is not
// stored.
func (db *DB) Order(ctx context.Context, symbol string, id int64) (o exchange.Order, ok bool, err error) {
	o, err = scanOrder(db.reader.row(ctx, selectOrder, symbol, id))
	switch {
	case none(err):
		return exchange.Order{}, false, nil
	case err != nil:
		return exchange.Order{}, false, fmt.Errorf("read %s order %d: %w", symbol, id, err)
	}
	return o, true, nil
}

// OrdersByClientID returns the orders of symbol that bear the client order id,
// newest first; there may be several, since the exchange keeps it unique among
// open orders only.
func (db *DB) OrdersByClientID(ctx context.Context, symbol, clientID string) ([]exchange.Order, error) {
	orders, err := db.orders(ctx, " WHERE symbol = ? AND client_order_id = ? ORDER BY order_id DESC", symbol, clientID)
	if err != nil {
		return nil, fmt.Errorf("read %s orders %q: %w", symbol, clientID, err)
	}
	return orders, nil
}

func (db *DB) orders(ctx context.Context, where string, args ...any) ([]exchange.Order, error) {
	return collect(ctx, db.reader, scanOrder, selectOrders+where, args...)
}

func scanOrder(row scanner) (o exchange.Order, err error) {
	err = row.Scan(&o.Symbol, &o.ID, &o.ClientID, &o.Side, &o.Status, &o.Price, &o.OriginalQuantity,
		&o.ExecutedQuantity, &o.QuoteQuantity, &o.Time, &o.UpdateTime)
	return o, err
}

// Fills returns the stored fills of one order, in order of trade id.
func (db *DB) Fills(ctx context.Context, symbol string, orderID int64) ([]exchange.Fill, error) {
	fills, err := collect(ctx, db.reader, scanFill, selectFills+" WHERE symbol = ? AND order_id = ? ORDER BY trade_id", symbol, orderID)
	if err != nil {
		return nil, fmt.Errorf("read fills of %s order %d: %w", symbol, orderID, err)
	}
	return fills, nil
}

// LatestFills returns the limit newest fills of a symbol, newest first.
func (db *DB) LatestFills(ctx context.Context, symbol string, limit int) ([]exchange.Fill, error) {
	fills, err := collect(ctx, db.reader, scanFill, selectFills+" WHERE symbol = ? ORDER BY fill_time DESC, order_id DESC, trade_id DESC LIMIT ?", symbol, limit)
	if err != nil {
		return nil, fmt.Errorf("read fills of %s: %w", symbol, err)
	}
	return fills, nil
}

func scanFill(row scanner) (f exchange.Fill, err error) {
	err = row.Scan(&f.Symbol, &f.OrderID, &f.TradeID, &f.Side, &f.Price, &f.Quantity, &f.Commission,
		&f.CommissionAsset, &f.Maker, &f.Time)
	return f, err
}
