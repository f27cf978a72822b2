package assign_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"hedgehog/cluster/assign"
)

// members returns n members of weight 1, named m0 and so on.
func members(n int) []assign.Member {
	var ms []assign.Member
	for i := range n {
		ms = append(ms, assign.Member{Name: fmt.Sprintf("m%d", i)})
	}
	return ms
}

// symbols returns n symbols of weight 1, named S0 and so on.
func symbols(n int) []assign.Symbol {
	var ss []assign.Symbol
	for i := range n {
		ss = append(ss, assign.Symbol{Name: fmt.Sprintf("S%d", i)})
	}
	return ss
}

// loads returns the weight of the symbols that each member has in owners.
func loads(ss []assign.Symbol, owners map[string]string) map[string]int {
	loads := make(map[string]int)
	for _, s := range ss {
		if owner, ok := owners[s.Name]; ok {
			loads[owner] += max(1, s.Weight)
		}
	}
	return loads
}

func TestLoadFollowsWeights(t *testing.T) {
	tests := []struct {
		name    string
		members []assign.Member
		symbols []assign.Symbol
		want    map[string]int
	}{
		{"nobody is there", nil, symbols(3), map[string]int{}},
		{"nothing is to run", members(2), nil, map[string]int{}},
		{"one member has all", members(1), symbols(5), map[string]int{"m0": 5}},
		{"three members share evenly", members(3), symbols(9), map[string]int{"m0": 3, "m1": 3, "m2": 3}},
		{
			"a heavier member has more",
			[]assign.Member{{Name: "m0", Weight: 1}, {Name: "m1", Weight: 2}, {Name: "m2", Weight: 3}},
			symbols(60),
			map[string]int{"m0": 10, "m1": 20, "m2": 30},
		},
		{
			"a draining member has nothing",
			[]assign.Member{{Name: "m0"}, {Name: "m1", Draining: true}, {Name: "m2"}},
			symbols(10),
			map[string]int{"m0": 5, "m2": 5},
		},
		{
			"draining members run on when there are no others",
			[]assign.Member{{Name: "m0", Draining: true}, {Name: "m1", Draining: true}},
			symbols(4),
			map[string]int{"m0": 2, "m1": 2},
		},
		{
			"a heavy symbol counts as many light ones",
			members(2),
			append(symbols(4), assign.Symbol{Name: "BIG", Weight: 4}),
			map[string]int{"m0": 4, "m1": 4},
		},
		{
			"a weight below 1 counts as 1",
			[]assign.Member{{Name: "m0", Weight: -5}, {Name: "m1"}},
			[]assign.Symbol{{Name: "A", Weight: -1}, {Name: "B"}},
			map[string]int{"m0": 1, "m1": 1},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := loads(tt.symbols, assign.Plan(tt.members, tt.symbols, nil))
			if !maps.Equal(got, tt.want) {
				t.Errorf("got loads %v, want %v", got, tt.want)
			}
		})
	}
}

func TestGreatestWeightsDoNotOverflow(t *testing.T) {
	ms, ss := members(50), symbols(5000)
	for i := range ms {
		ms[i].Weight = assign.MaxWeight + 1
	}
	for i := range ss {
		ss[i].Weight = assign.MaxWeight
	}
	for m, load := range loads(ss, assign.Plan(ms, ss, nil)) {
		if load != 100*assign.MaxWeight {
			t.Errorf("%s has load %d, want %d", m, load, 100*assign.MaxWeight)
		}
	}
}

func TestPinIsKeptWhileItsMemberIsThere(t *testing.T) {
	ss := symbols(9)
	ss[0].Pin, ss[1].Pin, ss[2].Pin, ss[3].Pin = "m1", "m1", "m1", "m1"
	all := members(3)
	plan := assign.Plan(all, ss, nil)
	for _, s := range ss[:4] {
		if plan[s.Name] != "m1" {
			t.Errorf("%s runs on %s, want m1 that it is pinned to", s.Name, plan[s.Name])
		}
	}
	if got := loads(ss, plan)["m1"]; got != 4 {
		t.Errorf("m1 with 4 pinned symbols has %d, want no others", got)
	}

	away := assign.Plan([]assign.Member{all[0], all[2]}, ss, plan)
	if got := loads(ss, away); got["m0"]+got["m2"] != 9 {
		t.Errorf("without m1: got loads %v, want all 9 symbols on m0 and m2", got)
	}
	back := assign.Plan(all, ss, away)
	for _, s := range ss[:4] {
		if back[s.Name] != "m1" {
			t.Errorf("m1 is back, but %s runs on %s", s.Name, back[s.Name])
		}
	}
}

func TestPinToADrainingMemberWaits(t *testing.T) {
	ms := members(2)
	ms[1].Draining = true
	ss := []assign.Symbol{{Name: "S0", Pin: "m1"}}
	if got := assign.Plan(ms, ss, map[string]string{"S0": "m1"})["S0"]; got != "m0" {
		t.Errorf("S0 runs on %s, want m0 while m1 drains", got)
	}
}

func TestZonesShareWhatIsLeftOver(t *testing.T) {
	// Nine symbols on two zones of three members: each member has one, three have
	// a second, and those three stand in different zones.
	for round := range 50 {
		var ss []assign.Symbol
		for i := range 9 {
			ss = append(ss, assign.Symbol{Name: fmt.Sprintf("S%d-%d", round, i)})
		}
		ms := members(6)
		for i := range ms {
			ms[i].Zone = []string{"east", "west"}[i/3]
		}
		got := loads(ss, assign.Plan(ms, ss, nil))
		east := got["m0"] + got["m1"] + got["m2"]
		if east != 4 && east != 5 {
			t.Fatalf("round %d: %d of 9 symbols are in zone east, want 4 or 5", round, east)
		}
	}
}

func TestSymbolThatHasToMoveGoesToTheEmptierZone(t *testing.T) {
	ms := []assign.Member{{Name: "m0", Zone: "east"}, {Name: "m1", Zone: "east"}, {Name: "m2", Zone: "west"}, {Name: "m3", Zone: "west"}}
	current := map[string]string{"S0": "m0", "S1": "m0", "S2": "m0", "S3": "m1", "S4": "m2", "S5": "m3"}
	moves := assign.Moves(current, assign.Plan(ms, symbols(6), current))
	if len(moves) != 1 || moves[0].From != "m0" || moves[0].To == "m1" {
		t.Errorf("got %v, want one move from m0 to the other zone", moves)
	}
}

func TestOneHeavySymbolMovesRatherThanManyLightOnes(t *testing.T) {
	ss := append(symbols(6), assign.Symbol{Name: "BIG", Weight: 6})
	current := make(map[string]string)
	for _, s := range ss {
		current[s.Name] = "m0"
	}
	want := []assign.Move{{Symbol: "BIG", From: "m0", To: "m1"}}
	if got := assign.Moves(current, assign.Plan(members(2), ss, current)); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestSymbolThatLevelsBestMoves(t *testing.T) {
	for round := range 20 {
		fits := fmt.Sprintf("fits%d", round)
		ss := []assign.Symbol{{Name: "A", Weight: 4}, {Name: "B", Weight: 4}, {Name: fits, Weight: 3}, {Name: "C", Weight: 5}}
		current := map[string]string{"A": "m0", "B": "m0", fits: "m0", "C": "m1"}
		want := []assign.Move{{Symbol: fits, From: "m0", To: "m1"}}
		if got := assign.Moves(current, assign.Plan(members(2), ss, current)); !slices.Equal(got, want) {
			t.Fatalf("round %d: got %v, want %v", round, got, want)
		}
	}
}

func TestHeavyHomelessSymbolTakesNobodysPlace(t *testing.T) {
	// Two members keep three light symbols each. A third left one of weight 6 and
	// six light ones: they fit the free places exactly, in one way.
	for round := range 20 {
		ss := []assign.Symbol{{Name: fmt.Sprintf("heavy%d", round), Weight: 6}}
		current := map[string]string{ss[0].Name: "gone"}
		for i := range 12 {
			s := assign.Symbol{Name: fmt.Sprintf("S%d-%d", round, i)}
			current[s.Name] = []string{"m0", "m1", "gone", "gone"}[i%4]
			ss = append(ss, s)
		}
		for _, m := range assign.Moves(current, assign.Plan(members(2), ss, current)) {
			if m.From != "gone" {
				t.Fatalf("round %d: %v, want that only what ran on the lost member moves", round, m)
			}
		}
	}
}

func TestReturningMemberGetsMostOfItsSymbolsBack(t *testing.T) {
	ms, ss := members(10), symbols(3000)
	before := assign.Plan(ms, ss, nil)
	away := assign.Plan(ms[1:], ss, before)
	back := assign.Plan(ms, ss, away)
	var had, again int
	for s, m := range before {
		if m == "m0" {
			had++
			if back[s] == "m0" {
				again++
			}
		}
	}
	if again*10 < had*6 {
		t.Errorf("m0 had %d symbols and got %d of them back, want 6 in 10", had, again)
	}
	t.Logf("m0 had %d symbols and got %d of them back", had, again)
}

func TestMovesNameEachChangeInOrder(t *testing.T) {
	current := map[string]string{"A": "m0", "B": "m0", "D": "m1", "E": ""}
	planned := map[string]string{"C": "m1", "B": "m1", "A": "m0"}
	want := []assign.Move{{"B", "m0", "m1"}, {"C", "", "m1"}, {"D", "m1", ""}}
	if got := assign.Moves(current, planned); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
