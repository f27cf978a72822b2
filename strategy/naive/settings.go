package naive

import (
	"errors"
	"fmt"

	"github.com/shopspring/decimal"
)

// Status says whether a symbol is traded.
type Status string

// The states of a symbol's trading.
const (
	// Off: no trader runs. Orders that rest at the exchange stay there.
	Off Status = "off"
	// On: positions are opened and closed.
	On Status = "on"
	// Shutdown: no new position is opened; when the last one has sold, trading
	// turns off by itself.
	Shutdown Status = "shutdown"
)

// Settings are what a user decides for a symbol's trading.
type Settings struct {
	Symbol string `json:"symbol"`
	Status Status `json:"status"`
	// Chunks is the most positions that may be open at once.
	Chunks int `json:"chunks"`
	// Budget is what all chunks together may spend, in the quote asset.
	Budget decimal.Decimal `json:"budget"`
	// BuyDownInterval is how far below the price to buy, as a share of it.
	BuyDownInterval decimal.Decimal `json:"buy_down_interval"`
	// ProfitTarget is what a cycle has to earn after fees, as a share of the
	// price bought at.
	ProfitTarget decimal.Decimal `json:"profit_target"`
	// RebuyInterval is how far the price has to fall below a position's buy
	// price before one further position starts, as a share of that price.
	RebuyInterval decimal.Decimal `json:"rebuy_interval"`
}

// MaxChunks bounds Settings.Chunks: each chunk may rest one order, and the
// exchange lets an account rest 200 orders in a symbol.
const MaxChunks = 100

// DefaultSettings returns what a symbol starts with: everything off.
func DefaultSettings(symbol string) Settings {
	return Settings{
		Symbol:          symbol,
		Status:          Off,
		Chunks:          5,
		Budget:          decimal.New(1000, 0),
		BuyDownInterval: decimal.New(1, -4),
		ProfitTarget:    decimal.New(2, -3),
		RebuyInterval:   decimal.New(1, -3),
	}
}

// Validate returns an error that names every setting out of range with its value.
func (s Settings) Validate() error {
	var errs []error
	switch s.Status {
	case Off, On, Shutdown:
	default:
		errs = append(errs, fmt.Errorf("status %q: want off, on or shutdown", s.Status))
	}
	if s.Chunks < 1 || s.Chunks > MaxChunks {
		errs = append(errs, fmt.Errorf("chunks %d: want 1 to %d", s.Chunks, MaxChunks))
	}
	if s.Budget.Sign() <= 0 {
		errs = append(errs, fmt.Errorf("budget %s: want more than 0, in the quote asset", s.Budget))
	}
	share := func(name string, v decimal.Decimal, zero bool) {
		one := decimal.New(1, 0)
		if v.IsNegative() || v.Cmp(one) >= 0 || !zero && v.IsZero() {
			errs = append(errs, fmt.Errorf("%s %s: want a share of the price below 1 (0.001 is 0.1 %%)", name, v))
		}
	}
	share("buy_down_interval", s.BuyDownInterval, true)
	share("profit_target", s.ProfitTarget, false)
	share("rebuy_interval", s.RebuyInterval, true)
	return errors.Join(errs...)
}
