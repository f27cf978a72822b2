// Package dump reads the exchange's public trade dumps: comma-separated files,
// plain or alone in a zip, one line a trade.
//
// A line has the columns id, price, quantity, quote quantity, time, whether the
// buyer was the maker and, except in old files, whether the trade was the best
// match. Times are milliseconds, from 2025-01-01 on microseconds; the reader
// tells them apart by magnitude. A first line with the columns' names is passed
// over.
//
// A Reader belongs to one goroutine and holds one line in memory. Everything it
// hands out has been validated, and ids rise from trade to trade.
package dump
