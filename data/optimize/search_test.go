package optimize_test

import (
	"testing"

	"github.com/shopspring/decimal"

	"hedgehog/data/optimize"
	"hedgehog/strategy/naive"
)

// hill has its top, 0, at one choice of settings and falls to all sides.
func hill(s naive.Settings) (in, out decimal.Decimal) {
	off := func(v decimal.Decimal, top string) decimal.Decimal {
		by := v.Sub(d(top)).Mul(d("1000"))
		return by.Mul(by)
	}
	in = off(s.ProfitTarget, "0.037").Add(off(s.RebuyInterval, "0.061")).Add(off(s.BuyDownInterval, "0.02")).Neg()
	return in, in
}

func bestOfHill(t *testing.T, method optimize.Method, seed uint64) decimal.Decimal {
	t.Helper()
	c := config(t, "profit_target=0.001:0.1:100", "rebuy_interval=0.001:0.1:100", "buy_down_interval=0.001:0.1:100")
	c.Method, c.Trials, c.Seed, c.Jobs = method, 200, seed, 1
	report, err := mustStudy(t, c, waves(t, 20), runner(hill), &memory{}).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n := len(report.Windows[0].Trials); n != 201 {
		t.Fatalf("%s: %d trials, want 200 and the base settings", method, n)
	}
	return report.Windows[0].Trials[0].In.Profit
}

func TestTPEComesNearerToTheTopThanChance(t *testing.T) {
	nearer := 0
	for seed := range uint64(10) {
		if bestOfHill(t, optimize.TPE, seed).GreaterThan(bestOfHill(t, optimize.Random, seed)) {
			nearer++
		}
	}
	if nearer < 9 {
		t.Errorf("nearer with %d of 10 seeds, want 9", nearer)
	}
}

func TestASmallSpaceIsTriedToTheEnd(t *testing.T) {
	for _, method := range []optimize.Method{optimize.Random, optimize.TPE} {
		c := config(t, "profit_target=0.001:0.01:10", "chunks=1:6:6")
		c.Method, c.Trials, c.Jobs = method, 1000, 1
		seen := make(map[string]int)
		count := runner(func(s naive.Settings) (in, out decimal.Decimal) {
			seen[s.ProfitTarget.String()+" "+decimal.NewFromInt(int64(s.Chunks)).String()]++
			return s.ProfitTarget, d("0")
		})
		if _, err := mustStudy(t, c, waves(t, 20), count, &memory{}).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(seen) != 60 {
			t.Errorf("%s: %d choices tried, want all 60", method, len(seen))
		}
		for settings, n := range seen {
			if n != 1 {
				t.Errorf("%s: %s was tried %d times", method, settings, n)
			}
		}
	}
}
