package consensus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"
)

// Leadership says whether this node leads.
type Leadership struct {
	Leading bool
	Term    uint64
	Since   time.Time // when this node noticed, with a monotonic reading
}

// LeadershipChanged gives the latest change that was not received yet; it is for
// one receiver. Changes that follow fast may be left out, the last one never is:
// where Leading stays true and Term is another, leadership was lost and won again.
// A new leader has to Barrier before it acts on its state machine.
func (c *Consensus) LeadershipChanged() <-chan Leadership { return c.changes }

// IsLeader tells whether this node thinks that it leads. Only VerifyLeader knows.
func (c *Consensus) IsLeader() bool {
	r := c.running()
	return r != nil && r.State() == raft.Leader
}

// Term is the newest term that this node has seen.
func (c *Consensus) Term() uint64 {
	if r := c.running(); r != nil {
		return r.CurrentTerm()
	}
	return 0
}

// Leader is who leads as far as this node knows, with the address that the leader
// itself gives.
func (c *Consensus) Leader() (Server, bool) {
	r := c.running()
	if r == nil {
		return Server{}, false
	}
	address, name := r.LeaderWithID()
	return Server{Name: string(name), Address: string(address), Voter: true}, name != ""
}

// HasQuorum tells whether the group can decide things as far as this node knows:
// it leads and had a quorum's answers within LeaderLease, or it heard a leader
// within two Heartbeats.
func (c *Consensus) HasQuorum() bool {
	r := c.running()
	if r == nil {
		return false
	}
	if l := leadership(r); l.Leading {
		since := time.Now().Add(-c.config.Timing.LeaderLease)
		return c.acks.quorum(c.servers(r), c.config.Name, func(a ack) bool {
			return a.term == l.Term && a.at.After(since)
		})
	}
	_, leader := r.LeaderWithID()
	return leader != "" && time.Since(r.LastContact()) < 2*c.config.Timing.Heartbeat
}

// TransferLeadership makes the voter called to the leader, or the one that is
// furthest along where to is empty. It returns nil when this node has stepped
// down for it, and when to leads already; ErrNoAnswer when who should lead does
// not answer.
func (c *Consensus) TransferLeadership(ctx context.Context, to string) error {
	if to == c.config.Name && c.IsLeader() {
		return nil
	}
	r := c.running()
	if r == nil {
		return fmt.Errorf("transfer leadership: %w", ErrStopped)
	}
	voter, err := c.successor(ctx, r, to)
	if err == nil {
		_, err = c.call(ctx, func(r *raft.Raft, _ time.Duration) raft.Future {
			return r.LeadershipTransferToServer(raft.ServerID(voter.Name), raft.ServerAddress(voter.Address))
		})
	}
	if err != nil {
		return fmt.Errorf("transfer leadership to %q: %w", to, err)
	}
	return nil
}

// successor is choose, with a little time for an answer to come.
func (c *Consensus) successor(ctx context.Context, r *raft.Raft, to string) (Server, error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.Timing.Election)
	defer cancel()
	for {
		news := c.acks.wait()
		voter, err := c.choose(r, to)
		if !errors.Is(err, ErrNoAnswer) {
			return voter, err
		}
		select {
		case <-news:
		case <-ctx.Done():
			return Server{}, err
		}
	}
}

// choose returns the voter to give leadership to: the one called to or, where that is
// empty, the one that is furthest along. It has to have answered lately. The library goes
// on waiting for one that does not, and asked a second time takes no commands meanwhile
// (hashicorp/raft issue 696).
func (c *Consensus) choose(r *raft.Raft, to string) (best Server, err error) {
	now := leadership(r)
	if !now.Leading {
		return Server{}, c.notLeader(r)
	}
	since := time.Now().Add(-c.config.Timing.LeaderLease)
	var lastLog uint64
	voters := 0
	for _, s := range c.servers(r) {
		if !s.Voter || s.Name == c.config.Name || to != "" && s.Name != to {
			continue
		}
		voters++
		a := c.acks.of(s.Name)
		if a.term == now.Term && a.at.After(since) && (best.Name == "" || a.lastLog > lastLog) {
			best, lastLog = s, a.lastLog
		}
	}
	switch {
	case voters == 0:
		return Server{}, ErrUnknownServer
	case best.Name == "":
		return Server{}, ErrNoAnswer
	default:
		return best, nil
	}
}

// running is the library, or nil outside Run's life.
func (c *Consensus) running() *raft.Raft {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.raft
}

// leadership is what holds now: terms change only outside leadership, so a term
// that is the same before and after was led in.
func leadership(r *raft.Raft) Leadership {
	for {
		term := r.CurrentTerm()
		leading := r.State() == raft.Leader
		if r.CurrentTerm() == term {
			return Leadership{Leading: leading, Term: term, Since: time.Now()}
		}
	}
}

// watchLeadership publishes what holds after each of the library's notices, and at
// the end that this node does not lead.
func (c *Consensus) watchLeadership(ctx context.Context, r *raft.Raft, notices <-chan bool) {
	var last Leadership
	for {
		select {
		case <-notices:
			now := leadership(r)
			if now.Leading != last.Leading || now.Leading && now.Term != last.Term {
				c.publish(now)
				last = now
			}
			c.acks.signal() // for who waits for answers that will not come any more
		case <-ctx.Done():
			if last.Leading {
				c.publish(Leadership{Term: last.Term, Since: time.Now()})
			}
			return
		}
	}
}

// publish replaces what was not received yet. Only watchLeadership calls it.
func (c *Consensus) publish(l Leadership) {
	select {
	case <-c.changes:
	default:
	}
	c.changes <- l
	c.log.Info("leadership changed", "node", c.config.Name, "leading", l.Leading, "term", l.Term)
}
