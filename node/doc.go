// Package node is the composition root of the daemon. A Node opens the database,
// reaches the exchange (or runs a simulated one within itself), keeps for every
// symbol the group of parts that its settings ask for, and serves the HTTP API.
//
//	exchange ─ws─> streamer ─> bus ─┬─> trader ─> exchange
//	                                ├─> collector ─> storage
//	                                └─> aggregator ─> bus ─> collector
//	exchange ─user data─> orders ─> bus ─> trader, collector
//
// What runs, and who waits for its end: Run starts the HTTP server, the embedded
// exchange and the account's parts (exchange info, clock, order stream) and waits
// for all of them. Each symbol has one group (group.go), whose supervisor runs
// its parts; a part that fails or panics starts again, after a pause when it
// keeps failing, and touches no other symbol. Parts start from the disk upwards
// (collector, aggregator, trader, streamer) and stop the other way, so that
// nothing that was published is lost.
package node
