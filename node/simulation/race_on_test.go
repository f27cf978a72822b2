//go:build race

package simulation_test

// fewSeeds are fewer than without the race detector, which makes them ten times as
// slow.
const fewSeeds = 4
