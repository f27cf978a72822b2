package sim

import (
	"cmp"
	"slices"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
)

// account is what one account holds and has ordered.
type account struct {
	name     string
	balances map[string]*exchange.Balance // by asset
	open     map[string]*order            // by client order id, unique among open orders
	ledgers  map[string]*ledger           // by symbol
	counts   orderCounts
	saved    bool // its starting balances are in the log
}

func newAccount(name string) *account {
	return &account{
		name:     name,
		balances: make(map[string]*exchange.Balance),
		open:     make(map[string]*order),
		ledgers:  make(map[string]*ledger),
	}
}

func (a *account) balance(asset string) *exchange.Balance {
	b := a.balances[asset]
	if b == nil {
		b = &exchange.Balance{Asset: asset}
		a.balances[asset] = b
	}
	return b
}

// balancesOf returns copies of the balances of the assets.
func (a *account) balancesOf(assets ...string) []exchange.Balance {
	found := make([]exchange.Balance, 0, len(assets))
	for _, asset := range assets {
		found = append(found, *a.balance(asset))
	}
	return found
}

// allBalances returns copies of all balances, sorted by asset.
func (a *account) allBalances() []exchange.Balance {
	all := make([]exchange.Balance, 0, len(a.balances))
	for _, b := range a.balances {
		all = append(all, *b)
	}
	slices.SortFunc(all, func(x, y exchange.Balance) int { return cmp.Compare(x.Asset, y.Asset) })
	return all
}

// ledger returns the account's ledger in symbol, a new one at first.
func (a *account) ledger(symbol string) *ledger {
	l := a.ledgers[symbol]
	if l == nil {
		l = &ledger{byClientID: make(map[string]*order)}
		a.ledgers[symbol] = l
	}
	return l
}

// lock moves amount from free to locked; a negative amount moves back.
func (a *account) lock(asset string, amount decimal.Decimal) {
	b := a.balance(asset)
	b.Free = b.Free.Sub(amount)
	b.Locked = b.Locked.Add(amount)
}

// need returns what an order of this side, price and quantity binds: the quote
// asset for a buy, the base asset for a sell.
func need(rules exchange.Symbol, side exchange.Side, price, quantity decimal.Decimal) (asset string, amount decimal.Decimal) {
	if side == exchange.Buy {
		return rules.QuoteAsset, price.Mul(quantity)
	}
	return rules.BaseAsset, quantity
}

// settle moves what a fill exchanges: from locked, and to free less the commission.
func (a *account) settle(rules exchange.Symbol, f exchange.Fill) {
	asset, amount := need(rules, f.Side, f.Price, f.Quantity)
	paid := a.balance(asset)
	paid.Locked = paid.Locked.Sub(amount)
	asset, amount = received(rules, f.Side, f.Price, f.Quantity)
	got := a.balance(asset)
	got.Free = got.Free.Add(amount).Sub(f.Commission)
}

// received returns what a fill brings before commission: the base asset for a
// buy, the quote asset for a sell.
func received(rules exchange.Symbol, side exchange.Side, price, quantity decimal.Decimal) (asset string, amount decimal.Decimal) {
	if side == exchange.Buy {
		return rules.BaseAsset, quantity
	}
	return rules.QuoteAsset, price.Mul(quantity)
}

// ledger holds the orders and fills of one account in one symbol.
type ledger struct {
	orders     []*order // in order of id
	byClientID map[string]*order
	fills      []exchange.Fill // in order of time
}

// add takes a new order and returns the ones that are forgotten for it: when
// twice keep are held, the oldest closed ones down to keep.
func (l *ledger) add(o *order, keep int) (forgotten []*order) {
	l.orders = append(l.orders, o)
	l.byClientID[o.ClientID] = o
	if len(l.orders) < 2*keep {
		return nil
	}
	excess := len(l.orders) - keep
	l.orders = slices.DeleteFunc(l.orders, func(o *order) bool {
		if !o.Status.Done() || len(forgotten) == excess {
			return false
		}
		forgotten = append(forgotten, o)
		if l.byClientID[o.ClientID] == o {
			delete(l.byClientID, o.ClientID)
		}
		return true
	})
	return forgotten
}

func (l *ledger) addFill(f exchange.Fill, keep int) {
	l.fills = append(l.fills, f)
	if len(l.fills) >= 2*keep {
		l.fills = slices.Clone(l.fills[len(l.fills)-keep:])
	}
}
