package optimize

import (
	"fmt"
	"slices"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
	"hedgehog/strategy/naive"
)

// Report is what came of a study.
type Report struct {
	Objective Objective `json:"objective"`
	// Base are the settings that were varied.
	Base    naive.Settings `json:"base"`
	Windows []WindowReport `json:"windows"`
	// Warnings say why the best settings may not be good ones.
	Warnings []string `json:"warnings"`
}

// WindowReport is what came of a study in a window.
type WindowReport struct {
	Window
	// Base is the trial of the base settings; null where it was not made.
	Base *Trial `json:"base"`
	// Trials are all trials, the best in sample first, that of the base settings among
	// them.
	Trials []Trial `json:"trials"`
}

// NewReport ranks the trials of the windows by the objective.
func NewReport(objective Objective, base naive.Settings, windows []Window, trials []Trial) Report {
	r := Report{Objective: objective, Base: base, Warnings: []string{}}
	for i, w := range windows {
		report := WindowReport{Window: w, Trials: []Trial{}}
		for _, t := range trials {
			if t.Window == i {
				report.Trials = append(report.Trials, t)
			}
		}
		objective.rank(report.Trials)
		for j := range report.Trials {
			if compareSettings(&report.Trials[j].Settings, &base) == 0 {
				report.Base = &report.Trials[j]
			}
		}
		r.Windows = append(r.Windows, report)
		r.warn(i)
	}
	return r
}

// fewCycles is how many cycles are too few to judge by.
const fewCycles = 10

// warn notes what speaks against the best settings of the window.
func (r *Report) warn(window int) {
	w := r.Windows[window]
	if len(w.Trials) == 0 {
		return
	}
	warn := func(format string, args ...any) {
		r.Warnings = append(r.Warnings, fmt.Sprintf("window %d: ", window+1)+fmt.Sprintf(format, args...))
	}
	best := w.Trials[0]
	in, out := perDay(&best.In, w.Window.Split-w.Window.From), perDay(&best.Out, w.Window.To-w.Window.Split)
	if in.Sign() > 0 && out.LessThan(in.Div(decimal.New(2, 0))) {
		warn("the best settings made %s %% of the budget a day in sample and %s %% out of sample: they may fit that time rather than the market",
			in.Shift(2).Round(4), out.Shift(2).Round(4))
	}
	if w.Base != nil && best.Out.ProfitShare.LessThan(w.Base.Out.ProfitShare) {
		warn("out of sample the best settings did worse than the present ones")
	}
	if best.In.Cycles < fewCycles {
		warn("the best settings finished %d cycles in sample: too few to tell luck from merit", best.In.Cycles)
	}
}

// microsPerDay is the length of a day.
const microsPerDay = 86_400_000_000

// perDay returns the profit as a share of the budget per day.
func perDay(f *Figures, span exchange.Micros) decimal.Decimal {
	return f.ProfitShare.Mul(decimal.NewFromInt(microsPerDay)).DivRound(decimal.NewFromInt(int64(span)), 16)
}

// Varied returns the names of the settings that are not the same in all trials.
func (r *Report) Varied() []string {
	var names []string
	for _, name := range Parameters() {
		base := Value(&r.Base, name)
		if slices.ContainsFunc(r.Windows, func(w WindowReport) bool {
			return slices.ContainsFunc(w.Trials, func(t Trial) bool { return !Value(&t.Settings, name).Equal(base) })
		}) {
			names = append(names, name)
		}
	}
	return names
}

// OutOfSample adds up, over all windows, the profit out of sample as a share of the
// budget: of the settings that were best in sample, of the base settings, and of
// buying and holding.
func (r *Report) OutOfSample() (best, base, hold decimal.Decimal) {
	for _, w := range r.Windows {
		if len(w.Trials) > 0 {
			best = best.Add(w.Trials[0].Out.ProfitShare)
			hold = hold.Add(w.Trials[0].Out.BuyAndHoldShare)
		}
		if w.Base != nil {
			base = base.Add(w.Base.Out.ProfitShare)
		}
	}
	return best, base, hold
}
