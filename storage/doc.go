// Package storage keeps what a node knows in one SQLite file: what is its own,
// namely trade events, orders with their fills and candles; and its copy of the
// cluster's replicated state, namely settings, positions, members, assignments,
// watermarks and tokens.
//
// Open makes the file (mode 0600, in a directory of mode 0700), locks it
// against a second process and brings its schema up to date. A DB may be used
// by any number of goroutines. It has one connection that writes and a few that
// can only read; with SQLite's write-ahead log neither waits for the other. Every exported method
// is one transaction: it has happened wholly or not at all.
//
// # The replicated state
//
// It changes by Commands alone. The cluster agrees on their order, in a log, and
// every node applies that log to its own file with ApplyEntries. What a command
// does follows from the command and the state before it: no clock, no
// randomness, no order of a map. So nodes that have applied as much have the
// same rows, which StateHash shows. The index of the last command is stored in
// the transaction of its changes, so that applying a command again changes
// nothing, after a crash too. A command that is not possible has an error as its
// result, the same on every node, and the log goes on.
//
// Whoever acts for a symbol writes under a fence: PositionsChange and
// WatermarksChange count only while the stored assignment has their node and
// epoch.
//
// # What survives
//
// A killed process loses nothing that a method has returned for: by then the
// operating system has it. When the machine loses power, the last moments may be
// missing (synchronous=NORMAL), never out of order and never in part, and come
// again from where they came from: trade events, orders, fills and candles from
// the exchange, the replicated state from the cluster's log, which has been
// flushed before a command is applied. A flush for each transaction would let
// every collector of the node wait for the disk. Sync and RestoreState alone flush
// (synchronous=FULL). Whoever tells others what is stored calls Sync in between:
// they may not fetch it again. Whoever shortens the log keeps a snapshot, and
// restores it when Applied is behind it.
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
