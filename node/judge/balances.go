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

// lock binds what the order needs for a quantity; a negative one sets it free.
func (j *Judge) lock(m *market, o *order, quantity decimal.Decimal) {
	asset, amount := m.rules.BaseAsset, quantity
	if o.Side == exchange.Buy {
		asset, amount = m.rules.QuoteAsset, o.Price.Mul(quantity)
	}
	j.free[asset] = j.free[asset].Sub(amount)
	j.locked[asset] = j.locked[asset].Add(amount)
}

// settle moves what a fill of the quantity exchanges.
func (j *Judge) settle(m *market, o *order, quantity decimal.Decimal) {
	paid, given := m.rules.BaseAsset, quantity
	got, received := m.rules.QuoteAsset, o.Price.Mul(quantity)
	if o.Side == exchange.Buy {
		paid, given, got, received = got, received, paid, given
	}
	j.locked[paid] = j.locked[paid].Sub(given)
	j.free[got] = j.free[got].Add(received).Sub(j.commission(received))
}

// Balances compares what the account should hold, by its initial free balances
// and the journal so far, with what the exchange says that it holds.
func (j *Judge) Balances(initial map[string]decimal.Decimal, final []exchange.Balance) {
	j.mu.Lock()
	defer j.mu.Unlock()
	told := make(map[string]exchange.Balance)
	for _, b := range final {
		told[b.Asset] = b
	}
	assets := make(map[string]bool)
	for _, names := range [][]string{
		slices.Collect(maps.Keys(initial)), slices.Collect(maps.Keys(told)),
		slices.Collect(maps.Keys(j.free)), slices.Collect(maps.Keys(j.locked)),
	} {
		for _, name := range names {
			assets[name] = true
		}
	}
	for _, asset := range slices.Sorted(maps.Keys(assets)) {
		free, locked := initial[asset].Add(j.free[asset]), j.locked[asset]
		if b := told[asset]; !b.Free.Equal(free) || !b.Locked.Equal(locked) {
			j.breach(BalancesAddUp, "", "%s: %s free and %s locked, the fills give %s and %s", asset, b.Free, b.Locked, free, locked)
		}
	}
}
