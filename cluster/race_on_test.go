//go:build race

package cluster_test

// seeds is how many worlds a test lives through. They are few here: races show in
// the first of them, and the detector's own store of stacks has failed (SIGSEGV in
// its StackDepot, Go 1.26) after the many thousand goroutines of a hundred.
const seeds = 20
