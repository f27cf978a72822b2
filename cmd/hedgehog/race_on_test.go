//go:build race

package main_test

// raceDetector says that the tests run with it, and the program several times as slowly.
const raceDetector = true
