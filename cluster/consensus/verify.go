package consensus

import (
	"context"
	"fmt"
	"sync"

	"github.com/hashicorp/raft"
)

// VerifyLeader returns nil if this node led, in one term, at some time after the
// call began: a quorum of the voters said so in answer to messages sent after it.
// Callers that arrive while a check is under way share the next one. The error is
// ErrNotLeader, ErrStopped or ctx's.
//
// The term may be a newer one than the caller thinks; who keeps something per
// term compares Term before the call and after.
func (c *Consensus) VerifyLeader(ctx context.Context) error {
	if _, err := c.enter(); err != nil {
		return fmt.Errorf("verify leadership: %w", err)
	}
	defer c.calls.Done()
	answer := c.checks.join()
	select {
	case err := <-answer:
		if err != nil {
			return fmt.Errorf("verify leadership: %w", err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("verify leadership: %w", ctx.Err())
	case <-c.stopped:
		return fmt.Errorf("verify leadership: %w", ErrStopped)
	}
}

// checks gathers the callers of the next check.
type checks struct {
	wake chan struct{}

	mu      sync.Mutex
	waiting []chan<- error
}

func newChecks() *checks { return &checks{wake: make(chan struct{}, 1)} }

// join has the caller wait for the next check.
func (w *checks) join() <-chan error {
	answer := make(chan error, 1)
	w.mu.Lock()
	w.waiting = append(w.waiting, answer)
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default: // it is going to look anyway
	}
	return answer
}

// take closes the list: who comes later waits for the check after.
func (w *checks) take() []chan<- error {
	w.mu.Lock()
	defer w.mu.Unlock()
	waiting := w.waiting
	w.waiting = nil
	return waiting
}

// checkLeader makes one check after the other until ctx ends.
func (c *Consensus) checkLeader(ctx context.Context, r *raft.Raft) {
	for {
		select {
		case <-c.checks.wake:
		case <-ctx.Done():
			return
		}
		waiting := c.checks.take()
		err := c.confirm(ctx, r)
		for _, answer := range waiting {
			answer <- err
		}
	}
}

// confirm waits until a quorum has answered messages sent from now on. A leader
// that gets no such answers steps down after LeaderLease, which ends the wait.
func (c *Consensus) confirm(ctx context.Context, r *raft.Raft) error {
	began := leadership(r)
	if !began.Leading {
		return c.notLeader(r)
	}
	mark := c.acks.mark()
	// The library's check is used for what it sets off: a heartbeat to every peer,
	// begun after this. Whom it counts is too weak, see the package's comment.
	r.VerifyLeader()
	for {
		changed := c.acks.wait()
		confirmed := c.acks.quorum(c.servers(r), c.config.Name, func(a ack) bool {
			return a.term == began.Term && a.sent > mark
		})
		switch now := leadership(r); {
		case !now.Leading || now.Term != began.Term:
			return c.notLeader(r)
		case confirmed:
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ErrStopped
		}
	}
}
