package assign_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"hedgehog/cluster/assign"
)

// situation is what Plan is asked about.
type situation struct {
	members []assign.Member
	symbols []assign.Symbol
	current map[string]string
}

// traits say what may occur in a drawn situation.
type traits struct{ memberWeights, symbolWeights, pins, drains bool }

// draw returns a situation with at least one member; current names members that
// are there, some that are not, and leaves symbols out.
func draw(t *rapid.T, may traits) situation {
	var s situation
	names := []string{"", "gone"}
	for i := range rapid.IntRange(1, 12).Draw(t, "members") {
		m := assign.Member{Name: fmt.Sprintf("m%d", i), Zone: rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "zone")}
		if may.memberWeights {
			m.Weight = rapid.IntRange(0, 9).Draw(t, "member weight")
		}
		m.Draining = may.drains && rapid.IntRange(0, 3).Draw(t, "draining") == 0
		s.members = append(s.members, m)
		names = append(names, m.Name)
	}
	// Some situations are lopsided: only the first few members have anything.
	owners := names[:rapid.IntRange(1, len(names)).Draw(t, "owners")]
	s.current = make(map[string]string)
	for i := range rapid.IntRange(0, 80).Draw(t, "symbols") {
		y := assign.Symbol{Name: fmt.Sprintf("S%d", i)}
		if may.symbolWeights {
			y.Weight = rapid.IntRange(0, 20).Draw(t, "symbol weight")
		}
		if may.pins && rapid.IntRange(0, 4).Draw(t, "pinned") == 0 {
			y.Pin = rapid.SampledFrom(names).Draw(t, "pin")
		}
		s.symbols = append(s.symbols, y)
		if owner := rapid.SampledFrom(owners).Draw(t, "owner"); owner != "" {
			s.current[y.Name] = owner
		}
	}
	return s
}

var everything = traits{memberWeights: true, symbolWeights: true, pins: true, drains: true}

func (s situation) plan() map[string]string {
	return assign.Plan(s.members, s.symbols, s.current)
}

// eligible returns the weight of each member that may get symbols.
func (s situation) eligible() map[string]int {
	weights := make(map[string]int)
	drained := !slices.ContainsFunc(s.members, func(m assign.Member) bool { return !m.Draining })
	for _, m := range s.members {
		if drained || !m.Draining {
			weights[m.Name] = max(1, m.Weight)
		}
	}
	return weights
}

// shares returns each eligible member's share of symbols of weight 1, rounded
// down and up.
func (s situation) shares() (least, most map[string]int) {
	least, most = make(map[string]int), make(map[string]int)
	var all int
	for _, w := range s.eligible() {
		all += w
	}
	for m, w := range s.eligible() {
		least[m] = len(s.symbols) * w / all
		most[m] = (len(s.symbols)*w + all - 1) / all
	}
	return least, most
}

func TestEverySymbolHasOneMemberThatIsThere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := draw(t, everything)
		plan, eligible := s.plan(), s.eligible()
		if len(plan) != len(s.symbols) {
			t.Fatalf("%d symbols have a member, want %d", len(plan), len(s.symbols))
		}
		for _, y := range s.symbols {
			if _, ok := eligible[plan[y.Name]]; !ok {
				t.Errorf("%s runs on %q, want one of %v", y.Name, plan[y.Name], eligible)
			}
			if _, ok := eligible[y.Pin]; ok && plan[y.Name] != y.Pin {
				t.Errorf("%s runs on %s, want %s that it is pinned to", y.Name, plan[y.Name], y.Pin)
			}
		}
	})
}

func TestNoLoadPassesTheBoundButForPins(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := draw(t, everything)
		bound, plan := assign.Bound(s.members, s.symbols), s.plan()
		if got, want := slices.Sorted(maps.Keys(bound)), slices.Sorted(maps.Keys(s.eligible())); !slices.Equal(got, want) {
			t.Fatalf("bounds for %v, want for %v", got, want)
		}
		var pinned []assign.Symbol
		for _, y := range s.symbols {
			if plan[y.Name] == y.Pin {
				pinned = append(pinned, y)
			}
		}
		must := loads(pinned, plan)
		for m, load := range loads(s.symbols, plan) {
			if load > max(bound[m], must[m]) {
				t.Errorf("%s has load %d, %d of it pinned, want at most %d", m, load, must[m], bound[m])
			}
		}
	})
}

func TestEqualSymbolsAreSharedToTheLastOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := draw(t, traits{memberWeights: true, drains: true})
		got := loads(s.symbols, s.plan())
		least, most := s.shares()
		for m := range least {
			if got[m] < least[m] || got[m] > most[m] {
				t.Errorf("%s has %d symbols, want %d to %d", m, got[m], least[m], most[m])
			}
		}
	})
}

// At least the symbols that members have above their share must move, and at
// least those that members lack and that no homeless symbol can fill.
func TestNoPlanMovesFewerEqualSymbols(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := draw(t, traits{memberWeights: true, drains: true})
		plan := s.plan()
		least, most := s.shares()
		has := loads(s.symbols, s.current)
		var above, lacking, kept, moved int
		for m := range least {
			above += max(0, has[m]-most[m])
			lacking += max(0, least[m]-has[m])
			kept += has[m]
		}
		homeless := len(s.symbols) - kept
		for symbol, from := range s.current {
			if _, ok := least[from]; ok && plan[symbol] != from {
				moved++
			}
		}
		if want := max(above, lacking-homeless, 0); moved != want {
			t.Errorf("%d symbols left members that may keep them, want %d", moved, want)
		}
	})
}

func TestRemovingAMemberMovesItsSymbolsOnly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := draw(t, traits{memberWeights: rapid.Bool().Draw(t, "unequal members")})
		before := s.plan()
		i := rapid.IntRange(0, len(s.members)-1).Draw(t, "removed")
		removed, rest := s.members[i], slices.Delete(slices.Clone(s.members), i, i+1)
		after := assign.Plan(rest, s.symbols, before)
		var others int
		for symbol, m := range before {
			if m != removed.Name && after[symbol] != m {
				others++
			}
		}
		if allowed := rounding(s.members); others > allowed {
			t.Errorf("%d symbols of other members moved, want at most %d", others, allowed)
		}
	})
}

func TestAddingAMemberMovesAtMostItsShare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := draw(t, traits{memberWeights: rapid.Bool().Draw(t, "unequal members")})
		before := s.plan()
		added := assign.Member{Name: "new", Weight: s.members[0].Weight}
		s.members = append(s.members, added)
		s.current = before
		after := s.plan()
		least, _ := s.shares()
		moves := len(assign.Moves(before, after))
		if allowed := least["new"] + rounding(s.members); moves > allowed {
			t.Errorf("%d symbols moved, want at most %d", moves, allowed)
		}
		if got := loads(s.symbols, after)["new"]; got < least["new"] {
			t.Errorf("the new member has %d symbols, want at least %d", got, least["new"])
		}
	})
}

// rounding returns how many more moves the package's comment allows for members
// of unequal weights.
func rounding(ms []assign.Member) int {
	for _, m := range ms {
		if max(1, m.Weight) != max(1, ms[0].Weight) {
			return len(ms)
		}
	}
	return 0
}

func TestPlanInForceIsLeftAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := draw(t, everything)
		plan := s.plan()
		s.current = plan
		if moves := assign.Moves(plan, s.plan()); len(moves) > 0 {
			t.Errorf("planning again moves %v", moves)
		}
	})
}

func TestPlanDependsOnNoOrderAndChangesNoArgument(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := draw(t, everything)
		plan := s.plan()
		ms, ss, current := slices.Clone(s.members), slices.Clone(s.symbols), maps.Clone(s.current)
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "order"), 0))
		random.Shuffle(len(ms), func(i, j int) { ms[i], ms[j] = ms[j], ms[i] })
		random.Shuffle(len(ss), func(i, j int) { ss[i], ss[j] = ss[j], ss[i] })
		shuffledMembers, shuffledSymbols := slices.Clone(ms), slices.Clone(ss)
		if got := assign.Plan(ms, ss, current); !maps.Equal(got, plan) {
			t.Errorf("in another order: got %v, want %v", got, plan)
		}
		if !slices.Equal(ms, shuffledMembers) || !slices.Equal(ss, shuffledSymbols) || !maps.Equal(current, s.current) {
			t.Error("Plan changed an argument")
		}
	})
}
