package consensus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"
)

// Propose has data committed and applied, and returns this node's state machine's
// result; where that is an error, it is returned as the error. Other errors:
// ErrNotLeader and ErrStopped (it will never be applied), ErrTooLarge, ctx's own
// when it had ended before, and ErrUnknownOutcome.
func (c *Consensus) Propose(ctx context.Context, data []byte) (any, error) {
	if len(data) > MaxCommand {
		return nil, fmt.Errorf("propose %d bytes: %w: the most is %d", len(data), ErrTooLarge, MaxCommand)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("propose: %w", err)
	}
	future, err := c.call(ctx, func(r *raft.Raft, timeout time.Duration) raft.Future {
		return r.Apply(data, timeout)
	})
	if err != nil {
		return nil, fmt.Errorf("propose: %w", err)
	}
	switch result := future.(raft.ApplyFuture).Response().(type) {
	case notApplied:
		return nil, fmt.Errorf("propose: %w: committed, but %w", ErrUnknownOutcome, result.err)
	case error:
		return nil, result
	default:
		return result, nil
	}
}

// Barrier returns nil when every command that was committed before the call, by
// whichever leader, is applied to this node's state machine. Only the leader can
// tell. Errors are as Propose's.
func (c *Consensus) Barrier(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("barrier: %w", err)
	}
	_, err := c.call(ctx, func(r *raft.Raft, timeout time.Duration) raft.Future { return r.Barrier(timeout) })
	if err != nil {
		return fmt.Errorf("barrier: %w", err)
	}
	return nil
}

// call hands something to the library and waits for its answer. The goroutine
// that does so may outlive the call by what the library needs to answer, and ends
// before Run does.
func (c *Consensus) call(ctx context.Context, start func(*raft.Raft, time.Duration) raft.Future) (raft.Future, error) {
	r, err := c.enter()
	if err != nil {
		return nil, err
	}
	type answer struct {
		future raft.Future
		err    error
	}
	answered := make(chan answer, 1)
	go func() {
		defer c.calls.Done()
		future := start(r, timeLeft(ctx))
		answered <- answer{future, future.Error()}
	}()
	select {
	case a := <-answered:
		return a.future, c.outcome(r, a.err)
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrUnknownOutcome, ctx.Err())
	case <-c.stopped:
		return nil, fmt.Errorf("%w: %w", ErrUnknownOutcome, ErrStopped)
	}
}

// enter counts a call in, which is to end with calls.Done.
func (c *Consensus) enter() (*raft.Raft, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.raft == nil || c.closing {
		return nil, ErrStopped
	}
	c.calls.Add(1)
	return c.raft, nil
}

// outcome translates the library's errors by what they leave certain.
func (c *Consensus) outcome(r *raft.Raft, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, raft.ErrNotLeader), errors.Is(err, raft.ErrLeadershipTransferInProgress):
		return c.notLeader(r)
	case errors.Is(err, raft.ErrEnqueueTimeout):
		return context.DeadlineExceeded // before it was taken on
	default:
		return fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
	}
}

// notLeader names the leader where that is another.
func (c *Consensus) notLeader(r *raft.Raft) error {
	address, name := r.LeaderWithID()
	if name == "" || string(name) == c.config.Name {
		return &NotLeaderError{}
	}
	return &NotLeaderError{Leader: Server{Name: string(name), Address: string(address), Voter: true}}
}

// timeLeft is ctx's time as the library wants it: 0 is without end.
func timeLeft(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return 0
	}
	return max(time.Until(deadline), 1)
}
