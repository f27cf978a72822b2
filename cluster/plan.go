package cluster

import (
	"maps"
	"slices"

	"hedgehog/cluster/assign"
)

// Plan returns who should own which assigned symbol when the given peers are
// there. Those that are no members yet get nothing.
func Plan(state *State, able []Peer) map[string]string {
	there := make(map[string]bool, len(able))
	members := make([]assign.Member, 0, len(able))
	for _, p := range able {
		m, ok := state.Members[p.Name]
		if !ok {
			continue
		}
		there[p.Name] = true
		members = append(members, assign.Member{Name: p.Name, Zone: p.Zone, Weight: max(m.Weight, 1), Draining: m.Draining})
	}
	var symbols []assign.Symbol
	current := make(map[string]string)
	for _, s := range state.Symbols {
		if !s.Assigned {
			continue
		}
		symbols = append(symbols, assign.Symbol{Name: s.Name, Weight: max(s.Weight, 1), Pin: s.Pin})
		a := state.Assignments[s.Name]
		switch {
		case there[a.Next]:
			current[s.Name] = a.Next // what was begun is not taken back without need
		case a.Node != "":
			current[s.Name] = a.Node
		}
	}
	return assign.Plan(members, symbols, current)
}

// changes returns what can be committed now of the way from the state to the
// plan. It revokes what has to be given up for the rest.
func (c *Controller) changes(in inputs, plan map[string]string) []Assignment {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forget(in.state)
	runs := make(map[string]int64, len(in.peers))
	for _, p := range in.peers {
		runs[p.Name] = p.Run
	}
	var changes []Assignment
	waiting := false
	for _, symbol := range symbolsOf(in.state) {
		switch next, does := c.change(symbol, in.state, plan[symbol], runs); does {
		case commits:
			changes = append(changes, next)
		case waits:
			waiting = true
		}
	}
	c.last = decision{in, plan, len(changes) == 0 && !waiting}
	return changes
}

// progress is what a symbol's way to its planned owner needs next.
type progress int

const (
	settled progress = iota // nothing
	waits                   // time, or word of a node
	commits                 // a change of its assignment
)

// change returns the next step of one symbol towards its planned owner; the
// caller holds mu.
func (c *Controller) change(symbol string, state *State, target string, runs map[string]int64) (Assignment, progress) {
	a := state.Assignments[symbol]
	a.Symbol = symbol
	if target == "" && state.Symbols[symbol].Assigned {
		return c.orphan(a)
	}
	if a.Node == target && (target == "" || a.Run == runs[target] && c.revoked[symbol] != a.Epoch) {
		if a.Next == "" {
			return a, settled
		}
		a.Next = "" // it was to go elsewhere, and stays
		return a, commits
	}
	next := Assignment{Symbol: symbol, Node: target, Run: runs[target], Epoch: a.Epoch + 1, Since: c.config.Now()}
	if a.Node == "" {
		return next, commits
	}
	h := holder(a.Node, a.Run)
	lives := a.Node != target && runs[a.Node] == a.Run && a.Run != 0 && !c.leaving(h) && c.renewing(h)
	if lives && target != "" && c.revoked[symbol] != a.Epoch {
		if a.Next != target {
			a.Next = target
			return a, commits
		}
		if !c.mayRevoke(symbol, target, runs[target]) {
			return a, waits
		}
	}
	// Not covered from here on; what was covered before has to run out or be released.
	c.revoke(symbol, a.Epoch)
	if free, _ := c.book.Free(h, symbol, a.Epoch); !free {
		return a, waits
	}
	return next, commits
}

// orphan returns the next step of a symbol that nobody can take: whoever has it
// keeps it, unless he said good-bye. The caller holds mu.
func (c *Controller) orphan(a Assignment) (Assignment, progress) {
	h := holder(a.Node, a.Run)
	if a.Node == "" || !c.leaving(h) {
		return a, settled
	}
	c.revoke(a.Symbol, a.Epoch)
	if free, _ := c.book.Free(h, a.Symbol, a.Epoch); !free {
		return a, waits
	}
	return Assignment{Symbol: a.Symbol, Epoch: a.Epoch + 1, Since: c.config.Now()}, commits
}

// mayRevoke says whether the next owner follows the symbol, or was waited for
// long enough; the caller holds mu.
func (c *Controller) mayRevoke(symbol, target string, run int64) bool {
	if w := c.heard[holder(target, run)]; w != nil && w.ready[symbol] {
		return true
	}
	now := c.config.Now()
	if c.asked[symbol].node != target {
		c.asked[symbol] = asked{target, now} // waited for from now, also when another leader began
	}
	return now.Sub(c.asked[symbol].since) > c.config.Patience
}

// forget drops what was noted about epochs and hand-overs that are over; the
// caller holds mu.
func (c *Controller) forget(state *State) {
	maps.DeleteFunc(c.revoked, func(symbol string, epoch uint64) bool { return state.Assignments[symbol].Epoch > epoch })
	maps.DeleteFunc(c.asked, func(symbol string, a asked) bool { return state.Assignments[symbol].Next != a.node })
}

// symbolsOf returns the symbols that are assigned or were, sorted.
func symbolsOf(state *State) []string {
	var names []string
	for name, s := range state.Symbols {
		if s.Assigned {
			names = append(names, name)
		}
	}
	for name, a := range state.Assignments {
		if !state.Symbols[name].Assigned && (a.Node != "" || a.Next != "") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
