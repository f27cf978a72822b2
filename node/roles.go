package node

import (
	"hedgehog/cluster"
	"hedgehog/data/bus"
	"hedgehog/exchange"
	"hedgehog/storage"
)

// roles are the node's parts as the cluster's agent sees them.
type roles struct{ *Node }

// Want gives each symbol's group what its role and its settings ask for.
func (r roles) Want(all map[string]cluster.Role) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.ready {
		return // without the exchange's rules nothing can run yet
	}
	for symbol, role := range all {
		r.groupLocked(symbol).want(wantedBy(role, r.active[symbol]))
	}
	for symbol, g := range r.groups {
		if _, ok := all[symbol]; !ok {
			g.want(wanted{})
		}
	}
}

// Follows says whether everything that follows the symbol runs and its stream is
// connected.
func (r roles) Follows(symbol string) bool {
	r.mu.Lock()
	g, v, streaming := r.groups[symbol], r.views[symbol], r.active[symbol].Streaming
	r.mu.Unlock()
	if g == nil || !g.follows() {
		return false
	}
	if !streaming {
		return true
	}
	if v == nil {
		return false
	}
	s := v.streamer.Load()
	return s != nil && s.Stats().Connections > 0
}

// Acts says whether the symbol's trader runs, or is about to.
func (r roles) Acts(symbol string, epoch uint64) bool {
	r.mu.Lock()
	g := r.groups[symbol]
	r.mu.Unlock()
	return g != nil && g.acts(epoch)
}

// Changed tells that parts have started or stopped.
func (r roles) Changed() <-chan struct{} { return r.partsChanged }

// wantedBy says which parts the role and the settings ask for. A symbol that is
// traded has its orders stored, whatever is collected beside.
func wantedBy(role cluster.Role, s storage.Settings) wanted {
	w := wanted{stream: s.Streaming, aggregate: s.Aggregating}
	traded := s.Trading.Status != "" && s.Trading.Status != storage.TradingOff
	if traded && role.Act {
		w.trade = role.Epoch
	}
	if s.Collecting.TradeEvents {
		w.topics = append(w.topics, bus.TradeEvents(role.Symbol))
	}
	if s.Collecting.OHLC {
		w.topics = append(w.topics, bus.OHLC(role.Symbol))
	}
	if s.Collecting.Orders || traded {
		w.topics = append(w.topics, bus.Orders(role.Symbol))
	}
	return w
}

// micros is the node's clock.
func (n *Node) micros() exchange.Micros { return exchange.MicrosOf(n.now()) }
