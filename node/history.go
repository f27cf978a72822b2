package node

import (
	"fmt"
	"sync"

	"hedgehog/cluster"
	"hedgehog/cluster/gossip"
	"hedgehog/exchange"
	"hedgehog/node/api"
)

// historyLength is how many events a node remembers.
const historyLength = 1000

// history is what has happened in the cluster as this node saw it, the latest
// events.
type history struct {
	mu     sync.Mutex
	events []api.ClusterEvent
	added  uint64                  // how many there have been in all
	states map[string]gossip.State // of the members, as they were last
}

func (h *history) add(e api.ClusterEvent) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, e)
	h.added++
	if excess := len(h.events) - historyLength; excess > 0 {
		h.events = append([]api.ClusterEvent(nil), h.events[excess:]...)
	}
}

// latest returns up to limit events, oldest first.
func (h *history) latest(limit int) []api.ClusterEvent {
	h.mu.Lock()
	defer h.mu.Unlock()
	from := max(0, len(h.events)-limit)
	return append([]api.ClusterEvent{}, h.events[from:]...)
}

// since returns the remembered events but for the first seen ones that there have been,
// oldest first, and how many there have been in all.
func (h *history) since(seen uint64) (events []api.ClusterEvent, added uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	unseen := min(h.added-min(seen, h.added), uint64(len(h.events)))
	return append([]api.ClusterEvent{}, h.events[uint64(len(h.events))-unseen:]...), h.added
}

// compare notes the owners that have changed from one state to the next.
func (h *history) compare(before, after *cluster.State, now exchange.Micros) {
	if before == nil {
		return
	}
	for symbol, a := range after.Assignments {
		b := before.Assignments[symbol]
		switch {
		case a.Epoch != b.Epoch && a.Node == "":
			h.add(api.ClusterEvent{TimeUS: now, Kind: "owner", Symbol: symbol, Text: fmt.Sprintf("owned by nobody since epoch %d, before by %s", a.Epoch, b.Node)})
		case a.Epoch != b.Epoch && b.Node == "":
			h.add(api.ClusterEvent{TimeUS: now, Kind: "owner", Symbol: symbol, Node: a.Node, Text: fmt.Sprintf("owned since epoch %d", a.Epoch)})
		case a.Epoch != b.Epoch:
			h.add(api.ClusterEvent{TimeUS: now, Kind: "owner", Symbol: symbol, Node: a.Node, Text: fmt.Sprintf("owned since epoch %d, before by %s", a.Epoch, b.Node)})
		case a.Next != b.Next && a.Next != "":
			h.add(api.ClusterEvent{TimeUS: now, Kind: "owner", Symbol: symbol, Node: a.Next, Text: "is being handed over by " + a.Node})
		}
	}
}

// members notes the members that have come and gone.
func (h *history) members(members []gossip.Member, now exchange.Micros) {
	h.mu.Lock()
	before := h.states
	h.states = make(map[string]gossip.State, len(members))
	for _, m := range members {
		h.states[m.Name] = m.State
	}
	h.mu.Unlock()
	for _, m := range members {
		if before[m.Name] != m.State {
			h.add(api.ClusterEvent{TimeUS: now, Kind: "member", Node: m.Name, Text: "is " + string(m.State)})
		}
	}
}
