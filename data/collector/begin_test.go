package collector_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"hedgehog/data/bus"
	"hedgehog/data/collector"
	"hedgehog/exchange"
)

func TestNoTradeIsStoredBeforeBeginAndWhatComesMeanwhileWaitsInMemory(t *testing.T) {
	b := bus.New()
	sub := subscribe(b, 4)
	defer sub.Close()
	store, asked, answer := &memory{}, make(chan int64), make(chan error)
	cfg := collector.DefaultConfig()
	cfg.Begin = func(_ context.Context, first int64) error {
		asked <- first
		return <-answer
	}
	stop := start(collector.New(cfg, sub, store, slog.New(slog.DiscardHandler)))
	publish(t, b, trade(7))
	if first := <-asked; first != 7 {
		t.Errorf("asked about trade %d, want 7", first)
	}
	// Far more than the queue holds: this would hang if it were not emptied.
	for id := int64(8); id <= 100; id++ {
		publish(t, b, trade(id))
	}
	publish(t, b, order(exchange.New, 0))
	if ids := store.ids(); len(ids) > 0 {
		t.Errorf("stored %v before Begin has answered", ids)
	}
	settled := make(chan error, 1)
	go func() { settled <- b.Settle(t.Context(), bus.TradeEvents("XRPETH")) }()
	answer <- errors.New("not now")
	if first := <-asked; first != 7 {
		t.Errorf("asked about trade %d again, want 7", first)
	}
	select {
	case err := <-settled:
		t.Errorf("settled (%v) before anything was stored", err)
	default:
	}
	answer <- nil
	if err := <-settled; err != nil {
		t.Fatal(err)
	}
	publish(t, b, trade(101)) // Begin is not asked any more
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(store.ids(), count(7, 101)) || len(store.kept.Orders) != 1 {
		t.Errorf("stored %v and %d orders, want 7 to 101 and 1", store.ids(), len(store.kept.Orders))
	}
}

func TestTradesAreDroppedAndOrdersAreNotWhenTheEndComesBeforeTheBeginning(t *testing.T) {
	b := bus.New()
	sub := subscribe(b, 100)
	defer sub.Close()
	store, asked := &memory{}, make(chan struct{})
	cfg := collector.DefaultConfig()
	cfg.Begin = func(ctx context.Context, _ int64) error {
		close(asked)
		<-ctx.Done()
		return context.Cause(ctx)
	}
	stop := start(collector.New(cfg, sub, store, slog.New(slog.DiscardHandler)))
	publish(t, b, order(exchange.New, 0))
	publish(t, b, trade(7))
	<-asked
	publish(t, b, trade(8))
	if err := stop(); err != nil {
		t.Errorf("run: %v", err)
	}
	if len(store.kept.Trades) != 0 || len(store.kept.Orders) != 1 {
		t.Errorf("stored %v and %d orders, want no trade and 1", store.ids(), len(store.kept.Orders))
	}
}

func TestOrdersDoNotWaitForTheFirstTrade(t *testing.T) {
	b := bus.New()
	sub := subscribe(b, 100)
	defer sub.Close()
	var begun atomic.Bool
	store, cfg := &memory{}, collector.DefaultConfig()
	cfg.Begin = func(context.Context, int64) error { begun.Store(true); return nil }
	stop := start(collector.New(cfg, sub, store, slog.New(slog.DiscardHandler)))
	publish(t, b, order(exchange.New, 0))
	settle(t, b)
	if err := stop(); err != nil || begun.Load() || len(store.kept.Orders) != 1 {
		t.Errorf("%v, begun %v, %d orders; want one order and no beginning", err, begun.Load(), len(store.kept.Orders))
	}
}

func TestAPanicOfBeginLeavesNothingRunningAndLosesNothing(t *testing.T) {
	b := bus.New()
	sub := subscribe(b, 100)
	defer sub.Close()
	store, cfg, calls := &memory{}, collector.DefaultConfig(), 0
	cfg.Begin = func(context.Context, int64) error {
		if calls++; calls == 1 {
			panic("boom")
		}
		return nil
	}
	c := collector.New(cfg, sub, store, slog.New(slog.DiscardHandler))
	publish(t, b, trade(1))
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		_ = c.Run(t.Context())
	}()
	publish(t, b, trade(2))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	settle(t, b)
	cancel()
	if err := <-ended; err != nil || !slices.Equal(store.ids(), count(1, 2)) {
		t.Errorf("%v, stored %v; want 1 and 2", err, store.ids())
	}
}
