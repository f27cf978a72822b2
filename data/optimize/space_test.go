package optimize_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"hedgehog/data/optimize"
	"hedgehog/strategy/naive"
)

func TestAParameterIsARangeOrAList(t *testing.T) {
	for text, want := range map[string]string{
		"profit_target=0.0005:0.002:4":   "profit_target [0.0005 0.001 0.0015 0.002]",
		"profit_target=0.001:0.002:4":    "profit_target [0.001 0.00133333 0.00166667 0.002]",
		"chunks=1:9:3":                   "chunks [1 5 9]",
		"chunks=10,2,5":                  "chunks [10 2 5]",
		"budget=100":                     "budget [100]",
		"rebuy_interval=0:0.1:2":         "rebuy_interval [0 0.1]",
		"buy_down_interval=0, 0.5":       "buy_down_interval [0 0.5]",
		"buy_down_interval=-1:1.50:2":    "buy_down_interval [-1 1.5]", // Validate refuses it
		"profit_target=0.1:0.2":          "want LOW:HIGH:STEPS",
		"profit_target=0.1:0.2:3:4":      "want LOW:HIGH:STEPS",
		"profit_target=0.2:0.1:3":        "want a high end above the low one",
		"profit_target=0.1:0.1:3":        "want a high end above the low one",
		"profit_target=0.1:0.2:1":        "want 2 to 10000",
		"profit_target=0.1:0.2:10001":    "want 2 to 10000",
		"profit_target=0.1:0.2:x":        "want 2 to 10000",
		"profit_target=0.1:1e9999999:20": "want a decimal number",
		"profit_target=":                 "want a decimal number",
		"profit_target=0.1,":             "want a decimal number",
		"profit_target=0.1,0.10":         "there twice",
		"profit_target=0:0.00000003:9":   "there twice",
		"profit_target":                  "want NAME=LOW:HIGH:STEPS",
		"profit=1":                       `unknown parameter "profit": want one of budget, chunks, buy_down_interval, profit_target, rebuy_interval`,
		"chunks=1:2:3":                   "want whole numbers",
	} {
		p, err := optimize.ParseParameter(text)
		got := fmt.Sprint(p.Name, " ", p.Values)
		if err != nil {
			got = err.Error()
		}
		if got != want && (err == nil || !strings.Contains(got, want) || !strings.Contains(got, fmt.Sprintf("%q", text))) {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestAGridIsTriedInOrder(t *testing.T) {
	var order []string
	record := runner(func(s naive.Settings) (in, out decimal.Decimal) {
		order = append(order, fmt.Sprintf("%d %s", s.Chunks, s.ProfitTarget))
		return d("0"), d("0")
	})
	c := config(t, "chunks=2,1", "profit_target=0.001:0.003:3")
	c.Jobs = 1
	if _, err := mustStudy(t, c, waves(t, 50), record, &memory{}).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{"5 0.002", "2 0.001", "2 0.002", "2 0.003", "1 0.001", "1 0.002", "1 0.003"}
	if !slices.Equal(order, want) {
		t.Errorf("tried %q, want %q", order, want)
	}
}

func FuzzParseParameter(f *testing.F) {
	for _, seed := range []string{"profit_target=0.0005:0.01:20", "chunks=1,2,3", "budget=1e9:2:3", "chunks=1:9999999999999999999999:2", "=::"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := optimize.ParseParameter(text)
		if err != nil {
			return
		}
		if len(p.Values) == 0 || len(p.Values) > optimize.MaxValues {
			t.Fatalf("%q: %d values", text, len(p.Values))
		}
		for i, v := range p.Values {
			if strings.Contains(text, ":") && i > 0 && !v.GreaterThan(p.Values[i-1]) {
				t.Fatalf("%q: %s comes behind %s", text, v, p.Values[i-1])
			}
		}
		c := config(t)
		c.Parameters = []optimize.Parameter{p}
		if c.Validate() != nil {
			return
		}
		settings := c.Backtest.Settings
		for _, v := range p.Values {
			if !optimize.Set(&settings, p.Name, v) || settings.Validate() != nil {
				t.Fatalf("%q: %s is found good and is not", text, v)
			}
		}
	})
}
