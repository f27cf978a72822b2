package consensus

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// stepKind is what a step does with its server.
type stepKind int

const (
	stepDone    stepKind = iota // nothing is left
	stepAdd                     // add it without a vote, or change its address
	stepPromote                 // give it a vote, or change a voter's address
	stepYield                   // hand leadership to it
	stepDemote                  // take its vote
	stepRemove                  // take it out of the group
	stepWait                    // what is left for it would endanger the quorum now
)

func (k stepKind) String() string {
	return [...]string{"done", "add", "promote", "yield to", "demote", "remove", "wait for"}[k]
}

// step is one change of the group: one server, as the library allows.
type step struct {
	kind   stepKind
	server Server
}

func (s step) String() string { return fmt.Sprintf("%v %s", s.kind, s.server.Name) }

// nextStep is the first step from current towards want, both valid groups, taken
// by the leader self. healthy are the servers that answer and have the log.
//
// In this order: addresses, so that everybody can be reached; new servers, without
// votes; votes for those that are healthy; when all have theirs, votes taken, first
// from servers that do not answer; removals; and last, when nothing else is left,
// the leader's own. A step after which the healthy voters would be no majority is
// left for later. Where servers want each other's addresses, one is removed, to be
// added anew.
func nextStep(current, want []Server, self string, healthy map[string]bool) step {
	p := plan{current: current, want: byName(want), have: byName(current), self: self, healthy: healthy}
	for _, find := range []func() (step, bool){p.readdress, p.add, p.promote, p.demote, p.remove, p.unlock, p.yield} {
		if next, ok := find(); ok {
			return next
		}
	}
	if p.waiting.Name != "" {
		return step{stepWait, p.waiting}
	}
	return step{kind: stepDone}
}

// plan is what nextStep looks for a step in.
type plan struct {
	current    []Server
	want, have map[string]Server
	self       string
	healthy    map[string]bool
	promoting  bool   // a wanted voter is there and can't have its vote yet
	waiting    Server // the first that something could not be done for
}

func byName(servers []Server) map[string]Server {
	m := make(map[string]Server, len(servers))
	for _, s := range servers {
		m[s.Name] = s
	}
	return m
}

func (p *plan) readdress() (step, bool) {
	for _, s := range p.current {
		w, ok := p.want[s.Name]
		if !ok || w.Address == s.Address || p.taken(w.Address) {
			continue
		}
		kind := stepAdd
		if s.Voter {
			kind = stepPromote
		}
		return step{kind, w}, true
	}
	return step{}, false
}

func (p *plan) add() (step, bool) {
	for _, w := range sorted(p.want) {
		if _, ok := p.have[w.Name]; ok {
			continue
		}
		if !p.taken(w.Address) {
			return step{stepAdd, w}, true
		}
		p.wait(w)
	}
	return step{}, false
}

func (p *plan) promote() (step, bool) {
	for _, s := range p.current {
		w, ok := p.want[s.Name]
		if !ok || !w.Voter || s.Voter || w.Address != s.Address {
			continue
		}
		if p.healthy[s.Name] && p.safe(w) {
			return step{stepPromote, w}, true
		}
		p.promoting = true
		p.wait(w)
	}
	return step{}, false
}

func (p *plan) demote() (step, bool) {
	if p.promoting {
		return step{}, false
	}
	for _, healthy := range []bool{false, true} {
		for _, s := range p.current {
			if w := p.want[s.Name]; !s.Voter || w.Voter || s.Name == p.self || p.healthy[s.Name] != healthy {
				continue
			}
			s.Voter = false
			if p.safe(s) {
				return step{stepDemote, s}, true
			}
			p.wait(s)
		}
	}
	return step{}, false
}

func (p *plan) remove() (step, bool) {
	for _, s := range p.current {
		if _, ok := p.want[s.Name]; !ok && !s.Voter {
			return step{stepRemove, s}, true
		}
	}
	return step{}, false
}

// unlock removes one of those that wait for the address of one that waits in turn;
// a voter loses its vote first.
func (p *plan) unlock() (step, bool) {
	for _, s := range p.current {
		w, ok := p.want[s.Name]
		if !ok || w.Address == s.Address || s.Name == p.self || !p.holderStays(w.Address) {
			continue
		}
		if !s.Voter {
			return step{stepRemove, s}, true
		}
		s.Voter = false
		if p.safe(s) {
			return step{stepDemote, s}, true
		}
		p.wait(s)
	}
	return step{}, false
}

// yield hands leadership to a wanted voter when this node is the last to lose its
// vote.
func (p *plan) yield() (step, bool) {
	if me := p.have[p.self]; !me.Voter || p.want[p.self].Voter || p.waiting.Name != "" {
		return step{}, false
	}
	for _, s := range p.current {
		if s.Voter && p.want[s.Name].Voter && p.healthy[s.Name] {
			return step{stepYield, s}, true
		}
	}
	p.wait(p.have[p.self])
	return step{}, false
}

// taken tells whether a member has the address now.
func (p *plan) taken(address string) bool {
	return slices.ContainsFunc(p.current, func(s Server) bool { return s.Address == address })
}

// holderStays tells whether who has the address now is wanted, elsewhere.
func (p *plan) holderStays(address string) bool {
	return slices.ContainsFunc(p.current, func(s Server) bool {
		_, wanted := p.want[s.Name]
		return s.Address == address && wanted
	})
}

// safe tells whether the healthy voters are a majority once s is as given.
func (p *plan) safe(s Server) bool {
	voters, healthy := 0, 0
	for _, member := range p.current {
		if member.Name == s.Name {
			member = s
		}
		if member.Voter {
			voters++
			if p.healthy[member.Name] {
				healthy++
			}
		}
	}
	return healthy > voters/2
}

func (p *plan) wait(s Server) {
	if p.waiting.Name == "" {
		p.waiting = s
	}
}

func sorted(servers map[string]Server) []Server {
	return slices.SortedFunc(maps.Values(servers), func(a, b Server) int { return cmp.Compare(a.Name, b.Name) })
}
