package node_test

import (
	"encoding/json"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"hedgehog/data/backtest"
	"hedgehog/data/optimize"
	"hedgehog/exchange"
	"hedgehog/exchange/sim"
	"hedgehog/node"
	"hedgehog/node/api"
	"hedgehog/storage"
)

// tried is a trial, the trades that it is made on, and what has to come of it.
type tried struct {
	trades *optimize.Trades
	ticks  []exchange.Tick
	task   optimize.Task
	want   optimize.Answer
}

// newTried returns a trial on trades of XRPUSDT that swing. The test is skipped where
// nodes make no trials.
func newTried(t *testing.T) tried {
	t.Helper()
	if runtime.GOMAXPROCS(0) == 1 {
		t.Skip("a node with one core makes no trials")
	}
	made := tried{trades: optimize.NewTrades(1 << 20), ticks: make([]exchange.Tick, 500)}
	for i := range made.ticks {
		made.ticks[i] = exchange.Tick{ID: int64(i) + 1, Time: 1e15 + exchange.Micros(i)*1e6, Price: exchange.Units(5000+i*7%31-i*3%17) * 1e4, Quantity: 1e10}
	}
	if err := made.trades.Add(made.ticks); err != nil {
		t.Fatal(err)
	}
	symbol, err := sim.SymbolFor("XRPUSDT")
	if err != nil {
		t.Fatal(err)
	}
	config := backtest.DefaultConfig(symbol)
	digest, err := made.trades.Digest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	windows, err := optimize.Windows(made.trades, 1, decimal.New(5, -1))
	if err != nil {
		t.Fatal(err)
	}
	made.task = optimize.TaskOf(config, digest)
	made.task.Window, made.task.Settings = windows[0], config.Settings
	if made.want.In, made.want.Out, err = optimize.NewLocal(config, made.trades).Try(t.Context(), windows[0], config.Settings); err != nil {
		t.Fatal(err)
	}
	if made.want.In.Cycles == 0 {
		t.Fatal("no cycle: too little to tell anything")
	}
	return made
}

// check has the node make the trial, through r.
func (m tried) check(t *testing.T, r *running, at string) {
	t.Helper()
	got, err := r.Trial(t.Context(), at, m.task)
	if err != nil {
		t.Fatal(err)
	}
	have, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	want, err := json.Marshal(m.want)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != string(want) {
		t.Errorf("trial at %s gave\n%s\nwant\n%s", at, have, want)
	}
}

func TestANodeMakesTrialsOnTradesThatItWasSent(t *testing.T) {
	m, team := newTried(t), newTeam(t, busyMarket(t, "XRPUSDT"), "n1", "n2")
	entry := team.members["n1"]
	for _, at := range []string{"n1", "n2"} { // here, and through here
		jobs, err := entry.TrialJobs(t.Context(), at)
		if err != nil || jobs.Jobs < 1 {
			t.Fatalf("%s makes %d trials at once, %v; want one or more", at, jobs.Jobs, err)
		}
		if _, err := entry.Trial(t.Context(), at, m.task); !errors.Is(err, api.ErrTradesMissing) {
			t.Errorf("trial before %s has the trades: %v, want ErrTradesMissing", at, err)
		}
		if there, err := entry.HasTrades(t.Context(), at, m.task.Digest, "XRPUSDT", 1, m.trades.Count()); there || err != nil {
			t.Errorf("%s has the trades: %t, %v; want false", at, there, err)
		}
		if err := entry.SendTrades(t.Context(), at, m.task.Digest, m.trades); err != nil {
			t.Fatal(err)
		}
		if there, err := entry.HasTrades(t.Context(), at, m.task.Digest, "XRPUSDT", 1, m.trades.Count()); !there || err != nil {
			t.Errorf("%s has the trades that it was sent: %t, %v; want true", at, there, err)
		}
		m.check(t, entry, at)
	}
	if err := team.members["n2"].stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := entry.Trial(t.Context(), "n2", m.task); err == nil || errors.Is(err, api.ErrTradesMissing) || !strings.Contains(err.Error(), "node n2") {
		t.Errorf("trial at a node that has left: %v, want an error that names it", err)
	}
}

func TestANodeFindsTheTradesOfATrialInItsDatabase(t *testing.T) {
	m := newTried(t)
	r := startNode(t, func(c *node.Config) {
		db, err := storage.Open(t.Context(), c.DataDir+"/hedgehog.db")
		if err != nil {
			t.Fatal(err)
		}
		_, err = db.PutTicks(t.Context(), "XRPUSDT", m.ticks)
		if err := errors.Join(err, db.Close()); err != nil {
			t.Fatal(err)
		}
	})
	has := func(first, count int64) bool {
		there, err := r.HasTrades(t.Context(), "n1", m.task.Digest, "XRPUSDT", first, count)
		if err != nil {
			t.Fatal(err)
		}
		return there
	}
	if has(1, 499) || has(2, 500) || has(1, 1<<40) {
		t.Error("other trades pass for these")
	}
	if !has(1, 500) {
		t.Fatal("the stored trades are not found")
	}
	m.check(t, r, "n1")
}

func TestTradesAndTrialsThatCanNotBeAreRefused(t *testing.T) {
	m := newTried(t)
	r := startNode(t, func(*node.Config) {})
	refused := func(what string, err error, status int, text string) {
		t.Helper()
		problem, ok := errors.AsType[*api.StatusError](err)
		if !ok || problem.Status != status || !strings.Contains(problem.Message, text) {
			t.Errorf("%s: %v, want status %d and %q", what, err, status, text)
		}
	}
	refused("trades of another digest", r.SendTrades(t.Context(), "n1", "abc", m.trades), 400, "other trades than the digest")
	_, err := r.TrialJobs(t.Context(), "n9")
	refused("an unknown node", err, 400, "n9")
	if err := r.SendTrades(t.Context(), "n1", m.task.Digest, m.trades); err != nil {
		t.Fatal(err)
	}
	bad := m.task
	bad.Settings.Chunks = 0
	_, err = r.Trial(t.Context(), "n1", bad)
	refused("settings out of range", err, 400, "chunks 0")
	bad = m.task
	bad.Window = optimize.Window{From: 1, Split: 2, To: 3}
	_, err = r.Trial(t.Context(), "n1", bad)
	refused("a window without trades", err, 400, "there are no trades")
}
