package server

import (
	"cmp"
	"strings"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
)

// endpoint is one thing that can be asked of the exchange.
type endpoint struct {
	rest   string // method and path; empty: only on the WebSocket API
	method string // of the WebSocket API; empty: only over REST
	signed bool
	places bool // places orders: refusals go to the journal, answers carry order counts
	weight func(params) int
	takes  string // the names of its parameters, beside those that every request may have
	handle func(*Server, *request) (any, error)
}

// endpoints is all that is answered, with the request weights of the exchange's
// documentation.
var endpoints = []endpoint{
	{rest: "GET /api/v3/ping", method: "ping", weight: weighs(1), handle: (*Server).ping},
	{rest: "GET /api/v3/time", method: "time", weight: weighs(1), handle: (*Server).time},
	{rest: "GET /api/v3/exchangeInfo", method: "exchangeInfo", weight: weighs(20), takes: "symbol symbols", handle: (*Server).exchangeInfo},
	{rest: "GET /api/v3/trades", method: "trades.recent", weight: weighs(25), takes: "symbol limit", handle: (*Server).trades},
	{rest: "GET /api/v3/historicalTrades", method: "trades.historical", weight: weighs(25), takes: "symbol limit fromId", handle: (*Server).trades},
	{rest: "GET /api/v3/aggTrades", method: "trades.aggregate", weight: weighs(4), takes: "symbol fromId startTime endTime limit", handle: (*Server).aggTrades},
	{rest: "GET /api/v3/klines", method: "klines", weight: weighs(2), takes: "symbol interval startTime endTime limit", handle: (*Server).klines},
	{rest: "GET /api/v3/avgPrice", method: "avgPrice", weight: weighs(2), takes: "symbol", handle: (*Server).avgPrice},
	{rest: "GET /api/v3/ticker/price", method: "ticker.price", weight: lighterWith("symbol", 2, 4), takes: "symbol symbols", handle: (*Server).tickerPrice},

	{rest: "POST /api/v3/order", method: "order.place", signed: true, places: true, weight: weighs(1), takes: orderParameters, handle: (*Server).placeOrder},
	{rest: "POST /api/v3/order/test", method: "order.test", signed: true, weight: weighs(1), takes: orderParameters, handle: (*Server).testOrder},
	{rest: "DELETE /api/v3/order", method: "order.cancel", signed: true, weight: weighs(1), takes: "symbol orderId origClientOrderId newClientOrderId", handle: (*Server).cancelOrder},
	{rest: "DELETE /api/v3/openOrders", method: "openOrders.cancelAll", signed: true, weight: weighs(1), takes: "symbol", handle: (*Server).cancelOpenOrders},
	{rest: "GET /api/v3/order", method: "order.status", signed: true, weight: weighs(4), takes: "symbol orderId origClientOrderId", handle: (*Server).orderStatus},
	{rest: "GET /api/v3/openOrders", method: "openOrders.status", signed: true, weight: lighterWith("symbol", 6, 80), takes: "symbol", handle: (*Server).openOrders},
	{rest: "GET /api/v3/allOrders", method: "allOrders", signed: true, weight: weighs(20), takes: "symbol orderId startTime endTime limit", handle: (*Server).allOrders},
	{rest: "GET /api/v3/account", method: "account.status", signed: true, weight: weighs(20), takes: "omitZeroBalances", handle: (*Server).accountStatus},
	{rest: "GET /api/v3/myTrades", method: "myTrades", signed: true, weight: lighterWith("orderId", 5, 20), takes: "symbol orderId startTime endTime fromId limit", handle: (*Server).myTrades},
	{rest: "GET /api/v3/rateLimit/order", method: "account.rateLimits.orders", signed: true, weight: weighs(40), handle: (*Server).orderLimits},

	{method: "session.logon", signed: true, weight: weighs(2), handle: (*Server).logon},
	{method: "session.status", weight: weighs(2), handle: (*Server).sessionStatus},
	{method: "session.logout", weight: weighs(2), handle: (*Server).logout},
	{method: "session.subscriptions", weight: weighs(2), handle: (*Server).subscriptions},
	{method: "userDataStream.subscribe", weight: weighs(2), handle: (*Server).subscribe},
	{method: "userDataStream.subscribe.signature", signed: true, weight: weighs(2), handle: (*Server).subscribeSigned},
	{method: "userDataStream.unsubscribe", weight: weighs(2), takes: "subscriptionId", handle: (*Server).unsubscribe},
}

func weighs(weight int) func(params) int { return func(params) int { return weight } }

// lighterWith is the weight of an endpoint that does less work with a parameter.
func lighterWith(parameter string, with, without int) func(params) int {
	return func(p params) int {
		if p[parameter] != "" {
			return with
		}
		return without
	}
}

// parameters returns the names that a request to e may have.
func (e *endpoint) parameters(webSocket bool) []string {
	names := strings.Fields(e.takes)
	if e.signed {
		names = append(names, "timestamp", "recvWindow", "signature")
	}
	if webSocket {
		names = append(names, "apiKey", "returnRateLimits")
	}
	return names
}

// call answers r. An order that is refused before the engine sees it is put in
// the engine's journal.
func (s *Server) call(e *endpoint, r *request) (any, error) {
	result, err := s.attempt(e, r)
	if err != nil && e.places && !r.inEngine {
		s.journalRefusal(r, err)
	}
	return result, err
}

func (s *Server) attempt(e *endpoint, r *request) (any, error) {
	if err := s.limiter.take(r.client, cost{weight: e.weight(r.params), requests: 1}, s.now()); err != nil {
		return nil, err
	}
	if r.err != nil {
		return nil, r.err
	}
	if e.signed {
		if err := s.authorize(r); err != nil {
			return nil, err
		}
	}
	if err := r.params.only(e.parameters(r.session != nil)); err != nil {
		return nil, err
	}
	return e.handle(s, r)
}

// journalRefusal writes down what can be read of a refused order.
func (s *Server) journalRefusal(r *request, err error) {
	account := r.account
	if account == "" {
		account = s.keys[cmp.Or(r.apiKey, r.params["apiKey"])].Account
	}
	side, _ := exchange.ParseSide(r.params["side"])
	refusal, _ := wireError(err)
	s.engine.Reject(account, legible(r.params["symbol"], symbolRange), legible(r.params["newClientOrderId"], clientIDRange),
		side, legibleAmount(r.params["price"]), legibleAmount(r.params["quantity"]), r.agent, refusal)
}

// legible returns value where it is in the legal range, and nothing where it is
// outside bytes that no one should have to read.
func legible(value string, legal interface{ MatchString(string) bool }) string {
	if legal.MatchString(value) {
		return value
	}
	return ""
}

func legibleAmount(value string) decimal.Decimal {
	if !decimalRange.MatchString(value) {
		return decimal.Zero
	}
	d, err := decimal.NewFromString(value)
	if err != nil {
		return decimal.Zero
	}
	return d
}
