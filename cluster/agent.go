package cluster

import (
	"context"
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
	Node string
	// Run tells this life of the node from its others.
	Run    int64
	Timing lease.Timing
	// Now is the node's monotonic clock, the guard's.
	Now func() time.Time
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
	told    Renewal           // the latest renewal, whatever became of it,
	seen    *State            // the state then,
	sent    time.Time         // and when
	granted time.Time         // when the latest renewal that was granted was sent
	lapsed  bool              // that is longer ago than a lease, and was logged
}

// NewAgent returns an agent that keeps guard up to date. state returns at once.
func NewAgent(c AgentConfig, leader Leader, state func() *State, guard *lease.Guard, parts Parts, logger *slog.Logger) *Agent {
	return &Agent{
		config: c, leader: leader, state: state, guard: guard, parts: parts, logger: logger,
		wake: make(chan struct{}, 1), gone: make(map[string]uint64), granted: c.Now(),
	}
}

// Wake makes the agent look at once, when the state changed.
func (a *Agent) Wake() { signal(a.wake) }

// Run renews and carries out until ctx ends. Then it gives everything up, waits
// until nothing acts any more, and tells the leader, all within one lease.
func (a *Agent) Run(ctx context.Context) error {
	renew := time.NewTimer(0)
	defer renew.Stop()
	for due := true; ctx.Err() == nil; {
		a.carryOut()
		for due || a.hasNews() { // what the leader answers may make news in turn
			due = false
			a.renew(ctx, false)
			renew.Reset(max(a.config.Timing.Renew-a.config.Now().Sub(a.sent), 0))
			a.carryOut()
		}
		select {
		case <-renew.C:
			due = true
		case <-a.wake:
		case <-a.parts.Changed():
		case <-ctx.Done():
		}
	}
	a.leave(context.WithoutCancel(ctx))
	return context.Cause(ctx)
}

// renew asks the leader once, within the time of two renewals, and says whether
// it was granted.
func (a *Agent) renew(ctx context.Context, leaving bool) bool {
	a.seen = a.state()
	a.told = a.renewal(a.seen, leaving)
	ctx, cancel := context.WithTimeout(ctx, 2*a.config.Timing.Renew)
	defer cancel()
	a.sent = a.config.Now()
	g, err := a.leader.Renew(ctx, a.told)
	if err != nil {
		if !a.lapsed && !leaving && a.sent.Sub(a.granted) > a.config.Timing.Lease {
			a.lapsed = true
			a.logger.Warn("no lease: this node does not act until it has one again", "error", err)
		}
		return false
	}
	if a.lapsed {
		a.lapsed = false
		a.logger.Info("lease renewed")
	}
	a.granted = a.sent
	for symbol, epoch := range g.Revoked {
		a.giveUp(symbol, epoch)
	}
	a.guard.Renewed(a.sent, a.config.Timing.Lease, g.Covered)
	return true
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
		case a.owns(at):
			_, epoch, ok := a.guard.Until(symbol)
			roles[symbol] = Role{Symbol: symbol, Epoch: at.Epoch, Owner: true, Act: ok && epoch == at.Epoch && epoch > a.gone[symbol]}
		case at.Next == a.config.Node:
			roles[symbol] = Role{Symbol: symbol, Epoch: at.Epoch}
		}
	}
	maps.DeleteFunc(a.gone, func(symbol string, epoch uint64) bool { return state.Assignments[symbol].Epoch > epoch })
	a.parts.Want(roles)
}

func (a *Agent) owns(at Assignment) bool { return at.Node == a.config.Node && at.Run == a.config.Run }

// renewal returns what the leader has to hear. Releases are told until a newer
// epoch shows that they were heard: the leader that heard them may be none any
// more, and another still takes this node for the owner.
func (a *Agent) renewal(state *State, leaving bool) Renewal {
	r := Renewal{Node: a.config.Node, Run: a.config.Run, Leaving: leaving, Released: make(map[string]uint64)}
	for symbol, epoch := range a.gone {
		if !a.parts.Acts(symbol, epoch) {
			r.Released[symbol] = epoch
		}
	}
	for symbol, at := range state.Assignments {
		if at.Next == a.config.Node && !a.owns(at) && a.parts.Follows(symbol) {
			r.Ready = append(r.Ready, symbol)
		}
	}
	slices.Sort(r.Ready)
	return r
}

// hasNews says whether the leader should hear at once what it was not told: once
// for each piece of news, however often somebody looks.
func (a *Agent) hasNews() bool {
	state := a.state()
	if state != a.seen && a.uncovered(state) {
		return true
	}
	r := a.renewal(state, false)
	for symbol, epoch := range r.Released {
		if a.told.Released[symbol] != epoch {
			return true
		}
	}
	return slices.ContainsFunc(r.Ready, func(symbol string) bool {
		_, told := slices.BinarySearch(a.told.Ready, symbol)
		return !told
	})
}

// uncovered says whether this node owns something that its lease does not cover
// yet: the sooner it asks, the sooner it acts.
func (a *Agent) uncovered(state *State) bool {
	for symbol, at := range state.Assignments {
		if !a.owns(at) || at.Epoch <= a.gone[symbol] {
			continue
		}
		if _, epoch, ok := a.guard.Until(symbol); !ok || epoch != at.Epoch {
			return true
		}
	}
	return false
}
