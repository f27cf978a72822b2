package optimize_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hedgehog/data/optimize"
	"hedgehog/strategy/naive"
)

// slow is a runner that takes its time, a virtual one, and then may fail.
type slow struct {
	takes time.Duration
	fails error
}

func (s slow) Try(ctx context.Context, _ optimize.Window, settings naive.Settings) (in, out optimize.Figures, err error) {
	select {
	case <-time.After(s.takes):
	case <-ctx.Done():
		return in, out, context.Cause(ctx)
	}
	if s.fails != nil {
		return in, out, s.fails
	}
	figures := optimize.Figures{Trades: 1, Profit: settings.ProfitTarget}
	return figures, figures, nil
}

// pooled makes 40 trials with two jobs of this process, which take a second, and the
// helpers, and checks that all were made. It returns how long that took, who made them,
// and who was lost.
func pooled(t *testing.T, helpers ...optimize.Helper) (took time.Duration, made, lost map[string]int) {
	t.Helper()
	var mu sync.Mutex
	lost = make(map[string]int)
	pool := optimize.NewPool(slow{takes: time.Second}, 2, helpers, 5*time.Second, func(name string, err error) {
		mu.Lock()
		defer mu.Unlock()
		lost[fmt.Sprint(name, ": ", err)]++
	})
	c := config(t, "profit_target=0.001:0.04:40")
	c.Jobs = pool.Jobs()
	began := time.Now()
	report, err := mustStudy(t, c, waves(t, 50), pool, &memory{}).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if trials := report.Windows[0].Trials; len(trials) != 40 || trials[0].Settings.ProfitTarget.String() != "0.04" {
		t.Errorf("%d trials, the best with %s, want 40 and 0.04", len(trials), trials[0].Settings.ProfitTarget)
	}
	return time.Since(began), pool.Made(), lost
}

func TestHelpersShareTheTrials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		took, made, lost := pooled(t, optimize.Helper{Name: "n2", Runner: slow{takes: time.Second}, Jobs: 2}, optimize.Helper{Name: "n3", Runner: slow{takes: time.Second}, Jobs: 4})
		if want := map[string]int{"": 10, "n2": 10, "n3": 20}; !reflect.DeepEqual(made, want) || took != 5*time.Second || len(lost) != 0 {
			t.Errorf("made %v in %s, lost %v; want %v in 5s", made, took, lost, want)
		}
	})
}

func TestTheTrialsOfAHelperThatDiesAreMadeByOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		died := errors.New("connection refused")
		_, made, lost := pooled(t, optimize.Helper{Name: "n2", Runner: slow{fails: died}, Jobs: 3})
		if made[""] != 40 || made["n2"] != 0 || !reflect.DeepEqual(lost, map[string]int{"n2: connection refused": 1}) {
			t.Errorf("made %v, lost %v; want all here, and n2 lost once", made, lost)
		}
	})
}

func TestTheTrialsOfAHelperThatHangsAreMadeByOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		took, made, lost := pooled(t, optimize.Helper{Name: "n2", Runner: slow{takes: time.Hour}, Jobs: 3})
		if made[""] != 40 || took > 30*time.Second || !reflect.DeepEqual(lost, map[string]int{"n2: others were faster again and again": 1}) {
			t.Errorf("made %v in %s, lost %v; want all here within 30s, and n2 lost once", made, took, lost)
		}
	})
}

func TestAPoolEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		stopped := errors.New("stopped")
		pool := optimize.NewPool(slow{takes: time.Hour}, 1, []optimize.Helper{{Name: "n2", Runner: slow{takes: time.Hour}, Jobs: 4}}, time.Second,
			func(name string, err error) { t.Errorf("%s is lost: %v", name, err) })
		time.AfterFunc(time.Minute, func() { cancel(stopped) })
		c := config(t, "profit_target=0.001:0.04:40")
		c.Jobs = pool.Jobs()
		if _, err := mustStudy(t, c, waves(t, 50), pool, &memory{}).Run(ctx); !errors.Is(err, stopped) {
			t.Errorf("run: %v, want what it was stopped for", err)
		}
	})
}

// An error here is one of the trial itself, that every other helper would find too.
func TestAnErrorOfThisProcessEndsTheStudy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hole := errors.New("trades are missing")
		pool := optimize.NewPool(slow{fails: hole}, 1, []optimize.Helper{{Name: "n2", Runner: slow{fails: hole}, Jobs: 1}}, time.Second, func(string, error) {})
		c := config(t, "profit_target=0.001:0.04:40")
		if _, err := mustStudy(t, c, waves(t, 50), pool, &memory{}).Run(t.Context()); !errors.Is(err, hole) {
			t.Errorf("run: %v, want that trades are missing", err)
		}
	})
}
