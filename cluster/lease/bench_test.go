package lease_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"hedgehog/cluster/lease"
)

// many returns 3,000 symbols with epoch 1.
func many() epochs {
	covered := make(epochs)
	for i := range 3000 {
		covered[fmt.Sprintf("S%d", i)] = 1
	}
	return covered
}

func BenchmarkCheck(b *testing.B) {
	g := lease.NewGuard(time.Now)
	g.Renewed(time.Now(), time.Hour, many())
	b.ReportAllocs()
	for b.Loop() {
		if err := g.Check("S17", time.Now(), 400*time.Millisecond); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRenewed takes an answer that covers 3,000 symbols, each held.
func BenchmarkRenewed(b *testing.B) {
	g := lease.NewGuard(time.Now)
	covered := many()
	g.Renewed(time.Now(), time.Hour, covered)
	for s, epoch := range covered {
		_, cancel := g.Hold(context.Background(), s, epoch)
		defer cancel()
	}
	b.ReportAllocs()
	for b.Loop() {
		g.Renewed(time.Now(), time.Hour, covered)
	}
}

// BenchmarkGrant answers a renewal for 3,000 symbols.
func BenchmarkGrant(b *testing.B) {
	book := lease.NewBook(lease.Local(), time.Now)
	owned := many()
	b.ReportAllocs()
	for b.Loop() {
		if covered := book.Grant("n1", time.Now(), owned); len(covered) != len(owned) {
			b.Fatalf("%d covered, want %d", len(covered), len(owned))
		}
	}
}
