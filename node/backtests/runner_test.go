package backtests_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"hedgehog/data/backtest"
	"hedgehog/exchange"
	"hedgehog/exchange/sim"
	"hedgehog/node/api"
	"hedgehog/node/backtests"
	"hedgehog/storage"
)

// store is a database of trades, which can be made to wait.
type store struct {
	*storage.DB
	passing chan struct{} // where there is one, each batch of a run waits for an element
	began   chan struct{} // has an element for each that waits
}

// Ticks reads as the database does. The trade that Add looks for passes at once.
func (s *store) Ticks(ctx context.Context, symbol string, r storage.TradeRange, batch func([]exchange.Tick) error) error {
	return s.DB.Ticks(ctx, symbol, r, func(ticks []exchange.Tick) error {
		if s.passing != nil && r.Limit == 0 {
			s.began <- struct{}{}
			select {
			case <-s.passing:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		return batch(ticks)
	})
}

// newStore returns a database with so many trades of XRPUSDT, a second apart, at prices
// that go up and down; those of the given ids are missing.
func newStore(t *testing.T, count int64, missing ...int64) *store {
	t.Helper()
	db, err := storage.Open(t.Context(), filepath.Join(t.TempDir(), "hedgehog.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	var ticks []exchange.Tick
	for id := int64(1); id <= count; id++ {
		if len(missing) > 0 && id == missing[0] {
			missing = missing[1:]
			continue
		}
		tick := exchange.Tick{ID: id, Time: exchange.Micros(id) * 1_000_000}
		tick.Price, err = exchange.ParseUnits([]string{"0.5", "0.495", "0.505", "0.51"}[id%4])
		if err != nil {
			t.Fatal(err)
		}
		if tick.Quantity, err = exchange.ParseUnits("1000"); err != nil {
			t.Fatal(err)
		}
		ticks = append(ticks, tick)
	}
	if _, err := db.PutTicks(t.Context(), "XRPUSDT", ticks); err != nil {
		t.Fatal(err)
	}
	return &store{DB: db}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// task tries the default settings on all trades.
func task(t *testing.T) backtests.Task {
	t.Helper()
	rules, err := sim.SymbolFor("XRPUSDT")
	if err != nil {
		t.Fatal(err)
	}
	return backtests.Task{Config: backtest.DefaultConfig(rules), Notes: []string{"Made by a test."}}
}

// opened returns a runner over a directory, which a test may run again and again. Its
// clock stands still.
func opened(t *testing.T, s *store, dir string) *backtests.Runner {
	t.Helper()
	return backtests.New(backtests.Config{Dir: dir, Waiting: 2, Kept: 3, Now: func() exchange.Micros { return 1_000_000 }}, s, quiet())
}

// running returns a runner that runs until the test ends or stop is called.
func running(t *testing.T, s *store) (r *backtests.Runner, dir string, stop func()) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "backtests")
	r = opened(t, s, dir)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = r.Run(ctx) // what it returns is our cancellation
	}()
	stop = func() {
		cancel()
		<-ended
	}
	t.Cleanup(stop)
	return r, dir, stop
}

func mustAdd(t *testing.T, r *backtests.Runner, what backtests.Task) api.Backtest {
	t.Helper()
	b, err := r.Add(t.Context(), what)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// await waits until a backtest has ended.
func await(t *testing.T, r *backtests.Runner, id string) api.BacktestResult {
	t.Helper()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		b, err := r.Get(id)
		if err != nil {
			t.Fatal(err)
		}
		if b.EndedUS != 0 {
			return b
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("it does not end: %+v", b.Backtest)
		}
	}
}

// files returns how many there are in the directory.
func files(t *testing.T, dir string) int {
	t.Helper()
	found, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return len(found)
}

func TestABacktestOfANodeIsTheSameAsAnyOther(t *testing.T) {
	s := newStore(t, 5_000)
	r, dir, stop := running(t, s)
	what := task(t)
	what.From, what.To = 100_000_000, 4_000_000_000
	added := mustAdd(t, r, what)
	if added.State != api.BacktestWaiting || added.Symbol != "XRPUSDT" || added.FromUS != what.From || added.ToUS != what.To || added.Settings.Chunks != 5 {
		t.Errorf("added %+v", added)
	}
	b := await(t, r, added.ID)
	var ticks []exchange.Tick
	err := s.DB.Ticks(t.Context(), "XRPUSDT", storage.TradeRange{From: what.From, To: what.To}, func(page []exchange.Tick) error {
		ticks = append(ticks, page...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want, err := backtest.Run(t.Context(), what.Config, backtest.Memory(ticks))
	if err != nil {
		t.Fatal(err)
	}
	if b.State != api.BacktestDone || b.Progress != 1 || b.Error != "" || b.Summary == nil || b.Result == nil {
		t.Fatalf("backtest %+v, want it done", b)
	}
	if b.Summary.Trades != 3_900 || want.Cycles == 0 || b.Summary.Cycles != want.Cycles || !b.Summary.Profit.Equal(want.Profit) || !b.Result.Fees.Equal(want.Fees) {
		t.Errorf("summary %+v, want %d cycles of 3900 trades and a profit of %s", b.Summary, want.Cycles, want.Profit)
	}
	if percent := want.ProfitShare.Mul(decimal.New(100, 0)); !b.Summary.ProfitPercent.Equal(percent) {
		t.Errorf("profit %s %%, want %s", b.Summary.ProfitPercent, percent)
	}
	page, err := r.Report(b.ID)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(page)
	if err := errors.Join(err, page.Close()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(content), "Made by a test.") || !strings.Contains(string(content), "XRPUSDT") {
		t.Error("the report does not say what it is of")
	}

	stop()
	again := opened(t, s, dir)
	kept, err := again.Get(b.ID)
	if err != nil || kept.State != api.BacktestDone || kept.Result == nil || !kept.Result.Profit.Equal(want.Profit) {
		t.Errorf("after a restart: %+v, %v", kept, err)
	}
	if other := mustAdd(t, again, what); other.ID == b.ID {
		t.Errorf("two backtests have the id %s", other.ID)
	}
	if err := again.Delete(b.ID); err != nil || files(t, dir) != 0 {
		t.Errorf("delete: %v, %d files left", err, files(t, dir))
	}
	if _, err := again.Get(b.ID); !errors.Is(err, backtests.ErrUnknown) {
		t.Errorf("get what was deleted: %v", err)
	}
}

func TestTradesStoredMeanwhileAreNotTried(t *testing.T) {
	s := newStore(t, 10_000)
	s.passing, s.began = make(chan struct{}), make(chan struct{})
	r, _, _ := running(t, s)
	id := mustAdd(t, r, task(t)).ID
	<-s.began
	more := exchange.Tick{ID: 10_001, Time: 10_001_000_000, Price: 50_000_000, Quantity: 100_000_000}
	if _, err := s.PutTicks(t.Context(), "XRPUSDT", []exchange.Tick{more}); err != nil {
		t.Fatal(err)
	}
	s.passing <- struct{}{}
	<-s.began
	if b, err := r.Get(id); err != nil || b.State != api.BacktestRunning || b.Progress <= 0.8 || b.Progress >= 0.9 {
		t.Errorf("after 8192 of 10000 trades: %+v, %v", b.Backtest, err)
	}
	s.passing <- struct{}{}
	if b := await(t, r, id); b.State != api.BacktestDone || b.Summary.Trades != 10_000 {
		t.Errorf("backtest %+v, want 10000 trades", b.Backtest)
	}
}

func TestWhatCannotBeTriedSaysWhy(t *testing.T) {
	r, dir, _ := running(t, newStore(t, 100, 50, 51))
	other := task(t)
	other.Config.Symbol.Name, other.Config.Settings.Symbol = "BTCUSDT", "BTCUSDT"
	early, late := task(t), task(t)
	early.To, late.From = 500_000, 1_000_000_000
	for name, what := range map[string]backtests.Task{"no trades of the symbol": other, "none before": early, "none after": late} {
		if _, err := r.Add(t.Context(), what); !errors.Is(err, backtests.ErrNoTrades) {
			t.Errorf("%s: %v", name, err)
		}
	}
	holes := mustAdd(t, r, task(t))
	if b := await(t, r, holes.ID); b.State != api.BacktestFailed || !strings.Contains(b.Error, "50 to 51") || !strings.Contains(b.Error, "allow holes") || b.Summary != nil {
		t.Errorf("with a hole: %+v", b.Backtest)
	}
	if _, err := r.Report(holes.ID); !errors.Is(err, backtests.ErrNoReport) {
		t.Errorf("report of what failed: %v", err)
	}
	if n := files(t, dir); n != 1 {
		t.Errorf("%d files, want the one that says why it failed", n)
	}
	over := task(t)
	over.Config.AllowHoles = true
	if b := await(t, r, mustAdd(t, r, over).ID); b.State != api.BacktestDone || b.Summary.Missing != 2 || b.Summary.Trades != 98 {
		t.Errorf("with holes allowed: %+v", b.Backtest)
	}
	for _, id := range []string{"", "nope", "../" + holes.ID} {
		_, getErr := r.Get(id)
		_, reportErr := r.Report(id)
		for what, err := range map[string]error{"get": getErr, "report": reportErr, "delete": r.Delete(id)} {
			if !errors.Is(err, backtests.ErrUnknown) {
				t.Errorf("%s %q: %v", what, id, err)
			}
		}
	}
}

func TestOneRunsAFewWaitAndTheNewestAreKept(t *testing.T) {
	s := newStore(t, 100)
	s.passing, s.began = make(chan struct{}), make(chan struct{})
	r, dir, _ := running(t, s)
	ids := []string{mustAdd(t, r, task(t)).ID}
	<-s.began
	ids = append(ids, mustAdd(t, r, task(t)).ID, mustAdd(t, r, task(t)).ID)
	if _, err := r.Add(t.Context(), task(t)); !errors.Is(err, backtests.ErrBusy) {
		t.Errorf("one too many: %v", err)
	}
	states := func() string {
		var all []string
		for _, b := range r.List() {
			all = append(all, b.State)
		}
		return strings.Join(all, " ")
	}
	if got := states(); got != "waiting waiting running" {
		t.Errorf("states, newest first: %s", got)
	}
	// One that waits is deleted, and so is the one that runs.
	for _, id := range []string{ids[1], ids[0]} {
		if err := r.Delete(id); err != nil {
			t.Fatal(err)
		}
	}
	<-s.began // the third runs
	if got := states(); got != "running" {
		t.Errorf("states after two were deleted: %s", got)
	}
	s.passing <- struct{}{}
	await(t, r, ids[2])
	if n := files(t, dir); n != 2 {
		t.Errorf("%d files, want those of the one that was not deleted", n)
	}
	last := ids[2]
	for range 3 {
		last = mustAdd(t, r, task(t)).ID
		<-s.began
		s.passing <- struct{}{}
		await(t, r, last)
	}
	all := r.List()
	if len(all) != 3 || all[0].ID != last || all[2].ID == ids[2] || files(t, dir) != 6 {
		t.Errorf("kept %+v in %d files, want the newest three", all, files(t, dir))
	}
}

func TestWhatANodeCutsOffHasFailed(t *testing.T) {
	s := newStore(t, 100)
	s.passing, s.began = make(chan struct{}), make(chan struct{})
	r, dir, stop := running(t, s)
	ids := []string{mustAdd(t, r, task(t)).ID}
	<-s.began
	ids = append(ids, mustAdd(t, r, task(t)).ID)
	stop()
	again := opened(t, s, dir)
	for _, id := range ids {
		if b, err := again.Get(id); err != nil || b.State != api.BacktestFailed || !strings.Contains(b.Error, "stopped") {
			t.Errorf("after a restart: %+v, %v", b.Backtest, err)
		}
	}
}

func TestFilesThatAreNoBacktestsArePassedOver(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"a.json": "{", "b.json": "{}", "c.json": `{"id":"d","ended_us":1}`, "e.html": "", "f.json": `{"id":"f","ended_us":1,"state":"failed"}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "g.json"), 0o700); err != nil {
		t.Fatal(err)
	}
	if all := opened(t, newStore(t, 1), dir).List(); len(all) != 1 || all[0].ID != "f" {
		t.Errorf("loaded %s, want f", fmt.Sprint(all))
	}
}
