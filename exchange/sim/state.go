package sim

import (
	"errors"
	"fmt"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
)

// state is everything that survives a restart. It changes by records alone, so
// the same records give the same state whether they happen or are read again.
type state struct {
	cfg      Config
	accounts map[string]*account
	markets  map[string]*market
	orders   map[int64]*order // all that are kept

	lastOrderID     int64
	lastExecutionID int64
}

// market is the trading in one symbol.
type market struct {
	rules   exchange.Symbol
	listed  bool // false: known from an earlier run only
	book    book
	history history
	average average
}

func newMarket(rules exchange.Symbol, listed bool, keep int) *market {
	window := exchange.Micros(rules.Filters.AvgPriceMinutes) * 60_000_000
	return &market{rules: rules, listed: listed, history: history{keep: keep}, average: average{window: window}}
}

// The kinds of records. The first three are changes; the others, which a
// snapshot begins with, set a part of the state.
const (
	kindPlace   = "place"   // Account, Order, UserAgent
	kindCancel  = "cancel"  // Order (its state after it), UserAgent, CancelID
	kindTrade   = "trade"   // Trade, Fills
	kindIDs     = "ids"     // Version, LastOrderID, LastExecutionID
	kindSymbol  = "symbol"  // Symbol, Base, Quote
	kindAccount = "account" // Account, Balances, Counts
	kindOrder   = "order"   // Account, Order, UserAgent
	kindFill    = "fill"    // Account, Fills
)

// record is one step of the state.
type record struct {
	Kind      string               `json:"kind"`
	Account   string               `json:"account,omitempty"`
	UserAgent string               `json:"user_agent,omitempty"`
	CancelID  string               `json:"cancel_id,omitempty"`
	Order     *exchange.Order      `json:"order,omitempty"`
	Trade     *exchange.TradeEvent `json:"trade,omitempty"`
	Fills     []exchange.Fill      `json:"fills,omitempty"`

	Version         int                `json:"version,omitempty"`
	LastOrderID     int64              `json:"last_order_id,omitempty"`
	LastExecutionID int64              `json:"last_execution_id,omitempty"`
	Symbol          string             `json:"symbol,omitempty"`
	Base            string             `json:"base,omitempty"`
	Quote           string             `json:"quote,omitempty"`
	Balances        []exchange.Balance `json:"balances,omitempty"`
	Counts          *orderCounts       `json:"counts,omitempty"`
}

func newState(cfg Config) *state {
	s := &state{
		cfg:      cfg,
		accounts: make(map[string]*account),
		markets:  make(map[string]*market),
		orders:   make(map[int64]*order),
	}
	for _, rules := range cfg.Info.Symbols {
		s.markets[rules.Name] = newMarket(rules, true, cfg.KeepTrades)
	}
	return s
}

// account returns the named account, which starts with the configured balances.
func (s *state) account(name string) *account {
	a := s.accounts[name]
	if a == nil {
		a = newAccount(name)
		for asset, free := range s.cfg.Balances {
			a.balance(asset).Free = free
		}
		s.accounts[name] = a
	}
	return a
}

// apply makes the change that r records. An error means that r does not fit the
// state; then nothing was changed.
func (s *state) apply(r *record) error {
	switch r.Kind {
	case kindPlace, kindOrder:
		return s.applyOrder(r)
	case kindCancel:
		return s.applyCancel(r)
	case kindTrade:
		return s.applyTrade(r)
	case kindFill:
		for _, f := range r.Fills {
			s.account(r.Account).ledger(f.Symbol).addFill(f, s.cfg.KeepFills)
		}
	case kindAccount:
		a := s.account(r.Account)
		a.saved = true
		clear(a.balances)
		for _, b := range r.Balances {
			*a.balance(b.Asset) = b
		}
		if r.Counts != nil {
			a.counts = *r.Counts
		}
	case kindSymbol:
		if s.markets[r.Symbol] == nil {
			rules := exchange.Symbol{Name: r.Symbol, BaseAsset: r.Base, QuoteAsset: r.Quote}
			s.markets[r.Symbol] = newMarket(rules, false, s.cfg.KeepTrades)
		}
	case kindIDs:
		if r.Version != stateVersion {
			return fmt.Errorf("version %d: this program knows version %d", r.Version, stateVersion)
		}
		s.lastOrderID, s.lastExecutionID = r.LastOrderID, r.LastExecutionID
	default:
		return fmt.Errorf("record of kind %q is not known", r.Kind)
	}
	return nil
}

// applyOrder adds an order, one just placed or one that a snapshot holds.
func (s *state) applyOrder(r *record) error {
	if r.Order == nil || r.Account == "" {
		return errors.New("order record without order or account")
	}
	m := s.markets[r.Order.Symbol]
	if m == nil {
		return fmt.Errorf("order %d: symbol %q is not known", r.Order.ID, r.Order.Symbol)
	}
	if s.orders[r.Order.ID] != nil {
		return fmt.Errorf("order %d is there already", r.Order.ID)
	}
	o := &order{Order: *r.Order, account: r.Account, userAgent: r.UserAgent}
	a := s.account(r.Account)
	if !o.Status.Done() {
		m.book.add(o)
		a.open[o.ClientID] = o
	}
	s.orders[o.ID] = o
	for _, old := range a.ledger(o.Symbol).add(o, s.cfg.KeepOrders) {
		delete(s.orders, old.ID)
	}
	if r.Kind == kindPlace {
		asset, amount := need(m.rules, o.Side, o.Price, o.OriginalQuantity)
		a.lock(asset, amount)
		a.counts.change(o.Time, 1)
		s.lastOrderID = o.ID
		s.lastExecutionID++
	}
	return nil
}

func (s *state) applyCancel(r *record) error {
	if r.Order == nil || s.orders[r.Order.ID] == nil {
		return errors.New("cancel record without a known order")
	}
	o := s.orders[r.Order.ID]
	m, a := s.markets[o.Symbol], s.account(o.account)
	asset, amount := need(m.rules, o.Side, o.Price, o.remaining())
	a.lock(asset, amount.Neg())
	m.book.remove(o)
	delete(a.open, o.ClientID)
	o.Order = *r.Order
	s.lastExecutionID++
	return nil
}

func (s *state) applyTrade(r *record) error {
	if r.Trade == nil {
		return errors.New("trade record without trade")
	}
	m := s.markets[r.Trade.Symbol]
	if m == nil {
		return fmt.Errorf("trade %d: symbol %q is not known", r.Trade.ID, r.Trade.Symbol)
	}
	for _, f := range r.Fills {
		if s.orders[f.OrderID] == nil {
			return fmt.Errorf("trade %d: order %d is not known", r.Trade.ID, f.OrderID)
		}
	}
	tick, err := exchange.TickOf(r.Trade)
	if err != nil {
		return err
	}
	m.history.add(r.Trade)
	m.average.add(tick)
	for _, f := range r.Fills {
		o := s.orders[f.OrderID]
		a := s.account(o.account)
		if o.ExecutedQuantity.IsZero() {
			a.counts.change(f.Time, -makerCredit)
		}
		o.Order = filled(o.Order, f)
		a.settle(m.rules, f)
		a.ledger(o.Symbol).addFill(f, s.cfg.KeepFills)
		if o.Status.Done() {
			m.book.remove(o)
			delete(a.open, o.ClientID)
		}
		s.lastExecutionID++
	}
	return nil
}

// filled returns the order as the fill leaves it.
func filled(o exchange.Order, f exchange.Fill) exchange.Order {
	o.ExecutedQuantity = o.ExecutedQuantity.Add(f.Quantity)
	o.QuoteQuantity = o.QuoteQuantity.Add(f.Price.Mul(f.Quantity))
	o.UpdateTime = f.Time
	o.Status = exchange.PartiallyFilled
	if o.ExecutedQuantity.Equal(o.OriginalQuantity) {
		o.Status = exchange.Filled
	}
	return o
}

// fillsOf returns what the trade fills, at each order's own limit and less the
// commission, which is cut off after the eighth place.
func (s *state) fillsOf(t *exchange.TradeEvent, now exchange.Micros) []exchange.Fill {
	m := s.markets[t.Symbol]
	bound := decimal.New(-1, 0)
	if s.cfg.PartialFills {
		// Whole steps, so that what is left of an order is still a lot.
		bound = m.rules.FloorQuantity(t.Quantity)
	}
	var fills []exchange.Fill
	for _, match := range m.book.matches(t.Price, bound) {
		o := match.order
		asset, amount := received(m.rules, o.Side, o.Price, match.quantity)
		fills = append(fills, exchange.Fill{
			Symbol:          o.Symbol,
			OrderID:         o.ID,
			TradeID:         t.ID,
			Side:            o.Side,
			Price:           o.Price,
			Quantity:        match.quantity,
			Commission:      amount.Mul(s.cfg.Commission).Truncate(8),
			CommissionAsset: asset,
			Maker:           true,
			Time:            now,
		})
	}
	return fills
}
