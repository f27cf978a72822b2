package node

import (
	"context"
	"fmt"
	"io"
	"maps"

	"hedgehog/cluster"
	"hedgehog/cluster/consensus"
	"hedgehog/storage"
)

// stateMachine is the database as Raft's state machine. Raft has no context to
// give: what is committed has to be applied.
type stateMachine struct{ db *storage.DB }

// ApplyBatch applies committed commands in one transaction.
func (m stateMachine) ApplyBatch(commands []consensus.Command) []any {
	answers, _ := m.apply(commands) // each answer has the error
	return answers
}

func (m stateMachine) apply(commands []consensus.Command) ([]any, error) {
	entries := make([]storage.Entry, len(commands))
	for i, c := range commands {
		entries[i] = storage.Entry{Index: c.Index, Term: c.Term, Data: c.Data}
	}
	answers := make([]any, len(commands))
	results, err := m.db.ApplyEntries(context.Background(), entries)
	for i := range answers {
		if err != nil {
			answers[i] = err
		} else {
			answers[i] = results[i]
		}
	}
	return answers, err
}

// LastIndex returns up to where the log has been applied.
func (m stateMachine) LastIndex() (uint64, error) {
	index, _, err := m.db.Applied(context.Background())
	return index, err
}

// Snapshot prepares a snapshot. It is read when it is written: the state knows its
// own index, so one that is later than raft asked for is as good.
func (m stateMachine) Snapshot() (write func(io.Writer) error, release func(), err error) {
	write = func(w io.Writer) error { return m.db.SnapshotState(context.Background(), w) }
	return write, func() {}, nil
}

// Restore replaces the state by a snapshot.
func (m stateMachine) Restore(from io.Reader) error {
	return m.db.RestoreState(context.Background(), from)
}

// replica is the state machine of a running node, which hears of every change.
type replica struct {
	stateMachine
	node *Node
}

// ApplyBatch applies committed commands in one transaction and tells the node.
func (r replica) ApplyBatch(commands []consensus.Command) []any {
	answers, err := r.apply(commands)
	if err == nil && decides(commands) {
		err = r.node.loadState(context.Background())
	}
	if err != nil {
		r.node.log.Error("committed changes not applied", "error", err)
	}
	return answers
}

// decides says whether one of the commands changes who runs what, and not only
// the record of how far that has come.
func decides(commands []consensus.Command) bool {
	for _, c := range commands {
		command, err := storage.DecodeCommand(c.Data)
		if err == nil && command.Positions == nil && command.Watermarks == nil {
			return true
		}
	}
	return false
}

// Restore replaces the state by a snapshot and tells the node.
func (r replica) Restore(from io.Reader) error {
	if err := r.stateMachine.Restore(from); err != nil {
		return err
	}
	return r.node.loadState(context.Background())
}

// loadState takes over what the database now says, and wakes who acts on it.
func (n *Node) loadState(ctx context.Context) error {
	stored, err := n.store.db.ClusterState(ctx)
	if err != nil {
		return fmt.Errorf("read the cluster's state: %w", err)
	}
	settings, err := n.store.db.ActiveSettings(ctx)
	if err != nil {
		return err
	}
	active := make(map[string]storage.Settings, len(settings))
	for _, s := range settings {
		active[s.Symbol] = s
	}
	n.mu.Lock()
	n.changedSettings(active)
	n.active = active
	n.mu.Unlock()
	if err := n.loadTokens(stored); err != nil {
		return err
	}
	before := n.state.Swap(stateOf(stored))
	n.history.compare(before, n.state.Load(), n.micros())
	n.countTakeovers(before, n.state.Load())
	n.changes.tell()
	n.controller.Wake()
	n.agent.Wake()
	return nil
}

// changedSettings notes the symbols whose traders have to hear of other trading
// settings. The caller holds mu.
func (n *Node) changedSettings(active map[string]storage.Settings) {
	for symbol, now := range active {
		if !sameTrading(n.active[symbol].Trading, now.Trading) {
			n.news[symbol] = true
		}
	}
	select {
	case n.newsWaits <- struct{}{}:
	default:
	}
}

func sameTrading(a, b storage.Trading) bool {
	return a.Status == b.Status && a.Chunks == b.Chunks && a.Budget.Equal(b.Budget) && a.BuyDownInterval.Equal(b.BuyDownInterval) &&
		a.ProfitTarget.Equal(b.ProfitTarget) && a.RebuyInterval.Equal(b.RebuyInterval)
}

// tellTraders publishes changed trading settings until ctx ends.
func (n *Node) tellTraders(ctx context.Context) error {
	for {
		select {
		case <-n.newsWaits:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		n.mu.Lock()
		news, active := n.news, n.active
		n.news = make(map[string]bool)
		n.mu.Unlock()
		for symbol := range maps.Keys(news) {
			if err := n.publishSettings(ctx, active[symbol]); err != nil {
				return err
			}
		}
	}
}

// stateOf translates the stored state into the cluster's words.
func stateOf(s storage.ClusterState) *cluster.State {
	state := &cluster.State{
		Index:       s.Index,
		Members:     make(map[string]cluster.Member, len(s.Members)),
		Symbols:     make(map[string]cluster.Symbol, len(s.Symbols)),
		Assignments: make(map[string]cluster.Assignment, len(s.Assignments)),
	}
	for _, m := range s.Members {
		state.Members[m.Name] = cluster.Member{Name: m.Name, Zone: m.Zone, Weight: m.Weight, Draining: m.Draining}
	}
	for _, c := range s.Symbols {
		state.Symbols[c.Symbol] = cluster.Symbol{Name: c.Symbol, Assigned: c.Assigned, Weight: c.Weight, Pin: c.Pin}
	}
	for _, a := range s.Assignments {
		state.Assignments[a.Symbol] = cluster.Assignment{
			Symbol: a.Symbol, Node: a.Node, Run: a.Run, Epoch: uint64(a.Epoch), Since: a.Since.Time(), Next: a.Next,
		}
	}
	return state
}
