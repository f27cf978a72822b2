package cluster_test

import (
	"fmt"
	"hash"
	"hash/fnv"
	"maps"
	"slices"
	"time"

	"hedgehog/cluster"
)

// judge sees what the nodes do in real time, and notes the first promise that is
// broken.
type judge struct {
	w *world

	// Guarded by the world's mu.
	smooth   bool                                // nobody fails: hand-overs have a next owner that follows
	until    map[string]map[string]time.Duration // symbol → holder → up to when an order of his may be accepted
	epoch    map[string]uint64                   // symbol → the highest under which an order was sent
	last     map[string]time.Duration            // symbol → when the latest order was sent
	released map[string]uint64                   // holder and symbol → the highest epoch released
	next     map[string][]string                 // symbol → nodes that it was to be handed to in its epoch

	orders, moves, handOvers, releases int
	trace                              hash.Hash64 // of all that happened, with the times
	violation                          string
}

func newJudge(w *world) *judge {
	return &judge{
		w: w, until: make(map[string]map[string]time.Duration), epoch: make(map[string]uint64),
		last: make(map[string]time.Duration), released: make(map[string]uint64), next: make(map[string][]string), trace: fnv.New64a(),
	}
}

func (l *life) holder() string { return fmt.Sprintf("%s#%d", l.node.name, l.run) }

func holderOf(a cluster.Assignment) string { return fmt.Sprintf("%s#%d", a.Node, a.Run) }

func (j *judge) violated(format string, args ...any) {
	if j.violation == "" {
		j.violation = fmt.Sprintf("after %v: ", j.w.now()) + fmt.Sprintf(format, args...)
	}
}

func (j *judge) note(format string, args ...any) {
	fmt.Fprintf(j.trace, "%v "+format+"\n", append([]any{j.w.now()}, args...)...)
}

// ordered is an order that the exchange accepts until refused. The caller holds mu.
func (j *judge) ordered(l *life, symbol string, epoch uint64, refused time.Duration) {
	now := j.w.now()
	if now >= refused {
		return
	}
	h := l.holder()
	j.orders++
	j.note("%s orders %s under %d", h, symbol, epoch)
	if a := j.w.state().Assignments[symbol]; holderOf(a) != h || a.Epoch != epoch {
		j.violated("%s orders %s under %d, which is %s's under %d", h, symbol, epoch, holderOf(a), a.Epoch)
	}
	if epoch < j.epoch[symbol] {
		j.violated("%s orders %s under %d after somebody did under %d", h, symbol, epoch, j.epoch[symbol])
	}
	if epoch <= j.released[h+symbol] {
		j.violated("%s orders %s under %d, which it has released", h, symbol, epoch)
	}
	for other, until := range j.until[symbol] {
		if other != h && until > now {
			j.violated("%s orders %s while an order of %s may be accepted, until %v", h, symbol, other, until)
		}
	}
	for _, n := range j.w.nodes {
		if n.life == nil || n.life == l {
			continue
		}
		if _, _, holds := n.life.guard.Until(symbol); holds {
			j.violated("%s orders %s while %s has a lease for it", h, symbol, n.life.holder())
		}
	}
	if j.until[symbol] == nil {
		j.until[symbol] = make(map[string]time.Duration)
	}
	j.until[symbol][h] = max(j.until[symbol][h], refused)
	j.epoch[symbol], j.last[symbol] = epoch, now
}

// committed is a change of the replicated state. The caller holds mu.
func (j *judge) committed(before, after *cluster.State) {
	for _, symbol := range slices.Sorted(maps.Keys(after.Assignments)) {
		was, is := before.Assignments[symbol], after.Assignments[symbol]
		if was == is {
			continue
		}
		j.note("%s is %s's under %d, next %q", symbol, holderOf(is), is.Epoch, is.Next)
		if is.Next != "" {
			j.next[symbol] = append(j.next[symbol], is.Next)
		}
		if is.Epoch == was.Epoch && is.Node == was.Node && is.Run == was.Run {
			continue
		}
		j.moves++
		if is.Node != "" && slices.Contains(j.next[symbol], is.Node) {
			j.handOvers++
		}
		j.next[symbol] = nil
		if is.Epoch <= was.Epoch {
			j.violated("%s goes from %s to %s, but its epoch from %d to %d", symbol, holderOf(was), holderOf(is), was.Epoch, is.Epoch)
		}
		if is.Epoch <= j.released[holderOf(is)+symbol] {
			j.violated("%s is assigned to %s under %d, which it has released", symbol, holderOf(is), is.Epoch)
		}
		for holder, until := range j.until[symbol] {
			if holder != holderOf(is) && until > j.w.now() {
				j.violated("%s is assigned to %s while an order of %s may be accepted, until %v", symbol, holderOf(is), holder, until)
			}
		}
	}
}

// gaveUp is what a holder is about to tell the leader that it released.
func (j *judge) gaveUp(l *life, released map[string]uint64) {
	j.w.mu.Lock()
	defer j.w.mu.Unlock()
	for symbol, epoch := range released {
		if j.released[l.holder()+symbol] >= epoch {
			continue
		}
		j.released[l.holder()+symbol] = epoch
		j.releases++
		if until := j.until[symbol][l.holder()]; until > j.w.now() {
			j.violated("%s releases %s while an order may be accepted, until %v", l.holder(), symbol, until)
		}
	}
}

// stops is a trader that is told to stop. When nobody fails, whoever is to go on
// follows by then. The caller holds mu.
func (j *judge) stops(l *life, g *group) {
	s := j.w.state()
	a := s.Assignments[g.symbol]
	if !j.smooth || !s.Symbols[g.symbol].Assigned || holderOf(a) != l.holder() || a.Epoch != g.trades || len(j.next[g.symbol]) == 0 {
		return
	}
	for _, n := range j.w.nodes {
		if slices.Contains(j.next[g.symbol], n.name) && n.life != nil {
			if next := n.life.parts.groups[g.symbol]; next != nil && next.streams {
				return
			}
		}
	}
	j.violated("%s stops trading %s before any of %v follows", l.holder(), g.symbol, j.next[g.symbol])
}

// quick notes what is assigned and has not been traded since.
func (j *judge) quick(since time.Duration) {
	j.w.mu.Lock()
	defer j.w.mu.Unlock()
	for _, symbol := range slices.Sorted(maps.Keys(j.w.state().Symbols)) {
		if j.w.state().Symbols[symbol].Assigned && j.last[symbol] < since {
			j.violated("%s has not been traded since %v: %+v", symbol, j.last[symbol], j.w.state().Assignments[symbol])
		}
	}
}

// settled notes what is not where it belongs when nothing happens any more.
func (j *judge) settled() {
	j.w.mu.Lock()
	defer j.w.mu.Unlock()
	s := j.w.state()
	var able []cluster.Peer
	lives := make(map[string]*life)
	for _, n := range j.w.nodes {
		if n.life != nil {
			able = append(able, cluster.Peer{Name: n.name, Run: n.run})
			lives[n.name] = n.life
		}
	}
	plan := cluster.Plan(s, able)
	for _, symbol := range slices.Sorted(maps.Keys(s.Symbols)) {
		a := s.Assignments[symbol]
		switch l := lives[a.Node]; {
		case a.Next != "" || a.Node != plan[symbol]:
			j.violated("%s is on its way yet, planned for %q: %+v", symbol, plan[symbol], a)
		case a.Node == "":
		case l == nil || l.run != a.Run:
			j.violated("%s is a dead node's: %+v", symbol, a)
		case j.last[symbol] < j.w.now()-500*time.Millisecond || j.epoch[symbol] != a.Epoch:
			j.violated("%s is not traded: %+v", symbol, a)
		}
		for _, l := range lives {
			if g := l.parts.groups[symbol]; g != nil && l != lives[a.Node] && (g.streams || g.trades != 0) {
				j.violated("%s runs on %s, but is %q's", symbol, l.holder(), a.Node)
			}
		}
	}
}
