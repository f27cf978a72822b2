package sim_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"hedgehog/exchange"
	"hedgehog/exchange/sim"
)

// TestMatchingKeepsItsPromisesWhateverHappens places, cancels and trades at
// random and checks after each step what must hold at all times.
func TestMatchingKeepsItsPromisesWhateverHappens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t)
		t.Repeat(map[string]func(*rapid.T){
			"place":  m.place,
			"cancel": m.cancel,
			"trade":  m.trade,
			"":       m.check,
		})
	})
}

// model knows what was asked of an engine and what was reported, and nothing of
// how the engine works.
type model struct {
	engine  *sim.Engine
	partial bool
	tradeID int64
	fills   []exchange.Fill
	ids     int
}

var accounts = []string{alice, bob}

func newModel(t *rapid.T) *model {
	rules, err := sim.SymbolFor(symbol)
	if err != nil {
		t.Fatal(err)
	}
	info := sim.InfoFor([]exchange.Symbol{rules})
	info.RateLimits = nil
	cfg := sim.DefaultConfig(info)
	cfg.Now = newClock().Now
	cfg.Balances = map[string]decimal.Decimal{"XRP": dec("1000"), "USDT": dec("1000")}
	cfg.PartialFills = rapid.Bool().Draw(t, "partial fills")
	m := &model{partial: cfg.PartialFills}
	if m.engine, err = sim.New(cfg); err != nil {
		t.Fatal(err)
	}
	for _, account := range accounts {
		m.engine.SubscribeReports(account, func(r *sim.Report) { m.fills = append(m.fills, r.Update.Fills...) })
	}
	return m
}

func (m *model) place(t *rapid.T) {
	m.ids++
	_, err := m.engine.Place(sim.PlaceRequest{
		Account: rapid.SampledFrom(accounts).Draw(t, "account"),
		Order: exchange.LimitOrder{
			Symbol:   symbol,
			ClientID: fmt.Sprint("order-", m.ids),
			Side:     rapid.SampledFrom([]exchange.Side{exchange.Buy, exchange.Sell}).Draw(t, "side"),
			Price:    decimal.New(rapid.Int64Range(4950, 5050).Draw(t, "price"), -4),
			Quantity: decimal.New(rapid.Int64Range(100, 5000).Draw(t, "quantity"), -1),
		},
	})
	if err != nil {
		t.Logf("not placed: %v", err)
	}
}

func (m *model) cancel(t *rapid.T) {
	account := rapid.SampledFrom(accounts).Draw(t, "account")
	open := m.engine.OpenOrders(account, symbol)
	if len(open) == 0 {
		t.Skip("nothing to cancel")
	}
	o := rapid.SampledFrom(open).Draw(t, "order")
	if _, err := m.engine.Cancel(sim.CancelRequest{Account: account, Ref: exchange.OrderRef{Symbol: symbol, ID: o.ID}}); err != nil {
		t.Fatal(err)
	}
}

// trade passes a trade and checks its fills against the orders that were open.
func (m *model) trade(t *rapid.T) {
	price := decimal.New(rapid.Int64Range(4940, 5060).Draw(t, "price"), -4)
	quantity := decimal.New(rapid.Int64Range(1, 20000).Draw(t, "quantity"), -2)
	before := m.open()
	m.fills = nil
	m.tradeID++
	if err := m.engine.Trade(exchange.TradeEvent{Symbol: symbol, ID: m.tradeID, Price: price, Quantity: quantity}); err != nil {
		t.Fatal(err)
	}
	for _, side := range []exchange.Side{exchange.Buy, exchange.Sell} {
		m.checkFills(t, side, before, price, quantity)
	}
}

// checkFills checks one side: what is filled is a head of the queue, all of it
// whole but the last, at the orders' own prices, and no more than may be.
func (m *model) checkFills(t *rapid.T, side exchange.Side, before []exchange.Order, price, quantity decimal.Decimal) {
	queue := slices.DeleteFunc(slices.Clone(before), func(o exchange.Order) bool { return o.Side != side })
	slices.SortFunc(queue, func(a, b exchange.Order) int {
		c := a.Price.Cmp(b.Price)
		if side == exchange.Buy {
			c = -c
		}
		return cmp.Or(c, cmp.Compare(a.ID, b.ID))
	})
	fills := slices.DeleteFunc(slices.Clone(m.fills), func(f exchange.Fill) bool { return f.Side != side })
	total := decimal.Zero
	for i, f := range fills {
		o := queue[i]
		if f.OrderID != o.ID {
			t.Fatalf("fill %d is of order %d, want %d", i, f.OrderID, o.ID)
		}
		if !f.Price.Equal(o.Price) || side == exchange.Buy && !price.LessThan(f.Price) || side == exchange.Sell && !price.GreaterThan(f.Price) {
			t.Fatalf("trade at %s fills order %d of limit %s at %s", price, o.ID, o.Price, f.Price)
		}
		left := o.OriginalQuantity.Sub(o.ExecutedQuantity)
		if f.Quantity.Sign() <= 0 || f.Quantity.GreaterThan(left) || i < len(fills)-1 && !f.Quantity.Equal(left) {
			t.Fatalf("fill %d of %s, where %s is left of order %d", i, f.Quantity, left, o.ID)
		}
		total = total.Add(f.Quantity)
	}
	bound := quantity.Truncate(1)
	if m.partial && total.GreaterThan(bound) {
		t.Fatalf("%s filled by a trade of %s", total, quantity)
	}
	// Whoever waits next waits because the trade stops short of it or is used up.
	if len(fills) < len(queue) {
		next := queue[len(fills)]
		reached := side == exchange.Buy && price.LessThan(next.Price) || side == exchange.Sell && price.GreaterThan(next.Price)
		if reached && !(m.partial && total.Equal(bound)) {
			t.Fatalf("trade at %s of %s passed order %d of limit %s", price, quantity, next.ID, next.Price)
		}
	}
}

func (m *model) open() []exchange.Order {
	var open []exchange.Order
	for _, account := range accounts {
		open = append(open, m.engine.OpenOrders(account, symbol)...)
	}
	return open
}

// check compares every account's balances with what its orders and fills add up to.
func (m *model) check(t *rapid.T) {
	for _, account := range accounts {
		free := map[string]decimal.Decimal{"XRP": dec("1000"), "USDT": dec("1000")}
		locked := make(map[string]decimal.Decimal)
		for _, o := range m.engine.AllOrders(account, symbol, sim.OrderQuery{Limit: 1 << 20}) {
			if o.ExecutedQuantity.GreaterThan(o.OriginalQuantity) || o.ExecutedQuantity.IsNegative() {
				t.Fatalf("order %d: %s of %s executed", o.ID, o.ExecutedQuantity, o.OriginalQuantity)
			}
			if o.Status.Done() {
				continue
			}
			left := o.OriginalQuantity.Sub(o.ExecutedQuantity)
			asset, amount := "XRP", left
			if o.Side == exchange.Buy {
				asset, amount = "USDT", left.Mul(o.Price)
			}
			locked[asset] = locked[asset].Add(amount)
			free[asset] = free[asset].Sub(amount)
		}
		for _, f := range m.engine.Fills(account, symbol, sim.FillQuery{Limit: 1 << 20}) {
			base, quote := f.Quantity, f.Quantity.Mul(f.Price).Neg()
			if f.Side == exchange.Sell {
				base, quote = base.Neg(), quote.Neg()
			}
			free["XRP"] = free["XRP"].Add(base)
			free["USDT"] = free["USDT"].Add(quote)
			free[f.CommissionAsset] = free[f.CommissionAsset].Sub(f.Commission)
		}
		for _, b := range m.engine.Account(account).Balances {
			if b.Free.IsNegative() || !b.Free.Equal(free[b.Asset]) || !b.Locked.Equal(locked[b.Asset]) {
				t.Fatalf("%s has %s %s free and %s locked, want %s and %s", account, b.Free, b.Asset, b.Locked, free[b.Asset], locked[b.Asset])
			}
		}
	}
}
