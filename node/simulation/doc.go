// Package simulation runs whole clusters in one process, on a clock and a network
// of its own, against the promises that the project makes. It has tests only.
//
// True are the node with everything in it (planner, leases, state machine and
// database, streamers, traders, collectors, aggregators, forwarding, API), the
// client of the exchange, and the simulated exchange with its REST and websocket
// protocol. Simulated are time (testing/synctest, with a clock of its own for
// each machine), the network, Raft, gossip, the disk's slowness and what a crash
// leaves of it, and the faults of the exchange. Not part of it are TLS, the
// libraries for Raft and gossip, and the kernel: those the fault runner with real
// processes has.
//
// All that happens follows from a seed. Whoever needs a random number gets it by
// what it is for and the virtual time, never by whose turn it is, so that the
// order in which goroutines run at one instant makes no difference. Workers with
// one processor each share the seeds out; a seed that breaks a promise is printed
// with the command that shows its timeline.
package simulation
