package assign

import (
	"slices"
	"strings"
)

// MaxWeight is the greatest weight that counts, of a member or symbol.
const MaxWeight = 100_000

// Member is a node that can run symbols. Names are unique.
type Member struct {
	Name string
	// Zone is where the member stands; members in one zone may fail together.
	Zone string
	// Weight is how much the member takes on in proportion to others. Below 1
	// counts as 1, above MaxWeight as MaxWeight.
	Weight int
	// Draining members get nothing while another member is there.
	Draining bool
}

// Symbol is what is to run on one member. Names are unique.
type Symbol struct {
	Name string
	// Weight is the symbol's part in the load. It counts as a member's does.
	Weight int
	// Pin names the member that the symbol has to run on. Where that is not
	// there, or draining, it runs anywhere.
	Pin string
}

// Move is a symbol's change of member. From is empty for a symbol that ran
// nowhere, To for one that is to run nowhere.
type Move struct{ Symbol, From, To string }

// Plan returns the member that each symbol is to run on, given the one that it
// runs on or is on its way to. The package's comment says what it promises. It
// changes none of its arguments.
func Plan(members []Member, symbols []Symbol, current map[string]string) map[string]string {
	p := newPlan(members, symbols)
	if len(p.members) == 0 {
		return map[string]string{}
	}
	p.place(p.keep(current))
	p.level()
	return p.owners()
}

// Bound returns the greatest load that Plan gives each member: its share rounded
// up, and for symbols heavier than 1 the heaviest one's weight less 1 on top.
// Only symbols pinned to the member take it further. Members that get nothing
// are left out.
func Bound(members []Member, symbols []Symbol) map[string]int {
	p := newPlan(members, symbols)
	heaviest := 1
	for _, s := range p.symbols {
		heaviest = max(heaviest, s.weight)
	}
	bound := make(map[string]int, len(p.members))
	for _, m := range p.members {
		bound[m.name] = m.most + heaviest - 1
	}
	return bound
}

// Moves returns what has to move to come from current to planned, in order of
// symbol.
func Moves(current, planned map[string]string) []Move {
	var moves []Move
	for symbol, to := range planned {
		if from := current[symbol]; from != to {
			moves = append(moves, Move{Symbol: symbol, From: from, To: to})
		}
	}
	for symbol, from := range current {
		if _, ok := planned[symbol]; !ok && from != "" {
			moves = append(moves, Move{Symbol: symbol, From: from})
		}
	}
	slices.SortFunc(moves, func(a, b Move) int { return strings.Compare(a.Symbol, b.Symbol) })
	return moves
}
