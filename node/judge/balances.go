package judge

import (
	"maps"
	"slices"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
)

// commissionPlaces is how many decimal places of a commission are taken.
const commissionPlaces = 8

// commission is what the exchange keeps of an amount that a fill brings.
func (j *Judge) commission(amount decimal.Decimal) decimal.Decimal {
	return amount.Mul(j.cfg.Commission).Truncate(commissionPlaces)
}

// holdings are what an account has, by asset.
type holdings struct{ free, locked map[string]decimal.Decimal }

// move takes into the holdings what the order has exchanged and what it still binds.
func (h holdings) move(j *Judge, rules exchange.Symbol, o *order) {
	left := decimal.Zero
	if !o.status.Done() {
		left = o.Quantity.Sub(o.executed)
	}
	paid, given, bound := rules.BaseAsset, o.executed, left
	got, received := rules.QuoteAsset, o.quote()
	if o.Side == exchange.Buy {
		paid, given, bound = rules.QuoteAsset, o.quote(), o.Price.Mul(left)
		got, received = rules.BaseAsset, o.executed
	}
	h.free[paid] = h.free[paid].Sub(given).Sub(bound)
	h.locked[paid] = h.locked[paid].Add(bound)
	for _, f := range o.fills {
		_, commission := j.charged(rules, o, f)
		received = received.Sub(commission)
	}
	h.free[got] = h.free[got].Add(received)
}

// charged returns the commission of a fill and the asset that it is taken in.
func (j *Judge) charged(rules exchange.Symbol, o *order, f fill) (asset string, commission decimal.Decimal) {
	if o.Side == exchange.Buy {
		return rules.BaseAsset, j.commission(f.quantity)
	}
	return rules.QuoteAsset, j.commission(o.Price.Mul(f.quantity))
}

// Balances compares what the account should hold, by its initial free balances
// and the journal so far, with what the exchange says that it holds.
func (j *Judge) Balances(initial map[string]decimal.Decimal, final []exchange.Balance) {
	j.mu.Lock()
	defer j.mu.Unlock()
	want := holdings{free: make(map[string]decimal.Decimal), locked: make(map[string]decimal.Decimal)}
	maps.Copy(want.free, initial)
	for _, m := range j.markets {
		for _, o := range m.orders {
			want.move(j, m.rules, o)
		}
	}
	told := make(map[string]exchange.Balance)
	for _, b := range final {
		told[b.Asset] = b
		if _, there := want.free[b.Asset]; !there {
			want.free[b.Asset] = decimal.Zero
		}
	}
	for _, asset := range slices.Sorted(maps.Keys(want.free)) {
		free, locked := want.free[asset], want.locked[asset]
		if b := told[asset]; !b.Free.Equal(free) || !b.Locked.Equal(locked) {
			j.breach(BalancesAddUp, "", "%s: %s free and %s locked, the fills give %s and %s", asset, b.Free, b.Locked, free, locked)
		}
	}
}
