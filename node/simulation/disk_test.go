package simulation_test

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"hedgehog/cluster/consensus"
	"hedgehog/data/collector"
)

// writing is one write to the machine's disk: it takes as long as the disk is slow,
// and fails while that is full.
func (l *life) writing(what string) error {
	w := l.machine.w
	w.mu.Lock()
	slow, full := l.machine.slow, l.machine.full
	w.mu.Unlock()
	if slow > 0 {
		wait := time.NewTimer(w.within(l.name+" writes "+what, slow/2, slow))
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-l.ended:
		}
	}
	if full {
		return fmt.Errorf("write %s: %w", what, syscall.ENOSPC)
	}
	return nil
}

// slowStore is what a collector writes to, on the machine's disk.
type slowStore struct {
	collector.Store
	life *life
}

func (s slowStore) Write(ctx context.Context, b collector.Batch) error {
	if err := s.life.writing("a batch"); err != nil {
		return err
	}
	return s.Store.Write(ctx, b)
}

// slowMachine is the replicated state on the machine's disk.
type slowMachine struct {
	consensus.StateMachine
	life *life
}

func (s slowMachine) ApplyBatch(commands []consensus.Command) []any {
	// What Raft can't apply ends a node, so a full disk is the fault runner's.
	_ = s.life.writing("committed changes")
	return s.StateMachine.ApplyBatch(commands)
}
