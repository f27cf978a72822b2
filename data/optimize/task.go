package optimize

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/shopspring/decimal"

	"hedgehog/data/backtest"
	"hedgehog/exchange"
	"hedgehog/strategy/naive"
)

// Task asks another process for a trial.
type Task struct {
	Version      int             `json:"version"` // of definitions: another one may come to other figures
	Rules        exchange.Symbol `json:"rules"`
	Commission   decimal.Decimal `json:"commission"`
	PartialFills bool            `json:"partial_fills"`
	Latency      time.Duration   `json:"latency"` // in nanoseconds
	AllowHoles   bool            `json:"allow_holes"`
	Digest       string          `json:"digest"` // of the trades
	Window       Window          `json:"window"`
	Settings     naive.Settings  `json:"settings"`
}

// Answer is what came of a Task.
type Answer struct {
	In  Figures `json:"in_sample"`
	Out Figures `json:"out_of_sample"`
}

// TaskOf returns the task of making trials as config says on trades with the digest.
// Window and settings are still to be set.
func TaskOf(config backtest.Config, digest string) Task {
	return Task{
		Version: definitionVersion, Rules: config.Symbol, Commission: config.Commission, PartialFills: config.PartialFills,
		Latency: config.Latency, AllowHoles: config.AllowHoles, Digest: digest,
	}
}

// Config returns how the trial is to be made, or an error that names what is out of
// range, or that this release comes to other figures.
func (t *Task) Config() (backtest.Config, error) {
	c := backtest.Config{
		Symbol: t.Rules, Settings: t.Settings, Commission: t.Commission, PartialFills: t.PartialFills, Latency: t.Latency,
		AllowHoles: t.AllowHoles, Log: slog.New(slog.DiscardHandler),
	}
	if t.Version != definitionVersion {
		return c, fmt.Errorf("version %d: this release makes trials of version %d", t.Version, definitionVersion)
	}
	if w := t.Window; w.From >= w.Split || w.Split >= w.To {
		return c, fmt.Errorf("window from %d, split at %d, to %d: want rising times", w.From, w.Split, w.To)
	}
	if err := t.bounded(); err != nil {
		return c, err
	}
	if t.Rules.Filters.TickSize.Sign() <= 0 || t.Rules.Filters.StepSize.Sign() <= 0 {
		return c, fmt.Errorf("rules of %s with tick %s and step %s: want more than 0", t.Rules.Name, t.Rules.Filters.TickSize, t.Rules.Filters.StepSize)
	}
	return c, c.Validate()
}

// bounded returns an error where a number has more digits than any that is meant: it
// could take more memory than there is to reckon with.
func (t *Task) bounded() error {
	const most = 40
	f, s := &t.Rules.Filters, &t.Settings
	for _, d := range []decimal.Decimal{
		t.Commission, s.Budget, s.BuyDownInterval, s.ProfitTarget, s.RebuyInterval,
		f.MinPrice, f.MaxPrice, f.TickSize, f.MinQuantity, f.MaxQuantity, f.StepSize, f.MinNotional, f.MaxNotional,
		f.BidMultiplierUp, f.BidMultiplierDown, f.AskMultiplierUp, f.AskMultiplierDown, f.MaxPosition,
	} {
		if d.Exponent() < -most || d.Exponent() > most || d.NumDigits() > most {
			return fmt.Errorf("a number has more than %d digits", most)
		}
	}
	return nil
}
