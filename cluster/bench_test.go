package cluster_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"hedgehog/cluster"
)

// newLoad returns a stage that leads, at rest, with 3,000 symbols on three nodes.
func newLoad(b *testing.B) (s *stage, end func()) {
	var symbols []string
	for i := range 3000 {
		symbols = append(symbols, fmt.Sprintf("S%04dUSDT", i))
	}
	s = newStage(b, []string{"n1", "n2", "n3"}, symbols)
	end = s.lead(1)
	// It does so from the first renewal after it has caught up.
	for deadline := time.Now().Add(10 * time.Second); len(s.actors["n3"].covered) != 1000; time.Sleep(time.Millisecond) {
		for name := range s.actors {
			_ = s.renew(name) // refused before
		}
		if time.Now().After(deadline) {
			b.Fatal("no 1,000 symbols were given to n3")
		}
	}
	return s, end
}

func BenchmarkRenewOf1000SymbolsOutOf3000(b *testing.B) {
	s, end := newLoad(b)
	defer end()
	r := cluster.Renewal{Node: "n1", Run: 1}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.controller.Renew(context.Background(), r); err != nil {
			b.Fatal(err)
		}
	}
}

// A step with nothing to do is what happens forty times a second.
func BenchmarkStepWithNothingToDoFor3000Symbols(b *testing.B) {
	s, end := newLoad(b)
	defer end()
	b.ReportAllocs()
	for b.Loop() {
		if err := s.controller.Flush(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}

// A step that has to plan is what follows each change.
func BenchmarkStepThatPlans3000Symbols(b *testing.B) {
	s, end := newLoad(b)
	defer end()
	b.ReportAllocs()
	for b.Loop() {
		s.change(func(*cluster.State) {})
		if err := s.controller.Flush(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}
