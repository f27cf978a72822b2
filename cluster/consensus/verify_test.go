package consensus_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"hedgehog/cluster/consensus"
)

func TestManyCallersVerifyTogether(t *testing.T) {
	_, nodes := group(t, 3)
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			if err := nodes[0].VerifyLeader(timeout(t)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// The library counts every peer that answers, voter or not.
func TestANonVotersAnswerVerifiesNothing(t *testing.T) {
	network, nodes := group(t, 3)
	listener := newNode(t, network, "n4").start(t)
	want := []consensus.Server{listener.server(false)}
	for _, n := range nodes {
		want = append(want, n.server(true))
	}
	if err := nodes[0].SetServers(timeout(t), want); err != nil {
		t.Fatal(err)
	}
	network.split([]string{"n1"}, []string{"n2", "n3"})
	for nodes[0].IsLeader() {
		if err := nodes[0].VerifyLeader(timeout(t)); !errors.Is(err, consensus.ErrNotLeader) {
			t.Fatalf("got %v from a non-voter's answer alone", err)
		}
	}
}

// A leader that was paused finds answers in its sockets that were given before:
// they must not count, since another one may lead by now. Here its links are
// frozen instead of the process, and its own time-outs are long, as they are for
// one that does not run.
func TestAnswersFromBeforeThePauseVerifyNothing(t *testing.T) {
	network, nodes := slowLeader(t)
	if err := nodes[0].VerifyLeader(timeout(t)); err != nil {
		t.Fatal(err)
	}
	term := nodes[0].Term()

	thaw := network.freezeReads(t, nodes[0].name)
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := nodes[0].VerifyLeader(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("with its answers held back: %v", err)
	}
	network.freezeWrites(t, nodes[0].name) // answers to what was sent until now lie in the sockets
	second := leader(t, nodes[1:]...)
	if second.Term() <= term || !nodes[0].IsLeader() {
		t.Fatalf("term %d after %d, the old leader leads: %v", second.Term(), term, nodes[0].IsLeader())
	}

	verified := make(chan error, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	go func() { verified <- nodes[0].VerifyLeader(ctx) }()
	<-time.After(50 * time.Millisecond) // for the check to begin, of which there is no sign outside
	thaw()
	if err := <-verified; err == nil {
		t.Fatal("a deposed leader was verified by answers from before")
	}
}

func TestWhoAsksDuringACheckIsNotAnsweredByIt(t *testing.T) {
	network, nodes := slowLeader(t)
	thawReads := network.freezeReads(t, nodes[0].name)
	first, second := make(chan error, 1), make(chan error, 1)
	go func() { first <- nodes[0].VerifyLeader(timeout(t)) }()
	<-time.After(100 * time.Millisecond) // for its messages to go out, of which there is no sign outside
	thawWrites := network.freezeWrites(t, nodes[0].name)
	go func() { second <- nodes[0].VerifyLeader(timeout(t)) }()
	<-time.After(50 * time.Millisecond)
	thawReads()
	if err := <-first; err != nil {
		t.Fatalf("the first: %v", err)
	}
	select {
	case err := <-second:
		t.Fatalf("the second was answered before anything was sent for it: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	thawWrites()
	network.heal()
	<-second // either way: another one may lead by now
}

func TestAVerificationEndsWithItsContext(t *testing.T) {
	network, nodes := slowLeader(t)
	network.split(names(nodes[:1]), names(nodes[1:]))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := nodes[0].VerifyLeader(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
}
