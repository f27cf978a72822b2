package metrics

import (
	"time"

	"hedgehog/cluster/forward"
	"hedgehog/data/bus"
	"hedgehog/data/collector"
	"hedgehog/data/streamer"
	"hedgehog/exchange/binance"
	"hedgehog/storage"
)

// Figures are what a node knows of itself at a moment, from where it is counted.
type Figures struct {
	Version string
	// Node, Zone, Profile and Venue are as the node was configured; Venue is the
	// exchange's name, url where it has none.
	Node, Zone, Profile, Venue string
	Ready                      bool // as the node's readiness says

	Cluster  Cluster
	Exchange Exchange
	Database storage.Stats
	Bus      bus.Stats // of what the node's own parts publish
	Watched  bus.Stats // of what somebody watches here, from whichever node
	Peers    []forward.PeerStats

	// Symbols are those that the node owns, up to a bound; LeftOff counts the others.
	Symbols []Symbol
	LeftOff int
}

// Cluster is the cluster as the node sees it, and what it has in it.
type Cluster struct {
	Leads, Quorum bool
	Term          uint64
	Applied       uint64 // index of the last entry of the log that is in the database
	Voters        int    // of Raft
	NonVoters     int
	Members       map[string]int // by state, all of which are there
	LeaseLeft     time.Duration  // 0: none
	Owned         int            // symbols
	Covered       int            // of them by the lease, so that they may be traded
}

// Exchange is the exchange as the node's client sees it.
type Exchange struct {
	InfoKnown bool // its symbols and filters
	Client    binance.Stats
	Limits    binance.Limits
	// ClockError is by how much the estimate of its clock may be wrong; below 0: there
	// is no estimate.
	ClockError time.Duration
}

// Symbol is a symbol that the node owns.
type Symbol struct {
	Name       string
	QuoteAsset string // empty while the exchange info is not known
	// Streamer and Collector are nil while there is none.
	Streamer  *streamer.Stats
	Collector *collector.Stats
	Last      *LastTrade       // nil while none came in
	Trading   bool             // a trader runs
	Refused   bool             // the latest order could not be placed
	Restarts  map[string]int64 // by name of the part that runs
	Earned    storage.Earnings
}
