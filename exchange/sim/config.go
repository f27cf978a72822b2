package sim

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
)

// Config says what a simulated exchange trades and what it keeps.
type Config struct {
	// Info holds the symbols with their filters, and the rate limits. InfoFor
	// makes one from symbols.
	Info exchange.ExchangeInfo
	// Commission is the share of what is received that every fill costs (0.001 is 0.1 %).
	Commission decimal.Decimal
	// PartialFills bounds a fill by the passing trade's quantity; without it an
	// order fills wholly.
	PartialFills bool
	// Balances are the free balances that every account starts with, by asset.
	Balances map[string]decimal.Decimal
	// KeepTrades is how many trades of a symbol are kept, the newest ones.
	KeepTrades int
	// KeepOrders is how many orders of an account in a symbol are kept: all open
	// ones and the newest of the others. KeepFills is the same for fills.
	KeepOrders, KeepFills int
	// DataDir is where the state is kept; empty: nowhere. One process at a time.
	DataDir string
	// Journal is the file that every accepted order, fill, cancel and refused
	// order is appended to as a line of JSON; empty: none.
	Journal string
	// Journalled is handed every entry of the journal of this run, in order, once
	// it holds, also without a Journal file. It is called with the engine locked:
	// it must be quick and must not call the engine. nil: none.
	Journalled func(JournalEntry)
	// Now is the exchange's clock.
	Now func() time.Time
	// Log takes what no caller can be told.
	Log *slog.Logger
}

// DefaultConfig returns a configuration for info that keeps everything in
// memory, with 0.1 % commission and 100,000 of every quote asset.
func DefaultConfig(info exchange.ExchangeInfo) Config {
	balances := make(map[string]decimal.Decimal)
	for _, s := range info.Symbols {
		balances[s.QuoteAsset] = decimal.New(100_000, 0)
	}
	return Config{
		Info:       info,
		Commission: decimal.New(1, -3),
		Balances:   balances,
		KeepTrades: 200_000,
		KeepOrders: 50_000,
		KeepFills:  100_000,
		Now:        time.Now,
		Log:        slog.New(slog.DiscardHandler),
	}
}

// Validate returns an error that names the first field that can't be right.
func (c Config) Validate() error {
	switch {
	case len(c.Info.Symbols) == 0:
		return errors.New("config field Info: no symbols")
	case c.Commission.IsNegative() || c.Commission.GreaterThanOrEqual(decimal.New(1, 0)):
		return fmt.Errorf("config field Commission %s: want a share from 0 up to below 1", c.Commission)
	case c.KeepTrades < 1:
		return fmt.Errorf("config field KeepTrades %d: want at least 1", c.KeepTrades)
	case c.KeepOrders < 1:
		return fmt.Errorf("config field KeepOrders %d: want at least 1", c.KeepOrders)
	case c.KeepFills < 1:
		return fmt.Errorf("config field KeepFills %d: want at least 1", c.KeepFills)
	case c.Now == nil:
		return errors.New("config field Now: no clock")
	case c.Log == nil:
		return errors.New("config field Log: no logger")
	}
	seen := make(map[string]bool)
	for _, s := range c.Info.Symbols {
		if !exchange.ValidSymbolName(s.Name) || s.BaseAsset == "" || s.QuoteAsset == "" {
			return fmt.Errorf("config field Info: symbol %q: want a name, a base asset and a quote asset", s.Name)
		}
		if seen[s.Name] {
			return fmt.Errorf("config field Info: symbol %q is there twice", s.Name)
		}
		seen[s.Name] = true
	}
	for asset, b := range c.Balances {
		if b.IsNegative() {
			return fmt.Errorf("config field Balances: %s %s is below 0", asset, b)
		}
	}
	return nil
}
