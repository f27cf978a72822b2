// Package server is the front of the simulated exchange: it answers in the
// exchange's own REST and websocket protocol, so that a client made for the real
// exchange works with it unchanged.
//
// A Server owns the connections, the keys, the signatures and the request
// limits; orders, balances and trades belong to the sim.Engine behind it. Its
// caller starts it with Run, which serves a listener until its context ends and
// returns when every connection and goroutine is gone.
//
// # What is answered
//
// REST under /api/v3, market streams under /ws and /stream, and the WebSocket
// API under /ws-api/v3. REST and WebSocket API share one table of endpoints
// (endpoints.go), so a request means the same whichever way it comes. Orders are
// LIMIT and good till cancelled; everything else is refused with the exchange's
// code. Depth, order lists and listenKey are not built.
//
// # The way of a request
//
// A request is counted against its address's limits, authorized, held against
// the list of parameters that its endpoint knows, and handled. A signed request
// carries its deadline, timestamp + recvWindow, on to the engine, which looks at
// its clock again right before matching. An order that is refused before it gets
// there is put in the engine's journal.
//
// # Market streams
//
// Every connection has one queue and one writer. The queue is bounded: a client
// that falls further behind than Config.QueueLimit is cut off, and nobody else
// notices. The writer puts all frames that wait into one write. A connection is
// a sim.TradeListener whose Await sends a websocket ping behind the queued trades
// and returns with its pong: a client that answers pings in the order of its
// frames has then taken every trade before.
//
// # Where it differs from the real exchange
//
// A stream of an unknown symbol, or of another kind than @trade, is refused
// instead of staying silent. An aggregate trade has the id of its first trade.
// Klines are computed from the trades that the engine keeps; there is none for a
// time without trades.
package server
