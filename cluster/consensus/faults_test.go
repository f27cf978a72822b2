package consensus_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hedgehog/cluster/consensus"
)

// Three nodes, whose links break and whose processes end at random while every
// node proposes what it can. What was acknowledged has to be there in the end, on
// all nodes in the same order; what was refused must not be; nothing twice.
func TestAcknowledgedCommandsSurviveCutsAndRestarts(t *testing.T) {
	network, nodes := group(t, 3, small)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	chaos := rand.New(rand.NewPCG(seed, 0))

	ctx, cancel := context.WithCancel(t.Context())
	var mu sync.RWMutex // a node is replaced under it
	outcomes := make([]outcomes, len(nodes))
	var acknowledged atomic.Int64
	var proposers sync.WaitGroup
	for i := range nodes {
		proposers.Go(func() {
			for k := 0; ctx.Err() == nil; k++ {
				mu.RLock()
				c := nodes[i].Consensus
				mu.RUnlock()
				if outcomes[i].propose(ctx, c, fmt.Sprintf("n%d-%d", i+1, k)) {
					acknowledged.Add(1)
				}
			}
		})
	}
	for range 6 {
		one := chaos.IntN(len(nodes))
		rest := names(slices.Delete(slices.Clone(nodes), one, one+1))
		network.split([]string{nodes[one].name}, rest)
		if chaos.IntN(2) == 0 {
			if err := nodes[one].stop(t); err != nil {
				t.Error(err)
			}
			mu.Lock()
			restartAt(t, nodes[one], nodes[one].address())
			mu.Unlock()
		}
		<-time.After(time.Duration(chaos.IntN(400)) * time.Millisecond) // how long the fault lasts
		network.heal()
	}
	eventually(t, "a command that is acknowledged", func() bool { return acknowledged.Load() > 0 })
	cancel()
	proposers.Wait()

	last := leader(t, nodes...)
	if err := last.Barrier(timeout(t)); err != nil {
		t.Fatal(err)
	}
	final := last.ledger.commands()
	for _, n := range nodes {
		n.ledger.await(t, final)
	}
	for i := range outcomes {
		outcomes[i].check(t, final)
	}
}

// outcomes is what one proposer was told.
type outcomes struct{ acknowledged, refused []string }

// propose notes the outcome and says whether the command is acknowledged.
func (o *outcomes) propose(ctx context.Context, c *consensus.Consensus, command string) bool {
	bound, cancel := context.WithTimeout(context.WithoutCancel(ctx), 500*time.Millisecond)
	defer cancel()
	_, err := c.Propose(bound, []byte(command))
	switch {
	case err == nil:
		o.acknowledged = append(o.acknowledged, command)
	case errors.Is(err, consensus.ErrUnknownOutcome):
	default:
		o.refused = append(o.refused, command)
		select { // until there may be a leader
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	return err == nil
}

func (o *outcomes) check(t *testing.T, final []string) {
	t.Helper()
	times := make(map[string]int, len(final))
	for _, command := range final {
		if times[command]++; times[command] > 1 {
			t.Errorf("%s was applied twice", command)
		}
	}
	for _, command := range o.acknowledged {
		if times[command] == 0 {
			t.Errorf("%s was acknowledged and is lost", command)
		}
	}
	for _, command := range o.refused {
		if times[command] > 0 {
			t.Errorf("%s was refused and is there", command)
		}
	}
}
