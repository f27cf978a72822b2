package optimize_test

import (
	"slices"
	"strings"
	"testing"

	"hedgehog/data/optimize"
	"hedgehog/exchange"
)

func TestTheReportWarnsOfWhatMayBeLuck(t *testing.T) {
	const day = exchange.Micros(86_400e6)
	windows := []optimize.Window{{From: 0, Split: 7 * day, To: 10 * day}}
	base := config(t).Backtest.Settings
	trial := func(target, in, out string, cycles int) optimize.Trial {
		s := base
		s.ProfitTarget = d(target)
		return optimize.Trial{Settings: s, In: optimize.Figures{Profit: d(in), ProfitShare: d(in), Cycles: cycles},
			Out: optimize.Figures{ProfitShare: d(out), BuyAndHoldShare: d("0.05")}}
	}
	for name, test := range map[string]struct {
		best, base optimize.Trial
		want       []string
	}{
		"as good as before":  {trial("0.003", "0.07", "0.03", 50), trial("0.002", "0.01", "0.01", 50), nil},
		"half as good a day": {trial("0.003", "0.07", "0.0149", 50), trial("0.002", "0.01", "0.01", 50), []string{"1 % of the budget a day in sample and 0.4967 % out of sample"}},
		"worse than present": {trial("0.003", "0.07", "0.03", 50), trial("0.002", "0.01", "0.04", 50), []string{"did worse than the present ones"}},
		"few cycles":         {trial("0.003", "0.07", "0.03", 9), trial("0.002", "0.01", "0.01", 50), []string{"finished 9 cycles"}},
	} {
		t.Run(name, func(t *testing.T) {
			report := optimize.NewReport(optimize.Profit, base, windows, []optimize.Trial{test.base, test.best})
			if len(report.Warnings) != len(test.want) {
				t.Fatalf("warnings %q, want %d", report.Warnings, len(test.want))
			}
			for i, want := range test.want {
				if !strings.Contains(report.Warnings[i], want) {
					t.Errorf("warning %q, want one with %q", report.Warnings[i], want)
				}
			}
			if got := targets(report.Windows[0]); !slices.Equal(got, []string{"0.003", "0.002"}) {
				t.Errorf("ranked %q", got)
			}
			best, present, hold := report.OutOfSample()
			if !best.Equal(test.best.Out.ProfitShare) || !present.Equal(test.base.Out.ProfitShare) || !hold.Equal(d("0.05")) {
				t.Errorf("out of sample %s, %s and %s", best, present, hold)
			}
		})
	}
}

func TestAnObjectiveScoresByItsFigure(t *testing.T) {
	f := optimize.Figures{Profit: d("12"), ProfitShare: d("0.012"), Realized: d("15"), MaxDrawdownShare: d("0.004")}
	for objective, want := range map[optimize.Objective]string{
		optimize.Profit: "12", optimize.ProfitShare: "0.012", optimize.Realized: "15", optimize.DrawdownAdjusted: "3",
	} {
		if got := objective.Score(&f); !got.Equal(d(want)) {
			t.Errorf("%s scores %s, want %s", objective, got, want)
		}
	}
	f.MaxDrawdownShare = d("0") // counts as 0.0001
	if got := optimize.DrawdownAdjusted.Score(&f); !got.Equal(d("120")) {
		t.Errorf("without a drawdown it scores %s, want 120", got)
	}
}
