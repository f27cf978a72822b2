package cluster_test

import (
	"context"
	"errors"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"hedgehog/cluster"
)

const soon = 300 * time.Millisecond

func TestALeaderCoversNobodyBeforeItHasCaughtUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, []string{"n1"}, []string{"C"})
		s.change(s.given("C", "n1", 1, ""))
		s.caught = make(chan struct{})
		defer s.lead(1)()
		synctest.Wait()
		if err := s.renew("n1"); !errors.Is(err, cluster.ErrNotLeader) {
			t.Errorf("renewed with %v before the leader has caught up, want ErrNotLeader", err)
		}
		close(s.caught)
		synctest.Wait()
		if err := s.renew("n1"); err != nil || s.actors["n1"].covered["C"] != 1 {
			t.Errorf("covered %v, error %v; want epoch 1 of C", s.actors["n1"].covered, err)
		}
	})
}

func TestARenewalIsRefused(t *testing.T) {
	tests := []struct {
		name string
		play func(s *stage)
		want error
	}{
		{"when the term that a quorum confirms is another", func(s *stage) { s.confirm(2) }, cluster.ErrNotLeader},
		{"for a life that gossip does not show", func(s *stage) {
			r := cluster.Renewal{Node: "n1", Run: 9}
			_, err := s.controller.Renew(context.Background(), r)
			if errors.Is(err, cluster.ErrUnknownMember) {
				s.dies("n1")
			}
		}, cluster.ErrUnknownMember},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, []string{"n1"}, []string{"C"})
				defer s.lead(1)()
				s.play(soon)
				tt.play(s)
				if err := s.renew("n1"); !errors.Is(err, tt.want) {
					t.Errorf("error %v, want %v", err, tt.want)
				}
			})
		})
	}
}

func TestARenewalThatComesAfterAGoodByeChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, []string{"n1", "n2"}, []string{"C", "F"})
		defer s.lead(1)()
		s.play(soon)
		s.actors["n1"].leaving = true
		s.play(soon)
		s.actors["n1"].leaving = false
		s.play(2 * soon)
		if got, want := s.owners(), "C=n2#2/2 F=n2#2/1"; got != want {
			t.Errorf("owners are %s, want %s", got, want)
		}
	})
}

func TestWhatAnotherLeaderRevokedIsAssignedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, []string{"n1"}, []string{"C"})
		s.change(s.given("C", "n1", 1, ""))
		s.actors["n1"].revoked = map[string]uint64{"C": 1}
		defer s.lead(1)()
		s.play(soon)
		if got, want := s.owners(), "C=n1#1/2"; got != want {
			t.Errorf("owners are %s, want %s", got, want)
		}
	})
}

func TestALeaderThatIsElectedAgainKeepsWhatItRevoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, []string{"n1", "n2"}, []string{"C"})
		end := s.lead(1)
		s.play(soon)
		s.actors["n1"].idle = true // it does not stop
		s.change(symbolIs("C", true, "n2"))
		s.play(soon)
		end()
		defer s.lead(2)()
		s.play(soon)
		if covered := s.actors["n1"].covered; len(covered) > 0 {
			t.Errorf("%v is covered again", covered)
		}
		s.actors["n1"].idle = false
		s.play(soon)
		if got, want := s.owners(), "C=n2#2/2"; got != want {
			t.Errorf("owners are %s, want %s", got, want)
		}
	})
}

func TestANewLeaderTakesNothingBeforeALeaseHasPassed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, []string{"n1", "n2"}, []string{"C"})
		s.change(s.given("C", "n1", 1, ""))
		s.dies("n1")
		time.Sleep(time.Minute)
		defer s.lead(1)()
		s.play(s.timing.Lease)
		if got, want := s.owners(), "C=n1#1/1"; got != want {
			t.Errorf("owners are %s, want %s", got, want)
		}
		s.play(2 * s.timing.Margin)
		if got, want := s.owners(), "C=n2#2/2"; got != want {
			t.Errorf("owners are %s, want %s", got, want)
		}
	})
}

func TestNothingIsCommittedWhenNothingHappens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, []string{"n1", "n2", "n3"}, traded)
		defer s.lead(1)()
		s.play(2 * soon)
		before := s.read()
		s.play(time.Minute)
		if after := s.read(); after != before {
			t.Errorf("%d commits while nothing happened", after.Index-before.Index)
		}
	})
}

func TestPlanGivesNothingToWhoIsNoMember(t *testing.T) {
	state := &cluster.State{
		Members: map[string]cluster.Member{"n1": {Name: "n1"}},
		Symbols: map[string]cluster.Symbol{"C": {Name: "C", Assigned: true}, "F": {Name: "F", Assigned: true}, "X": {Name: "X"}},
	}
	got := cluster.Plan(state, []cluster.Peer{{Name: "n1"}, {Name: "n2"}})
	if want := map[string]string{"C": "n1", "F": "n1"}; !maps.Equal(got, want) {
		t.Errorf("plan %v, want %v", got, want)
	}
}
