package forward

import "sync/atomic"

// record holds what is known of one peer.
type record struct {
	connects, received, missed, sent, dropped atomic.Uint64

	// Guarded by Forwarder.mu.
	address   string
	known     bool  // SetPeers named it
	linked    bool  // a link runs
	connected bool  // and is connected
	feed      *feed // its connection to here, or nil
}

func (f *Forwarder) setPeers(peers []Peer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.records {
		r.known, r.address = false, ""
	}
	for _, p := range peers {
		if p.Name != f.cfg.Name {
			r := f.recordLocked(p.Name)
			r.known, r.address = true, p.Address
		}
	}
	f.forgetLocked()
}

// knownPeers returns the peers that there is to be a link to, by name.
func (f *Forwarder) knownPeers() map[string]Peer {
	f.mu.Lock()
	defer f.mu.Unlock()
	known := make(map[string]Peer)
	for name, r := range f.records {
		if r.known {
			known[name] = Peer{Name: name, Address: r.address}
		}
	}
	return known
}

// recordLocked returns the peer's record, a new one if need be. mu is held.
func (f *Forwarder) recordLocked(name string) *record {
	r := f.records[name]
	if r == nil {
		r = new(record)
		f.records[name] = r
	}
	return r
}

// forgetLocked drops the records of nodes that are gone. mu is held.
func (f *Forwarder) forgetLocked() {
	for name, r := range f.records {
		if !r.known && !r.linked && r.feed == nil {
			delete(f.records, name)
		}
	}
}

// changeRecord has change act on the peer's record with mu held, and forgets
// the record when there is no reason left to keep it.
func (f *Forwarder) changeRecord(name string, change func(r *record)) *record {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.recordLocked(name)
	change(r)
	f.forgetLocked()
	return r
}
