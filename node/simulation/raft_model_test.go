package simulation_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hedgehog/cluster/consensus"
)

func TestRaftModelADeadLeaderIsReplacedAsSoonAsARealOne(t *testing.T) {
	var took []time.Duration
	for seed := range uint64(40) {
		withRafters(t, seed, 3+2*int(seed%2), func(r *rafters) {
			old := r.mustLead()
			r.mustPropose(old, "before")
			r.crash(old.name())
			took = append(took, r.within(2*time.Second, "another leader", func() bool { return r.leader() != nil }))
			r.mustPropose(r.leader(), "after")
			r.settle(time.Second)
			r.mustAgree()
		})
	}
	slices.Sort(took)
	t.Logf("%v to %v, median %v", took[0], took[len(took)-1], took[len(took)/2])
	timing := consensus.LocalTiming()
	if took[0] < timing.Heartbeat-timing.Heartbeat/10 || took[len(took)/2] > 600*time.Millisecond || took[len(took)-1] > 1200*time.Millisecond {
		t.Error("that is not what Raft's timing makes of it")
	}
}

func TestRaftModelADeposedLeaderBelievesInItselfButNeitherCommitsNorVerifies(t *testing.T) {
	for _, way := range []string{"both ways", "to it", "from it"} {
		t.Run(way, func(t *testing.T) {
			withRafters(t, 1, 3, func(r *rafters) {
				old := r.mustLead()
				r.change(func() {
					for _, name := range r.names {
						r.cut(old.name(), name, way != "to it")
						r.cut(name, old.name(), way != "from it")
					}
				})
				if !old.IsLeader() || !old.HasQuorum() {
					t.Error("it knows at once, before a message could have told it")
				}
				ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
				defer cancel()
				verified := make(chan error, 1)
				go func() { verified <- old.VerifyLeader(ctx) }()
				if _, err := old.Propose(ctx, []byte("lost")); !errors.Is(err, consensus.ErrUnknownOutcome) {
					t.Errorf("proposed: %v", err)
				}
				if err := <-verified; !errors.Is(err, consensus.ErrNotLeader) {
					t.Errorf("verified: %v", err)
				}
				if l, known := old.Leader(); old.IsLeader() || old.HasQuorum() || known {
					t.Errorf("after its lease it knows %v as the leader", l)
				}
				if way == "from it" {
					return // what it proposed may have got through
				}
				other := r.mustLead()
				r.mustPropose(other, "kept")
				r.change(func() { r.isolate(old.name(), false, r.names...) })
				r.settle(time.Second)
				r.mustAgree()
				if l, _ := old.Leader(); l.Name != other.name() || old.Term() != other.Term() || len(r.history()) != 1 {
					t.Errorf("%v leads in term %d, committed %v", l, old.Term(), r.history())
				}
			})
		})
	}
}

func TestRaftModelAMinorityElectsNobody(t *testing.T) {
	withRafters(t, 2, 5, func(r *rafters) {
		leader := r.mustLead().name()
		others := slices.DeleteFunc(slices.Clone(r.names), func(name string) bool { return name == leader })
		term := r.nodes[others[0]].Term()
		r.crash(leader)
		r.change(func() {
			for _, away := range others[2:] {
				r.isolate(away, true, r.names...)
			}
		})
		time.Sleep(20 * time.Second)
		if l := r.leader(); l != nil {
			t.Fatalf("%s leads\n%s", l.name(), r.timeline())
		}
		for _, name := range others {
			n := r.nodes[name]
			if _, err := n.Propose(context.Background(), []byte("x")); !errors.Is(err, consensus.ErrNotLeader) || n.HasQuorum() || n.Term() != term {
				t.Errorf("%s in term %d, at first %d, quorum %t: %v", name, n.Term(), term, n.HasQuorum(), err)
			}
		}
		r.change(func() { r.isolate(others[2], false, others[:3]...) })
		r.mustPropose(r.mustLead(), "three of five")
	})
}

func TestRaftModelATermHasOneLeader(t *testing.T) {
	withRafters(t, 11, 5, func(r *rafters) {
		// With messages that take a good part of the time-outs candidates get into
		// each other's way.
		r.timing.Heartbeat, r.timing.Election, r.timing.LeaderLease = 5*time.Millisecond, 5*time.Millisecond, 5*time.Millisecond
		for _, name := range r.names {
			r.crash(name)
			r.start(name)
		}
		for range 200 {
			leader := r.mustLead().name()
			r.crash(leader)
			time.Sleep(20 * time.Millisecond)
			r.start(leader)
		}
		r.settle(time.Second)
		leaders := make(map[string]string)
		for line := range strings.Lines(r.timeline()) {
			_, election, ok := strings.Cut(line, "raft: ")
			name, term, leads := strings.Cut(election, " leads term ")
			if !ok || !leads {
				continue
			}
			term, _, _ = strings.Cut(term, ",")
			if other := leaders[term]; other != "" {
				t.Errorf("%s and %s led in term %s", other, name, term)
			}
			leaders[term] = name
		}
		if len(leaders) < 200 {
			t.Errorf("%d elections", len(leaders))
		}
	})
}

func TestRaftModelAFollowerThatIsCutOffForAWhileDeposesNobody(t *testing.T) {
	withRafters(t, 3, 3, func(r *rafters) {
		leader := r.mustLead()
		term, away := leader.Term(), r.names[0]
		if away == leader.name() {
			away = r.names[1]
		}
		r.change(func() { r.isolate(away, true, r.names...) })
		time.Sleep(5 * time.Second)
		r.mustPropose(leader, "without it")
		r.change(func() { r.isolate(away, false, r.names...) })
		r.settle(200 * time.Millisecond)
		if l := r.leader(); l != leader || l.Term() != term {
			t.Errorf("%s leads in term %d\n%s", l.name(), l.Term(), r.timeline())
		}
	})
}

func TestRaftModelAPausedLeaderWakesUpBelievingInItself(t *testing.T) {
	withRafters(t, 4, 3, func(r *rafters) {
		old := r.mustLead()
		term := old.Term()
		answered := make(chan error, 1)
		r.change(func() { r.pause(old.name()) })
		go func() { answered <- old.VerifyLeader(context.Background()) }()
		other := r.mustLead()
		r.mustPropose(other, "meanwhile")
		select {
		case err := <-answered:
			t.Errorf("a stopped process answered: %v", err)
		default:
		}
		if !old.IsLeader() || old.Term() != term {
			t.Error("a stopped process learnt something")
		}
		r.change(func() { r.resume(old.name()) })
		if !old.IsLeader() {
			t.Error("it knows without having heard anything")
		}
		if err := <-answered; !errors.Is(err, consensus.ErrNotLeader) {
			t.Errorf("verified: %v", err)
		}
		r.settle(200 * time.Millisecond)
		r.mustAgree()
	})
}

func TestRaftModelARestartAppliesAgainWhatTheStateLacks(t *testing.T) {
	withRafters(t, 5, 3, func(r *rafters) {
		leader := r.mustLead()
		for i := range 10 {
			r.mustPropose(leader, fmt.Sprint(i))
		}
		r.settle(time.Second)
		for _, name := range r.names {
			r.crash(name)
		}
		lost := 0
		for _, name := range r.names {
			lost += 3
			r.tapes[name].lose(lost) // 3, 6, 9
			r.start(name)
		}
		r.settle(3 * time.Second)
		r.mustAgree()
		if got := len(r.history()); got != 10 {
			t.Errorf("%d commands, want 10", got)
		}
	})
}

func TestRaftModelAGracefulEndHandsLeadershipOver(t *testing.T) {
	withRafters(t, 6, 3, func(r *rafters) {
		old := r.mustLead()
		r.mustPropose(old, "before")
		began := time.Now()
		r.stop[old.name()]()
		r.within(time.Second, "its end", func() bool { return !r.alive(old.name()) })
		r.within(10*time.Millisecond, "another leader", func() bool { return r.leader() != nil })
		if took := time.Since(began); took > 50*time.Millisecond {
			t.Errorf("it took %v\n%s", took, r.timeline())
		}
		if _, err := old.Propose(context.Background(), []byte("x")); err == nil {
			t.Error("it still takes commands")
		}
		r.mustPropose(r.leader(), "after")
	})
}

func TestRaftModelLeadershipGoesToTheVoterThatIsNamed(t *testing.T) {
	withRafters(t, 7, 3, func(r *rafters) {
		for _, name := range []string{"n2", "n3", "n1", "n1"} {
			if err := r.mustLead().TransferLeadership(context.Background(), name); err != nil {
				t.Fatal(err)
			}
			r.within(20*time.Millisecond, name+" leads", func() bool { return r.leader() == r.nodes[name] })
			if err := r.nodes[name].VerifyLeader(context.Background()); err != nil {
				t.Error(err)
			}
		}
		if err := r.leader().TransferLeadership(context.Background(), "n9"); !errors.Is(err, consensus.ErrUnknownServer) {
			t.Error(err)
		}
		if err := r.nodes["n2"].TransferLeadership(context.Background(), "n3"); !errors.Is(err, consensus.ErrNotLeader) {
			t.Error(err)
		}
	})
}

func TestRaftModelOnlyVotersCount(t *testing.T) {
	withRafters(t, 8, 3, func(r *rafters) {
		r.tapes["n4"], r.tapes["n5"] = &tape{tb: t}, &tape{tb: t}
		r.names = append(r.names, "n4", "n5")
		r.start("n4")
		r.start("n5")
		r.mustSet(r.mustLead(), r.voters(3))
		r.mustPropose(r.leader(), "with followers")
		r.settle(time.Second)
		r.crash("n2")
		r.mustPropose(r.mustLead(), "two of three")
		r.crash("n3")
		time.Sleep(2 * time.Second)
		if l := r.leader(); l != nil {
			t.Fatalf("%s leads with one of three voters\n%s", l.name(), r.timeline())
		}
		r.start("n2")
		leader := r.mustLead()
		want := []consensus.Server{{Name: "n1", Address: "n1:1", Voter: true}, {Name: "n2", Address: "n2:1", Voter: true}, {Name: "n4", Address: "n4:2", Voter: true}}
		r.mustSet(leader, want)
		r.settle(time.Second)
		if got := r.nodes["n4"].Servers(); !slices.Equal(got, want) {
			t.Errorf("servers %v, want %v", got, want)
		}
		r.crash("n1")
		r.mustPropose(r.mustLead(), "two of the new three")
	})
}

func TestRaftModelALeaderThatIsToLoseItsVoteYields(t *testing.T) {
	withRafters(t, 9, 3, func(r *rafters) {
		old := r.mustLead()
		want := slices.DeleteFunc(r.voters(3), func(s consensus.Server) bool { return s.Name == old.name() })
		if err := old.SetServers(context.Background(), want); !errors.Is(err, consensus.ErrNotLeader) {
			t.Errorf("set servers: %v", err)
		}
		r.mustSet(r.mustLead(), want)
		if got := r.leader().Servers(); !slices.Equal(got, want) {
			t.Errorf("servers %v, want %v", got, want)
		}
	})
}

func TestRaftModelWhoIsFarBehindMayGetASnapshot(t *testing.T) {
	restores := 0
	for seed := range uint64(12) {
		withRafters(t, seed, 3, func(r *rafters) {
			leader := r.mustLead()
			away := "n2"
			if leader.name() == away {
				away = "n3"
			}
			r.crash(away)
			for i := range 3 * snapshotBehind {
				r.mustPropose(leader, fmt.Sprint(i))
			}
			r.start(away)
			r.settle(time.Second)
			r.mustPropose(leader, "and on")
			r.settle(time.Second)
			r.mustAgree()
			restores += r.tapes[away].restores
		})
	}
	if restores == 0 || restores == 12 {
		t.Errorf("%d of 12 got one", restores)
	}
}

func TestRaftModelLeadershipChangedGivesTheLatest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRafters(t, 10, 1)
		defer r.close()
		n := r.mustLead()
		if l := <-n.LeadershipChanged(); !l.Leading || l.Term != n.Term() || l.Since.IsZero() {
			t.Errorf("%+v", l)
		}
		r.stop["n1"]()
		r.within(time.Second, "its end", func() bool { return !r.alive("n1") })
		if l := <-n.LeadershipChanged(); l.Leading {
			t.Errorf("%+v", l)
		}
	})
}
