package simulation_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"hedgehog/cluster/consensus"
)

// maxBatch is the most entries that are applied at once.
const maxBatch = 64

// Run implements node.Consensus.
func (n *raftNode) Run(ctx context.Context) error {
	if err := n.join(); err != nil {
		return fmt.Errorf("consensus of %s: %w", n.name(), err)
	}
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	applied := make(chan error, 1)
	go func() { applied <- n.applyCommitted(work) }()
	var err error
	select {
	case <-ctx.Done():
		n.handOver(work)
		cancel()
		err = <-applied
	case err = <-applied:
		n.handOver(work)
	case <-n.life.ended:
		cancel()
		err = errors.Join(<-applied, errOver)
	}
	n.leave()
	if err != nil {
		return fmt.Errorf("consensus of %s: %w", n.name(), err)
	}
	return nil
}

// join begins to take part with what is on the disk.
func (n *raftNode) join() error {
	applied, err := n.fsm.LastIndex()
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if applied > n.last() {
		return fmt.Errorf("%w: the log ends at entry %d, the state has entry %d", consensus.ErrCorrupt, n.last(), applied)
	}
	if n.config.Bootstrap && len(n.log) == 0 {
		n.term = 1
		n.log = []raftEntry{{term: 1, servers: []consensus.Server{n.self}, changed: 1}}
	}
	n.raftMember.node, n.running, n.applied, n.silent = n, true, applied, time.Now()
	n.arm(n.config.Timing.Heartbeat)
	n.group.look()
	return nil
}

// handOver gives leadership away where somebody can take it, and waits for what is
// under way, but not for long.
func (n *raftNode) handOver(ctx context.Context) {
	t := n.config.Timing
	ctx, cancel := context.WithTimeout(ctx, 2*t.Election+t.RPC)
	defer cancel()
	n.mu.Lock()
	n.closing, n.idle = true, make(chan struct{})
	call := newRaftCall()
	if n.leads && hasOtherVoter(n.servers(), n.name()) {
		n.handTo("", call)
	} else {
		call.finish(nil, nil)
	}
	n.settle()
	n.mu.Unlock()
	for _, done := range []<-chan struct{}{call.done, n.idle} {
		select {
		case <-done:
		case <-ctx.Done():
		case <-n.life.ended:
		}
	}
}

// settle tells who waits for it that nothing is pending. The caller holds the lock.
func (n *raftNode) settle() {
	if n.closing && len(n.pending) == 0 && !isClosed(n.idle) {
		close(n.idle)
	}
}

// leave ends this life's part.
func (n *raftNode) leave() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.leads {
		n.stepDown()
	}
	n.running, n.gone = false, true
	for _, index := range sortedKeys(n.pending) {
		n.pending[index].finish(nil, fmt.Errorf("%w: %w", consensus.ErrUnknownOutcome, consensus.ErrStopped))
	}
	clear(n.pending)
	n.group.look()
}

// applyCommitted is the life's own goroutine: it does what takes the state machine.
func (n *raftNode) applyCommitted(ctx context.Context) error {
	for {
		select {
		case <-n.wake:
		case <-ctx.Done():
			return nil
		case <-n.life.ended:
			return nil
		}
		for n.hasWork() {
			if n.rest(ctx, n.between(50*time.Microsecond, 500*time.Microsecond, "raft disk")) != nil || n.pass(ctx, "raft disk") != nil {
				return nil
			}
			if err := n.work(); err != nil {
				return n.fail(err)
			}
		}
	}
}

// hasWork says whether there is something to do for the state machine.
func (n *raftNode) hasWork() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.restore != nil || len(n.snapshots) > 0 || n.applied < n.commit
}

// work does one thing.
func (n *raftNode) work() error {
	n.mu.Lock()
	restore, snapshots := n.restore, n.snapshots
	n.restore, n.snapshots = nil, nil
	n.mu.Unlock()
	for _, p := range snapshots {
		s, err := n.snapshot()
		if err != nil {
			return err
		}
		n.mu.Lock()
		n.net.note("raft: %s sends %s its state up to entry %d", n.name(), p.node.name(), s.index)
		n.sendLog(p.node.name(), p, s)
		n.mu.Unlock()
	}
	if restore != nil {
		return n.takeOver(restore)
	}
	return n.applyBatch()
}

// snapshot is the state machine's state as it is.
func (n *raftNode) snapshot() (*raftSnapshot, error) {
	index, err := n.fsm.LastIndex()
	if err != nil {
		return nil, err
	}
	write, release, err := n.fsm.Snapshot()
	if err != nil {
		return nil, err
	}
	defer release()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return nil, err
	}
	return &raftSnapshot{index: index, bytes: b.Bytes()}, nil
}

// takeOver replaces the state machine's state, unless it has come further.
func (n *raftNode) takeOver(s *raftSnapshot) error {
	n.mu.Lock()
	further := n.applied >= s.index
	n.mu.Unlock()
	if further {
		return nil
	}
	if err := n.fsm.Restore(bytes.NewReader(s.bytes)); err != nil {
		return fmt.Errorf("restore up to entry %d: %w", s.index, err)
	}
	index, err := n.fsm.LastIndex()
	if err != nil {
		return err
	}
	n.mu.Lock()
	n.applied = index
	n.mu.Unlock()
	return nil
}

// applyBatch applies some of what is committed, and answers who proposed it.
func (n *raftNode) applyBatch() error {
	n.mu.Lock()
	from := n.applied // may be beyond what this life knows to be committed
	to := min(max(n.commit, from), from+1+uint64(n.net.dice(n.name()+" raft batch", maxBatch)))
	var commands []consensus.Command
	for index := from + 1; index <= to; index++ {
		if e := n.log[index-1]; e.command {
			commands = append(commands, consensus.Command{Index: index, Term: e.term, Data: e.data})
		}
	}
	n.mu.Unlock()
	results := make(map[uint64]any)
	if len(commands) > 0 {
		answers := n.fsm.ApplyBatch(commands)
		last := commands[len(commands)-1].Index
		index, err := n.fsm.LastIndex()
		switch {
		case err != nil:
			return err
		case index < last:
			return fmt.Errorf("commands %d to %d are not stored: %v", commands[0].Index, last, answers)
		case len(answers) != len(commands):
			return fmt.Errorf("%d answers to %d commands", len(answers), len(commands))
		}
		for i, c := range commands {
			results[c.Index] = answers[i]
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.applied = to
	for index := from + 1; index <= to; index++ {
		if call := n.pending[index]; call != nil {
			n.answer(call, fmt.Sprint(index), results[index], nil)
			delete(n.pending, index)
		}
	}
	n.settle()
	return nil
}

// fail answers those whose commands can't be applied here, and returns ErrApply.
func (n *raftNode) fail(err error) error {
	if !n.alive() {
		return nil // the disk went with the process
	}
	err = fmt.Errorf("%w: %w", consensus.ErrApply, err)
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, index := range sortedKeys(n.pending) {
		n.pending[index].finish(nil, fmt.Errorf("%w: committed, but %w", consensus.ErrUnknownOutcome, err))
	}
	clear(n.pending)
	return err
}

func (n *raftNode) alive() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.lives()
}
