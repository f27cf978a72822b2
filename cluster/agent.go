package cluster

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"hedgehog/cluster/lease"
)

// Leader is how an agent reaches the leader.
type Leader interface {
	// Renew hands a renewal to the node that leads, this one or another.
	Renew(ctx context.Context, r Renewal) (Grant, error)
}

// Role is what a node has to do for a symbol.
type Role struct {
	Symbol string
	Epoch  uint64
	// Owner: the node owns the symbol and streams, stores and aggregates it;
	// otherwise it only follows, to be ready when it is handed over.
	Owner bool
	// Act: the node holds the lease and may trade.
	Act bool
}

// Parts are what a node runs for its symbols.
type Parts interface {
	// Want takes the roles of all symbols that the node has to do with. It does not
	// wait for parts to start or stop. Symbols without a role are to be stopped.
	Want(roles map[string]Role)
	// Follows says whether the symbol's stream is there and what follows it runs.
	Follows(symbol string) bool
	// Acts says whether anything still acts for the symbol under the epoch or an
	// earlier one.
	Acts(symbol string, epoch uint64) bool
	// Changed tells that Follows or Acts may answer otherwise.
	Changed() <-chan struct{}
}

// AgentConfig is what an Agent needs to know.
type AgentConfig struct {
	Node   string
	Run    int64
	Timing lease.Timing
	Now    func() time.Time
}

// Agent is a node's part.
type Agent struct {
	config AgentConfig
	leader Leader
	state  func() *State
	guard  *lease.Guard
	parts  Parts
	logger *slog.Logger
	wake   chan struct{}

	// Owned by Run's goroutine.
	gone    map[string]uint64 // symbol → highest epoch that was given up for good
	pending map[string]uint64 // given up, not yet confirmed to the leader
	renewed time.Time         // when the latest renewal that was granted was sent
	lapsed  bool              // that is longer ago than a lease, and was logged
}

// NewAgent returns an agent that keeps guard up to date.
func NewAgent(c AgentConfig, leader Leader, state func() *State, guard *lease.Guard, parts Parts, logger *slog.Logger) *Agent {
	return &Agent{
		config: c, leader: leader, state: state, guard: guard, parts: parts, logger: logger,
		wake: make(chan struct{}, 1), gone: make(map[string]uint64), pending: make(map[string]uint64), renewed: c.Now(),
	}
}

// Wake makes the agent look at once, when the state changed.
func (a *Agent) Wake() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// Run renews and carries out until ctx ends. Then it gives everything up, waits
// until nothing acts any more, and tells the leader, all within one lease.
func (a *Agent) Run(ctx context.Context) error {
	renew := time.NewTicker(a.config.Timing.Renew)
	defer renew.Stop()
	due := true
	for {
		if due {
			a.renew(ctx, false)
		}
		a.carryOut()
		select {
		case <-renew.C:
			due = true
		case <-a.wake:
			due = a.uncovered()
		case <-a.parts.Changed():
			due = a.hasNews()
		case <-ctx.Done():
			a.leave(context.WithoutCancel(ctx))
			return context.Cause(ctx)
		}
	}
}

// renew asks the leader once, within the time of two renewals.
func (a *Agent) renew(ctx context.Context, leaving bool) {
	r := Renewal{Node: a.config.Node, Run: a.config.Run, Leaving: leaving, Ready: a.ready(), Released: a.released(leaving)}
	ctx, cancel := context.WithTimeout(ctx, 2*a.config.Timing.Renew)
	defer cancel()
	sent := a.config.Now()
	g, err := a.leader.Renew(ctx, r)
	if err != nil {
		if !a.lapsed && !leaving && sent.Sub(a.renewed) > a.config.Timing.Lease {
			a.lapsed = true
			a.logger.Warn("no lease: this node does not act until it has one again", "error", err)
		}
		return
	}
	if a.lapsed {
		a.lapsed = false
		a.logger.Info("lease renewed")
	}
	a.renewed = sent
	for symbol := range r.Released {
		delete(a.pending, symbol)
	}
	for symbol, epoch := range g.Revoked {
		a.giveUp(symbol, epoch)
		a.pending[symbol] = epoch
	}
	a.guard.Renewed(sent, a.config.Timing.Lease, g.Covered)
}

// giveUp ends acting for a symbol under the epoch, for good.
func (a *Agent) giveUp(symbol string, epoch uint64) {
	a.gone[symbol] = max(a.gone[symbol], epoch)
	a.guard.Drop(symbol, epoch)
}

// carryOut tells the parts what the state and the lease make of this node.
func (a *Agent) carryOut() {
	state := a.state()
	roles := make(map[string]Role)
	for symbol, at := range state.Assignments {
		switch {
		case at.Node == a.config.Node && at.Run == a.config.Run:
			until, epoch, ok := a.guard.Until(symbol)
			act := ok && epoch == at.Epoch && a.config.Now().Before(until) && at.Epoch > a.gone[symbol]
			roles[symbol] = Role{Symbol: symbol, Epoch: at.Epoch, Owner: true, Act: act}
		case at.Next == a.config.Node:
			roles[symbol] = Role{Symbol: symbol, Epoch: at.Epoch}
		}
	}
	maps.DeleteFunc(a.gone, func(symbol string, epoch uint64) bool { return state.Assignments[symbol].Epoch > epoch })
	a.parts.Want(roles)
}

// ready returns the symbols that are being handed to this node and that it
// follows.
func (a *Agent) ready() []string {
	var ready []string
	for symbol, at := range a.state().Assignments {
		if at.Next == a.config.Node && a.parts.Follows(symbol) {
			ready = append(ready, symbol)
		}
	}
	slices.Sort(ready)
	return ready
}

// released returns what was given up and where nothing acts any more; with
// leaving everything that this node owns.
func (a *Agent) released(leaving bool) map[string]uint64 {
	released := make(map[string]uint64)
	for symbol, epoch := range a.pending {
		if !a.parts.Acts(symbol, epoch) {
			released[symbol] = epoch
		}
	}
	if leaving {
		for symbol, at := range a.state().Assignments {
			if at.Node == a.config.Node && at.Run == a.config.Run && !a.parts.Acts(symbol, at.Epoch) {
				released[symbol] = at.Epoch
			}
		}
	}
	return released
}

// hasNews says whether the leader should hear at once what has changed here.
func (a *Agent) hasNews() bool { return len(a.released(false)) > 0 || len(a.ready()) > 0 }

// uncovered says whether this node owns something that its lease does not cover
// yet: the sooner it asks, the sooner it acts.
func (a *Agent) uncovered() bool {
	for symbol, at := range a.state().Assignments {
		if at.Node != a.config.Node || at.Run != a.config.Run || at.Epoch <= a.gone[symbol] {
			continue
		}
		if _, epoch, ok := a.guard.Until(symbol); !ok || epoch != at.Epoch {
			return true
		}
	}
	return false
}

// leave gives everything up in order: nothing acts any more, then the leader
// hears of it and can give the symbols to others without waiting.
func (a *Agent) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeoutCause(ctx, a.config.Timing.Lease, fmt.Errorf("leaving took longer than a lease"))
	defer cancel()
	for symbol, at := range a.state().Assignments {
		if at.Node == a.config.Node && at.Run == a.config.Run {
			a.giveUp(symbol, at.Epoch)
		}
	}
	a.carryOut()
	for a.acting() {
		select {
		case <-a.parts.Changed():
		case <-ctx.Done():
			a.logger.Warn("left without having stopped everything", "error", context.Cause(ctx))
			return
		}
	}
	a.renew(ctx, true)
}

func (a *Agent) acting() bool {
	for symbol, at := range a.state().Assignments {
		if at.Node == a.config.Node && at.Run == a.config.Run && a.parts.Acts(symbol, at.Epoch) {
			return true
		}
	}
	return false
}
