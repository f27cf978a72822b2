package collector_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"hedgehog/data/bus"
	"hedgehog/data/collector"
	"hedgehog/exchange"
	"hedgehog/storage"
)

func TestWhatPassesOnTheBusIsInTheDatabase(t *testing.T) {
	db, err := storage.Open(t.Context(), filepath.Join(t.TempDir(), "hedgehog.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	b := bus.New()
	sub := subscribe(b, 64)
	defer sub.Close()
	c := collector.New(collector.DefaultConfig(), sub, database{db}, slog.New(slog.DiscardHandler))
	stop := start(c)
	publish(t, b, order(exchange.New, 0))
	for id := range int64(2500) {
		publish(t, b, trade(id+1))
	}
	publish(t, b, candle(2500))
	publish(t, b, order(exchange.Filled, 10))
	settle(t, b)

	stats, err := db.TradeStats(t.Context(), "XRPETH")
	if want := (storage.TradeStats{Count: 2500, FirstID: 1, LastID: 2500}); err != nil || stats != want {
		t.Errorf("trades: %+v, %v; want %+v", stats, err, want)
	}
	if orders, err := db.Orders(t.Context(), storage.OrderFilter{}); err != nil || len(orders) != 1 || orders[0].Status != exchange.Filled {
		t.Errorf("orders: %+v, %v; want one that is filled", orders, err)
	}
	if last, ok, err := db.LastCandle(t.Context(), "XRPETH", 1); err != nil || !ok || last.Trades != 2500 {
		t.Errorf("candle: %+v, %v, %v", last, ok, err)
	}
	if err := stop(); err != nil {
		t.Errorf("run: %v", err)
	}
	if got, want := c.Stats(), (collector.Stats{Trades: 2500, Orders: 2, Candles: 1, LastTradeID: 2500}); got != want {
		t.Errorf("stats %+v, want %+v", got, want)
	}
}

func TestTradesThatArePlayedAgainAreNotCollected(t *testing.T) {
	b := bus.New()
	sub := subscribe(b, 64)
	defer sub.Close()
	config := collector.DefaultConfig()
	var begun []int64
	config.Begin = func(_ context.Context, first int64) error { begun = append(begun, first); return nil }
	var stored memory
	c := collector.New(config, sub, &stored, slog.New(slog.DiscardHandler))
	stop := start(c)
	replayed := trade(5)
	replayed.Source = exchange.Replay
	publish(t, b, replayed)
	settle(t, b)
	publish(t, b, trade(3))
	publish(t, b, replayed)
	settle(t, b)
	if err := stop(); err != nil {
		t.Errorf("run: %v", err)
	}
	if got, want := c.Stats(), (collector.Stats{Trades: 1, LastTradeID: 3}); got != want || !slices.Equal(stored.ids(), []int64{3}) || !slices.Equal(begun, []int64{3}) {
		t.Errorf("stats %+v, want %+v; stored %v, begun with %v", got, want, stored.ids(), begun)
	}
}

func TestAFailedWriteIsTriedAgainUntilItWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bus.New()
		sub := subscribe(b, 8)
		defer sub.Close()
		failures, began := 4, time.Now()
		store := &memory{fail: func(collector.Batch) error {
			if failures > 0 {
				failures--
				return errors.New("disk full")
			}
			return nil
		}}
		c := collector.New(collector.DefaultConfig(), sub, store, slog.New(slog.DiscardHandler))
		stop := start(c)
		publish(t, b, trade(1))
		synctest.Wait()
		if s := c.Stats(); s.Retries != 1 || s.LastError != "disk full" || s.Trades != 0 {
			t.Errorf("stats after the first failure: %+v", s)
		}
		settle(t, b)
		if s, want := c.Stats(), (collector.Stats{Trades: 1, Retries: 4, LastTradeID: 1}); s != want {
			t.Errorf("stats in the end: %+v, want %+v", s, want)
		}
		if waited := time.Since(began); waited < 100*time.Millisecond || waited > time.Second {
			t.Errorf("4 failures took %s, want pauses that grow from 50 ms", waited)
		}
		if err := stop(); err != nil || !slices.Equal(store.ids(), []int64{1}) {
			t.Errorf("run: %v, stored %v", err, store.ids())
		}
	})
}

func TestAFailureThatLastsIsLoggedNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bus.New()
		sub := subscribe(b, 8)
		defer sub.Close()
		recovery := time.Now().Add(100 * time.Second)
		store := &memory{fail: func(collector.Batch) error {
			if time.Now().Before(recovery) {
				return errors.New("disk full")
			}
			return nil
		}}
		var log bytes.Buffer
		stop := start(collector.New(collector.DefaultConfig(), sub, store, slog.New(slog.NewTextHandler(&log, nil))))
		publish(t, b, trade(1))
		settle(t, b)
		if err := stop(); err != nil {
			t.Errorf("run: %v", err)
		}
		// One at once and one each 30 s, the last a pause late at most.
		if n := strings.Count(log.String(), "storing failed"); n != 4 && n != 3 {
			t.Errorf("%d lines for 100 s, want 3 or 4:\n%s", n, &log)
		}
		if n := strings.Count(log.String(), "storing works again"); n != 1 {
			t.Errorf("%d lines say that it works again:\n%s", n, &log)
		}
	})
}

func TestWhatWaitsIsStoredWhenTheEndComes(t *testing.T) {
	b := bus.New()
	sub := subscribe(b, 100)
	defer sub.Close()
	for id := range int64(100) {
		publish(t, b, trade(id+1))
	}
	cfg, store := collector.DefaultConfig(), &memory{}
	cfg.BatchSize = 7
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := collector.New(cfg, sub, store, slog.New(slog.DiscardHandler)).Run(ctx); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(store.ids(), count(1, 100)) {
		t.Errorf("stored %v, want 1 to 100", store.ids())
	}
}

func TestAWriteThatTheEndInterruptsIsDoneInTheTimeOfGrace(t *testing.T) {
	b := bus.New()
	sub := subscribe(b, 8)
	defer sub.Close()
	entered := make(chan struct{})
	store := &interrupted{entered: entered}
	stop := start(collector.New(collector.DefaultConfig(), sub, store, slog.New(slog.DiscardHandler)))
	publish(t, b, trade(1))
	publish(t, b, trade(2))
	<-entered
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(store.ids(), []int64{1, 2}) {
		t.Errorf("stored %v, want 1 and 2", store.ids())
	}
}

// interrupted is a memory whose first write lasts until its context ends.
type interrupted struct {
	memory
	entered chan struct{}
}

func (s *interrupted) Write(ctx context.Context, b collector.Batch) error {
	if s.entered != nil {
		close(s.entered)
		s.entered = nil
		<-ctx.Done()
		return ctx.Err()
	}
	return s.memory.Write(ctx, b)
}

func TestGraceEndsAndRunSaysWhatIsNotStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bus.New()
		sub := subscribe(b, 8)
		defer sub.Close()
		full := errors.New("disk full")
		store := &memory{fail: func(collector.Batch) error { return full }}
		c := collector.New(collector.DefaultConfig(), sub, store, slog.New(slog.DiscardHandler))
		stop := start(c)
		publish(t, b, trade(1))
		synctest.Wait()
		publish(t, b, trade(2))
		asked := time.Now()
		err := stop()
		if !errors.Is(err, full) || !strings.Contains(fmt.Sprint(err), "1 events are not stored, 1 wait") {
			t.Errorf("run: %v", err)
		}
		if took := time.Since(asked); took != collector.DefaultConfig().Grace {
			t.Errorf("ended after %s, want the grace of %s", took, collector.DefaultConfig().Grace)
		}
		// What could not be stored is still there for the next run.
		store.fail = nil
		if err := start(c)(); err != nil || !slices.Equal(store.ids(), []int64{1, 2}) {
			t.Errorf("second run: %v, stored %v", err, store.ids())
		}
	})
}

func TestAPanicOfTheStoreLosesNothing(t *testing.T) {
	b := bus.New()
	sub := subscribe(b, 8)
	defer sub.Close()
	publish(t, b, trade(1))
	publish(t, b, trade(2))
	store := &memory{fail: func(collector.Batch) error { panic("bug") }}
	c := collector.New(collector.DefaultConfig(), sub, store, slog.New(slog.DiscardHandler))
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic did not get out of Run")
			}
		}()
		c.Run(t.Context())
	}()
	store.fail = nil
	if err := start(c)(); err != nil || !slices.Equal(store.ids(), []int64{1, 2}) {
		t.Errorf("second run: %v, stored %v", err, store.ids())
	}
}

func TestAStoreThatHangsHoldsThePublishersBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bus.New()
		sub := subscribe(b, 3)
		defer sub.Close()
		release := make(chan struct{})
		cfg, store := collector.DefaultConfig(), &memory{fail: func(collector.Batch) error { <-release; return nil }}
		cfg.BatchSize = 1
		stop := start(collector.New(cfg, sub, store, slog.New(slog.DiscardHandler)))
		published := make(chan int64, 10)
		var publisher sync.WaitGroup
		publisher.Go(func() {
			for id := range int64(10) {
				publish(t, b, trade(id+1))
				published <- id
			}
		})
		synctest.Wait()
		if n := len(published); n != 4 { // one is being stored, three wait
			t.Errorf("%d published while the store hangs, want 4", n)
		}
		close(release)
		publisher.Wait()
		if err := stop(); err != nil || !slices.Equal(store.ids(), count(1, 10)) {
			t.Errorf("run: %v, stored %v", err, store.ids())
		}
	})
}

func TestAnEventOfAnotherTypeIsLeftToTheStore(t *testing.T) {
	b := bus.New()
	sub := subscribe(b, 8)
	defer sub.Close()
	publish(t, b, trade(1))
	publish(t, b, "position")
	publish(t, b, trade(2))
	store := &memory{}
	if err := start(collector.New(collector.DefaultConfig(), sub, store, slog.New(slog.DiscardHandler)))(); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(store.ids(), []int64{1, 2}) || !slices.Equal(store.kept.Others, []bus.Event{"position"}) {
		t.Errorf("stored %v and %v", store.ids(), store.kept.Others)
	}
}

func TestNothingIsLostOrReorderedWithAStoreThatFailsAtRandom(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		events := rapid.SliceOfN(rapid.SampledFrom([]string{"trade", "trade", "candle", "order"}), 1, 200).Draw(rt, "events")
		failures := rapid.SliceOfN(rapid.Bool(), 0, 50).Draw(rt, "failures")
		capacity := rapid.IntRange(1, 32).Draw(rt, "capacity")
		cfg := collector.DefaultConfig()
		cfg.BatchSize = rapid.IntRange(1, 64).Draw(rt, "batch")
		cfg.FirstRetry, cfg.LongestRetry = time.Microsecond, time.Microsecond

		b := bus.New()
		sub := subscribe(b, capacity)
		defer sub.Close()
		store := &memory{}
		store.fail = func(batch collector.Batch) error {
			for _, c := range batch.Candles {
				if have := int64(len(store.ids()) + len(batch.Trades)); have < c.Trades {
					rt.Errorf("a candle of %d trades is to be stored with %d", c.Trades, have)
				}
			}
			if len(failures) == 0 {
				return nil
			}
			fails := failures[0]
			failures = failures[1:]
			if fails {
				return errors.New("as drawn")
			}
			return nil
		}
		c := collector.New(cfg, sub, store, slog.New(slog.DiscardHandler))
		stop := start(c)
		var want collector.Stats
		for _, e := range events {
			switch e {
			case "trade":
				want.Trades++
				publish(t, b, trade(int64(want.Trades)))
			case "candle":
				want.Candles++
				publish(t, b, candle(int64(want.Trades)))
			case "order":
				want.Orders++
				publish(t, b, order(exchange.PartiallyFilled, int64(want.Orders)))
			}
		}
		if err := stop(); err != nil {
			rt.Fatal(err)
		}
		got := c.Stats()
		want.LastTradeID, want.Retries = int64(want.Trades), got.Retries
		if got != want {
			rt.Errorf("stats %+v, want %+v", got, want)
		}
		if !slices.Equal(store.ids(), count(1, int64(want.Trades))) {
			rt.Errorf("trades %v, want 1 to %d", store.ids(), want.Trades)
		}
		for i, o := range store.kept.Orders {
			if o.ExecutedQuantity.IntPart() != int64(i+1) {
				rt.Errorf("order update %d is %s", i+1, o.ExecutedQuantity)
			}
		}
		if largest := slices.Max(store.sizes); largest > cfg.BatchSize {
			rt.Errorf("a batch of %d, at most %d may be", largest, cfg.BatchSize)
		}
	})
}

func TestValidateNamesTheFieldAndTheValue(t *testing.T) {
	if err := collector.DefaultConfig().Validate(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
	tests := map[string]func(*collector.Config){
		"BatchSize 0":        func(c *collector.Config) { c.BatchSize = 0 },
		"FirstRetry 0s":      func(c *collector.Config) { c.FirstRetry = 0 },
		"LongestRetry -1s":   func(c *collector.Config) { c.LongestRetry = -time.Second },
		"LongestRetry 1ms":   func(c *collector.Config) { c.LongestRetry = time.Millisecond },
		"LogEvery 0s":        func(c *collector.Config) { c.LogEvery = 0 },
		"Grace -1ns is not ": func(c *collector.Config) { c.Grace = -1 },
	}
	for want, spoil := range tests {
		cfg := collector.DefaultConfig()
		spoil(&cfg)
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to say %q", err, want)
		}
	}
}
