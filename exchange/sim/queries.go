package sim

import (
	"cmp"
	"slices"

	"hedgehog/exchange"
	"hedgehog/exchange/wire"
)

// OrderQuery selects orders.
type OrderQuery struct {
	FromID     int64           // the lowest order id; 0: no bound
	Start, End exchange.Micros // bounds of the order's time, both included; 0: no bound
	Limit      int             // 0: 500
}

// FillQuery selects fills.
type FillQuery struct {
	OrderID     int64           // 0: of all orders
	FromTradeID int64           // the lowest trade id; 0: no bound
	Start, End  exchange.Micros // bounds of the fill's time, both included; 0: no bound
	Limit       int             // 0: 500
}

// find returns the order that ref names, the newest one with a client id that
// several have had; nil when there is none.
func (e *Engine) find(account string, ref exchange.OrderRef) *order {
	if ref.ID != 0 {
		o := e.state.orders[ref.ID]
		if o == nil || o.account != account || o.Symbol != ref.Symbol {
			return nil
		}
		return o
	}
	l := e.state.account(account).ledgers[ref.Symbol]
	if l == nil {
		return nil
	}
	return l.byClientID[ref.ClientID]
}

// Order returns the state of one order. A reference with both ids has to name
// the same order by both.
func (e *Engine) Order(account string, ref exchange.OrderRef) (exchange.Order, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, err := e.market(ref.Symbol); err != nil {
		return exchange.Order{}, err
	}
	o := e.find(account, ref)
	switch {
	case o == nil:
		return exchange.Order{}, refusal(wire.CodeNoSuchOrder, wire.MessageNoSuchOrder)
	case ref.ClientID != "" && o.ClientID != ref.ClientID:
		return exchange.Order{}, refusal(wire.CodeOrderIDMismatch, "Client order ID is not correct for this order ID.")
	default:
		return o.Order, nil
	}
}

// OpenOrders returns the account's open orders in symbol, in all symbols when it
// is empty, in order of id.
func (e *Engine) OpenOrders(account, symbol string) []exchange.Order {
	e.mu.Lock()
	defer e.mu.Unlock()
	open := []exchange.Order{}
	for _, o := range e.state.account(account).open {
		if symbol == "" || o.Symbol == symbol {
			open = append(open, o.Order)
		}
	}
	slices.SortFunc(open, func(a, b exchange.Order) int { return cmp.Compare(a.ID, b.ID) })
	return open
}

// AllOrders returns the account's orders in symbol that q selects, in order of
// id: the lowest ids when q has a bound, else the most recent.
func (e *Engine) AllOrders(account, symbol string, q OrderQuery) []exchange.Order {
	e.mu.Lock()
	defer e.mu.Unlock()
	l := e.state.account(account).ledgers[symbol]
	if l == nil {
		return nil
	}
	var selected []exchange.Order
	for _, o := range l.orders {
		if o.ID >= q.FromID && within(o.Time, q.Start, q.End) {
			selected = append(selected, o.Order)
		}
	}
	return page(selected, q.Limit, q.FromID == 0 && q.Start == 0 && q.End == 0)
}

// Fills returns the account's fills in symbol that q selects, in order of trade
// id: the lowest ids when q has a bound, else the most recent.
func (e *Engine) Fills(account, symbol string, q FillQuery) []exchange.Fill {
	e.mu.Lock()
	defer e.mu.Unlock()
	l := e.state.account(account).ledgers[symbol]
	if l == nil {
		return nil
	}
	var selected []exchange.Fill
	for _, f := range l.fills {
		if (q.OrderID == 0 || f.OrderID == q.OrderID) && f.TradeID >= q.FromTradeID && within(f.Time, q.Start, q.End) {
			selected = append(selected, f)
		}
	}
	return page(selected, q.Limit, q == FillQuery{Limit: q.Limit})
}

func within(t, start, end exchange.Micros) bool {
	return (start == 0 || t >= start) && (end == 0 || t <= end)
}

// page cuts rows down to limit, from the end when the newest are wanted.
func page[T any](rows []T, limit int, newest bool) []T {
	limit = orDefault(limit)
	switch {
	case len(rows) <= limit:
		return rows
	case newest:
		return rows[len(rows)-limit:]
	default:
		return rows[:limit]
	}
}

// Account returns the account's balances, sorted by asset, and its commission
// rates. An account that was never heard of has the starting balances.
func (e *Engine) Account(account string) exchange.Account {
	e.mu.Lock()
	defer e.mu.Unlock()
	return exchange.Account{
		CanTrade:        true,
		MakerCommission: e.cfg.Commission,
		TakerCommission: e.cfg.Commission,
		Balances:        e.state.account(account).allBalances(),
	}
}

// OrderCount returns the account's unfilled order counts of the running ten
// seconds and the running day. Every accepted order counts one, and the first
// fill of one takes five off, down to none.
func (e *Engine) OrderCount(account string) (inTenSeconds, inDay int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now, counts := e.micros(), e.state.account(account).counts
	return counts.TenSeconds.at(now, tenSeconds).Count, counts.Day.at(now, oneDay).Count
}
