// Package publisher plays stored trade events of a time range back onto the
// topic of their symbol, at a chosen pace. The events bear the source Replay, so
// a live trader does not take them for live; a trader of a backtest is told to
// act on them.
package publisher
