// Package strategy groups the ways of trading that Hedgehog knows. There is one
// so far, the naive one (strategy/naive).
package strategy
