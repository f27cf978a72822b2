package consensus_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"hedgehog/cluster/consensus"
)

// members reads "a* b": a votes, b follows; the address is the name's.
func members(text string) []consensus.Server {
	var servers []consensus.Server
	for _, word := range strings.Fields(text) {
		name, voter := strings.CutSuffix(word, "*")
		servers = append(servers, consensus.Server{Name: name, Address: "at-" + name, Voter: voter})
	}
	return servers
}

func spell(servers []consensus.Server) string {
	words := make([]string, len(servers))
	for i, s := range servers {
		words[i] = s.Name
		if s.Voter {
			words[i] += "*"
		}
	}
	return strings.Join(words, " ")
}

func set(text string) map[string]bool {
	m := make(map[string]bool)
	for _, name := range strings.Fields(text) {
		m[name] = true
	}
	return m
}

func addresses(text string) map[string]string {
	m := make(map[string]string)
	for _, name := range strings.Fields(text) {
		m[name] = "at-" + name
	}
	return m
}

func TestChooseServers(t *testing.T) {
	for _, c := range []struct{ name, current, alive, gone, leader, want string }{
		{"one node votes alone", "a*", "a", "", "a", "a*"},
		{"of two one votes", "a*", "a b", "", "a", "a* b"},
		{"three vote when the third comes", "a* b", "a b c", "", "a", "a* b* c*"},
		{"of four three vote", "a* b* c*", "a b c d", "", "a", "a* b* c* d"},
		{"five vote", "a* b* c* d", "a b c d e", "", "a", "a* b* c* d* e*"},
		{"not more than five vote", "a* b* c* d* e*", "a b c d e f g", "", "a", "a* b* c* d* e* f g"},
		{"a dead voter makes way for a living follower", "a* b* c* d", "a b d", "", "a", "a* b* c d*"},
		{"one that was known before is taken before a new one", "a* b* c* d", "a b d aa", "", "a", "a* aa b* c d*"},
		{"a dead voter keeps its vote where nobody takes it", "a* b* c*", "a b", "", "a", "a* b* c*"},
		{"two dead of five keep theirs", "a* b* c* d* e*", "a b c", "", "a", "a* b* c* d* e*"},
		{"one of two dead makes way", "a* b* c* d* e*", "a b c f", "", "a", "a* b* c* d* e f*"},
		{"who returns follows while five others vote", "a* b* c* d* e* f", "a b c d e f", "", "a", "a* b* c* d* e* f"},
		{"who returns votes again where a seat is free", "a* b* c", "a b c", "", "a", "a* b* c*"},
		{"who is gone is removed", "a* b* c*", "a b", "c", "a", "a* b"},
		{"who is gone is removed even if it is there", "a* b* c*", "a b c", "c", "b", "a b*"},
		{"the leader keeps its vote", "a* b* c* d*", "a b c d", "", "d", "a* b* c d*"},
		{"a dead follower is kept", "a* b", "a", "", "a", "a* b"},
		{"an even number is made odd", "a* b*", "a b", "", "b", "a b*"},
		{"nobody to vote changes nothing", "a* b*", "", "a b", "a", "a* b*"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := consensus.ChooseServers(members(c.current), addresses(c.alive), set(c.gone), c.leader)
			if spell(got) != c.want {
				t.Fatalf("got %s, want %s", spell(got), c.want)
			}
		})
	}
}

func TestALivingNodesAddressIsTheOneThatCounts(t *testing.T) {
	current := members("a* b* c*")
	alive := map[string]string{"a": "at-a", "b": "moved", "d": "at-c"}
	got := consensus.ChooseServers(current, alive, nil, "a")
	want := []consensus.Server{{Name: "a", Address: "at-a", Voter: true}, {Name: "b", Address: "moved", Voter: true}, {Name: "d", Address: "at-c", Voter: true}}
	if !slices.Equal(got, want) {
		t.Fatalf("got %+v, want %+v: c is dead and d has its address", got, want)
	}
}

// situation is a group and what is known about its nodes.
type situation struct {
	current []consensus.Server
	alive   map[string]string
	gone    map[string]bool
	leader  string
}

func drawSituation(t *rapid.T) situation {
	s := situation{alive: make(map[string]string), gone: make(map[string]bool)}
	names := rapid.Permutation(strings.Split("abcdefgh", "")).Draw(t, "names")
	for i, name := range names[:rapid.IntRange(1, len(names)).Draw(t, "size")] {
		switch rapid.SampledFrom([]string{"voter", "follower", "new"}).Draw(t, name) {
		case "voter":
			s.current = append(s.current, consensus.Server{Name: name, Address: "at-" + name, Voter: true})
		case "follower":
			s.current = append(s.current, consensus.Server{Name: name, Address: "at-" + name})
		}
		if rapid.Bool().Draw(t, name+" alive") {
			s.alive[name] = fmt.Sprintf("now-%d", i)
		}
		if rapid.IntRange(0, 4).Draw(t, name+" gone") == 0 {
			s.gone[name] = true
		}
	}
	for _, m := range s.current {
		if m.Voter && s.alive[m.Name] != "" && !s.gone[m.Name] {
			s.leader = m.Name
		}
	}
	return s
}

func TestChosenServersKeepTheirPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSituation(t)
		got := consensus.ChooseServers(s.current, s.alive, s.gone, s.leader)
		if s.leader == "" {
			return // nobody is there to ask
		}
		if err := consensus.ValidateServers(got); err != nil {
			t.Fatal(err)
		}
		voters, alive, seatsWithout := 0, 0, 0
		for _, g := range got {
			if s.gone[g.Name] {
				t.Fatalf("%s is gone", g.Name)
			}
			if at := s.alive[g.Name]; at != "" && at != g.Address {
				t.Fatalf("%s is at %s", g.Name, at)
			}
			switch {
			case g.Voter && s.alive[g.Name] != "":
				voters, alive = voters+1, alive+1
			case g.Voter:
				voters, seatsWithout = voters+1, seatsWithout+1
			case s.alive[g.Name] != "" && seatsWithout > 0:
				t.Fatalf("%s could vote in a dead one's place", g.Name)
			}
			if g.Name == s.leader && !g.Voter {
				t.Fatalf("the leader %s lost its vote", g.Name)
			}
		}
		if voters%2 != 1 || voters > consensus.MaxVoters {
			t.Fatalf("%d voters", voters)
		}
		if had, of := quorumOf(s.current, s.alive, s.gone); had > of/2 && alive <= voters/2 {
			t.Fatalf("%d of %d voters are alive, %d of %d were", alive, voters, had, of)
		}
		for _, m := range s.current {
			if !s.gone[m.Name] && !slices.ContainsFunc(got, func(g consensus.Server) bool { return g.Name == m.Name }) {
				t.Fatalf("%s was dropped", m.Name)
			}
		}
	})
}

// quorumOf counts the voters that are there and will stay, of all.
func quorumOf(servers []consensus.Server, alive map[string]string, gone map[string]bool) (there, all int) {
	for _, s := range servers {
		if s.Voter {
			all++
			if alive[s.Name] != "" && !gone[s.Name] {
				there++
			}
		}
	}
	return there, all
}

func TestChoosingAgainChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSituation(t)
		once := consensus.ChooseServers(s.current, s.alive, s.gone, s.leader)
		twice := consensus.ChooseServers(once, s.alive, s.gone, s.leader)
		if s.leader != "" && !slices.Equal(once, twice) {
			t.Fatalf("%s, then %s", spell(once), spell(twice))
		}
		shuffled := rapid.Permutation(s.current).Draw(t, "order")
		if other := consensus.ChooseServers(shuffled, s.alive, s.gone, s.leader); s.leader != "" && !slices.Equal(once, other) {
			t.Fatalf("%s, in another order %s", spell(once), spell(other))
		}
	})
}

// apply does what a step says, as the library would.
func apply(t *rapid.T, servers []consensus.Server, kind string, s consensus.Server) []consensus.Server {
	servers = slices.Clone(servers)
	at := slices.IndexFunc(servers, func(o consensus.Server) bool { return o.Name == s.Name })
	switch {
	case kind == "add" && at < 0:
		servers = append(servers, consensus.Server{Name: s.Name, Address: s.Address})
	case kind == "add" && !servers[at].Voter:
		servers[at].Address = s.Address
	case kind == "promote" && at >= 0:
		servers[at] = consensus.Server{Name: s.Name, Address: s.Address, Voter: true}
	case kind == "demote" && at >= 0:
		servers[at].Voter = false
	case kind == "remove" && at >= 0 && !servers[at].Voter:
		servers = slices.Delete(servers, at, at+1)
	default:
		t.Fatalf("%s %+v in %+v", kind, s, servers)
	}
	if err := consensus.ValidateServers(servers); err != nil {
		t.Fatalf("%s %+v: %v", kind, s, err)
	}
	return servers
}

func drawGroup(t *rapid.T, label string) []consensus.Server {
	names := rapid.Permutation(strings.Split("abcdef", "")).Draw(t, label)
	at := rapid.Permutation(strings.Split("123456", "")).Draw(t, label+" addresses")
	group := make([]consensus.Server, rapid.IntRange(1, len(names)).Draw(t, label+" size"))
	for i := range group {
		group[i] = consensus.Server{Name: names[i], Address: at[i], Voter: i == 0 || rapid.Bool().Draw(t, "vote")}
	}
	return group
}

func TestStepsReachWhatIsWantedWithoutRiskingTheQuorum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		current, want := drawGroup(t, "current"), drawGroup(t, "want")
		leader := current[0].Name
		healthy := set("a b c d e f")
		for range 100 {
			kind, s := consensus.NextStep(current, want, leader, healthy)
			if kind == "yield to" {
				leader = s.Name
				continue
			}
			if kind == "done" {
				byName := func(a, b consensus.Server) int { return cmp.Compare(a.Name, b.Name) }
				slices.SortFunc(current, byName)
				slices.SortFunc(want, byName)
				if !slices.Equal(current, want) {
					t.Fatalf("done at %+v, wanted %+v", current, want)
				}
				return
			}
			if kind == "wait for" && standsInTheWay(leader, current, want) {
				return // no two nodes can be there at once
			}
			current = apply(t, current, kind, s)
		}
		t.Fatalf("no end in sight at %+v, wanted %+v", current, want)
	})
}

// standsInTheWay tells whether the leader is unwanted and has a wanted address.
func standsInTheWay(leader string, current, want []consensus.Server) bool {
	has := func(list []consensus.Server, ok func(consensus.Server) bool) bool {
		return slices.ContainsFunc(list, ok)
	}
	return !has(want, func(w consensus.Server) bool { return w.Name == leader }) &&
		has(current, func(s consensus.Server) bool {
			return s.Name == leader && has(want, func(w consensus.Server) bool { return w.Address == s.Address })
		})
}

func TestStepsWaitRatherThanLeaveAMajorityOfVotersThatAreNotThere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		current, want := drawGroup(t, "current"), drawGroup(t, "want")
		leader := current[0].Name
		healthy := map[string]bool{leader: true}
		for _, name := range strings.Split("abcdef", "") {
			healthy[name] = healthy[name] || rapid.Bool().Draw(t, name)
		}
		for range 100 {
			if !majority(current, healthy) {
				return // nothing would be committed
			}
			kind, s := consensus.NextStep(current, want, leader, healthy)
			switch kind {
			case "done", "wait for":
				return
			case "yield to":
				if !healthy[s.Name] {
					t.Fatalf("leadership goes to %s, which does not answer", s.Name)
				}
				return
			}
			current = apply(t, current, kind, s)
			if !majority(current, healthy) {
				t.Fatalf("%s %s leaves %+v with %v", kind, s.Name, current, healthy)
			}
		}
		t.Fatal("no end in sight")
	})
}

func majority(servers []consensus.Server, healthy map[string]bool) bool {
	voters, there := 0, 0
	for _, s := range servers {
		if s.Voter {
			voters++
			if healthy[s.Name] {
				there++
			}
		}
	}
	return there > voters/2
}

func TestADeadVoterIsReplacedBeforeItLosesItsVote(t *testing.T) {
	current, want := members("a* b* c* d"), members("a* b* c d*")
	var steps []string
	for range 2 {
		kind, s := consensus.NextStep(current, want, "a", set("a b d"))
		steps = append(steps, kind+" "+s.Name)
		for i := range current {
			if current[i].Name == s.Name {
				current[i].Voter = s.Voter
			}
		}
	}
	if got := strings.Join(steps, ", "); got != "promote d, demote c" {
		t.Fatal(got)
	}
}
