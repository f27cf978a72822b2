package consensus

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/hashicorp/raft"
)

// Command is one committed entry of the log.
type Command struct {
	Index, Term uint64
	Data        []byte
}

// StateMachine is the node's copy of the replicated state, kept on its disk.
// Calls come one at a time, but for write of a snapshot, which runs beside
// ApplyBatch.
type StateMachine interface {
	// ApplyBatch applies commands in their order and stores what they did and the
	// last one's index in one transaction. It returns one result per command,
	// which Propose hands to the proposer: an error among them is that command's
	// refusal, the same on every node. When the transaction itself fails, the
	// results are that error and LastIndex stays what it was.
	ApplyBatch(commands []Command) []any

	// LastIndex is the index of the last command whose effect is stored; 0: none.
	// It is asked after every batch: what it is must be known, not worked out.
	LastIndex() (uint64, error)

	// Snapshot fixes the state as it is now, LastIndex included. write, called at
	// most once, writes it; release, called exactly once, lets go of it.
	Snapshot() (write func(io.Writer) error, release func(), err error)

	// Restore replaces the whole state, LastIndex included, by what write wrote,
	// in one transaction. The bytes come from this node's disk or from the leader.
	Restore(r io.Reader) error
}

// applier stands between the raft library and the StateMachine: it hands on what
// was not applied yet, and nothing any more once a batch could not be stored,
// since the library would go on with the next one and leave a hole.
type applier struct {
	fsm    StateMachine
	failed chan struct{} // closed with failure set

	mu       sync.Mutex
	applied  uint64 // the state machine's durable index
	failure  error
	restored error // what the last Restore returned, which the library drops
}

// notApplied is the library's response for a command that is committed but that
// this node could not store.
type notApplied struct{ err error }

func newApplier(fsm StateMachine) (*applier, error) {
	applied, err := fsm.LastIndex()
	if err != nil {
		return nil, fmt.Errorf("read the state machine's index: %w", err)
	}
	return &applier{fsm: fsm, applied: applied, failed: make(chan struct{})}, nil
}

// ApplyBatch implements raft.BatchingFSM.
func (a *applier) ApplyBatch(logs []*raft.Log) []any {
	a.mu.Lock()
	defer a.mu.Unlock()
	results := make([]any, len(logs))
	commands := make([]Command, 0, len(logs))
	places := make([]int, 0, len(logs))
	for i, entry := range logs {
		if entry.Type == raft.LogCommand && entry.Index > a.applied {
			commands = append(commands, Command{Index: entry.Index, Term: entry.Term, Data: entry.Data})
			places = append(places, i)
		}
	}
	if len(commands) == 0 {
		return results
	}
	answers, err := a.apply(commands)
	for i, place := range places {
		if err != nil {
			results[place] = notApplied{err}
		} else {
			results[place] = answers[i]
		}
	}
	return results
}

// apply has the commands stored, or fails for good.
func (a *applier) apply(commands []Command) ([]any, error) {
	if a.failure != nil {
		return nil, a.failure
	}
	answers := a.fsm.ApplyBatch(commands)
	last := commands[len(commands)-1].Index
	stored, err := a.fsm.LastIndex()
	switch {
	case err != nil:
		return nil, a.fail(fmt.Errorf("read the state machine's index: %w", err))
	case stored < last:
		return nil, a.fail(fmt.Errorf("commands %d to %d: %w", commands[0].Index, last, refusal(answers)))
	case len(answers) != len(commands):
		return nil, a.fail(fmt.Errorf("commands %d to %d: %d results for %d commands", commands[0].Index, last, len(answers), len(commands)))
	}
	a.applied = stored
	return answers, nil
}

// refusal finds what the state machine said about a batch that it did not store.
func refusal(answers []any) error {
	for _, answer := range answers {
		if err, ok := answer.(error); ok {
			return err
		}
	}
	return errors.New("not stored, and no reason given")
}

func (a *applier) fail(err error) error {
	a.failure = fmt.Errorf("%w: %w", ErrApply, err)
	close(a.failed)
	return a.failure
}

// err is what a batch failed with, or nil.
func (a *applier) err() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.failure
}

// cause adds to an error of the library what the state machine had said.
func (a *applier) cause(err error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err == nil {
		return nil
	}
	return errors.Join(err, a.failure, a.restored)
}

// Apply implements raft.FSM; only Recover's replay comes here.
func (a *applier) Apply(entry *raft.Log) any {
	return a.ApplyBatch([]*raft.Log{entry})[0]
}

// Snapshot implements raft.FSM.
func (a *applier) Snapshot() (raft.FSMSnapshot, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.failure != nil {
		return nil, a.failure
	}
	write, release, err := a.fsm.Snapshot()
	if err != nil {
		return nil, fmt.Errorf("snapshot of the state machine: %w", err)
	}
	return &snapshot{write: write, release: release}, nil
}

// Restore implements raft.FSM.
func (a *applier) Restore(r io.ReadCloser) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.failure != nil {
		return a.failure
	}
	if err := a.fsm.Restore(r); err != nil {
		a.restored = fmt.Errorf("restore the state machine: %w", err)
		return a.restored
	}
	a.restored = nil
	applied, err := a.fsm.LastIndex()
	if err != nil {
		return a.fail(fmt.Errorf("read the state machine's index: %w", err))
	}
	a.applied = applied
	return nil
}

// snapshot implements raft.FSMSnapshot.
type snapshot struct {
	write   func(io.Writer) error
	release func()
}

func (s *snapshot) Persist(sink raft.SnapshotSink) error {
	if err := s.write(sink); err != nil {
		return errors.Join(fmt.Errorf("write snapshot: %w", err), sink.Cancel())
	}
	if err := sink.Close(); err != nil {
		return fmt.Errorf("close snapshot: %w", err)
	}
	return nil
}

func (s *snapshot) Release() { s.release() }
