// Package sim is a simulated exchange: an order book that fills the orders of
// its accounts from the trades that pass, with balances, commissions, filters
// and limits as the real exchange has them.
//
// The Engine owns all state. It starts no goroutine; every method locks it, does
// its work and returns. Trades come from a feed, a part with a Run method that
// its caller starts: Replay plays a dump of the exchange's public trades, Walk
// makes a seeded random walk. exchange/sim/server puts the exchange's own REST
// and websocket protocol in front of an Engine; Local is an Engine as an
// exchange.Exchange in memory, for tests and backtests.
//
// # Matching
//
// An order rests until a trade goes strictly through its price: below the limit
// of a buy, above that of a sell. Then it fills at its own limit, as maker,
// wholly, or, with Config.PartialFills, bounded by what the trade's quantity
// leaves after the orders before it in price-time priority. A trade bears on the
// two sides apart. Orders never match each other, so one that is priced through
// the market waits for the next trade like any other.
//
// # Order of events
//
// All events of an Engine have one order. A trade reaches the trade listeners
// before the reports of the fills that it causes reach the report subscribers.
//
// # What is kept
//
// With a data directory the state survives the end of the process, also a
// sudden one, but not a loss of power: every change is in an append-only log
// before it is answered. The log is replayed by New and written anew, shorter,
// when it has grown. A change that can't be written is not made, and an order
// that the journal can't take is not accepted. Trades, closed orders and fills
// are kept up to the bounds in Config; older ones are forgotten.
package sim
