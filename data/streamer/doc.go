// Package streamer brings the exchange's events onto the bus: Streamer the
// trades of one symbol (TRADE_EVENTS:<SYMBOL>), Orders the updates of the
// account's orders (ORDERS:<SYMBOL>).
//
// Both promise to leave nothing out. A Streamer publishes trade ids without a
// hole: after a reconnect, and at the start where it is told what was stored
// last, it asks the exchange for what it missed before it goes on with the
// stream. Orders looks up, at every connection, the orders that may have changed
// meanwhile. What the exchange itself no longer has is logged and counted.
//
// A Streamer belongs to the group of parts of its symbol; Orders to the node,
// since an account has one stream for all symbols.
package streamer
