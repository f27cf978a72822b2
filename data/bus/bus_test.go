package bus_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"hedgehog/data/bus"
	"hedgehog/exchange"
)

func publish(tb testing.TB, b *bus.Bus, topic bus.Topic, events ...bus.Event) {
	tb.Helper()
	for _, e := range events {
		if err := b.Publish(tb.Context(), topic, e); err != nil {
			tb.Fatalf("publish on %s: %v", topic, err)
		}
	}
}

func next(tb testing.TB, s *bus.Subscription) bus.Message {
	tb.Helper()
	m, err := s.Next(tb.Context())
	if err != nil {
		tb.Fatalf("next: %v", err)
	}
	return m
}

func TestEachSubscriptionSeesItsTopicsInOrder(t *testing.T) {
	b := bus.New()
	trades := b.Subscribe(bus.Options{Name: "trades"}, bus.TradeEvents("XRPETH"))
	both := b.Subscribe(bus.Options{Name: "both"}, bus.TradeEvents("XRPETH"), bus.Orders("XRPETH"))
	other := b.Subscribe(bus.Options{Name: "other"}, bus.TradeEvents("BTCUSDT"))
	defer trades.Close()
	defer both.Close()
	defer other.Close()

	publish(t, b, bus.TradeEvents("XRPETH"), 1)
	publish(t, b, bus.Orders("XRPETH"), 2)
	publish(t, b, bus.TradeEvents("XRPETH"), 3)

	for _, want := range []int{1, 3} {
		if m := next(t, trades); m.Event != want || m.Topic != bus.TradeEvents("XRPETH") {
			t.Errorf("trades: got %v, want event %d", m, want)
		}
	}
	for _, want := range []int{1, 2, 3} {
		if m := next(t, both); m.Event != want {
			t.Errorf("both: got %v, want event %d", m, want)
		}
	}
	if n := other.Waiting(); n != 0 {
		t.Errorf("another symbol's subscription has %d messages waiting", n)
	}
}

func TestAFullLosslessQueueHoldsThePublisherBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bus.New()
		s := b.Subscribe(bus.Options{Capacity: 2}, "ORDERS:A")
		defer s.Close()
		published := make(chan int, 10)
		go func() {
			for i := range 3 {
				publish(t, b, "ORDERS:A", i)
				published <- i
			}
		}()
		synctest.Wait()
		if n := len(published); n != 2 {
			t.Fatalf("%d events published into a queue of 2", n)
		}
		next(t, s)
		synctest.Wait()
		if n := len(published); n != 3 {
			t.Fatalf("%d events published after one was taken, want 3", n)
		}
	})
}

func TestClosingReleasesAPublisherThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bus.New()
		s := b.Subscribe(bus.Options{Capacity: 1}, "ORDERS:A")
		var done sync.WaitGroup
		done.Go(func() { publish(t, b, "ORDERS:A", 1, 2, 3) })
		synctest.Wait()
		s.Close()
		done.Wait()
		if _, err := s.Next(t.Context()); err != nil {
			t.Errorf("a waiting message is gone after Close: %v", err)
		}
		if _, err := s.Next(t.Context()); !errors.Is(err, bus.ErrClosed) {
			t.Errorf("next after the last message: %v, want ErrClosed", err)
		}
	})
}

func TestPublishAndNextEndWithTheContextsCause(t *testing.T) {
	b := bus.New()
	s := b.Subscribe(bus.Options{Capacity: 1}, "ORDERS:A")
	defer s.Close()
	cause := errors.New("lease lost")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if _, err := s.Next(ctx); !errors.Is(err, cause) {
		t.Errorf("next: %v, want the cause", err)
	}
	publish(t, b, "ORDERS:A", 1)
	if err := b.Publish(ctx, "ORDERS:A", 2); !errors.Is(err, cause) {
		t.Errorf("publish into a full queue: %v, want the cause", err)
	}
}

func TestALossyQueueDropsTheOldestAndCounts(t *testing.T) {
	b := bus.New()
	s := b.Subscribe(bus.Options{Capacity: 3, Lossy: true}, "OHLC:A")
	defer s.Close()
	for i := range 10 {
		publish(t, b, "OHLC:A", i)
	}
	if s.Dropped() != 7 {
		t.Errorf("dropped %d, want 7", s.Dropped())
	}
	batch := make([]bus.Message, 5)
	n, err := s.NextBatch(t.Context(), batch)
	if err != nil || n != 3 || batch[0].Event != 7 || batch[2].Event != 9 {
		t.Errorf("batch %v (%d, %v), want 7, 8, 9", batch[:n], n, err)
	}
}

func TestSettleWaitsUntilTheConsumerComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bus.New()
		s := b.Subscribe(bus.Options{}, "ORDERS:A")
		publish(t, b, "ORDERS:A", 1, 2)
		settled := make(chan error, 1)
		go func() { settled <- b.Settle(t.Context(), "ORDERS:A") }()

		next(t, s)
		next(t, s)
		synctest.Wait()
		if len(settled) != 0 {
			t.Fatal("settled while the second event was still being dealt with")
		}
		ctx, cancel := context.WithCancel(t.Context())
		var consumer sync.WaitGroup
		consumer.Go(func() { s.Next(ctx) })
		synctest.Wait()
		if len(settled) != 1 {
			t.Fatal("not settled although the consumer came back")
		}
		cancel()
		consumer.Wait()
		s.Close()
	})
}

func TestNoEventIsLostOrReorderedWithManyPublishers(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		publishers := rapid.IntRange(1, 4).Draw(rt, "publishers")
		events := rapid.IntRange(1, 200).Draw(rt, "events")
		capacity := rapid.IntRange(1, 8).Draw(rt, "capacity")
		b := bus.New()
		s := b.Subscribe(bus.Options{Capacity: capacity}, "ORDERS:A")
		defer s.Close()
		var wg sync.WaitGroup
		for p := range publishers {
			wg.Go(func() {
				for i := range events {
					if err := b.Publish(t.Context(), "ORDERS:A", [2]int{p, i}); err != nil {
						rt.Errorf("publish: %v", err)
					}
				}
			})
		}
		seen := make([]int, publishers)
		batch := make([]bus.Message, 7)
		for total := 0; total < publishers*events; {
			n, err := s.NextBatch(t.Context(), batch)
			if err != nil {
				rt.Fatalf("next: %v", err)
			}
			for _, m := range batch[:n] {
				e := m.Event.([2]int)
				if e[1] != seen[e[0]] {
					rt.Fatalf("publisher %d: event %d after %d", e[0], e[1], seen[e[0]]-1)
				}
				seen[e[0]]++
			}
			total += n
		}
		wg.Wait()
	})
}

func TestParseTopic(t *testing.T) {
	for _, good := range []string{"TRADE_EVENTS:XRPETH", "ORDERS:1INCHUSDT", "OHLC:A", "POSITIONS:BTCUSDT"} {
		if topic, err := bus.ParseTopic(good); err != nil || string(topic) != good {
			t.Errorf("%q: %q, %v", good, topic, err)
		}
	}
	for _, bad := range []string{"", ":", "TRADES:XRPETH", "ORDERS", "ORDERS:", "ORDERS:xrpeth", "ORDERS:A:B", "ORDERS:../X"} {
		if _, err := bus.ParseTopic(bad); err == nil {
			t.Errorf("%q is taken for a topic", bad)
		}
	}
}

func BenchmarkPublishTo4Subscribers(b *testing.B) {
	for _, batch := range []int{1, 64} {
		b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) {
			bb := bus.New()
			ctx, cancel := context.WithCancel(b.Context())
			var consumers sync.WaitGroup
			for i := range 4 {
				s := bb.Subscribe(bus.Options{Name: fmt.Sprint(i)}, bus.TradeEvents("XRPETH"))
				defer s.Close()
				consumers.Go(func() {
					into := make([]bus.Message, batch)
					for {
						if _, err := s.NextBatch(ctx, into); err != nil {
							return
						}
					}
				})
			}
			event := &exchange.TradeEvent{Symbol: "XRPETH", ID: 1, Price: decimal.New(141342, -8), Quantity: decimal.New(23, 0)}
			publisher := bb.Publisher(bus.TradeEvents("XRPETH"))
			b.ReportAllocs()
			for b.Loop() {
				if err := publisher.Publish(ctx, event); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			cancel()
			consumers.Wait()
		})
	}
}
