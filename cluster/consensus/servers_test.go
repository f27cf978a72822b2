package consensus_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"hedgehog/cluster/consensus"
)

func TestAGroupThatCannotBeIsRefused(t *testing.T) {
	n := leader(t, newNode(t, newNetwork(), "n1", bootstrap).start(t))
	me := n.server(true)
	for want, servers := range map[string][]consensus.Server{
		"no voter":     {n.server(false)},
		"no name":      {me, {Address: "x"}},
		"no address":   {me, {Name: "n2"}},
		"named twice":  {me, {Name: "n1", Address: "x"}},
		"same address": {me, {Name: "n2", Address: me.Address}},
	} {
		if err := n.SetServers(timeout(t), servers); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if got := n.Servers(); len(got) != 1 || got[0] != me {
		t.Errorf("the group became %+v", got)
	}
}

func TestANodeThatIsNotThereGetsNoVote(t *testing.T) {
	n := leader(t, newNode(t, newNetwork(), "n1", bootstrap).start(t))
	absent := consensus.Server{Name: "n2", Address: "127.0.0.1:1", Voter: true}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	err := n.SetServers(ctx, []consensus.Server{n.server(true), absent})
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "wait for n2") {
		t.Fatalf("got %v", err)
	}
	for _, s := range n.Servers() {
		if s.Name == "n2" && s.Voter {
			t.Fatal("it has a vote, and n1 no quorum")
		}
	}
	n.propose(t, "still alone")
}

func TestADeadVoterIsReplacedAndFollowsWhenItReturns(t *testing.T) {
	network, nodes := group(t, 3)
	spare := newNode(t, network, "n4").start(t)
	alive := map[string]string{"n1": nodes[0].address(), "n2": nodes[1].address(), "n4": spare.address()}
	nodes[2].kill(t, nodes[0], nodes[1], spare)
	choose := func() []consensus.Server {
		return consensus.ChooseServers(nodes[0].Servers(), alive, nil, "n1")
	}
	if err := nodes[0].SetServers(timeout(t), choose()); err != nil {
		t.Fatal(err)
	}
	if got := spell(nodes[0].Servers()); got != "n1* n2* n3 n4*" {
		t.Fatalf("group %s", got)
	}
	network.heal()
	nodes[2].start(t)
	alive["n3"] = nodes[2].address()
	if err := nodes[0].SetServers(timeout(t), choose()); err != nil {
		t.Fatal(err)
	}
	nodes[0].propose(t, "x")
	nodes[2].ledger.await(t, []string{"x"})
	if got := spell(nodes[2].Servers()); got != "n1* n2* n3 n4*" {
		t.Fatalf("group %s", got)
	}
}

func TestALeaderThatLosesItsVoteHandsOverFirst(t *testing.T) {
	_, nodes := group(t, 3)
	want := []consensus.Server{nodes[1].server(true), nodes[2].server(false)}
	if err := nodes[0].SetServers(timeout(t), want); !errors.Is(err, consensus.ErrNotLeader) {
		t.Fatalf("got %v", err)
	}
	next := leader(t, nodes[1:]...)
	if next != nodes[1] {
		t.Fatalf("%s leads", next.name)
	}
	if err := next.SetServers(timeout(t), want); err != nil {
		t.Fatal(err)
	}
	if got := spell(next.Servers()); got != "n2* n3" {
		t.Fatalf("group %s", got)
	}
	next.propose(t, "x")
	nodes[2].ledger.await(t, []string{"x"})
}
