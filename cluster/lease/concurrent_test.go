package lease_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"hedgehog/cluster/lease"
)

// For the race detector; what is dropped meanwhile must stay dropped for good.
func TestAllMethodsMayBeCalledTogether(t *testing.T) {
	g := lease.NewGuard(time.Now)
	b := lease.NewBook(lease.Local(), time.Now)
	var all sync.WaitGroup
	repeat := func(do func()) {
		all.Go(func() {
			for range 500 {
				do()
			}
		})
	}
	for range 2 {
		repeat(func() {
			g.Renewed(time.Now(), time.Minute, b.Grant("n1", time.Now(), epochs{"XRPETH": 1, "XRPBTC": 1}))
		})
		repeat(func() { _ = g.Check("XRPETH", time.Now(), time.Second) })
		repeat(func() { g.Drop("XRPBTC", 1) })
		repeat(func() { b.Released("n1", "XRPBTC", 1) })
		repeat(func() { b.Revoke("XRPBTC", 1) })
		repeat(func() { b.Free("n1", "XRPBTC", 1) })
		repeat(b.Elected)
		repeat(func() {
			ctx, cancel := g.Hold(t.Context(), "XRPBTC", 1)
			defer cancel()
			g.Drop("XRPBTC", 1)
			if err := context.Cause(ctx); !errors.Is(err, lease.ErrLost) {
				t.Errorf("got cause %v after a drop, want ErrLost", err)
			}
		})
	}
	all.Wait()
	if free, _ := b.Free("n1", "XRPBTC", 1); !free {
		t.Error("a released symbol is not free")
	}
	if err := g.Check("XRPETH", time.Now(), time.Second); err != nil {
		t.Errorf("the other symbol: %v", err)
	}
}
