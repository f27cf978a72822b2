// Package storage keeps what a node knows in one SQLite file: settings, trade
// events, orders with their fills, candles and positions.
//
// Open makes the file (mode 0600, in a directory of mode 0700), locks it
// against a second process and brings its schema up to date. A DB may be used
// by any number of goroutines. It has one connection that writes and a few that
// can only read; with SQLite's write-ahead log neither waits for the other. Every exported method
// is one transaction: it has happened wholly or not at all.
//
// # What survives
//
// A killed process loses nothing that a method has returned for: by then the
// operating system has it. When the machine loses power, settings and positions
// survive as well, because only this node knows them and their transactions are
// flushed to the disk (synchronous=FULL). Trade events, orders, fills and
// candles are not flushed one by one (synchronous=NORMAL): the last moments may
// be missing then, never out of order and never in part, and are fetched from
// the exchange again. A flush for each of them would let every collector of the
// node wait for the disk.
//
// # Forms
//
// Times are INTEGER microseconds since the Unix epoch, UTC (exchange.Micros);
// 0 where the source has none. Money and quantities are TEXT, plain decimals
// in the form of decimal.String, without exponent or trailing zeros: exact, and
// the same number is always the same text. SQL compares such text as strings,
// so comparisons of amounts are made in Go, or with CAST where a rough one will
// do. Flags are 0 or 1. All tables are STRICT, and CHECKs refuse what no caller
// should send.
package storage
