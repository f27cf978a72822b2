package sim_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hedgehog/exchange"
	"hedgehog/exchange/dump"
	"hedgehog/exchange/sim"
)

// recorded is a real day of trades, beside the repository.
const recorded = "../../../shared/data/XRPETH-trades-2019-10-11.csv"

// errEnough ends a stream from its sink.
var errEnough = errors.New("enough")

// collecting is a sink that keeps the ids it is given, up to a number of trades.
type collecting struct {
	limit     int // 0: no limit
	ids       []int64
	connected int
}

func (c *collecting) Connected(context.Context) error { c.connected++; return nil }

func (c *collecting) Trade(_ context.Context, t *exchange.TradeEvent) error {
	c.ids = append(c.ids, t.ID)
	if len(c.ids) == c.limit {
		return errEnough
	}
	return nil
}

func ethConfig(tb testing.TB) sim.Config {
	tb.Helper()
	cfg := sim.DefaultConfig(sim.InfoFor([]exchange.Symbol{mustSymbol(tb, "XRPETH")}))
	cfg.Now = newClock().Now
	return cfg
}

func mustReplay(tb testing.TB, e *sim.Engine, cfg sim.ReplayConfig) *sim.Replay {
	tb.Helper()
	r, err := sim.NewReplay(cfg, e, slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// start runs the function and returns a channel with its error.
func start(run func() error) <-chan error {
	ended := make(chan error, 1)
	go func() { ended <- run() }()
	return ended
}

// writeDump writes trades with ids from 1 on, at the given seconds, and returns
// the dump's path.
func writeDump(tb testing.TB, seconds ...int) string {
	tb.Helper()
	var text bytes.Buffer
	for i, s := range seconds {
		fmt.Fprintf(&text, "%d,0.0014,23.0,0.0322,%d,True,True\n", i+1, 1570752000000+s*1000)
	}
	path := filepath.Join(tb.TempDir(), "XRPETH-trades-2019-10-11.csv")
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

func TestRealDayPassesWholeAtFullSpeed(t *testing.T) {
	if _, err := os.Stat(recorded); err != nil {
		t.Skipf("the recorded trades are not there: %v", err)
	}
	e := mustOpen(t, ethConfig(t))
	replay := mustReplay(t, e, sim.DefaultReplay("XRPETH", recorded))
	ended := start(func() error { return replay.Run(t.Context()) })
	sink := &collecting{limit: 5929}
	if err := sim.NewLocal(e, alice, "test").StreamTrades(t.Context(), "XRPETH", sink); !errors.Is(err, errEnough) {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	for i, id := range sink.ids {
		if want := int64(13519807 + i); id != want {
			t.Fatalf("trade %d after %d trades, want %d", id, i, want)
		}
	}
	if sink.connected != 1 {
		t.Errorf("connected %d times, want once", sink.connected)
	}
}

func TestReplayAtFullSpeedWaitsForItsListeners(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := mustOpen(t, ethConfig(t))
		replay := mustReplay(t, e, sim.DefaultReplay("XRPETH", writeDump(t, make([]int, 40)...)))
		ended := start(func() error { return replay.Run(t.Context()) })
		synctest.Wait()
		if n := e.Counts().Trades; n != 0 {
			t.Fatalf("%d trades passed before anybody listened", n)
		}

		// A listener that takes nothing holds the replay up after a few trades.
		taken := make(chan struct{})
		slow := &recorder{onTrade: func(*exchange.TradeEvent) {}, waiting: waiting{func(ctx context.Context) error {
			select {
			case <-taken:
			case <-ctx.Done():
			}
			return ctx.Err()
		}}}
		cancel, err := e.SubscribeTrades("XRPETH", slow)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if n := e.Counts().Trades; n != 8 {
			t.Fatalf("%d trades passed while nothing was taken, want 8", n)
		}

		// It goes away; nothing passes until somebody listens again.
		cancel()
		close(taken)
		synctest.Wait()
		if n := e.Counts().Trades; n != 8 {
			t.Fatalf("%d trades passed while nobody listened, want 8", n)
		}
		sink := &collecting{limit: 32}
		if err := sim.NewLocal(e, alice, "test").StreamTrades(t.Context(), "XRPETH", sink); !errors.Is(err, errEnough) {
			t.Fatal(err)
		}
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		if sink.ids[0] != 9 || sink.ids[31] != 40 {
			t.Errorf("the second listener got %d to %d, want 9 to 40", sink.ids[0], sink.ids[31])
		}
	})
}

func TestReplayInLockstepWaitsAfterEachTrade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := mustOpen(t, ethConfig(t))
		cfg := sim.DefaultReplay("XRPETH", writeDump(t, 0, 0, 0))
		cfg.Lockstep = true
		taken := make(chan struct{})
		slow := &recorder{onTrade: func(*exchange.TradeEvent) {}, waiting: waiting{func(context.Context) error { <-taken; return nil }}}
		cancel, err := e.SubscribeTrades("XRPETH", slow)
		if err != nil {
			t.Fatal(err)
		}
		defer cancel()
		ended := start(func() error { return mustReplay(t, e, cfg).Run(t.Context()) })
		for passed := range int64(3) {
			synctest.Wait()
			if n := e.Counts().Trades; n != passed+1 {
				t.Fatalf("%d trades passed while %d were taken", n, passed)
			}
			taken <- struct{}{}
		}
		close(taken) // at the end it waits once more
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
	})
}

func TestReplayThatStartsAtOnceWaitsForNobody(t *testing.T) {
	e := mustOpen(t, ethConfig(t))
	cfg := sim.DefaultReplay("XRPETH", writeDump(t, make([]int, 40)...))
	cfg.Start = sim.AtOnce
	if err := mustReplay(t, e, cfg).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := e.Counts().Trades; n != 40 {
		t.Errorf("%d trades passed, want 40", n)
	}
}

func TestReplayAtASpeedKeepsTheDumpsPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine := ethConfig(t)
		engine.Now = time.Now
		e := mustOpen(t, engine)
		cfg := sim.DefaultReplay("XRPETH", writeDump(t, 0, 10, 10, 40))
		cfg.Speed = 10
		replay := mustReplay(t, e, cfg)
		ended := start(func() error { return replay.Run(t.Context()) })
		began := time.Now()
		var after []time.Duration
		third := make(chan struct{})
		cancel, err := e.SubscribeTrades("XRPETH", &recorder{onTrade: func(trade *exchange.TradeEvent) {
			after = append(after, time.Since(began))
			if trade.ID == 3 {
				close(third)
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		<-third
		cancel() // it goes on without listeners
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 4*time.Second {
			t.Errorf("40 seconds at ten times the speed took %s, want 4s", took)
		}
		want := []time.Duration{0, time.Second, time.Second}
		if fmt.Sprint(after) != fmt.Sprint(want) {
			t.Errorf("trades passed after %v, want %v", after, want)
		}
	})
}

func TestReplayKeepsTheTimesOrMovesThemToNow(t *testing.T) {
	for _, times := range []sim.Times{sim.Kept, sim.Rebased} {
		t.Run(string(times), func(t *testing.T) {
			e := mustOpen(t, ethConfig(t))
			cfg := sim.DefaultReplay("XRPETH", writeDump(t, 0, 60))
			cfg.Start, cfg.Times = sim.AtOnce, times
			if err := mustReplay(t, e, cfg).Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			first := exchange.MicrosOfMillis(1570752000000)
			if times == sim.Rebased {
				first = exchange.MicrosOf(e.Now())
			}
			trades, err := e.Trades("XRPETH", 0, 2)
			if err != nil {
				t.Fatal(err)
			}
			if trades[0].TradeTime != first || trades[1].TradeTime != first+60_000_000 {
				t.Errorf("trade times %d and %d, want %d and a minute later", trades[0].TradeTime, trades[1].TradeTime, first)
			}
		})
	}
}

func TestReplayGoesOnAfterTheLastTradeOfAnEarlierRun(t *testing.T) {
	cfg := ethConfig(t)
	cfg.DataDir = filepath.Join(t.TempDir(), "data")
	path := writeDump(t, make([]int, 40)...)
	e := mustOpen(t, cfg)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	ended := start(func() error { return mustReplay(t, e, sim.DefaultReplay("XRPETH", path)).Run(ctx) })
	if err := sim.NewLocal(e, alice, "test").StreamTrades(ctx, "XRPETH", &collecting{limit: 20}); !errors.Is(err, errEnough) {
		t.Fatal(err)
	}
	cancel(errEnough)
	if err := <-ended; !errors.Is(err, errEnough) {
		t.Fatalf("the replay ended with %v, want the cause of its context", err)
	}
	passed := e.Counts().Trades

	killed := cfg
	killed.DataDir = copyDir(t, cfg.DataDir)
	again := mustOpen(t, killed)
	replay := sim.DefaultReplay("XRPETH", path)
	replay.Start = sim.AtOnce
	if err := mustReplay(t, again, replay).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := again.Counts().Trades; n != 40-passed {
		t.Errorf("%d trades passed after the restart and %d before, want 40 together", n, passed)
	}
}

func TestBadLineEndsTheReplayUnlessItIsSkipped(t *testing.T) {
	path := writeDump(t, 0, 1, 2)
	text := strings.Replace(readFile(t, path), "2,0.0014", "2,free", 1)
	writeFile(t, path, text)
	for _, skip := range []bool{false, true} {
		t.Run(fmt.Sprint("skip ", skip), func(t *testing.T) {
			e := mustOpen(t, ethConfig(t))
			var log bytes.Buffer
			cfg := sim.DefaultReplay("XRPETH", path)
			cfg.Start, cfg.SkipBad = sim.AtOnce, skip
			replay, err := sim.NewReplay(cfg, e, slog.New(slog.NewTextHandler(&log, nil)))
			if err != nil {
				t.Fatal(err)
			}
			err = replay.Run(t.Context())
			if skip {
				if err != nil || e.Counts().Trades != 2 {
					t.Errorf("%d trades passed, %v; want 2", e.Counts().Trades, err)
				}
				for _, want := range []string{"lines=1", "replay ended", "symbol=XRPETH", "trades=2", "first_id=1", "last_id=3"} {
					if !strings.Contains(log.String(), want) {
						t.Errorf("the log does not say %q:\n%s", want, &log)
					}
				}
				return
			}
			var bad *dump.LineError
			if !errors.As(err, &bad) || bad.Line != 2 || e.Counts().Trades != 1 {
				t.Errorf("error %v after %d trades, want one of line 2 after one trade", err, e.Counts().Trades)
			}
		})
	}
}

func TestReplayThatCanNotBePlayedIsRefused(t *testing.T) {
	e := mustOpen(t, ethConfig(t))
	cases := map[string]func(*sim.ReplayConfig){
		"Symbol":         func(c *sim.ReplayConfig) { c.Symbol = "xrp/eth" },
		"Path":           func(c *sim.ReplayConfig) { c.Path = "" },
		"Speed":          func(c *sim.ReplayConfig) { c.Speed = -1 },
		"Lockstep":       func(c *sim.ReplayConfig) { c.Lockstep, c.Speed = true, 1 },
		"Times":          func(c *sim.ReplayConfig) { c.Times = "" },
		"Start":          func(c *sim.ReplayConfig) { c.Start = "later" },
		"unknown symbol": func(c *sim.ReplayConfig) { c.Symbol = "XRPUSDT" },
	}
	for name, spoil := range cases {
		t.Run(name, func(t *testing.T) {
			cfg := sim.DefaultReplay("XRPETH", "XRPETH-trades.csv")
			spoil(&cfg)
			if _, err := sim.NewReplay(cfg, e, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("error %v, want one that says %s", err, name)
			}
		})
	}
	missing := sim.DefaultReplay("XRPETH", filepath.Join(t.TempDir(), "XRPETH-trades.csv"))
	if err := mustReplay(t, e, missing).Run(t.Context()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v, want %v", err, os.ErrNotExist)
	}
}
