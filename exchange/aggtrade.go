package exchange

// AggTrade is an aggregate trade: the trades that one order took at one price at
// one time. Its ID rises by one from aggregate trade to aggregate trade, apart from
// the ids of the trades.
type AggTrade struct {
	Tick
	FirstID int64 // of its trades
	LastID  int64 // likewise; those between are its own too
}
