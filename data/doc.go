// Package data groups what moves and stores market data on a node: the bus
// that events travel on, the streamer that feeds it from the exchange, the
// collector that stores what passes, the aggregator that builds candles, and
// the publisher that plays stored events again.
package data
