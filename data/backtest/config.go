package backtest

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
	"hedgehog/strategy/naive"
)

// Config says what is tried.
type Config struct {
	// Symbol has the rules that orders have to satisfy.
	Symbol exchange.Symbol
	// Settings are those of the trader. Their Status counts for nothing: trading is on.
	Settings naive.Settings
	// Commission is the share of what is received that every fill costs (0.001 is
	// 0.1 %). The formula reckons with the same fee.
	Commission decimal.Decimal
	// PartialFills bounds a fill by the quantity of the trade that causes it.
	PartialFills bool
	// Latency is how long an order is on its way to the exchange.
	Latency time.Duration
	// AllowHoles goes on where ids are missing between two trades; without it that
	// is an error.
	AllowHoles bool
	// NoCurve leaves out the result's Curve: thousands of decimals that a search for
	// settings does not look at.
	NoCurve bool

	// Order, where set, is handed every order in the order of creation, in its last
	// state. An error ends the run.
	Order func(exchange.Order) error
	// Fill, where set, is handed every fill as it happens. An error ends the run.
	Fill func(exchange.Fill) error
	// Progress, where set, is told now and then how many trades have passed and the
	// time of the latest.
	Progress func(trades int64, at exchange.Micros)
	// Log takes what the trader logs.
	Log *slog.Logger
}

// DefaultConfig returns the configuration for symbol with the settings that a
// symbol starts with and 0.1 % commission.
func DefaultConfig(symbol exchange.Symbol) Config {
	return Config{
		Symbol:     symbol,
		Settings:   naive.DefaultSettings(symbol.Name),
		Commission: naive.DefaultFee,
		Log:        slog.New(slog.DiscardHandler),
	}
}

// Validate returns an error that names what is out of range.
func (c Config) Validate() error {
	var errs []error
	if err := c.Settings.Validate(); err != nil {
		errs = append(errs, err)
	}
	if c.Settings.Symbol != c.Symbol.Name {
		errs = append(errs, fmt.Errorf("settings are of %q, the rules of %q", c.Settings.Symbol, c.Symbol.Name))
	}
	if c.Commission.IsNegative() || c.Commission.GreaterThanOrEqual(decimal.New(1, 0)) {
		errs = append(errs, fmt.Errorf("commission %s: want a share from 0 up to below 1 (0.001 is 0.1 %%)", c.Commission))
	}
	if c.Latency < 0 || c.Latency > time.Minute {
		errs = append(errs, fmt.Errorf("latency %s: want 0 to 1m", c.Latency))
	}
	if c.Log == nil {
		errs = append(errs, errors.New("no logger"))
	}
	return errors.Join(errs...)
}
