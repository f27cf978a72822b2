// Package exchange holds the words that the rest of Hedgehog speaks: trade
// events, orders, fills, candles, the rules of a symbol, and the Exchange
// interface that a trading place is reached through.
//
// The types carry no transport, no SQL and no cluster. Money and quantities
// are decimals; times are microseconds since the Unix epoch (Micros). Rounding
// and the checks of a symbol's filters are pure functions (Symbol.FloorPrice,
// Symbol.FloorQuantity, Symbol.CheckOrder).
//
// Implementations: exchange/binance speaks to the real exchange, its testnet or
// a simulated exchange over REST and websocket; exchange/sim is the simulated
// exchange itself, reachable in memory too. exchange/exchangetest holds the
// suite that every implementation passes.
package exchange
