// Package exchangetest holds the suite that every implementation of
// exchange.Exchange passes: Run checks the promises in that interface's
// comments. It is called by tests alone and starts nothing that outlives it.
//
// An implementation's test hands Run a function that opens a fresh exchange
// (Fixture) with the symbol and the balances given here, and a way to let a
// trade of other people pass.
package exchangetest
