package cluster

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"hedgehog/cluster/assign"
	"hedgehog/cluster/lease"
)

// Log is the replicated log as the leader writes it.
type Log interface {
	// Verify returns nil when this node still leads in the given term after the call
	// began, confirmed by a quorum. Another term will not do: what its leader gave
	// away meanwhile is not known here yet.
	Verify(ctx context.Context, term uint64) error
	// Barrier returns when everything committed before is in the state.
	Barrier(ctx context.Context) error
	// Assign commits assignments; each counts only when its epoch is the stored one
	// plus one, or, for a change of Next, the stored one itself.
	Assign(ctx context.Context, changes []Assignment) error
	// Register commits that the peers are members.
	Register(ctx context.Context, peers []Peer) error
	// Follow brings Raft's own membership into line with who is there.
	Follow(ctx context.Context, alive []Peer) error
}

// ControllerConfig is what a Controller needs to know.
type ControllerConfig struct {
	Timing lease.Timing
	// Patience is how long a hand-over waits for the next owner to be ready before
	// it goes on without.
	Patience time.Duration
	Now      func() time.Time
}

// Controller is the leader's part. Its methods may be called on any node at any
// time; only between Lead's begin and end do they do anything.
type Controller struct {
	config ControllerConfig
	log    Log
	state  func() *State
	peers  func() []Peer
	logger *slog.Logger
	wake   chan struct{}

	book *lease.Book

	mu      sync.Mutex
	leading bool
	term    uint64
	elected time.Time
	renewed map[string]time.Time // by holder: when its latest renewal was received
	leaving map[string]bool      // by holder
	revoked map[string]uint64    // symbol → epoch that is no longer covered; kept over terms, as the book does
	ready   map[string]string    // symbol → holder that follows it and waits
	asked   map[string]time.Time // symbol → since when its hand-over waits
}

// NewController returns a controller that reads the replicated state from state
// and who is there from peers.
func NewController(c ControllerConfig, log Log, state func() *State, peers func() []Peer, logger *slog.Logger) *Controller {
	return &Controller{
		config: c, log: log, state: state, peers: peers, logger: logger, wake: make(chan struct{}, 1),
		book: lease.NewBook(c.Timing, c.Now), revoked: make(map[string]uint64),
	}
}

// Wake makes the controller look at once, when the state or the members changed.
func (c *Controller) Wake() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// holder names one life of a node: another life is another holder, whose lease
// says nothing of this one's.
func holder(node string, run int64) string { return fmt.Sprintf("%s#%d", node, run) }

// Lead does the leader's work for one term until ctx ends.
func (c *Controller) Lead(ctx context.Context, term uint64) error {
	c.begin(term)
	defer c.end()
	if err := c.log.Barrier(ctx); err != nil {
		return err
	}
	// What is to be waited for ends at some time without any event.
	tick := time.NewTicker(c.config.Timing.Renew / 10)
	defer tick.Stop()
	for {
		if err := c.step(ctx); err != nil && ctx.Err() == nil {
			c.logger.Warn("plan not carried out, trying again", "error", err)
		}
		select {
		case <-c.wake:
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (c *Controller) begin(term uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leading, c.term, c.elected = true, term, c.config.Now()
	c.book.Elected()
	c.renewed, c.leaving = make(map[string]time.Time), make(map[string]bool)
	c.ready, c.asked = make(map[string]string), make(map[string]time.Time)
	c.logger.Info("leading", "term", term)
}

func (c *Controller) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leading = false
	c.logger.Info("no longer leading", "term", c.term)
}

// Renew answers a renewal. received is noted before leadership is verified: a
// leader that was paused in between can't extend anything.
func (c *Controller) Renew(ctx context.Context, r Renewal) (Grant, error) {
	received := c.config.Now()
	c.mu.Lock()
	leading, term := c.leading, c.term
	c.mu.Unlock()
	if !leading {
		return Grant{}, ErrNotLeader
	}
	if !c.living(r.Node, r.Run) {
		return Grant{}, fmt.Errorf("%w: %s", ErrUnknownMember, r.Node)
	}
	if err := c.log.Verify(ctx, term); err != nil {
		return Grant{}, fmt.Errorf("%w: %w", ErrNotLeader, err)
	}
	state := c.state()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.leading || c.term != term {
		return Grant{}, ErrNotLeader
	}
	c.note(r, received, state)
	return c.grant(r, received, state), nil
}

func (c *Controller) living(node string, run int64) bool {
	return slices.ContainsFunc(c.peers(), func(p Peer) bool { return p.Name == node && p.Run == run })
}

// note takes what the renewal tells; the caller holds mu.
func (c *Controller) note(r Renewal, received time.Time, state *State) {
	h := holder(r.Node, r.Run)
	changed := r.Leaving && !c.leaving[h]
	if _, known := c.renewed[h]; !known {
		changed = true
	}
	c.renewed[h] = received
	c.leaving[h] = r.Leaving
	for symbol, epoch := range r.Released {
		a := state.Assignments[symbol]
		// A release counts for what was asked to be released, and for everything
		// when the node leaves.
		if a.Epoch == epoch && holder(a.Node, a.Run) == h && (c.revoked[symbol] == epoch || r.Leaving) {
			c.revoke(symbol, epoch)
			c.book.Released(h, symbol, epoch)
			changed = true
		}
	}
	for _, symbol := range r.Ready {
		if c.ready[symbol] != h {
			c.ready[symbol] = h
			changed = true
		}
	}
	if changed {
		c.Wake()
	}
}

// grant covers what the state gives to the holder and nobody takes away; the
// caller holds mu.
func (c *Controller) grant(r Renewal, received time.Time, state *State) Grant {
	g := Grant{Term: c.term, Revoked: make(map[string]uint64)}
	owned := make(map[string]uint64)
	for symbol, a := range state.Assignments {
		switch {
		case a.Node != r.Node || a.Run != r.Run:
		case r.Leaving || c.revoked[symbol] == a.Epoch:
			g.Revoked[symbol] = a.Epoch
		default:
			owned[symbol] = a.Epoch
		}
	}
	g.Covered = c.book.Grant(holder(r.Node, r.Run), received, owned)
	return g
}

// revoke ends the covering of a symbol under its epoch, for good: it can only be
// assigned anew. The caller holds mu.
func (c *Controller) revoke(symbol string, epoch uint64) {
	c.revoked[symbol] = epoch
	c.book.Revoke(symbol, epoch)
}

// step looks once and commits what has to change.
func (c *Controller) step(ctx context.Context) error {
	state, peers := c.state(), c.peers()
	if err := c.log.Follow(ctx, peers); err != nil && ctx.Err() == nil {
		c.logger.Warn("raft's members not brought into line, trying again", "error", err)
	}
	if fresh := unregistered(state, peers); len(fresh) > 0 {
		return c.log.Register(ctx, fresh) // the changed state wakes us
	}
	changes := c.changes(state, c.Plan(state), peers)
	if len(changes) == 0 {
		return nil
	}
	return c.log.Assign(ctx, changes)
}

func unregistered(state *State, peers []Peer) []Peer {
	var fresh []Peer
	for _, p := range peers {
		if m, ok := state.Members[p.Name]; !ok || m.Zone != p.Zone {
			fresh = append(fresh, p)
		}
	}
	return fresh
}

// Plan returns who should own which symbol as things are now, for the members
// that are there and renew.
func (c *Controller) Plan(state *State) map[string]string {
	return Plan(state, c.able(c.peers()))
}

// Plan returns who should own which assigned symbol when the given peers are
// there.
func Plan(state *State, able []Peer) map[string]string {
	members := make([]assign.Member, 0, len(able))
	for _, p := range able {
		m := state.Members[p.Name]
		members = append(members, assign.Member{Name: p.Name, Zone: p.Zone, Weight: max(m.Weight, 1), Draining: m.Draining})
	}
	var symbols []assign.Symbol
	current := make(map[string]string)
	for _, s := range state.Symbols {
		if !s.Assigned {
			continue
		}
		symbols = append(symbols, assign.Symbol{Name: s.Name, Weight: max(s.Weight, 1), Pin: s.Pin})
		if a, ok := state.Assignments[s.Name]; ok && a.Node != "" {
			current[s.Name] = a.Node
			if a.Next != "" && slices.ContainsFunc(able, func(p Peer) bool { return p.Name == a.Next }) {
				current[s.Name] = a.Next // what was begun is not taken back without need
			}
		}
	}
	return assign.Plan(members, symbols, current)
}

// able returns the peers that can own something: those that renew, and in the
// first lease of a term those that had no time to.
func (c *Controller) able(peers []Peer) []Peer {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.config.Now()
	patience := c.config.Timing.Lease + c.config.Timing.Margin
	return slices.DeleteFunc(slices.Clone(peers), func(p Peer) bool {
		h := holder(p.Name, p.Run)
		at, known := c.renewed[h]
		if !known {
			at = c.elected
		}
		return c.leaving[h] || now.Sub(at) > patience
	})
}

// changes returns what can be committed now of the way from the state to the
// plan. It revokes what has to be given up for the rest.
func (c *Controller) changes(state *State, plan map[string]string, peers []Peer) []Assignment {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forget(state)
	runs := make(map[string]int64, len(peers))
	for _, p := range peers {
		runs[p.Name] = p.Run
	}
	var changes []Assignment
	for _, symbol := range symbolsOf(state) {
		if change, ok := c.change(symbol, state, plan[symbol], runs); ok {
			changes = append(changes, change)
		}
	}
	return changes
}

// change returns the next step of one symbol towards its planned owner; the
// caller holds mu.
func (c *Controller) change(symbol string, state *State, target string, runs map[string]int64) (Assignment, bool) {
	a, had := state.Assignments[symbol]
	a.Symbol = symbol
	h := holder(a.Node, a.Run)
	if s := state.Symbols[symbol]; s.Assigned && target == "" {
		// Nobody can take it: whoever has it keeps it, unless he said good-bye.
		if free, _ := c.book.Free(h, symbol, a.Epoch); a.Node == "" || !c.leaving[h] || !free {
			return a, false
		}
		return Assignment{Symbol: symbol, Epoch: a.Epoch + 1, Since: c.config.Now()}, true
	}
	settled := a.Node == target && (target == "" || a.Run == runs[target] && c.revoked[symbol] != a.Epoch)
	switch {
	case !had && target == "":
		return a, false
	case settled && a.Next == "":
		return a, false
	case settled: // it was to go elsewhere, and stays
		a.Next = ""
		return a, true
	}
	next := Assignment{Symbol: symbol, Node: target, Run: runs[target], Epoch: a.Epoch + 1, Since: c.config.Now()}
	if a.Node == "" {
		return next, true
	}
	lives := a.Node != target && runs[a.Node] == a.Run && a.Run != 0 && !c.leaving[h] && c.renewing(h)
	if lives && target != "" && c.revoked[symbol] != a.Epoch {
		if a.Next != target {
			a.Next = target
			c.asked[symbol] = c.config.Now()
			return a, true
		}
		if !c.mayRevoke(symbol, holder(target, runs[target])) {
			return a, false
		}
	}
	// Not covered from here on; what was covered before has to run out or be released.
	c.revoke(symbol, a.Epoch)
	free, _ := c.book.Free(h, symbol, a.Epoch)
	return next, free
}

// mayRevoke says whether the next owner follows the symbol, or was waited for
// long enough; the caller holds mu.
func (c *Controller) mayRevoke(symbol, target string) bool {
	if c.ready[symbol] == target {
		return true
	}
	since, asked := c.asked[symbol]
	if !asked { // begun by an earlier leader
		since = c.config.Now()
		c.asked[symbol] = since
	}
	return c.config.Now().Sub(since) > c.config.Patience
}

func (c *Controller) renewing(h string) bool {
	at, known := c.renewed[h]
	if !known {
		at = c.elected
	}
	return c.config.Now().Sub(at) <= c.config.Timing.Lease+c.config.Timing.Margin
}

// forget drops what was noted about epochs that are over; the caller holds mu.
func (c *Controller) forget(state *State) {
	maps.DeleteFunc(c.revoked, func(symbol string, epoch uint64) bool { return state.Assignments[symbol].Epoch > epoch })
	maps.DeleteFunc(c.ready, func(symbol, _ string) bool { return state.Assignments[symbol].Next == "" })
	maps.DeleteFunc(c.asked, func(symbol string, _ time.Time) bool { return state.Assignments[symbol].Next == "" })
}

// symbolsOf returns the symbols that are assigned or were, sorted.
func symbolsOf(state *State) []string {
	names := make(map[string]bool, len(state.Symbols))
	for name, s := range state.Symbols {
		if s.Assigned {
			names[name] = true
		}
	}
	for name, a := range state.Assignments {
		if a.Node != "" || a.Next != "" {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// Flush commits what can be committed now, on the leader, before it stops.
func (c *Controller) Flush(ctx context.Context) error {
	c.mu.Lock()
	leading := c.leading
	c.mu.Unlock()
	if !leading {
		return nil
	}
	return c.step(ctx)
}

// Holders returns which peers renew at present, for the status.
func (c *Controller) Holders() (renewing []string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.leading {
		return nil, ErrNotLeader
	}
	for _, p := range c.peers() {
		if c.renewing(holder(p.Name, p.Run)) {
			renewing = append(renewing, p.Name)
		}
	}
	return renewing, nil
}
