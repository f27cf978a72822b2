package optimize

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/shopspring/decimal"

	"hedgehog/data/backtest"
)

// Method says which of the choices of settings are tried.
type Method string

// The methods.
const (
	// Grid tries all.
	Grid Method = "grid"
	// Random tries some, drawn evenly.
	Random Method = "random"
	// TPE draws some evenly, then from where good ones lie thicker than others (tree-
	// structured Parzen estimators).
	TPE Method = "tpe"
)

// Config says what is looked for, and where.
type Config struct {
	// Backtest is how a trial is made. Its settings are those that the parameters
	// vary, and are tried themselves for comparison. Its hooks are not used.
	Backtest   backtest.Config
	Parameters []Parameter
	Method     Method
	// Trials is how many choices Random and TPE try in each window; all, where there
	// are no more.
	Trials int
	// Seed decides what Random and TPE draw.
	Seed      uint64
	Objective Objective
	// Windows is into how many windows the time is cut.
	Windows int
	// Split is the share of a window's time that is in sample.
	Split decimal.Decimal
	// Jobs is how many trials are under way at once.
	Jobs int
}

// DefaultConfig returns the configuration for a grid over one window, with a job for
// each core; it lacks parameters.
func DefaultConfig(b backtest.Config) Config {
	return Config{
		Backtest: b, Method: Grid, Trials: 100, Seed: 1, Objective: Profit,
		Windows: 1, Split: decimal.New(7, -1), Jobs: runtime.GOMAXPROCS(0),
	}
}

const (
	// maxTrials bounds the trials of a study.
	maxTrials = 1_000_000
	// maxWindows bounds the windows of a study.
	maxWindows = 1000
)

// MaxJobs bounds the trials that are under way at once.
const MaxJobs = 1024

// Validate returns an error that names what is out of range.
func (c Config) Validate() error {
	errs := []error{c.Backtest.Validate(), space(c.Parameters).validate(c.Backtest.Settings), c.Objective.Validate()}
	switch c.Method {
	case Grid:
	case Random, TPE:
		if c.Trials < 1 {
			errs = append(errs, fmt.Errorf("trials %d: want 1 or more", c.Trials))
		}
	default:
		errs = append(errs, fmt.Errorf("method %q: want grid, random or tpe", string(c.Method)))
	}
	if c.Windows < 1 || c.Windows > maxWindows {
		errs = append(errs, fmt.Errorf("windows %d: want 1 to %d", c.Windows, maxWindows))
	}
	if c.Split.Sign() <= 0 || c.Split.GreaterThanOrEqual(decimal.New(1, 0)) {
		errs = append(errs, fmt.Errorf("split %s: want a share of the time above 0 and below 1, such as 0.7", c.Split))
	}
	if c.Jobs < 1 || c.Jobs > MaxJobs {
		errs = append(errs, fmt.Errorf("jobs %d: want 1 to %d", c.Jobs, MaxJobs))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if n, ok := c.perWindow(); !ok || n > maxTrials/c.Windows {
		return fmt.Errorf("parameters and windows ask for more than %d trials: want fewer steps, or random or tpe with fewer trials", maxTrials)
	}
	return nil
}

// perWindow returns how many choices are tried in a window.
func (c Config) perWindow() (int, bool) {
	size, ok := space(c.Parameters).size()
	switch {
	case c.Method == Grid:
		return size, ok
	case ok:
		return min(size, c.Trials), true
	default:
		return c.Trials, false
	}
}
