package optimize

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"hedgehog/data/backtest"
	"hedgehog/exchange"
	"hedgehog/strategy/naive"
)

// Trial is what came of settings in a window.
type Trial struct {
	Window   int            `json:"window"` // from 0
	Settings naive.Settings `json:"settings"`
	In       Figures        `json:"in_sample"`
	Out      Figures        `json:"out_of_sample"`
}

// Figures are those of a backtest that are kept of a trial. Amounts are in the quote
// asset, shares of 1.
type Figures struct {
	From             exchange.Micros `json:"from"` // time of the first trade
	To               exchange.Micros `json:"to"`   // time of the last trade
	Trades           int64           `json:"trades"`
	Cycles           int             `json:"cycles"`
	Refused          int             `json:"refused"`      // orders
	Profit           decimal.Decimal `json:"profit"`       // with what is held at the last price
	ProfitShare      decimal.Decimal `json:"profit_share"` // of the budget
	Realized         decimal.Decimal `json:"realized"`     // by finished cycles
	Fees             decimal.Decimal `json:"fees"`
	MaxDrawdownShare decimal.Decimal `json:"max_drawdown_share"`
	Exposure         decimal.Decimal `json:"exposure"` // of the budget, on average over time
	BuyAndHoldShare  decimal.Decimal `json:"buy_and_hold_share"`
}

func figuresOf(r *backtest.Result) Figures {
	return Figures{
		From: r.From, To: r.To, Trades: r.Trades, Cycles: r.Cycles, Refused: r.Refused,
		Profit: r.Profit, ProfitShare: r.ProfitShare, Realized: r.Realized, Fees: r.Fees,
		MaxDrawdownShare: r.MaxDrawdownShare, Exposure: r.Exposure, BuyAndHoldShare: r.BuyAndHoldShare,
	}
}

// Objective says which figure is to be high.
type Objective string

// The objectives.
const (
	// Profit is the profit in the quote asset, with what is held at the last price.
	Profit Objective = "profit"
	// ProfitShare is the profit as a share of the budget.
	ProfitShare Objective = "profit_share"
	// Realized is what finished cycles earned.
	Realized Objective = "realized"
	// DrawdownAdjusted is the profit's share by that of the maximum drawdown, which
	// counts as 0.01 % where it was less.
	DrawdownAdjusted Objective = "drawdown_adjusted"
)

// Objectives returns the objectives that there are.
func Objectives() []Objective { return []Objective{Profit, ProfitShare, Realized, DrawdownAdjusted} }

// Validate returns an error where there is no such objective.
func (o Objective) Validate() error {
	if slices.Contains(Objectives(), o) {
		return nil
	}
	var names []string
	for _, known := range Objectives() {
		names = append(names, string(known))
	}
	return fmt.Errorf("objective %q: want one of %s", string(o), strings.Join(names, ", "))
}

// Score returns the figure that the objective asks for; the more the better.
func (o Objective) Score(f *Figures) decimal.Decimal {
	switch o {
	case Profit:
		return f.Profit
	case Realized:
		return f.Realized
	case DrawdownAdjusted:
		return f.ProfitShare.DivRound(decimal.Max(f.MaxDrawdownShare, decimal.New(1, -4)), 8)
	default:
		return f.ProfitShare
	}
}

// rank sorts trials of one window, the best in sample first, equal ones by their
// settings.
func (o Objective) rank(trials []Trial) {
	slices.SortFunc(trials, func(a, b Trial) int {
		return cmp.Or(o.Score(&b.In).Cmp(o.Score(&a.In)), compareSettings(&a.Settings, &b.Settings))
	})
}
