// Package aggregator builds candles of 1, 5, 15, 60, 240 and 1440 minutes from
// the trades of one symbol and publishes each on OHLC:<SYMBOL> when a trade
// outside of it closes it.
//
// A candle is a function of the trades alone: at its start an Aggregator builds
// the open candles again from the stored trades behind the last stored candle,
// and a hole in the ids, stored, passing or in between, is filled from the
// exchange. Candles that had been published and not stored before a crash are so
// published again. Of a symbol without a stored trade the first candles begin with
// the first trade that passes.
//
// It belongs to the group of parts of its symbol.
package aggregator
