package sim

import (
	"context"
	"errors"
	"time"

	"hedgehog/exchange"
	"hedgehog/exchange/wire"
)

var _ exchange.Exchange = (*Local)(nil)

// Local is an engine in the same process as one account sees it. It has no keys,
// no limits on requests and no connection that could be lost: a stream connects
// anew only when its sink has fallen streamBound events behind.
type Local struct {
	engine    *Engine
	account   string
	userAgent string
}

// NewLocal returns the engine as the named account sees it; userAgent stands in
// the journal with its orders.
func NewLocal(engine *Engine, account, userAgent string) *Local {
	return &Local{engine: engine, account: account, userAgent: userAgent}
}

// ExchangeInfo implements exchange.Exchange.
func (l *Local) ExchangeInfo(ctx context.Context) (exchange.ExchangeInfo, error) {
	if ctx.Err() != nil {
		return exchange.ExchangeInfo{}, context.Cause(ctx)
	}
	return l.engine.Info(), nil
}

// ServerTime implements exchange.Exchange.
func (l *Local) ServerTime(ctx context.Context) (time.Time, error) {
	if ctx.Err() != nil {
		return time.Time{}, context.Cause(ctx)
	}
	return l.engine.Now(), nil
}

// PlaceLimitOrder implements exchange.Exchange. The outcome is always known.
func (l *Local) PlaceLimitOrder(ctx context.Context, o exchange.LimitOrder) (exchange.OrderUpdate, error) {
	if ctx.Err() != nil {
		return exchange.OrderUpdate{}, context.Cause(ctx)
	}
	update, err := l.engine.Place(PlaceRequest{Account: l.account, Order: o, UserAgent: l.userAgent})
	return update, orderError(o.Symbol, err)
}

// CancelOrder implements exchange.Exchange.
func (l *Local) CancelOrder(ctx context.Context, ref exchange.OrderRef) (exchange.Order, error) {
	if ctx.Err() != nil {
		return exchange.Order{}, context.Cause(ctx)
	}
	return l.engine.Cancel(CancelRequest{Account: l.account, Ref: ref, UserAgent: l.userAgent})
}

// orderError gives a broken filter the type that says so.
func orderError(symbol string, err error) error {
	var refused *wire.Error
	if !errors.As(err, &refused) {
		return err
	}
	if filter, broken := refused.Filter(); broken {
		return &exchange.FilterError{Symbol: symbol, Filter: filter}
	}
	return err
}

// Order implements exchange.Exchange.
func (l *Local) Order(ctx context.Context, ref exchange.OrderRef) (exchange.Order, error) {
	if ctx.Err() != nil {
		return exchange.Order{}, context.Cause(ctx)
	}
	return l.engine.Order(l.account, ref)
}

// OpenOrders implements exchange.Exchange.
func (l *Local) OpenOrders(ctx context.Context, symbol string) ([]exchange.Order, error) {
	if err := l.check(ctx, symbol, symbol != ""); err != nil {
		return nil, err
	}
	return l.engine.OpenOrders(l.account, symbol), nil
}

// AllOrders implements exchange.Exchange.
func (l *Local) AllOrders(ctx context.Context, symbol string, fromID int64, limit int) ([]exchange.Order, error) {
	if err := l.check(ctx, symbol, true); err != nil {
		return nil, err
	}
	return l.engine.AllOrders(l.account, symbol, OrderQuery{FromID: fromID, Limit: limit}), nil
}

// Fills implements exchange.Exchange.
func (l *Local) Fills(ctx context.Context, symbol string, orderID int64) ([]exchange.Fill, error) {
	if err := l.check(ctx, symbol, true); err != nil {
		return nil, err
	}
	return l.engine.Fills(l.account, symbol, FillQuery{OrderID: orderID, Limit: l.engine.cfg.KeepFills * 2}), nil
}

// RecentFills implements exchange.Exchange.
func (l *Local) RecentFills(ctx context.Context, symbol string, limit int) ([]exchange.Fill, error) {
	if err := l.check(ctx, symbol, true); err != nil {
		return nil, err
	}
	return l.engine.Fills(l.account, symbol, FillQuery{Limit: limit}), nil
}

// Account implements exchange.Exchange.
func (l *Local) Account(ctx context.Context) (exchange.Account, error) {
	if ctx.Err() != nil {
		return exchange.Account{}, context.Cause(ctx)
	}
	return l.engine.Account(l.account), nil
}

// TradesFrom implements exchange.Exchange.
func (l *Local) TradesFrom(ctx context.Context, symbol string, fromID int64, limit int) ([]exchange.TradeEvent, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	trades, err := l.engine.Trades(symbol, fromID, limit)
	for i := range trades {
		trades[i].Source = exchange.Backfill
	}
	return trades, err
}

// check returns the cause of an ended ctx and refuses an unknown symbol.
func (l *Local) check(ctx context.Context, symbol string, symbolNeeded bool) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if !symbolNeeded {
		return nil
	}
	l.engine.mu.Lock()
	defer l.engine.mu.Unlock()
	_, err := l.engine.market(symbol)
	return err
}

// StreamTrades implements exchange.Exchange. The sink runs in the calling
// goroutine; a replay at full speed waits for it.
func (l *Local) StreamTrades(ctx context.Context, symbol string, sink exchange.TradeSink) error {
	connect := func(events *queue[*exchange.TradeEvent]) (func(), error) {
		return l.engine.SubscribeTrades(symbol, tradeQueue{events})
	}
	return stream(ctx, connect, sink.Connected, sink.Trade)
}

// StreamOrders implements exchange.Exchange.
func (l *Local) StreamOrders(ctx context.Context, sink exchange.OrderSink) error {
	connect := func(events *queue[*exchange.OrderUpdate]) (func(), error) {
		return l.engine.SubscribeReports(l.account, func(r *Report) { events.push(&r.Update) }), nil
	}
	return stream(ctx, connect, sink.Connected, sink.OrderUpdate)
}

type tradeQueue struct{ *queue[*exchange.TradeEvent] }

func (q tradeQueue) Trade(t *exchange.TradeEvent)    { q.push(t) }
func (q tradeQueue) Await(ctx context.Context) error { return q.await(ctx) }

// stream connects, hands out what comes, and connects anew when the sink has
// fallen too far behind.
func stream[T any](ctx context.Context, connect func(*queue[T]) (cancel func(), err error),
	connected func(context.Context) error, handle func(context.Context, T) error) error {
	for {
		err := streamOnce(ctx, connect, connected, handle)
		if !errors.Is(err, errBehind) {
			return err
		}
	}
}

func streamOnce[T any](ctx context.Context, connect func(*queue[T]) (cancel func(), err error),
	connected func(context.Context) error, handle func(context.Context, T) error) error {
	events := newQueue[T]()
	cancel, err := connect(events)
	if err != nil {
		return err
	}
	defer events.end()
	defer cancel()
	if err := connected(ctx); err != nil {
		return err
	}
	return events.drain(ctx, handle)
}
