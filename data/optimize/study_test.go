package optimize_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/shopspring/decimal"

	"hedgehog/data/backtest"
	"hedgehog/data/optimize"
	"hedgehog/exchange"
	"hedgehog/exchange/sim"
	"hedgehog/strategy/naive"
)

func d(s string) decimal.Decimal { return decimal.RequireFromString(s) }

// config returns a configuration of XRPUSDT with the parameters.
func config(tb testing.TB, parameters ...string) optimize.Config {
	tb.Helper()
	symbol, err := sim.SymbolFor("XRPUSDT")
	if err != nil {
		tb.Fatal(err)
	}
	c := optimize.DefaultConfig(backtest.DefaultConfig(symbol))
	c.Jobs = 2
	for _, text := range parameters {
		p, err := optimize.ParseParameter(text)
		if err != nil {
			tb.Fatal(err)
		}
		c.Parameters = append(c.Parameters, p)
	}
	return c
}

// waves returns trades whose price swings up and down, a second apart.
func waves(tb testing.TB, n int) *optimize.Trades {
	tb.Helper()
	trades := optimize.NewTrades(1 << 30)
	ticks := make([]exchange.Tick, n)
	for i := range ticks {
		price := 5000 + i*7%31 - i*3%17 + i/40%25 // of several lengths, so that no two settings do the same
		ticks[i] = exchange.Tick{ID: int64(i) + 1, Time: 1e15 + exchange.Micros(i)*1e6, Price: exchange.Units(price) * 1e4, Quantity: 1e10}
	}
	if err := trades.Add(ticks); err != nil {
		tb.Fatal(err)
	}
	return trades
}

// memory is a store for one study.
type memory struct {
	kept []optimize.Trial
	full func(n int) error // the answer to keeping the n-th trial; nil: none fails
}

func (m *memory) Trials(context.Context) ([]optimize.Trial, error) { return slices.Clone(m.kept), nil }

func (m *memory) Keep(_ context.Context, t optimize.Trial) error {
	m.kept = append(m.kept, t)
	if m.full != nil {
		return m.full(len(m.kept))
	}
	return nil
}

// counting counts the trials that a runner makes.
type counting struct {
	optimize.Runner
	tries atomic.Int64
}

func (c *counting) Try(ctx context.Context, w optimize.Window, s naive.Settings) (in, out optimize.Figures, err error) {
	c.tries.Add(1)
	return c.Runner.Try(ctx, w, s)
}

func mustStudy(tb testing.TB, c optimize.Config, trades *optimize.Trades, runner optimize.Runner, store optimize.Store) *optimize.Study {
	tb.Helper()
	windows, err := optimize.Windows(trades, c.Windows, c.Split)
	if err != nil {
		tb.Fatal(err)
	}
	study, err := optimize.New(c, windows, runner, store)
	if err != nil {
		tb.Fatal(err)
	}
	return study
}

func mustRun(tb testing.TB, c optimize.Config, trades *optimize.Trades) optimize.Report {
	tb.Helper()
	report, err := mustStudy(tb, c, trades, optimize.NewLocal(c.Backtest, trades), &memory{}).Run(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return report
}

// targets returns the profit targets of the window's trials, best first.
func targets(w optimize.WindowReport) []string {
	var all []string
	for _, t := range w.Trials {
		all = append(all, t.Settings.ProfitTarget.String())
	}
	return all
}

func TestATrialIsABacktestOfEachPart(t *testing.T) {
	trades := waves(t, 1000)
	c := config(t, "profit_target=0.0005:0.002:4", "chunks=1,3")
	c.Windows, c.Objective = 2, optimize.Realized
	report := mustRun(t, c, trades)
	if len(report.Windows) != 2 {
		t.Fatalf("%d windows, want 2", len(report.Windows))
	}
	for i, w := range report.Windows {
		if len(w.Trials) != 9 { // 4 × 2 and the base settings
			t.Fatalf("window %d: %d trials, want 9", i, len(w.Trials))
		}
		for n, trial := range w.Trials {
			alone := c.Backtest
			alone.Settings = trial.Settings
			for part, want := range map[string]struct {
				from, to exchange.Micros
				got      optimize.Figures
			}{"in sample": {w.From, w.Split, trial.In}, "out of sample": {w.Split, w.To, trial.Out}} {
				result, err := backtest.Run(t.Context(), alone, trades.Between(want.from, want.to))
				if err != nil {
					t.Fatal(err)
				}
				if got := want.got; !got.Profit.Equal(result.Profit) || !got.Realized.Equal(result.Realized) || got.Trades != result.Trades || got.From < want.from || got.To >= want.to {
					t.Errorf("window %d, %s: %+v, a backtest alone has %+v", i, part, got, result)
				}
			}
			if n > 0 && trial.In.Realized.GreaterThan(w.Trials[n-1].In.Realized) {
				t.Errorf("window %d: %s realized comes behind %s", i, trial.In.Realized, w.Trials[n-1].In.Realized)
			}
		}
		if w.Base == nil || !reflect.DeepEqual(w.Base.Settings, c.Backtest.Settings) {
			t.Errorf("window %d: base %+v, want the trial of the base settings", i, w.Base)
		}
	}
}

func TestWindowsFollowEachOtherAndArePartedByTime(t *testing.T) {
	trades := waves(t, 1000)
	windows, err := optimize.Windows(trades, 4, d("0.6"))
	if err != nil {
		t.Fatal(err)
	}
	next := exchange.Micros(1e15)
	for i, w := range windows {
		if w.From != next || w.Split-w.From < 149e6 || w.Split-w.From > 151e6 || w.To-w.Split < 99e6 || w.To-w.Split > 101e6 {
			t.Errorf("window %d: %+v, want 150 s and 100 s from %d on", i, w, next)
		}
		next = w.To
	}
	if next != trades.Last().Time+1 {
		t.Errorf("the last window ends at %d, want it just behind the last trade, of %d", next, trades.Last().Time)
	}
	if _, err := optimize.Windows(waves(t, 5), 4, d("0.6")); !errors.Is(err, optimize.ErrTooFewTrades) {
		t.Errorf("four windows of five trades: %v, want ErrTooFewTrades", err)
	}
}

// What settings do out of sample has no say in which are best.
func TestOutOfSampleIsNotLookedAtWhenChoosing(t *testing.T) {
	for _, method := range []optimize.Method{optimize.Grid, optimize.TPE} {
		trades := waves(t, 50)
		c := config(t, "profit_target=0.001:0.1:100")
		c.Method, c.Trials = method, 60
		var all [2]optimize.Report
		for i := range all {
			other := runner(func(s naive.Settings) (in, out decimal.Decimal) {
				in = s.ProfitTarget.Mul(d("100")).Mod(d("3"))
				return in, in.Mul(d("2").Sub(d("4").Mul(decimal.NewFromInt(int64(i)))))
			})
			var err error
			if all[i], err = mustStudy(t, c, trades, other, &memory{}).Run(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if a, b := targets(all[0].Windows[0]), targets(all[1].Windows[0]); !slices.Equal(a, b) {
			t.Errorf("%s: other figures out of sample make\n%q\nof\n%q", method, a, b)
		}
	}
}

// runner is a Runner that finds a profit without any trades.
type runner func(naive.Settings) (in, out decimal.Decimal)

func (r runner) Try(_ context.Context, _ optimize.Window, s naive.Settings) (in, out optimize.Figures, err error) {
	a, b := r(s)
	return optimize.Figures{Trades: 1, Profit: a, ProfitShare: a, Cycles: 99}, optimize.Figures{Trades: 1, Profit: b, ProfitShare: b}, nil
}

func TestTheReportIsTheSameWhateverTheNumberOfJobs(t *testing.T) {
	trades := waves(t, 150)
	for _, method := range []optimize.Method{optimize.Grid, optimize.Random, optimize.TPE} {
		t.Run(string(method), func(t *testing.T) {
			c := config(t, "profit_target=0.0005:0.003:6", "buy_down_interval=0,0.0005,0.001", "chunks=1,2,5")
			c.Method, c.Trials, c.Windows = method, 40, 2
			c.Jobs = 1
			one := mustRun(t, c, trades)
			c.Jobs = 7
			if many := mustRun(t, c, trades); !reflect.DeepEqual(one, many) {
				t.Errorf("7 jobs report\n%v\n1 job\n%v", many, one)
			}
			perWindow := 41
			if method == optimize.Grid {
				perWindow = 55
			}
			if n := len(one.Windows[0].Trials); n != perWindow {
				t.Errorf("%d trials in a window, want %d", n, perWindow)
			}
			c.Seed = 2
			if other := mustRun(t, c, trades); method != optimize.Grid && reflect.DeepEqual(one, other) {
				t.Error("another seed reports the same")
			}
		})
	}
}

func TestAStudyThatWasInterruptedGoesOn(t *testing.T) {
	trades := waves(t, 100)
	for _, method := range []optimize.Method{optimize.Grid, optimize.Random, optimize.TPE} {
		t.Run(string(method), func(t *testing.T) {
			c := config(t, "profit_target=0.0005:0.003:6", "chunks=1:10:10")
			c.Method, c.Trials = method, 50
			whole := mustRun(t, c, trades)

			ctx, cancel := context.WithCancelCause(t.Context())
			stopped := errors.New("stopped")
			store := &memory{full: func(n int) error {
				if n == 20 {
					cancel(stopped)
				}
				return nil
			}}
			first := &counting{Runner: optimize.NewLocal(c.Backtest, trades)}
			study := mustStudy(t, c, trades, first, store)
			if _, err := study.Run(ctx); !errors.Is(err, stopped) {
				t.Fatalf("run: %v, want what it was stopped for", err)
			}
			kept := len(store.kept)
			if done := study.Progress().Done; kept < 20 || kept > 21 || done != kept {
				t.Fatalf("%d trials kept, %d said to be done, want 20, or 21 where another was finishing", kept, done)
			}

			store.full = nil
			second := &counting{Runner: optimize.NewLocal(c.Backtest, trades)}
			study = mustStudy(t, c, trades, second, store)
			report, err := study.Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			all := len(whole.Windows[0].Trials)
			if made := int(second.tries.Load()); made != all-kept {
				t.Errorf("%d trials made after %d of %d were kept, want the rest", made, kept, all)
			}
			if !reflect.DeepEqual(report, whole) {
				t.Errorf("reports\n%v\nwithout the interruption\n%v", report, whole)
			}
			if p := study.Progress(); p.Trials != all || p.Done != all || p.Kept != kept || p.Best == nil {
				t.Errorf("progress %+v, want %d of %[2]d with %d kept", p, all, kept)
			}
		})
	}
}

func TestWhatFailsEndsTheStudy(t *testing.T) {
	trades := waves(t, 300)
	c := config(t, "profit_target=0.001,0.002")
	full := errors.New("the disk is full")
	store := &memory{full: func(int) error { return full }}
	if _, err := mustStudy(t, c, trades, optimize.NewLocal(c.Backtest, trades), store).Run(t.Context()); !errors.Is(err, full) {
		t.Errorf("run: %v, want that the disk is full", err)
	}
	hole := optimize.NewTrades(1 << 20)
	if err := hole.Add([]exchange.Tick{{ID: 1, Time: 1, Price: 1, Quantity: 1}, {ID: 3, Time: 2, Price: 1, Quantity: 1}, {ID: 4, Time: 9, Price: 1, Quantity: 1}}); err != nil {
		t.Fatal(err)
	}
	var missing *backtest.HoleError
	if _, err := mustStudy(t, c, hole, optimize.NewLocal(c.Backtest, hole), &memory{}).Run(t.Context()); !errors.As(err, &missing) {
		t.Errorf("run: %v, want that a trade is missing", err)
	}
}

func TestOfTwoThatDoEquallyWellTheLowerSettingsAreBetter(t *testing.T) {
	c := config(t, "profit_target=0.003,0.001,0.002", "chunks=2,1")
	same := runner(func(naive.Settings) (in, out decimal.Decimal) { return d("1"), d("1") })
	report, err := mustStudy(t, c, waves(t, 50), same, &memory{}).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, trial := range report.Windows[0].Trials {
		got = append(got, fmt.Sprintf("%d %s", trial.Settings.Chunks, trial.Settings.ProfitTarget))
	}
	want := []string{"1 0.001", "1 0.002", "1 0.003", "2 0.001", "2 0.002", "2 0.003", "5 0.002"}
	if !slices.Equal(got, want) {
		t.Errorf("ranked %q, want %q", got, want)
	}
}

func TestAConfigOutOfRangeIsNamed(t *testing.T) {
	for want, change := range map[string]func(*optimize.Config){
		"parameter profit_target: profit_target 1.5": func(c *optimize.Config) {
			c.Parameters[0].Values = []decimal.Decimal{d("0.001"), d("1.5")}
		},
		"parameter chunks: chunks 101": func(c *optimize.Config) {
			c.Parameters[0] = optimize.Parameter{Name: "chunks", Values: []decimal.Decimal{d("101")}}
		},
		"no setting with the value 1.5": func(c *optimize.Config) {
			c.Parameters[0] = optimize.Parameter{Name: "chunks", Values: []decimal.Decimal{d("1.5")}}
		},
		"parameter profit_target is there": func(c *optimize.Config) { c.Parameters = append(c.Parameters, c.Parameters[0]) },
		"parameter profit_target has no":   func(c *optimize.Config) { c.Parameters[0].Values = nil },
		"no parameter to vary":             func(c *optimize.Config) { c.Parameters = nil },
		`method "guess"`:                   func(c *optimize.Config) { c.Method = "guess" },
		"trials 0":                         func(c *optimize.Config) { c.Method, c.Trials = optimize.TPE, 0 },
		`objective "luck"`:                 func(c *optimize.Config) { c.Objective = "luck" },
		"windows 0":                        func(c *optimize.Config) { c.Windows = 0 },
		"split 1":                          func(c *optimize.Config) { c.Split = d("1") },
		"jobs 0":                           func(c *optimize.Config) { c.Jobs = 0 },
		"commission 2":                     func(c *optimize.Config) { c.Backtest.Commission = d("2") },
		"ask for more than 1000000 trials": func(c *optimize.Config) {
			c.Windows, c.Parameters = 600, config(t, "profit_target=0.0001:0.9:2000").Parameters
		},
		"ask for more than 1000000 trials: ": func(c *optimize.Config) {
			c.Method, c.Trials = optimize.Random, 1e9
			c.Parameters = config(t, "profit_target=0.0001:0.9:9000", "rebuy_interval=0.0001:0.9:9000").Parameters
		},
	} {
		c := config(t, "profit_target=0.001:0.002:2")
		change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
