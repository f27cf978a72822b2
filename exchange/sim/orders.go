package sim

import (
	"errors"
	"fmt"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
	"hedgehog/exchange/wire"
)

// PlaceRequest asks for an order.
type PlaceRequest struct {
	Account   string // that the API key belongs to
	Order     exchange.LimitOrder
	UserAgent string // of the request, for the journal
	// Deadline is the latest time of the exchange's clock at which the order may
	// be accepted, checked right before it is; 0: any time.
	Deadline exchange.Micros
}

// CancelRequest asks for the end of an open order.
type CancelRequest struct {
	Account   string
	Ref       exchange.OrderRef
	ClientID  string // the cancel's own id; one is made when it is empty
	UserAgent string
	Deadline  exchange.Micros // as that of a PlaceRequest
}

// Place accepts an order or refuses it; both are in the journal before it
// returns. An order without a client id gets one. The order rests: it has no
// fills yet.
func (e *Engine) Place(r PlaceRequest) (exchange.OrderUpdate, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.micros()
	if refused := e.check(r, now); refused != nil {
		e.journalRefusal(r, refused)
		return exchange.OrderUpdate{}, refused
	}
	id := e.state.lastOrderID + 1
	o := exchange.Order{
		Symbol:           r.Order.Symbol,
		ID:               id,
		ClientID:         r.Order.ClientID,
		Side:             r.Order.Side,
		Status:           exchange.New,
		Price:            r.Order.Price,
		OriginalQuantity: r.Order.Quantity,
		Time:             now,
		UpdateTime:       now,
	}
	if o.ClientID == "" {
		o.ClientID = e.unusedClientID(r.Account, id)
	}
	if err := e.commitOrder(r, &o); err != nil {
		return exchange.OrderUpdate{}, fmt.Errorf("place order %s %s %s: %w: %w", o.Symbol, o.Side, o.Price, internalError(), err)
	}
	update := exchange.OrderUpdate{Order: o}
	e.report(e.state.orders[id], Report{
		Execution:   ExecutionNew,
		ExecutionID: e.state.lastExecutionID,
		Time:        now,
		Update:      update,
	})
	return update, nil
}

// commitOrder commits the order, behind the balances that its account started
// with when this is the first that the log hears of it.
func (e *Engine) commitOrder(r PlaceRequest, o *exchange.Order) error {
	if a := e.state.account(r.Account); !a.saved {
		started := &record{Kind: kindAccount, Account: r.Account, Balances: a.allBalances()}
		if err := e.commit(started); err != nil {
			return err
		}
	}
	return e.commit(&record{Kind: kindPlace, Account: r.Account, UserAgent: r.UserAgent, Order: o})
}

// check returns why the order can't be accepted at the time now, nil when it can.
func (e *Engine) check(r PlaceRequest, now exchange.Micros) *wire.Error {
	m, err := e.market(r.Order.Symbol)
	if err != nil {
		return refusal(wire.CodeInvalidSymbol, "Invalid symbol.")
	}
	if refused := checkForm(r.Order); refused != nil {
		return refused
	}
	if late(r.Deadline, now) {
		return staleTimestamp()
	}
	if m.rules.Status != "TRADING" {
		return refusal(wire.CodeOrderRejected, wire.MessageMarketClosed)
	}
	a := e.state.account(r.Account)
	if limit, reached := a.counts.reached(e.cfg.Info.RateLimits, now); reached {
		return &wire.Error{Status: 429, Code: wire.CodeTooManyOrders, Message: fmt.Sprintf(
			"Too many new orders; current limit is %d orders per %d %s.", limit.Limit, limit.IntervalNum, limit.Interval)}
	}
	var broken *exchange.FilterError
	if errors.As(m.rules.CheckOrder(r.Order, e.marketState(a, m)), &broken) {
		return wire.FilterFailure(broken.Filter)
	}
	if a.open[r.Order.ClientID] != nil {
		return refusal(wire.CodeOrderRejected, wire.MessageDuplicate)
	}
	asset, amount := need(m.rules, r.Order.Side, r.Order.Price, r.Order.Quantity)
	if a.balance(asset).Free.LessThan(amount) {
		return refusal(wire.CodeOrderRejected, wire.MessageInsufficientBalance)
	}
	return nil
}

// checkForm refuses what could not be an order of any symbol.
func checkForm(o exchange.LimitOrder) *wire.Error {
	if _, err := exchange.ParseSide(string(o.Side)); err != nil {
		return refusal(wire.CodeInvalidSide, "Invalid side.")
	}
	if o.ClientID != "" && !validClientID(o.ClientID) {
		return refusal(wire.CodeIllegalChars, `Illegal characters found in parameter 'newClientOrderId'; legal range is '^[\.A-Z\:/a-z0-9_-]{1,36}$'.`)
	}
	if !workable(o.Price) || !workable(o.Quantity) {
		return refusal(wire.CodePrecision, "Precision is over the maximum defined for this asset.")
	}
	return nil
}

// workable refuses numbers that are short to write and take for ever to work
// with, as 1e1000000000 is.
func workable(d decimal.Decimal) bool {
	return d.Exponent() >= -18 && d.Exponent() <= 18 && d.NumDigits() <= 36
}

func validClientID(id string) bool {
	for _, c := range []byte(id) {
		letter := c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
		if !letter && c != '.' && c != ':' && c != '/' && c != '_' && c != '-' {
			return false
		}
	}
	return len(id) >= 1 && len(id) <= 36
}

// marketState gathers what the filters of the symbol compare an order with.
func (e *Engine) marketState(a *account, m *market) exchange.MarketState {
	base := a.balance(m.rules.BaseAsset)
	bounded := m.rules.Filters.MaxPosition.Sign() > 0
	s := exchange.MarketState{AveragePrice: m.average.price()}
	if bounded {
		s.BaseHeld = base.Free.Add(base.Locked)
	}
	for _, o := range a.open {
		if o.Symbol != m.rules.Name {
			continue
		}
		s.OpenOrders++
		if bounded && o.Side == exchange.Buy {
			s.BaseHeld = s.BaseHeld.Add(o.remaining())
		}
	}
	return s
}

// unusedClientID returns an id for an order or a cancel that came without one.
func (e *Engine) unusedClientID(account string, number int64) string {
	id := fmt.Sprintf("sim-%d", number)
	for e.state.account(account).open[id] != nil {
		id += "x"
	}
	return id
}

// Cancel ends an open order and returns its last state.
func (e *Engine) Cancel(r CancelRequest) (exchange.Order, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, err := e.market(r.Ref.Symbol); err != nil {
		return exchange.Order{}, err
	}
	now := e.micros()
	if late(r.Deadline, now) {
		return exchange.Order{}, staleTimestamp()
	}
	found := e.find(r.Account, r.Ref)
	if found == nil || found.Status.Done() || r.Ref.ClientID != "" && found.ClientID != r.Ref.ClientID {
		return exchange.Order{}, refusal(wire.CodeCancelRejected, wire.MessageUnknownOrder)
	}
	o := found.Order
	o.Status = exchange.Canceled
	o.UpdateTime = now
	cancelID := r.ClientID
	if cancelID == "" {
		cancelID = e.unusedClientID(r.Account, e.state.lastExecutionID+1)
	}
	if err := e.commit(&record{Kind: kindCancel, Account: r.Account, UserAgent: r.UserAgent, Order: &o}); err != nil {
		return exchange.Order{}, fmt.Errorf("cancel %s: %w: %w", r.Ref, internalError(), err)
	}
	e.report(found, Report{
		Execution:   ExecutionCanceled,
		ExecutionID: e.state.lastExecutionID,
		Time:        now,
		Update:      exchange.OrderUpdate{Order: o},
		CancelID:    cancelID,
	})
	return o, nil
}

// Reject puts an order into the journal that was refused before it came to the
// engine: for its signature, its timestamp or its parameters.
func (e *Engine) Reject(account, symbol, clientID string, side exchange.Side, price, quantity decimal.Decimal, userAgent string, refused *wire.Error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.journalRefusal(PlaceRequest{
		Account:   account,
		UserAgent: userAgent,
		Order:     exchange.LimitOrder{Symbol: symbol, ClientID: clientID, Side: side, Price: price, Quantity: quantity},
	}, refused)
}

// journalRefusal has no one to tell that the journal can't be written: the order
// is refused as it is, for a reason that its sender must learn. Numbers that no
// line should be filled with are journalled as zero.
func (e *Engine) journalRefusal(r PlaceRequest, refused *wire.Error) {
	if !e.journalling() {
		return
	}
	entry := orderEntry(JournalReject, r.Account, r.UserAgent, exchange.Order{
		Symbol:           r.Order.Symbol,
		ClientID:         r.Order.ClientID,
		Side:             r.Order.Side,
		Status:           exchange.Rejected,
		Price:            r.Order.Price,
		OriginalQuantity: r.Order.Quantity,
	}, e.micros())
	entry.Code = refused.Code
	if !workable(entry.Price) || !workable(entry.Quantity) {
		entry.Price, entry.Quantity = decimal.Zero, decimal.Zero
	}
	entries := []JournalEntry{entry}
	if err := e.writeJournal(entries); err != nil {
		e.cfg.Log.Error("refused order not in the journal", "symbol", r.Order.Symbol, "client_order_id", r.Order.ClientID, "error", err)
	}
	e.tellJournal(entries)
}

func late(deadline, now exchange.Micros) bool { return deadline != 0 && now > deadline }

func refusal(code wire.Code, message string) *wire.Error {
	return &wire.Error{Status: 400, Code: code, Message: message}
}

func staleTimestamp() *wire.Error {
	return refusal(wire.CodeTimestamp, "Timestamp for this request is outside of the recvWindow.")
}

func internalError() *wire.Error {
	return &wire.Error{Status: 500, Code: wire.CodeUnknown, Message: "An unknown error occurred while processing the request."}
}
