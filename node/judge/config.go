package judge

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
)

// Config says what a run is judged by.
type Config struct {
	// Symbols are the markets with their filters. Orders of others break OwnOrders.
	Symbols []exchange.Symbol
	// Commission is the share of what is received that the exchange takes of every
	// fill (0.001 is 0.1 %), cut off after the eighth decimal place.
	Commission decimal.Decimal
	// Chunks is how many positions a symbol may have open; where the setting changes
	// during the run, the largest that is set.
	Chunks int
	// Blur is how far from the truth the times of Assigned may be. Zero: they are
	// exact and come in order, so that an epoch that falls is a violation too.
	Blur time.Duration
	// Sender returns the node that a request's user agent names; false for one that
	// is none of the cluster's.
	Sender func(userAgent string) (node string, ok bool)
}

// DefaultConfig returns a configuration for the symbols with the exchange's usual
// commission, the strategy's default of five chunks and exact times.
func DefaultConfig(symbols []exchange.Symbol) Config {
	return Config{Symbols: symbols, Commission: decimal.New(1, -3), Chunks: 5, Sender: Sender}
}

// Validate returns an error that names the first field that can't be right.
func (c Config) Validate() error {
	switch {
	case len(c.Symbols) == 0:
		return errors.New("config field Symbols: none")
	case c.Commission.IsNegative() || c.Commission.GreaterThanOrEqual(decimal.New(1, 0)):
		return fmt.Errorf("config field Commission %s: want a share from 0 up to below 1", c.Commission)
	case c.Chunks < 1:
		return fmt.Errorf("config field Chunks %d: want at least 1", c.Chunks)
	case c.Blur < 0:
		return fmt.Errorf("config field Blur %s: want 0 or more", c.Blur)
	case c.Sender == nil:
		return errors.New("config field Sender: none")
	}
	return nil
}

// Sender reads the user agent that nodes send: hedgehog/VERSION (NODE).
func Sender(userAgent string) (node string, ok bool) {
	product, comment, found := strings.Cut(userAgent, " (")
	node, closed := strings.CutSuffix(comment, ")")
	return node, found && closed && node != "" && strings.HasPrefix(product, "hedgehog/")
}
