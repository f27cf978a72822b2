// Package backtest tries the naive formula on past trades: the same trader and the
// same matching engine that trade, on the time of the trades.
//
// Run owns all of it and returns when the trades are over. It starts no goroutine:
// a trade passes the engine, then the trader learns of it, then of the fills that
// it caused, and only then the next trade passes. Live, the parts do the same one
// after the other when each trade waits for the one before; a test compares them
// order by order. The result follows from the config and the trades alone.
//
// # Speed
//
// Most trades change nothing: they fill no resting order and make no position act.
// Between which prices that is so follows from the orders and positions and holds
// until one of them changes, so for such a trade two comparisons of integers are
// all (see band). Memory does not grow with the trades.
//
// # What is modelled
//
// Fills are those of exchange/sim: an order rests until a trade goes strictly
// through its price, and fills as maker at its own limit, wholly or, with
// PartialFills, as far as the trade's quantity goes. Our orders do not move the
// market, and nobody is before us in the queue. With Latency an order reaches the
// exchange later than it was decided on, after the trades of that time.
package backtest
