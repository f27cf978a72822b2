package node

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"hedgehog/cluster/lease"
	"hedgehog/data/bus"
)

// It once was a failure to be counted: whether the supervisor heard of it before it
// was asked to stop the part was chance, and the next failure then paused the symbol.
func TestATraderWithoutALeaseWaitsToBeStoppedAndDoesNotFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, err := New(DefaultConfig(), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		n.guard = lease.NewGuard(time.Now)
		p := n.tradePart("XRPETH", 1)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- p.run(ctx) }()
		time.Sleep(time.Minute)
		select {
		case err := <-ended:
			t.Fatalf("ended by itself: %v", err)
		default:
		}
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v, want %v", err, context.Canceled)
		}
	})
}

// What a trader has sent may reach the exchange until its receive window ends, while
// the next one already looks for it there.
func TestATraderStartedAgainWaitsForWhatTheOneBeforeHasSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, err := New(DefaultConfig(), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		n.guard = lease.NewGuard(time.Now)
		n.guard.Renewed(time.Now(), time.Hour, map[string]uint64{"XRPETH": 1})
		var waits []time.Duration
		failure := errors.New("the trader fails")
		p := n.tradePartOf("XRPETH", 1, func(_ context.Context, _ string, _ uint64, _ *bus.Subscription, wait time.Duration) error {
			waits = append(waits, wait)
			return failure
		})
		defer p.release()
		for range 3 {
			if err := p.run(t.Context()); !errors.Is(err, failure) {
				t.Fatalf("ended with %v, want %v", err, failure)
			}
		}
		window := n.config.recvWindow()
		if len(waits) != 3 || waits[0] != 0 || waits[1] < window || waits[2] < window {
			t.Errorf("waited %v before three runs, want 0 before the first and at least the receive window %s before the others", waits, window)
		}
	})
}
