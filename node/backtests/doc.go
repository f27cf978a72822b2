// Package backtests tries settings on the trades that a node has stored, one backtest
// after the other, and keeps what came of the latest of them: the figures as ID.json and
// a page with charts as ID.html, in a directory of its own.
//
// A Runner owns all of it. Run works in the goroutine of whoever calls it. What has not
// ended when the node stops has failed, and says so; what had not when it died is
// forgotten.
package backtests
