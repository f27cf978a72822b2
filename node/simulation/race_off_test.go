//go:build !race

package simulation_test

// fewSeeds are enough to see that the simulation works; 'make simulate' runs many.
const fewSeeds = 20
