package consensus

import (
	"cmp"
	"maps"
	"slices"
)

// MaxVoters is the most voters that ChooseServers picks.
const MaxVoters = 5

// ChooseServers says who should be in the group and who should vote, sorted by
// name. current is the group as it is; alive are the nodes that are there, with
// their addresses; gone are those that will not come back, or should not, even if
// they are there; leader, where it is a voter, stays one.
//
// All others are kept, dead ones too, since they may return, but for one whose
// address a living node has by now. There are up to five voters, an odd number. A dead voter makes way for a living node; where
// there is none it keeps its vote: with fewer voters than before, those that are
// left might decide without the ones that return. So whenever current has a
// quorum alive, what is returned has too. With nobody to vote current is returned.
func ChooseServers(current []Server, alive map[string]string, gone map[string]bool, leader string) []Server {
	pool := make(map[string]candidate)
	for _, s := range current {
		pool[s.Name] = candidate{Server: s, voted: s.Voter}
	}
	for name, address := range alive {
		pool[name] = candidate{Server: Server{Name: name, Address: address}, voted: pool[name].voted, known: pool[name].Name != "", alive: true}
	}
	taken := make(map[string]bool)
	for name, address := range alive {
		taken[address] = !gone[name]
	}
	maps.DeleteFunc(pool, func(name string, c candidate) bool { return gone[name] || !c.alive && taken[c.Address] })

	candidates := slices.SortedFunc(maps.Values(pool), func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.weight(leader), a.weight(leader)), cmp.Compare(a.Name, b.Name))
	})
	living, voted := 0, 0
	for _, c := range candidates {
		if c.alive {
			living++
		}
		if c.voted {
			voted++
		}
	}
	seats := max(odd(min(living, MaxVoters)), odd(min(voted, MaxVoters)))
	if seats == 0 {
		return slices.Clone(current)
	}
	chosen := make([]Server, len(candidates))
	for i, c := range candidates {
		chosen[i] = Server{Name: c.Name, Address: c.Address, Voter: i < seats}
	}
	slices.SortFunc(chosen, func(a, b Server) int { return cmp.Compare(a.Name, b.Name) })
	return chosen
}

// odd is the largest odd number up to n, or 0.
func odd(n int) int { return max(0, n-1+n%2) }

// candidate is a node that may vote.
type candidate struct {
	Server
	voted, known, alive bool
}

// weight orders candidates: who votes already is taken first among the living, so
// that little changes; the dead come last, of them those that vote first.
func (c candidate) weight(leader string) int {
	switch {
	case c.alive && c.voted && c.Name == leader:
		return 5
	case c.alive && c.voted:
		return 4
	case c.alive && c.known:
		return 3
	case c.alive:
		return 2
	case c.voted:
		return 1
	}
	return 0
}
