package node

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"hedgehog/cluster/lease"
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
