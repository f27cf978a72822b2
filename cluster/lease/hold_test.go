package lease_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hedgehog/cluster/lease"
)

// wantLost fails unless ctx has ended with ErrLost and a text that says why.
func wantLost(tb testing.TB, ctx context.Context, why string) {
	tb.Helper()
	if err := context.Cause(ctx); !errors.Is(err, lease.ErrLost) || !strings.Contains(err.Error(), why) {
		tb.Errorf("got cause %v, want ErrLost with %q", err, why)
	}
}

func TestHoldEndsWithTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := lease.NewGuard(time.Now)
		start := time.Now()
		g.Renewed(start, term, epochs{"XRPETH": 1})
		ctx, cancel := g.Hold(t.Context(), "XRPETH", 1)
		defer cancel()
		<-ctx.Done()
		if took := time.Since(start); took != term {
			t.Errorf("it ended after %v, want %v", took, term)
		}
		wantLost(t, ctx, "ended")
	})
}

func TestHoldLastsAsLongAsTheLeaseIsRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := lease.NewGuard(time.Now)
		g.Renewed(time.Now(), term, epochs{"XRPETH": 1})
		ctx, cancel := g.Hold(t.Context(), "XRPETH", 1)
		defer cancel()
		for range 10 {
			select {
			case <-ctx.Done():
				t.Fatalf("it ended: %v", context.Cause(ctx))
			case <-time.After(term / 2):
				g.Renewed(time.Now(), term, epochs{"XRPETH": 1})
			}
		}
		last := time.Now()
		<-ctx.Done()
		if took := time.Since(last); took != term {
			t.Errorf("it ended %v after the last renewal, want %v", took, term)
		}
	})
}

func TestHoldEndsAtOnceWhenItsLeaseIsLost(t *testing.T) {
	tests := []struct {
		name string
		lose func(*lease.Guard)
		why  string
	}{
		{"not covered", func(g *lease.Guard) { g.Renewed(time.Now(), term, epochs{"XRPBTC": 1}) }, "epoch 1 is not covered"},
		{"another epoch", func(g *lease.Guard) { g.Renewed(time.Now(), term, epochs{"XRPETH": 2, "XRPBTC": 1}) }, "epoch 2 is covered"},
		{"dropped", func(g *lease.Guard) { g.Drop("XRPETH", 1) }, "epoch 1 is not covered"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := lease.NewGuard(time.Now)
				g.Renewed(time.Now(), term, epochs{"XRPETH": 1, "XRPBTC": 1})
				lost, cancel := g.Hold(t.Context(), "XRPETH", 1)
				defer cancel()
				kept, cancelKept := g.Hold(t.Context(), "XRPBTC", 1)
				defer cancelKept()
				time.Sleep(time.Millisecond)
				tt.lose(g)
				wantLost(t, lost, tt.why)
				if kept.Err() != nil {
					t.Errorf("the other symbol's ended too: %v", context.Cause(kept))
				}
			})
		})
	}
}

func TestHoldWithoutALeaseHasEnded(t *testing.T) {
	g := lease.NewGuard(time.Now)
	ctx, cancel := g.Hold(t.Context(), "XRPETH", 1)
	defer cancel()
	wantLost(t, ctx, "not covered")
}

func TestLapsedHoldStaysLostWhenTheLeaseComesBack(t *testing.T) {
	// The guard's clock has passed the end while the timer, on another clock, has
	// not: as after a process was stopped.
	c := newClock()
	g := lease.NewGuard(c.Now)
	g.Renewed(c.Now(), term, epochs{"XRPETH": 1})
	ctx, cancel := g.Hold(t.Context(), "XRPETH", 1)
	defer cancel()
	c.advance(term)
	g.Renewed(c.Now(), term, epochs{"XRPETH": 1})
	wantLost(t, ctx, "ended")
	if _, _, ok := g.Until("XRPETH"); !ok {
		t.Error("the lease did not come back")
	}
}

func TestHoldGoesByTheGuardsClock(t *testing.T) {
	// The timer's clock runs ahead of the guard's: the guard's decides.
	synctest.Test(t, func(t *testing.T) {
		c := newClock()
		g := lease.NewGuard(c.Now)
		g.Renewed(c.Now(), term, epochs{"XRPETH": 1})
		ctx, cancel := g.Hold(t.Context(), "XRPETH", 1)
		defer cancel()
		time.Sleep(3 * term)
		if ctx.Err() != nil {
			t.Fatalf("it ended before the lease: %v", context.Cause(ctx))
		}
		c.advance(term)
		<-ctx.Done()
		wantLost(t, ctx, "ended")
	})
}

func TestHoldEndsWithItsParentAndByItsCancel(t *testing.T) {
	g := lease.NewGuard(time.Now)
	g.Renewed(time.Now(), time.Hour, epochs{"XRPETH": 1})
	why := errors.New("node stops")
	parent, stop := context.WithCancelCause(t.Context())
	child, cancelChild := g.Hold(parent, "XRPETH", 1)
	defer cancelChild()
	stop(why)
	if err := context.Cause(child); !errors.Is(err, why) {
		t.Errorf("got cause %v, want the parent's", err)
	}
	ctx, cancel := g.Hold(t.Context(), "XRPETH", 1)
	cancel()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got cause %v, want context.Canceled", err)
	}
}
