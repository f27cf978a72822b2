package exchange

import (
	"context"
	"time"
)

// Exchange is a trading place as one account sees it. All methods may be called
// by several goroutines at once, block until the answer is there or ctx ends,
// and return errors that errors.Is tells apart by the sentinels of this package.
//
// Consumers declare the few methods that they use; this interface is what an
// implementation offers, and what exchangetest checks.
type Exchange interface {
	// ExchangeInfo returns the symbols with their filters, and the rate limits.
	ExchangeInfo(ctx context.Context) (ExchangeInfo, error)
	// ServerTime returns the exchange's clock.
	ServerTime(ctx context.Context) (time.Time, error)

	// PlaceLimitOrder places a limit order and returns its first state, with the
	// fills that it had at once. A request whose outcome stays unknown is looked
	// up by client order id before PlaceLimitOrder returns; ErrUnknownOutcome
	// means that even this got no answer: the order may exist.
	PlaceLimitOrder(ctx context.Context, o LimitOrder) (OrderUpdate, error)
	// CancelOrder cancels an open order and returns its last state.
	CancelOrder(ctx context.Context, ref OrderRef) (Order, error)
	// Order returns the state of one order, ErrUnknownOrder when there is none.
	Order(ctx context.Context, ref OrderRef) (Order, error)
	// OpenOrders returns the orders of symbol that may still fill; of all symbols
	// when symbol is empty.
	OpenOrders(ctx context.Context, symbol string) ([]Order, error)
	// AllOrders returns up to limit orders of symbol, in order of id, from fromID
	// upwards; the most recent ones when fromID is zero. limit is at most 1000.
	AllOrders(ctx context.Context, symbol string, fromID int64, limit int) ([]Order, error)
	// Fills returns the fills of one order, in order of trade id.
	Fills(ctx context.Context, symbol string, orderID int64) ([]Fill, error)
	// RecentFills returns the account's most recent fills in symbol, up to limit (at
	// most 1000), in order of trade id: those of many orders at the cost of a few.
	RecentFills(ctx context.Context, symbol string, limit int) ([]Fill, error)
	// Account returns balances and commission rates.
	Account(ctx context.Context) (Account, error)

	// TradesFrom returns up to limit trades of symbol, in order of id, from
	// fromID upwards; the most recent ones when fromID is zero. limit is at most
	// 1000. The events' Source is Backfill.
	TradesFrom(ctx context.Context, symbol string, fromID int64, limit int) ([]TradeEvent, error)
	// StreamTrades hands sink the trades of symbol as they happen. It connects
	// anew by itself when a connection is lost and returns only when ctx ends
	// (with its cause), when sink returns an error (with that error), or when the
	// exchange refuses the symbol.
	StreamTrades(ctx context.Context, symbol string, sink TradeSink) error
	// StreamOrders hands sink the updates of the account's orders, of all symbols.
	// It connects anew and returns as StreamTrades does.
	StreamOrders(ctx context.Context, sink OrderSink) error
}

// TradeSink takes the trades of one stream, called by one goroutine at a time.
// A sink that blocks slows the stream: nothing is dropped.
type TradeSink interface {
	// Connected is called when a connection is made, before its first trade.
	// Trades of the time without a connection are missing from the stream: the
	// sink fetches them here (Exchange.TradesFrom). Trades of the new connection
	// wait meanwhile, so what Connected fetched may come once more.
	Connected(ctx context.Context) error
	// Trade is called for each trade of the stream.
	Trade(ctx context.Context, t *TradeEvent) error
}

// OrderSink takes the updates of an account's orders, called by one goroutine
// at a time.
type OrderSink interface {
	// Connected is called when a connection is made, before its first update.
	// Updates of the time without a connection are missing from the stream: the
	// sink looks up its orders here.
	Connected(ctx context.Context) error
	// OrderUpdate is called for each update; repeats and stale news are possible
	// (see Order.Supersedes).
	OrderUpdate(ctx context.Context, u *OrderUpdate) error
}
