// Package dump reads the exchange's public dumps of its history: comma-separated
// files, plain or alone in a zip, one line a trade, aggregate trade or candle.
//
// What a file holds is in its name, SYMBOL-trades-…, SYMBOL-aggTrades-… or
// SYMBOL-1m-…, and every line is checked against that. The columns are:
//
//   - trades: id, price, quantity, quote quantity, time, whether the buyer was the
//     maker and, except in old files, whether the trade was the best match;
//   - aggregate trades: id, price, quantity, id of the first and of the last trade,
//     time, whether the buyer was the maker and, not in all files, the best match;
//   - candles, the exchange's klines: start, open, high, low, close, volume, end,
//     quote volume, number of trades, what takers bought in base and in quote asset,
//     and one to be ignored.
//
// Times are milliseconds, from 2025-01-01 on microseconds; the reader tells them
// apart by magnitude. A first line with the columns' names is passed over.
//
// A Reader belongs to one goroutine and holds a quarter of a megabyte; Batches alone
// has goroutines of its own, which read beside each other. Everything it hands out has
// been validated: ids rise, and times do not fall, from line to line. Of trades it
// allocates nothing per line. A zip that unpacks to more than
// a dump can be is refused, and Verify compares a file with the checksum that the
// exchange publishes for it.
package dump
