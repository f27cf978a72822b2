// Package collector stores what passes on the bus.
//
// A Collector owns the reading end of one subscription, to the topics of one
// symbol that are to be collected; the node makes it and runs it under its
// supervisor. It takes what waits, hands it to a Store in one piece, and comes
// back for more: a slow store makes the pieces larger, a quick one small, and
// nothing ever waits for a piece to fill up.
//
// Promises: events reach the store in the order in which they were published,
// over all the topics, so a candle is never stored before the trades that made
// it. An event that was taken off the bus is kept until the store has it: a
// failed write is tried again, with growing pauses, for as long as it takes,
// and also when Run has ended by an error or a panic and is run again. Meanwhile
// the subscription's queue fills and holds the publishers back, so nothing is
// lost and memory stays bounded. When its context ends, a Collector first
// stores what is already waiting, for as long as Config.Grace at most.
//
// Trades that a publisher plays again are passed over.
//
// Where Config.Begin is set, no trade is stored before that has said yes; who has to
// know that storing begins is told there. When the end comes first, the trades are
// dropped.
//
// When Bus.Settle returns for the topics, everything published on them before
// is stored.
package collector
