package cluster_test

import "testing"

// The judge sees it when a world breaks what the controller and the agent rely
// on: otherwise its silence would tell nothing. The search begins at worlds that
// are known to break.
func TestEachPromiseThatTheClusterReliesOnIsNeeded(t *testing.T) {
	tests := []struct {
		broken promise
		from   uint64
	}{
		{quorumConfirms, 115},
		{barrierWaits, 27},
		{assignsInTerm, 439},
		{actsHonest, 3},
		{ordersGuarded, 67},
	}
	for _, tt := range tests {
		t.Run(string(tt.broken), func(t *testing.T) {
			for seed := tt.from; seed < tt.from+2000; seed += 4 { // those that depose leaders
				if o := live(t, seed, tt.broken); o.violation != "" {
					t.Logf("seed %d: %s", seed, o.violation)
					return
				}
			}
			t.Error("no world broke")
		})
	}
}
