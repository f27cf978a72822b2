// Package binance is the client of the exchange: signed requests over REST,
// trades and the account's orders over websockets. It speaks to the real
// exchange (Production), its testnet (Testnet) and a simulated exchange (At),
// which differ in addresses only.
//
// A Client owns its connections and no goroutine outlives the call that started
// it. Run, started by the node's supervisor, keeps the estimate of the
// exchange's clock fresh; without it a signed request measures the clock itself
// when the estimate has become too old.
//
// What it promises:
//
//   - A signed request takes its timestamp first, passes the Guard, and only then
//     is signed and sent (rest.go). The exchange takes it no later than its
//     receive window allows, whatever delays it on the way.
//   - An order is never sent again while its first sending may still succeed
//     (place.go): the order is looked up by client order id, and its absence
//     counts only once the receive window is over on the exchange's clock.
//   - Requests wait before the exchange has to refuse them (limits.go); orders
//     and what belongs to them go before bulk reads.
//   - Trades go to the sink one after the other in the order of their ids, each
//     as soon as it is read and before the next is read. A ping is answered when
//     it is reached in that order, so a pong tells the exchange that everything
//     sent before the ping has been dealt with. A slow sink therefore slows the
//     connection; nothing is queued or dropped here (stream.go, tradestream.go).
//   - A connection is replaced before the exchange ends it for its age, without a
//     gap: the old one is read until the new one has caught up.
//
// Keys are of type Secret, which prints as "[redacted]", and errors of requests
// leave out the address with its signature.
package binance
