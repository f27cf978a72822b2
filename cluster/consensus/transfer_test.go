package consensus_test

import (
	"errors"
	"testing"

	"hedgehog/cluster/consensus"
)

// The library waits for what it has sent to the voter it gives leadership to. Asked
// twice while that one is cut off, it once took no commands any more.
func TestLeadershipIsNotGivenToAVoterThatDoesNotAnswer(t *testing.T) {
	network, nodes := group(t, 3)
	network.split([]string{"n1"}, []string{"n2"})
	nodes[0].propose(t, "n2 lacks this")
	// It may have answered just before, and is given a try then.
	eventually(t, "refused for want of an answer", func() bool {
		err := nodes[0].TransferLeadership(timeout(t), "n2")
		if err == nil {
			t.Fatal("leadership went to a node that is cut off")
		}
		return errors.Is(err, consensus.ErrNoAnswer)
	})
	if err := nodes[0].TransferLeadership(timeout(t), "n2"); !errors.Is(err, consensus.ErrNoAnswer) {
		t.Errorf("got %v, want %v", err, consensus.ErrNoAnswer)
	}
	nodes[0].propose(t, "still here")
	if err := nodes[0].TransferLeadership(timeout(t), ""); err != nil {
		t.Fatal(err)
	}
	if got := leader(t, nodes...); got != nodes[2] {
		t.Errorf("%s leads, want n3, the only one that the leader reached", got.name)
	}
}
