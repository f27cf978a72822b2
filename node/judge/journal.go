package judge

import (
	"fmt"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
	"hedgehog/exchange/sim"
	"hedgehog/exchange/wire"
	"hedgehog/strategy/naive"
)

// order is an accepted order as the journal tells of it.
type order struct {
	sim.JournalEntry // that accepted it
	status           exchange.Status
	executed         decimal.Decimal // base asset
	fills            []fill
	changed          exchange.Micros // when it last changed
	name             naive.OrderName
	position         *position // nil: the order is not one of ours
}

// quote is what the order's fills have cost or brought: all are at its own price.
func (o *order) quote() decimal.Decimal { return o.Price.Mul(o.executed) }

type fill struct {
	tradeID  int64
	quantity decimal.Decimal
}

// sending is what may be sent once.
type sending struct {
	position naive.PositionID
	side     exchange.Side
	attempt  int
}

func sendingOf(n naive.OrderName) sending { return sending{n.Position, n.Side, n.Attempt} }

// Journal takes the next entry of the exchange's journal.
func (j *Judge) Journal(e sim.JournalEntry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.now = max(j.now, e.Time)
	m := j.markets[e.Symbol]
	if m == nil {
		j.breach(OwnOrders, e.Symbol, "%s of a symbol that is not traded here", describe(e))
		return
	}
	switch e.Event {
	case sim.JournalOrder:
		j.counts.Orders++
		j.accepted(m, e)
	case sim.JournalFill:
		j.counts.Fills++
		j.filled(m, e)
	case sim.JournalCancel:
		j.counts.Cancels++
		j.cancelled(m, e)
	case sim.JournalReject:
		j.counts.Rejects++
		j.rejected(m, e)
	default:
		j.breach(OwnOrders, e.Symbol, "%s is no event of a journal", describe(e))
	}
}

func (j *Judge) accepted(m *market, e sim.JournalEntry) {
	node, ours := j.cfg.Sender(e.UserAgent)
	switch {
	case !ours:
		j.breach(OwnOrders, e.Symbol, "%s was not sent by a node", describe(e))
	case !m.owned(node, e.Time, j.blur()):
		j.breach(OneTrader, e.Symbol, "%s was accepted from %q, owners are %s", describe(e), node, m.describeOwners())
	}
	limit := exchange.LimitOrder{Symbol: e.Symbol, Side: e.Side, Price: e.Price, Quantity: e.Quantity}
	if err := m.rules.CheckOrder(limit, exchange.MarketState{}); err != nil {
		j.breach(Filters, e.Symbol, "%s: %v", describe(e), err)
	}
	if m.orders[e.OrderID] != nil || e.Status != exchange.New {
		j.breach(FillsAddUp, e.Symbol, "%s is not a new order", describe(e))
		return
	}
	o := &order{JournalEntry: e, status: e.Status, changed: e.Time}
	m.orders[e.OrderID] = o
	name, err := naive.ParseOrderName(e.ClientOrderID)
	if err != nil || name.Side != e.Side {
		j.breach(OwnOrders, e.Symbol, "%s does not bear the name of its position and side", describe(e))
		return
	}
	o.name = name
	if earlier := m.sent[sendingOf(name)]; earlier != nil {
		j.breach(SentOnce, e.Symbol, "%s was sent before: %s", describe(e), describe(earlier.JournalEntry))
	} else {
		m.sent[sendingOf(name)] = o
	}
	j.join(m, o)
}

func (j *Judge) filled(m *market, e sim.JournalEntry) {
	o := j.openOrder(m, e)
	if o == nil {
		return
	}
	left := o.Quantity.Sub(o.executed)
	status := exchange.PartiallyFilled
	if e.Quantity.Equal(left) {
		status = exchange.Filled
	}
	switch {
	case e.Quantity.Sign() <= 0 || e.Quantity.GreaterThan(left):
		j.breach(FillsAddUp, e.Symbol, "%s, but %s of %s were left to fill", describe(e), left, o.Quantity)
		return
	case e.Status != status:
		j.breach(FillsAddUp, e.Symbol, "%s, but with %s left it should be %s", describe(e), left.Sub(e.Quantity), status)
	case len(o.fills) > 0 && e.TradeID <= o.fills[len(o.fills)-1].tradeID:
		j.breach(FillsAddUp, e.Symbol, "%s came after trade %d", describe(e), o.fills[len(o.fills)-1].tradeID)
	}
	o.executed = o.executed.Add(e.Quantity)
	o.fills = append(o.fills, fill{e.TradeID, e.Quantity})
	o.status, o.changed = status, e.Time
	if status == exchange.Filled && e.Side == exchange.Sell {
		j.counts.Cycles++
	}
	if o.position != nil {
		j.progress(m, o, e.Quantity)
	}
}

func (j *Judge) cancelled(m *market, e sim.JournalEntry) {
	o := j.openOrder(m, e)
	if o == nil {
		return
	}
	// By hand, from outside of the cluster, anybody may cancel.
	if node, ours := j.cfg.Sender(e.UserAgent); ours && !m.owned(node, e.Time, j.blur()) {
		j.breach(OneTrader, e.Symbol, "%s was accepted from %q, owners are %s", describe(e), node, m.describeOwners())
	}
	o.status, o.changed = exchange.Canceled, e.Time
	if o.position != nil {
		j.progress(m, o, decimal.Zero)
	}
}

// rejected judges a refused order: to send one again that was accepted already is
// wrong though the exchange stops it, unless it is the first request that comes
// too late, and the later one was made after it could no longer be accepted.
func (j *Judge) rejected(m *market, e sim.JournalEntry) {
	name, err := naive.ParseOrderName(e.ClientOrderID)
	if err != nil || e.Code == wire.CodeTimestamp {
		return
	}
	if earlier := m.sent[sendingOf(name)]; earlier != nil {
		j.breach(SentOnce, e.Symbol, "%s with code %d was accepted before: %s", describe(e), e.Code, describe(earlier.JournalEntry))
	}
}

// openOrder returns the order that the entry goes on with.
func (j *Judge) openOrder(m *market, e sim.JournalEntry) *order {
	o := m.orders[e.OrderID]
	switch {
	case o == nil:
		j.breach(FillsAddUp, e.Symbol, "%s of an order that was never accepted", describe(e))
		return nil
	case o.status.Done():
		j.breach(FillsAddUp, e.Symbol, "%s of an order that was %s", describe(e), o.status)
		return nil
	case o.ClientOrderID != e.ClientOrderID || o.Side != e.Side || !o.Price.Equal(e.Price):
		j.breach(FillsAddUp, e.Symbol, "%s is not of the order that was accepted: %s", describe(e), describe(o.JournalEntry))
	}
	return o
}

func (j *Judge) blur() exchange.Micros { return exchange.Micros(j.cfg.Blur.Microseconds()) }

func describe(e sim.JournalEntry) string {
	text := fmt.Sprintf("%s %d %s %s %s at %s %s", e.Event, e.OrderID, e.ClientOrderID, e.Side, e.Quantity, e.Price, e.Status)
	if e.TradeID != 0 {
		text += fmt.Sprintf(" by trade %d", e.TradeID)
	}
	return text
}
