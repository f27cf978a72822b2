package lease_test

import (
	"sort"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hedgehog/cluster/lease"
)

// overlap lets an owner be renewed once, at once, and returns how long it still
// holds the symbol, on its own clock, when the leader finds it free. The rates
// are in parts per million of real time.
func overlap(tb rapid.TB, timing lease.Timing, ownerRate, leaderRate int64) time.Duration {
	tb.Helper()
	var passed time.Duration // in real time
	start := time.Unix(0, 0)
	reading := func(rate int64) func() time.Time {
		return func() time.Time { return start.Add(passed + passed*time.Duration(rate)/1e6) }
	}
	guard, book := lease.NewGuard(reading(ownerRate)), lease.NewBook(timing, reading(leaderRate))
	guard.Renewed(start, timing.Lease, book.Grant("n1", start, epochs{"XRPETH": 1}))
	until, _, _ := guard.Until("XRPETH")
	book.Revoke("XRPETH", 1)
	_, at := book.Free("n1", "XRPETH", 1)
	passed = at.Sub(start) * 1e6 / time.Duration(1e6+leaderRate)
	for !at.Before(reading(leaderRate)()) {
		passed++
	}
	if free, _ := book.Free("n1", "XRPETH", 1); !free {
		tb.Fatalf("not free at %v", at)
	}
	return until.Sub(reading(ownerRate)())
}

// leastMargin returns the timing with the smallest margin that is valid.
func leastMargin(timing lease.Timing) lease.Timing {
	timing.Margin = time.Duration(sort.Search(int(timing.Lease), func(margin int) bool {
		timing.Margin = time.Duration(margin)
		return timing.Validate() == nil
	}))
	return timing
}

func TestLeastMarginOutlastsAnyDrift(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		timing := leastMargin(lease.Timing{
			Renew:      time.Millisecond,
			RecvWindow: time.Millisecond,
			Lease:      time.Duration(rapid.Int64Range(4, 300_000).Draw(t, "lease ms")) * time.Millisecond,
		})
		rate := rapid.Int64Range(-lease.MaxDrift, lease.MaxDrift)
		if left := overlap(t, timing, rate.Draw(t, "owner's rate"), rate.Draw(t, "leader's rate")); left > 0 {
			t.Errorf("with %+v the owner has %v left when the symbol is free", timing, left)
		}
	})
}

func TestMarginIsNeeded(t *testing.T) {
	timing := leastMargin(lease.WAN())
	if left := overlap(t, timing, -lease.MaxDrift, lease.MaxDrift); left > 0 {
		t.Errorf("with the least margin %v the owner has %v left", timing.Margin, left)
	}
	timing.Margin -= timing.Margin / 50
	if left := overlap(t, timing, -lease.MaxDrift, lease.MaxDrift); left <= 0 {
		t.Errorf("a margin of %v would do: the least one is too large", timing.Margin)
	}
}
