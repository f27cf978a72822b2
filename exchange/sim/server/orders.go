package server

import (
	"crypto/rand"
	"strings"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
	"hedgehog/exchange/sim"
	"hedgehog/exchange/wire"
)

const (
	orderParameters = "symbol side type timeInForce quantity price newClientOrderId newOrderRespType selfTradePreventionMode " + notForLimit
	// notForLimit are parameters of other order types.
	notForLimit = "quoteOrderQty stopPrice trailingDelta icebergQty"
)

// limitOrder reads the order that r asks for. Only LIMIT orders that are good
// till cancelled are taken.
func (r *request) limitOrder(s *Server) exchange.LimitOrder {
	symbol := r.symbol(s)
	side := r.choice("side", refuse(wire.CodeInvalidSide, "Invalid side."), string(exchange.Buy), string(exchange.Sell))
	r.choice("type", refuse(wire.CodeInvalidOrderType, "Invalid orderType."), "LIMIT")
	r.choice("timeInForce", refuse(wire.CodeInvalidTIF, "Invalid timeInForce."), "GTC")
	for _, name := range strings.Fields(notForLimit) {
		if r.has(name) {
			r.fail(refuse(wire.CodeNotRequired, "Parameter '%s' sent when not required.", name))
		}
	}
	if r.has("selfTradePreventionMode") {
		r.choice("selfTradePreventionMode", refuse(wire.CodeInvalidParameter, "Data sent for parameter 'selfTradePreventionMode' is not valid."), "NONE")
	}
	return exchange.LimitOrder{
		Symbol:   symbol.Name,
		ClientID: r.within("newClientOrderId", clientIDRange),
		Side:     exchange.Side(side),
		Quantity: r.amount("quantity", symbol.BaseAssetPrecision),
		Price:    r.amount("price", symbol.QuoteAssetPrecision),
	}
}

// detail returns how much of an order its answer shall tell.
func (r *request) detail() string {
	if !r.has("newOrderRespType") {
		return "FULL"
	}
	return r.choice("newOrderRespType", refuse(wire.CodeInvalidParameter, "Data sent for parameter 'newOrderRespType' is not valid."), "ACK", "RESULT", "FULL")
}

func (s *Server) placeOrder(r *request) (any, error) {
	order, detail := r.limitOrder(s), r.detail()
	if r.err != nil {
		return nil, r.err
	}
	r.inEngine = true
	update, err := s.engine.Place(sim.PlaceRequest{Account: r.account, Order: order, UserAgent: r.agent, Deadline: r.deadline})
	if err != nil {
		return nil, err
	}
	return placedAnswer(&update, detail, r.unit), nil
}

// testOrder checks an order without placing it: its parameters and those filters
// that do not depend on the market or the account.
func (s *Server) testOrder(r *request) (any, error) {
	order := r.limitOrder(s)
	r.detail()
	if r.err != nil {
		return nil, r.err
	}
	return struct{}{}, filterFailure(s.markets[order.Symbol].CheckOrder(order, exchange.MarketState{}))
}

func (s *Server) cancelOrder(r *request) (any, error) {
	symbol := r.symbol(s)
	ref := r.orderRef(symbol.Name)
	id := r.within("newClientOrderId", clientIDRange)
	if r.err != nil {
		return nil, r.err
	}
	return s.cancel(r, ref, id)
}

// cancel ends one order under the cancel's id; it makes one when id is empty.
func (s *Server) cancel(r *request, ref exchange.OrderRef, id string) (any, error) {
	if id == "" {
		id = rand.Text()[:22]
	}
	order, err := s.engine.Cancel(sim.CancelRequest{Account: r.account, Ref: ref, ClientID: id, UserAgent: r.agent, Deadline: r.deadline})
	if err != nil {
		return nil, err
	}
	return canceledAnswer(&order, id, r.unit), nil
}

// cancelOpenOrders ends all open orders of a symbol. One that fills meanwhile is
// no error: it is not among the answers.
func (s *Server) cancelOpenOrders(r *request) (any, error) {
	symbol := r.symbol(s)
	if r.err != nil {
		return nil, r.err
	}
	answers := []any{}
	var failed error
	for _, o := range s.engine.OpenOrders(r.account, symbol.Name) {
		answer, err := s.cancel(r, exchange.OrderRef{Symbol: symbol.Name, ID: o.ID}, "")
		if err != nil {
			failed = err
			continue
		}
		answers = append(answers, answer)
	}
	switch {
	case len(answers) > 0:
		return answers, nil
	case failed != nil:
		return nil, failed
	default:
		return nil, refuse(wire.CodeCancelRejected, wire.MessageUnknownOrder)
	}
}

func (s *Server) orderStatus(r *request) (any, error) {
	symbol := r.symbol(s)
	ref := r.orderRef(symbol.Name)
	if r.err != nil {
		return nil, r.err
	}
	order, err := s.engine.Order(r.account, ref)
	if err != nil {
		return nil, err
	}
	return orderAnswer(&order, r.unit), nil
}

func (s *Server) openOrders(r *request) (any, error) {
	symbol := r.optionalSymbol(s)
	if r.err != nil {
		return nil, r.err
	}
	return orderAnswers(s.engine.OpenOrders(r.account, symbol.Name), r.unit), nil
}

func (s *Server) allOrders(r *request) (any, error) {
	symbol := r.symbol(s)
	query := sim.OrderQuery{FromID: r.integer("orderId"), Limit: r.limit()}
	query.Start, query.End = r.span(true)
	if r.err != nil {
		return nil, r.err
	}
	return orderAnswers(s.engine.AllOrders(r.account, symbol.Name, query), r.unit), nil
}

func (s *Server) myTrades(r *request) (any, error) {
	symbol := r.symbol(s)
	query := sim.FillQuery{OrderID: r.integer("orderId"), FromTradeID: r.integer("fromId"), Limit: r.limit()}
	query.Start, query.End = r.span(true)
	if timed := query.Start != 0 || query.End != 0; timed && (query.OrderID != 0 || query.FromTradeID != 0) {
		r.fail(refuse(codeParameterCombination, "Combination of optional parameters invalid."))
	}
	if r.err != nil {
		return nil, r.err
	}
	return fillAnswers(s.engine.Fills(r.account, symbol.Name, query), r.unit), nil
}

func (s *Server) accountStatus(r *request) (any, error) {
	omitZero := r.flag("omitZeroBalances")
	if r.err != nil {
		return nil, r.err
	}
	account := s.engine.Account(r.account)
	balances := make([]balanceJSON, 0, len(account.Balances))
	for _, b := range account.Balances {
		if omitZero && b.Free.IsZero() && b.Locked.IsZero() {
			continue
		}
		balances = append(balances, balanceJSON{b.Asset, fixed{b.Free}, fixed{b.Locked}})
	}
	return accountAnswer(account, balances, s.stamp(r.unit)), nil
}

// orderLimits answers how many unfilled orders are counted against the limits.
func (s *Server) orderLimits(r *request) (any, error) {
	return rateLimitAnswers(s.orderCounts(r.account)), nil
}

// orderCounts returns the limits on unfilled orders with what account has used.
func (s *Server) orderCounts(account string) []count {
	tenSeconds, day := s.engine.OrderCount(account)
	var counts []count
	for _, l := range s.info.RateLimits {
		switch {
		case l.Type != limitOrders:
		case l.Interval == "SECOND" && l.IntervalNum == 10:
			counts = append(counts, count{l, tenSeconds})
		case l.Interval == "DAY" && l.IntervalNum == 1:
			counts = append(counts, count{l, day})
		}
	}
	return counts
}

// basisPoints returns a commission rate as the exchange's old fields have it.
func basisPoints(rate decimal.Decimal) int64 { return rate.Shift(4).IntPart() }
