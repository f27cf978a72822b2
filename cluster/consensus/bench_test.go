package consensus_test

import (
	"fmt"
	"testing"

	"hedgehog/cluster/consensus"
)

// quiet is for benchmarks: what the library logs for debugging costs time.
func quiet(c *consensus.Config) { c.SnapshotEvery = 1 << 20 }

func BenchmarkPropose(b *testing.B) {
	for _, size := range []int{1, 3, 5} {
		_, nodes := group(b, size, quiet)
		data := make([]byte, 128)
		b.Run(fmt.Sprintf("nodes=%d", size), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := nodes[0].Propose(b.Context(), data); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("nodes=%d/64-at-once", size), func(b *testing.B) {
			b.ReportAllocs()
			b.SetParallelism(64)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := nodes[0].Propose(b.Context(), data); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

func BenchmarkVerifyLeader(b *testing.B) {
	_, nodes := group(b, 3, quiet)
	b.Run("one-by-one", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := nodes[0].VerifyLeader(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("64-at-once", func(b *testing.B) {
		b.ReportAllocs()
		b.SetParallelism(64)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := nodes[0].VerifyLeader(b.Context()); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
}
