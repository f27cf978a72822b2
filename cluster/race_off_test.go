//go:build !race

package cluster_test

// seeds is how many worlds a test lives through.
const seeds = 100
