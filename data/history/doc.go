// Package history brings the past into a node's database: what the exchange has
// published of it and what is missing there.
//
// An Importer stores the exchange's public dumps, a Downloader fetches them from its
// archive, and a Filler asks the exchange itself for the trades that are missing
// between stored ones. The command line starts them, one Run each. What they have
// stored stays when they are interrupted or fail, and another Run goes on from there
// without storing anything twice. Memory stays flat, however much there is.
//
// The package knows the database by the interfaces ImportStore, TradeStore and Sink.
package history
