package sim_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hedgehog/exchange"
	"hedgehog/exchange/sim"
)

// snapshot is everything that can be asked of an engine.
type snapshot struct {
	Orders, Open []exchange.Order
	Fills        []exchange.Fill
	Account      exchange.Account
	Trades       []exchange.TradeEvent
	Counts       [2]int
}

func snapshotOf(tb testing.TB, e *sim.Engine) string {
	tb.Helper()
	var text strings.Builder
	for _, account := range accounts {
		trades, err := e.Trades(symbol, 0, 1<<20)
		if err != nil {
			tb.Fatal(err)
		}
		s := snapshot{
			Orders:  e.AllOrders(account, symbol, sim.OrderQuery{}),
			Open:    e.OpenOrders(account, ""),
			Fills:   e.Fills(account, symbol, sim.FillQuery{}),
			Account: e.Account(account),
			Trades:  trades,
		}
		s.Counts[0], s.Counts[1] = e.OrderCount(account)
		fmt.Fprintf(&text, "%s: %+v\n", account, s)
	}
	return text.String()
}

// live gives the engine orders of every fate.
func live(tb testing.TB, e *sim.Engine) {
	tb.Helper()
	mustPlace(tb, e, request(alice, "filled", exchange.Buy, "0.5", "20"))
	mustPlace(tb, e, request(alice, "partial", exchange.Buy, "0.49", "100"))
	mustPlace(tb, e, request(bob, "rests", exchange.Sell, "0.6", "50"))
	mustPlace(tb, e, request(bob, "ends", exchange.Sell, "0.6", "50"))
	mustTradeOf(tb, e, "0.495", "30")
	mustTradeOf(tb, e, "0.48", "30")
	if _, err := e.Cancel(sim.CancelRequest{Account: bob, Ref: exchange.OrderRef{Symbol: symbol, ClientID: "ends"}}); err != nil {
		tb.Fatal(err)
	}
}

// keptConfig is testConfig with partial fills and a data directory.
func keptConfig(tb testing.TB) sim.Config {
	tb.Helper()
	cfg := testConfig(tb)
	cfg.PartialFills = true
	cfg.DataDir = filepath.Join(tb.TempDir(), "data")
	return cfg
}

func TestStateIsTheSameAfterTheProcessWasKilled(t *testing.T) {
	cfg := keptConfig(t)
	e := mustOpen(t, cfg)
	live(t, e)
	want := snapshotOf(t, e)
	// e is not closed: what is on disk now is what a killed process leaves.
	killed := cfg
	killed.DataDir = copyDir(t, cfg.DataDir)
	// Nor may the state depend on settings that were changed meanwhile.
	killed.PartialFills, killed.Commission, killed.Balances = false, dec("0.5"), nil
	again := mustOpen(t, killed)
	if got, was := strings.ReplaceAll(snapshotOf(t, again), "0.5 TakerCommission:0.5", "0.001 TakerCommission:0.001"), want; got != was {
		t.Errorf("after the restart:\n%s\nbefore:\n%s", got, was)
	}
	// Ids go on, and the book is in order.
	o := mustPlace(t, again, request(alice, "next", exchange.Buy, "0.49", "11"))
	if o.ID != 5 {
		t.Errorf("next order has the id %d, want 5", o.ID)
	}
	mustTrade(t, again, "0.485")
	wantOrder(t, again, alice, 2, exchange.Filled, "100")
}

func TestStateIsTheSameAfterEachOfManyRestarts(t *testing.T) {
	cfg := keptConfig(t)
	e := mustOpen(t, cfg)
	live(t, e)
	want := snapshotOf(t, e)
	for range 3 {
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		e = mustOpen(t, cfg)
		if got := snapshotOf(t, e); got != want {
			t.Fatalf("after the restart:\n%s\nbefore:\n%s", got, want)
		}
	}
}

func TestLogThatHasGrownIsWrittenAnewWithTheSameState(t *testing.T) {
	cfg := keptConfig(t)
	cfg.KeepTrades = 10
	e := mustOpen(t, cfg)
	live(t, e)
	for range 200 {
		mustTrade(t, e, "0.55")
	}
	before := fileSize(t, filepath.Join(cfg.DataDir, "state.jsonl"))
	e.RewriteStateAt(1)
	mustTrade(t, e, "0.55")
	if after := fileSize(t, filepath.Join(cfg.DataDir, "state.jsonl")); after > before/4 {
		t.Errorf("the log has %d bytes, %d before it was written anew", after, before)
	}
	mustTrade(t, e, "0.55") // goes into the new file
	want := snapshotOf(t, e)
	killed := cfg
	killed.DataDir = copyDir(t, cfg.DataDir)
	if got := snapshotOf(t, mustOpen(t, killed)); got != want {
		t.Errorf("after the restart:\n%s\nbefore:\n%s", got, want)
	}
}

func TestTornLastLineOfTheStateIsDropped(t *testing.T) {
	cfg := keptConfig(t)
	e := mustOpen(t, cfg)
	live(t, e)
	want := snapshotOf(t, e)
	mustTrade(t, e, "0.48")
	killed := cfg
	killed.DataDir = copyDir(t, cfg.DataDir)
	path := filepath.Join(killed.DataDir, "state.jsonl")
	if err := os.Truncate(path, fileSize(t, path)-10); err != nil {
		t.Fatal(err)
	}
	again := mustOpen(t, killed)
	if got := snapshotOf(t, again); got != want {
		t.Errorf("after the restart:\n%s\nwithout the last trade:\n%s", got, want)
	}
	mustTrade(t, again, "0.48")
}

func TestSymbolThatIsNoLongerListedKeepsItsOrders(t *testing.T) {
	cfg := keptConfig(t)
	e := mustOpen(t, cfg)
	live(t, e)
	want := snapshotOf(t, e)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	without := cfg
	without.Info.Symbols = cfg.Info.Symbols[1:]
	e = mustOpen(t, without)
	_, err := e.Place(request(alice, "next", exchange.Buy, "0.49", "11"))
	wantRefused(t, err, -1121, "")
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if got := snapshotOf(t, mustOpen(t, cfg)); got != want {
		t.Errorf("after it is listed again:\n%s\nbefore:\n%s", got, want)
	}
}

func TestStateThatCanNotBeReadIsRefusedWithItsLine(t *testing.T) {
	cases := map[string]struct{ text, want string }{
		"not json":       {"{}x\n", "line 1"},
		"unknown kind":   {`{"kind":"dream"}` + "\n", `line 1: record of kind "dream"`},
		"newer version":  {`{"kind":"ids","version":99}` + "\n", "version 99"},
		"unknown order":  {`{"kind":"ids","version":1}` + "\n" + `{"kind":"cancel","order":{"order_id":7}}` + "\n", "line 2"},
		"unknown source": {`{"kind":"trade","trade":{"symbol":"XRPUSDT","trade_id":7,"source":"dream"}}` + "\n", `source "dream"`},
		"unknown symbol": {`{"kind":"trade","trade":{"symbol":"NOUSDT","trade_id":7,"source":"live"}}` + "\n", `symbol "NOUSDT"`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			cfg := keptConfig(t)
			if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(cfg.DataDir, "state.jsonl")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := sim.New(cfg)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("error %v, want it to name %s and %s", err, path, c.want)
			}
			if text, err := os.ReadFile(path); err != nil || string(text) != c.text {
				t.Errorf("the file was changed to %q, %v", text, err)
			}
		})
	}
}

func TestDataDirectoryServesOneExchangeAtATime(t *testing.T) {
	cfg := keptConfig(t)
	e := mustOpen(t, cfg)
	if _, err := sim.New(cfg); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a second exchange: %v, want an error that says the directory is in use", err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, cfg)
}

func TestDataDirectoryIsForItsOwnerAlone(t *testing.T) {
	cfg := keptConfig(t)
	cfg.Journal = filepath.Join(t.TempDir(), "journal.jsonl")
	live(t, mustOpen(t, cfg))
	for path, want := range map[string]os.FileMode{
		cfg.DataDir: 0o700,
		filepath.Join(cfg.DataDir, "state.jsonl"): 0o600,
		cfg.Journal: 0o600,
	} {
		stat, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := stat.Mode().Perm(); got != want {
			t.Errorf("%s has the mode %o, want %o", path, got, want)
		}
	}
}

func TestDataDirectoryThatCanNotBeMadeIsAnError(t *testing.T) {
	cfg := keptConfig(t)
	if err := os.WriteFile(cfg.DataDir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sim.New(cfg); err == nil || !strings.Contains(err.Error(), cfg.DataDir) {
		t.Errorf("error %v, want one that names %s", err, cfg.DataDir)
	}
}

func TestBadConfigurationIsNamed(t *testing.T) {
	cases := map[string]func(*sim.Config){
		"Info":       func(c *sim.Config) { c.Info.Symbols = nil },
		"twice":      func(c *sim.Config) { c.Info.Symbols[1] = c.Info.Symbols[0] },
		"Commission": func(c *sim.Config) { c.Commission = dec("1") },
		"Balances":   func(c *sim.Config) { c.Balances["XRP"] = dec("-1") },
		"KeepTrades": func(c *sim.Config) { c.KeepTrades = 0 },
		"KeepOrders": func(c *sim.Config) { c.KeepOrders = 0 },
		"KeepFills":  func(c *sim.Config) { c.KeepFills = -1 },
		"Now":        func(c *sim.Config) { c.Now = nil },
		"Log":        func(c *sim.Config) { c.Log = nil },
	}
	for name, spoil := range cases {
		t.Run(name, func(t *testing.T) {
			cfg := testConfig(t)
			spoil(&cfg)
			if _, err := sim.New(cfg); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("error %v, want one that says %s", err, name)
			}
		})
	}
}

func fileSize(tb testing.TB, path string) int64 {
	tb.Helper()
	stat, err := os.Stat(path)
	if err != nil {
		tb.Fatal(err)
	}
	return stat.Size()
}
