package sim

import (
	"context"
	"time"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
	"hedgehog/exchange/wire"
)

// Engine is the matching engine with everything it knows.
type Engine struct{ cfg Config }

// PlaceRequest asks for an order.
type PlaceRequest struct {
	Account   string // that the API key belongs to
	Order     exchange.LimitOrder
	UserAgent string // of the request, for the journal
	// Deadline is the latest time of the exchange's clock at which the order may
	// be accepted, checked right before matching; 0: any time.
	Deadline exchange.Micros
}

// CancelRequest asks for the end of an open order.
type CancelRequest struct {
	Account   string
	Ref       exchange.OrderRef
	ClientID  string // the cancel's own id; empty: one is made
	UserAgent string
	Deadline  exchange.Micros // as in PlaceRequest
}

// OrderQuery selects orders.
type OrderQuery struct {
	FromID     int64           // the lowest order id; 0: no bound
	Start, End exchange.Micros // bounds of the order's time, both included; 0: no bound
	Limit      int             // 0: 500
}

// FillQuery selects fills.
type FillQuery struct {
	OrderID     int64
	FromTradeID int64
	Start, End  exchange.Micros
	Limit       int
}

// TradeListener takes the trades of a symbol.
type TradeListener interface {
	// Trade is called under the engine's lock and must neither block nor call the engine.
	Trade(t *exchange.TradeEvent)
	// Await blocks until the listener's client has taken every trade handed over
	// so far, or the listener is gone, or ctx ends.
	Await(ctx context.Context) error
}

// Report is news of an order, with what the user data stream tells of it. It is
// shared by pointer and never changed.
type Report struct {
	Account     string
	Execution   string // NEW, TRADE or CANCELED
	ExecutionID int64  // rises by one from report to report of the exchange
	Time        exchange.Micros
	// Update is the order, under its own client id, with the one fill of a TRADE.
	Update exchange.OrderUpdate
	// CancelID is, in a report of execution CANCELED, the client id of the cancel
	// request. The wire format puts it in the order's place ("c") and the order's
	// own id in the one of the original ("C").
	CancelID string
	// Balances are the account's balances of the symbol's two assets after the event.
	Balances []exchange.Balance
}

// Counts is how much the engine has published since New.
type Counts struct{ Trades, Reports int64 }

func New(cfg Config) (*Engine, error) { return &Engine{cfg: cfg}, nil }
func (e *Engine) Close() error        { return nil }

// Place's errors wrap a *wire.Error: take it out with errors.As.
func (e *Engine) Place(r PlaceRequest) (exchange.OrderUpdate, error) { panic("not yet") }
func (e *Engine) Cancel(r CancelRequest) (exchange.Order, error)     { panic("not yet") }
func (e *Engine) Reject(account string, symbol, clientID string, side exchange.Side, price, quantity decimal.Decimal, userAgent string, err *wire.Error) {
}
func (e *Engine) Order(account string, ref exchange.OrderRef) (exchange.Order, error) {
	panic("not yet")
}
func (e *Engine) OpenOrders(account, symbol string) []exchange.Order              { return nil }
func (e *Engine) AllOrders(account, symbol string, q OrderQuery) []exchange.Order { return nil }
func (e *Engine) Fills(account, symbol string, q FillQuery) []exchange.Fill       { return nil }
func (e *Engine) Account(account string) exchange.Account                         { return exchange.Account{} }
func (e *Engine) Info() exchange.ExchangeInfo                                     { return e.cfg.Info }
func (e *Engine) Now() time.Time                                                  { return e.cfg.Now() }
func (e *Engine) Trades(symbol string, fromID int64, limit int) ([]exchange.TradeEvent, error) {
	return nil, nil
}

// TradesBetween returns up to limit trades with a trade time in start…end.
func (e *Engine) TradesBetween(symbol string, start, end exchange.Micros, limit int) ([]exchange.TradeEvent, error) {
	return nil, nil
}

// AveragePrice returns the average over minutes (0: the last price) and the time of the last trade.
func (e *Engine) AveragePrice(symbol string) (minutes int, price decimal.Decimal, last exchange.Micros, err error) {
	return
}
func (e *Engine) Trade(t exchange.TradeEvent) error               { return nil }
func (e *Engine) OrderCount(account string) (tenSeconds, day int) { return 0, 0 }
func (e *Engine) SubscribeTrades(symbol string, l TradeListener) (cancel func(), err error) {
	return func() {}, nil
}
func (e *Engine) SubscribeReports(account string, fn func(*Report)) (cancel func()) { return func() {} }
func (e *Engine) Counts() Counts                                                    { return Counts{} }

// InfoFor returns exchange info with the given symbols and today's rate limits.
func InfoFor(symbols []exchange.Symbol) exchange.ExchangeInfo { panic("not yet") }

// SymbolFor returns the built-in rules for the named symbol.
func SymbolFor(name string) (exchange.Symbol, error) { panic("not yet") }

// SymbolOfDump returns the built-in rules for the symbol of a dump.
func SymbolOfDump(path string) (exchange.Symbol, error) { panic("not yet") }
