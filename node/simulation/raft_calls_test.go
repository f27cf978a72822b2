package simulation_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"time"

	"hedgehog/cluster/consensus"
	"hedgehog/node"
)

var _ node.Consensus = (*raftNode)(nil)

// raftCall waits for an answer, which comes once.
type raftCall struct {
	done   chan struct{} // closed when result and err are there
	result any
	err    error
	over   bool // nobody waits any more
	shared int  // by how many callers beside the first
	asks   bool // it changes nothing: an outcome that is not known does not matter
}

func newRaftCall() *raftCall { return &raftCall{done: make(chan struct{})} }

// finish answers the call, unless it was. The group's lock is held.
func (c *raftCall) finish(result any, err error) {
	if c.over {
		return
	}
	c.result, c.err, c.over = result, err, true
	close(c.done)
}

// answer finishes the call in a moment of its own: those who wait are not to go on
// all at one instant.
func (n *raftNode) answer(call *raftCall, what string, result any, err error) {
	finish := func() { call.finish(result, err) }
	n.after(n.between(0, 20*time.Microsecond, "raft answers "+what), finish, finish)
}

// enter waits for the process to go on, and returns with the lock held and no error
// where the node takes part.
func (n *raftNode) enter(ctx context.Context, what string) error {
	if err := n.pass(ctx, what); err != nil {
		return err
	}
	n.mu.Lock()
	if !n.running || n.closing || !n.lives() {
		n.mu.Unlock()
		return consensus.ErrStopped
	}
	return nil
}

// await waits for the answer as long as the caller does.
func (n *raftNode) await(ctx context.Context, call *raftCall) error {
	var err error
	select {
	case <-call.done:
		return call.err
	case <-ctx.Done():
		err = ctx.Err()
	case <-n.life.ended:
		err = errOver
	}
	_ = n.net.gate(context.WithoutCancel(ctx), n.life)
	n.mu.Lock()
	defer n.mu.Unlock()
	call.shared--
	call.over = call.over || call.shared < 0
	if call.asks {
		return err
	}
	return fmt.Errorf("%w: %w", consensus.ErrUnknownOutcome, err)
}

// Propose implements node.Consensus.
func (n *raftNode) Propose(ctx context.Context, data []byte) (any, error) {
	if len(data) > consensus.MaxCommand {
		return nil, fmt.Errorf("propose %d bytes: %w", len(data), consensus.ErrTooLarge)
	}
	h := fnv.New64a()
	_, _ = h.Write(data)
	call, err := n.submit(ctx, raftEntry{command: true, data: slices.Clone(data)}, fmt.Sprintf("propose %x", h.Sum64()))
	if err != nil {
		return nil, fmt.Errorf("propose: %w", err)
	}
	if refused, ok := call.result.(error); ok {
		return nil, refused
	}
	return call.result, nil
}

// Barrier implements node.Consensus.
func (n *raftNode) Barrier(ctx context.Context) error {
	if _, err := n.submit(ctx, raftEntry{}, "barrier"); err != nil {
		return fmt.Errorf("barrier: %w", err)
	}
	return nil
}

// submit has the leader write an entry to its log, when its disk has, and waits
// until it is applied. Nothing tells apart the callers who want the same at one
// instant: they share an entry.
func (n *raftNode) submit(ctx context.Context, e raftEntry, what string) (*raftCall, error) {
	if err := n.enter(ctx, "raft "+what); err != nil {
		return nil, err
	}
	if err := n.mayWrite(); err != nil {
		n.mu.Unlock()
		return nil, err
	}
	draft := raftDraft{what, time.Now()}
	call := n.drafts[draft]
	if call != nil {
		call.shared++
		n.mu.Unlock()
		return call, n.await(ctx, call)
	}
	call = newRaftCall()
	n.drafts[draft] = call
	n.after(n.between(20*time.Microsecond, 400*time.Microsecond, "raft "+what), func() {
		delete(n.drafts, draft)
		if err := n.mayWrite(); err != nil {
			call.finish(nil, err)
			return
		}
		n.append(e, call)
	}, func() { call.finish(nil, consensus.ErrStopped) })
	n.mu.Unlock()
	return call, n.await(ctx, call)
}

// raftDraft is something that is about to be written to the log.
type raftDraft struct {
	what string
	at   time.Time
}

// mayWrite says whether the node takes on what is to be written to the log.
func (n *raftNode) mayWrite() error {
	switch {
	case !n.leads || n.transfer != nil:
		return n.notLeader()
	case !n.running:
		return consensus.ErrStopped
	}
	return nil
}

// notLeader names the leader where that is another.
func (n *raftNode) notLeader() error {
	if n.leader.Name == n.name() {
		return &consensus.NotLeaderError{}
	}
	return &consensus.NotLeaderError{Leader: n.leader}
}

// VerifyLeader implements node.Consensus.
func (n *raftNode) VerifyLeader(ctx context.Context) error {
	if err := n.enter(ctx, "raft verify"); err != nil {
		return fmt.Errorf("verify leadership: %w", err)
	}
	if !n.leads {
		defer n.mu.Unlock()
		return fmt.Errorf("verify leadership: %w", n.notLeader())
	}
	call := newRaftCall()
	call.asks = true
	n.checks = append(slices.DeleteFunc(n.checks, func(c *raftCall) bool { return c.over }), call)
	n.check(call)
	n.mu.Unlock()
	if err := n.await(ctx, call); err != nil {
		return fmt.Errorf("verify leadership: %w", err)
	}
	return nil
}

// check asks all voters whether they follow this leader in its term, again and
// again those whose answer does not come, and answers the call when a majority has
// said so.
func (n *raftNode) check(call *raftCall) {
	term := n.term
	yes := make(map[string]bool)
	count := func(name string) {
		yes[name] = true
		have, voters := 0, 0
		for _, s := range n.servers() {
			if s.Voter {
				voters++
				if yes[s.Name] {
					have++
				}
			}
		}
		if have > voters/2 {
			call.finish(nil, nil)
		}
	}
	var ask func(name string)
	ask = func(name string) {
		if call.over || !n.leads || n.term != term {
			return
		}
		voter := n.group.node(name)
		if voter == nil {
			n.after(n.heartbeat(name), func() { ask(name) }, nil)
			return
		}
		n.ask(voter, "raft check", func() func() {
			newest := voter.term
			if newest <= term {
				voter.follow(n, term)
			}
			return func() {
				switch {
				case newest > n.term:
					n.hearTerm(newest)
				case newest <= term && n.leads && n.term == term:
					count(name)
				}
			}
		}, func() { ask(name) })
	}
	for _, s := range n.servers() {
		if s.Voter && s.Name != n.name() {
			ask(s.Name)
		}
	}
	count(n.name())
}

// Term implements node.Consensus.
func (n *raftNode) Term() uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.running {
		return 0
	}
	return n.term
}

// Leader implements node.Consensus.
func (n *raftNode) Leader() (consensus.Server, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.leader, n.running && n.leader.Name != ""
}

// IsLeader tells whether this node thinks that it leads.
func (n *raftNode) IsLeader() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.running && n.leads
}

// LeadershipChanged implements node.Consensus.
func (n *raftNode) LeadershipChanged() <-chan consensus.Leadership { return n.changes }

// HasQuorum implements node.Consensus.
func (n *raftNode) HasQuorum() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case !n.running:
		return false
	case n.leads:
		return n.lonely.IsZero() || time.Since(n.lonely) < n.config.Timing.LeaderLease
	default:
		return n.leader.Name != "" && (n.hears || time.Since(n.silent) < 2*n.config.Timing.Heartbeat)
	}
}

func isVoter(servers []consensus.Server, name string) bool {
	return slices.ContainsFunc(servers, func(s consensus.Server) bool { return s.Voter && s.Name == name })
}

func hasOtherVoter(servers []consensus.Server, name string) bool {
	return slices.ContainsFunc(servers, func(s consensus.Server) bool { return s.Voter && s.Name != name })
}

func sortedKeys[V any](m map[uint64]V) []uint64 { return slices.Sorted(maps.Keys(m)) }

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
