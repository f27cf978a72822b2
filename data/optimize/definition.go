package optimize

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"hedgehog/data/backtest"
	"hedgehog/exchange"
)

// definitionVersion rises when a backtest of the same comes out differently than in
// the release before.
const definitionVersion = 1

// Definition is all that the figures of a trial follow from beside its settings: two
// studies with the same definition can share their trials.
type Definition struct {
	Version      int             `json:"version"`
	Rules        exchange.Symbol `json:"rules"`
	Commission   decimal.Decimal `json:"commission"`
	PartialFills bool            `json:"partial_fills"`
	Latency      time.Duration   `json:"latency"` // in nanoseconds
	Trades       int64           `json:"trades"`
	Digest       string          `json:"digest"` // of the trades
	Windows      []Window        `json:"windows"`
}

// Define returns the definition of a study that makes backtests as config says on
// the windows of the trades. It reads all of them, and ends early with ctx.
func Define(ctx context.Context, config backtest.Config, trades *Trades, windows []Window) (Definition, error) {
	digest, err := trades.Digest(ctx)
	if err != nil {
		return Definition{}, err
	}
	return Definition{
		Version: definitionVersion, Rules: config.Symbol, Commission: config.Commission, PartialFills: config.PartialFills,
		Latency: config.Latency, Trades: trades.Count(), Digest: digest, Windows: windows,
	}, nil
}

// JSON returns the definition as JSON; that of the same definition is the same.
func (d *Definition) JSON() (string, error) {
	text, err := json.Marshal(d)
	if err != nil {
		return "", fmt.Errorf("write definition: %w", err)
	}
	return string(text), nil
}

// Name returns a name for a study of this definition: the symbol, and some digits that
// another definition hardly has.
func (d *Definition) Name() (string, error) {
	text, err := d.JSON()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(text))
	return d.Rules.Name + "-" + hex.EncodeToString(sum[:4]), nil
}
