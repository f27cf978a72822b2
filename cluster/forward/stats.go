package forward

import (
	"cmp"
	"slices"
)

// PeerStats are the figures of one peer since it was first seen. They start
// anew when the peer is gone and comes back.
type PeerStats struct {
	Name string
	// Address is empty for a node that has connected here and that SetPeers did
	// not name yet.
	Address string

	// Connected says that events can come from it; Connects counts how often that
	// began.
	Connected bool
	Connects  uint64
	// Received counts its events that were published here, Missed those that were
	// not: dropped there, or not to be decoded here.
	Received, Missed uint64

	// Listening says that it is connected here, for Topics topics of this node.
	Listening bool
	Topics    int
	// Waiting is how many events are queued for it. Sent counts those that were
	// handed to the network, Dropped those that were not: the queue was full, the
	// connection broke, or the codec refused them.
	Waiting       int
	Sent, Dropped uint64
}

// Stats returns the figures of all peers, sorted by name.
func (f *Forwarder) Stats() []PeerStats {
	f.mu.Lock()
	defer f.mu.Unlock()
	stats := make([]PeerStats, 0, len(f.records))
	for name, r := range f.records {
		s := PeerStats{
			Name: name, Address: r.address,
			Connected: r.connected, Connects: r.connects.Load(),
			Received: r.received.Load(), Missed: r.missed.Load(),
			Sent: r.sent.Load(), Dropped: r.dropped.Load(),
		}
		if r.feed != nil {
			s.Listening = true
			s.Topics = int(r.feed.subscribed.Load())
			s.Waiting = r.feed.queue.waiting()
		}
		stats = append(stats, s)
	}
	slices.SortFunc(stats, func(a, b PeerStats) int { return cmp.Compare(a.Name, b.Name) })
	return stats
}
