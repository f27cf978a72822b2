// Package naive trades one symbol by the naive formula: buy a little below the
// price, sell for a fixed profit, buy again when the price falls further.
//
// The formula (Formula.Step) is pure: a position and an event go in, the
// position as it then is and one decision come out. The Trader owns a symbol's
// positions, feeds them what passes on the bus and carries the decisions out at
// the exchange. It is one goroutine; nothing else touches its positions.
//
// Every order carries a client order id that names its position, the position
// whose rebuy started that one, the side and the attempt (OrderName), so the
// exchange's own records are enough to rebuild the positions (Rebuild). What the
// trader publishes on POSITIONS:<SYMBOL> is stored by others and handed back at
// the next start; the trader itself never waits for the disk.
//
// Started by the node's group of parts for a symbol, one trader per symbol.
// Trade events that are not live (backfill, replay) never make it act.
package naive
