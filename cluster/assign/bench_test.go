package assign_test

import (
	"fmt"
	"testing"

	"hedgehog/cluster/assign"
)

// BenchmarkPlan plans 3,000 symbols over 3, 10 and 100 members: all anew, after
// one member has left, and after one has joined. The moves are in the figures.
func BenchmarkPlan(b *testing.B) {
	ss := symbols(3000)
	for _, n := range []int{3, 10, 100} {
		ms := members(n)
		planned := assign.Plan(ms, ss, nil)
		cases := []struct {
			name    string
			members []assign.Member
			current map[string]string
		}{
			{"anew", ms, nil},
			{"unchanged", ms, planned},
			{"leave", ms[1:], planned},
			{"join", members(n + 1), planned},
		}
		for _, c := range cases {
			b.Run(fmt.Sprintf("members=%d/%s", n, c.name), func(b *testing.B) {
				b.ReportAllocs()
				var plan map[string]string
				for b.Loop() {
					plan = assign.Plan(c.members, ss, c.current)
				}
				b.ReportMetric(float64(len(assign.Moves(c.current, plan))), "moves")
			})
		}
	}
}
