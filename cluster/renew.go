package cluster

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// holder names one life of a node: another life is another holder, whose lease
// says nothing of this one's.
func holder(node string, run int64) string { return node + "#" + strconv.FormatInt(run, 10) }

// Renew answers a renewal: ErrNotLeader when this node does not lead for certain,
// ErrUnknownMember when the sender is not among the peers. received is noted before
// leadership is verified: a leader that was paused in between can't extend
// anything.
func (c *Controller) Renew(ctx context.Context, r Renewal) (Grant, error) {
	received := c.config.Now()
	term, leading := c.leads()
	if !leading {
		return Grant{}, ErrNotLeader
	}
	if !c.living(r.Node, r.Run) {
		return Grant{}, fmt.Errorf("%w: %s", ErrUnknownMember, r.Node)
	}
	if err := c.log.Verify(ctx, term); err != nil {
		return Grant{}, fmt.Errorf("%w: %w", ErrNotLeader, err)
	}
	state := c.state()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.leading || c.term != term {
		return Grant{}, ErrNotLeader
	}
	c.note(r, received, state)
	return c.grant(r, received, state), nil
}

func (c *Controller) living(node string, run int64) bool {
	return slices.ContainsFunc(c.peers(), func(p Peer) bool { return p.Name == node && p.Run == run })
}

// note takes what the renewal tells. Renewals may overtake each other: good-byes
// and releases are for ever, what is ready is as the latest one has it. The caller
// holds mu.
func (c *Controller) note(r Renewal, received time.Time, state *State) {
	h := holder(r.Node, r.Run)
	w := c.heard[h]
	changed := w == nil
	if w == nil {
		w = new(word)
		c.heard[h] = w
	}
	if r.Leaving && !w.leaving {
		w.leaving, changed = true, true
	}
	if received.After(w.received) {
		ready := make(map[string]bool, len(r.Ready))
		for _, symbol := range r.Ready {
			ready[symbol] = true
		}
		changed = changed || !maps.Equal(w.ready, ready)
		w.received, w.ready = received, ready
	}
	for symbol, epoch := range r.Released {
		// Also what another leader asked for: the node will not act under this epoch
		// again, so that even to stay there the symbol has to be assigned anew.
		if a := state.Assignments[symbol]; a.Epoch == epoch && a.Node == r.Node && a.Run == r.Run {
			if free, _ := c.book.Free(h, symbol, epoch); !free {
				changed = true
			}
			c.revoke(symbol, epoch)
			c.book.Released(h, symbol, epoch)
		}
	}
	if changed {
		c.news++
		signal(c.wake)
	}
}

// grant covers what the state gives to the holder and nobody takes away; the
// caller holds mu.
func (c *Controller) grant(r Renewal, received time.Time, state *State) Grant {
	g := Grant{Term: c.term, Revoked: make(map[string]uint64)}
	owned := make(map[string]uint64)
	for symbol, a := range state.Assignments {
		switch {
		case a.Node != r.Node || a.Run != r.Run:
		case r.Leaving || c.revoked[symbol] == a.Epoch:
			g.Revoked[symbol] = a.Epoch
		default:
			owned[symbol] = a.Epoch
		}
	}
	g.Covered = c.book.Grant(holder(r.Node, r.Run), received, owned)
	return g
}

// revoke ends the covering of a symbol under its epoch, for good: it can only be
// assigned anew. The caller holds mu.
func (c *Controller) revoke(symbol string, epoch uint64) {
	c.revoked[symbol] = max(c.revoked[symbol], epoch)
	c.book.Revoke(symbol, epoch)
}
