package optimize_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"hedgehog/data/backtest"
	"hedgehog/data/optimize"
)

// task returns a task of XRPUSDT that can be carried out.
func task(tb testing.TB) (optimize.Task, backtest.Config) {
	tb.Helper()
	c := config(tb).Backtest
	c.PartialFills, c.Latency = true, 5e6
	made := optimize.TaskOf(c, "abc")
	made.Window, made.Settings = optimize.Window{From: 1, Split: 2, To: 3}, c.Settings
	return made, c
}

func TestATaskSaysHowTheTrialIsMade(t *testing.T) {
	sent, want := task(t)
	text, err := json.Marshal(sent)
	if err != nil {
		t.Fatal(err)
	}
	var received optimize.Task
	if err := json.Unmarshal(text, &received); err != nil {
		t.Fatal(err)
	}
	got, err := received.Config()
	if err != nil {
		t.Fatal(err)
	}
	got.Log, want.Log = nil, nil
	a, _ := json.Marshal(got.Symbol)
	b, _ := json.Marshal(want.Symbol)
	if string(a) != string(b) || !got.Commission.Equal(want.Commission) || got.PartialFills != want.PartialFills || got.Latency != want.Latency ||
		!reflect.DeepEqual(received.Window, sent.Window) || received.Digest != "abc" || !got.Settings.Budget.Equal(want.Settings.Budget) {
		t.Errorf("made with %+v, want %+v", got, want)
	}
}

func TestATaskThatCanNotBeCarriedOutIsRefused(t *testing.T) {
	for want, change := range map[string]func(*optimize.Task){
		"this release makes trials of version": func(t *optimize.Task) { t.Version = 0 },
		"want rising times":                    func(t *optimize.Task) { t.Window.Split = t.Window.To },
		"with tick 0":                          func(t *optimize.Task) { t.Rules.Filters.TickSize = decimal.Zero },
		"chunks 0":                             func(t *optimize.Task) { t.Settings.Chunks = 0 },
		"commission 1":                         func(t *optimize.Task) { t.Commission = d("1") },
		"more than 40 digits":                  func(t *optimize.Task) { t.Settings.Budget = decimal.New(1, 1_000_000_000) },
		"a number has more than 40 digits":     func(t *optimize.Task) { t.Rules.Filters.StepSize = decimal.New(1, -1_000_000_000) },
	} {
		bad, _ := task(t)
		change(&bad)
		if _, err := bad.Config(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
