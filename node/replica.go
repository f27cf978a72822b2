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

// replica is the database as Raft's state machine, and what the node keeps of
// the state in memory.
type replica struct{ *Node }

// ApplyBatch applies committed commands in one transaction and tells the node.
func (r replica) ApplyBatch(commands []consensus.Command) []any {
	// Raft has no context to give: what is committed has to be applied.
	ctx := context.Background()
	entries := make([]storage.Entry, len(commands))
	for i, c := range commands {
		entries[i] = storage.Entry{Index: c.Index, Term: c.Term, Data: c.Data}
	}
	answers := make([]any, len(commands))
	results, err := r.store.db.ApplyEntries(ctx, entries)
	for i := range answers {
		if err != nil {
			answers[i] = err
		} else {
			answers[i] = results[i]
		}
	}
	if err == nil && decides(commands) {
		err = r.loadState(ctx)
	}
	if err != nil {
		r.log.Error("committed changes not applied", "error", err)
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

// LastIndex returns up to where the log has been applied.
func (r replica) LastIndex() (uint64, error) {
	index, _, err := r.store.db.Applied(context.Background())
	return index, err
}

// Snapshot prepares a snapshot. It is read when it is written: the state knows its
// own index, so one that is later than raft asked for is as good.
func (r replica) Snapshot() (write func(io.Writer) error, release func(), err error) {
	write = func(w io.Writer) error { return r.store.db.SnapshotState(context.Background(), w) }
	return write, func() {}, nil
}

// Restore replaces the state by a snapshot.
func (r replica) Restore(from io.Reader) error {
	ctx := context.Background()
	if err := r.store.db.RestoreState(ctx, from); err != nil {
		return err
	}
	return r.loadState(ctx)
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
	before := n.state.Swap(stateOf(stored))
	n.history.compare(before, n.state.Load(), n.micros())
	n.controller.Wake()
	n.agent.Wake()
	return nil
}

// changedSettings notes the symbols whose traders have to hear of other trading
// settings. The caller holds mu.
func (n *Node) changedSettings(active map[string]storage.Settings) {
	for symbol, now := range active {
		if before, ok := n.active[symbol]; ok && !sameTrading(before.Trading, now.Trading) {
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
