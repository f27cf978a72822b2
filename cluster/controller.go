package cluster

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"hedgehog/cluster/lease"
)

// Log is the replicated log as the leader of a term writes it. Its methods block
// until ctx ends at the latest, and may be called by several goroutines.
type Log interface {
	// Verify returns nil when this node led in the term at some time after the call
	// began, confirmed by a quorum. A newer term of this node does not count.
	Verify(ctx context.Context, term uint64) error
	// Barrier returns when everything committed before is in the state.
	Barrier(ctx context.Context) error
	// Assign commits assignments in the term, and never in a later one. Each counts
	// only when its epoch is the stored one plus one, or, for a change of Next, the
	// stored one itself. After an error they may count or not. When it returns nil
	// they are in the state.
	Assign(ctx context.Context, term uint64, changes []Assignment) error
	// Register commits that the peers are members.
	Register(ctx context.Context, peers []Peer) error
	// Follow brings Raft's own membership into line with who is there. It may wait
	// for nodes that do not answer.
	Follow(ctx context.Context, alive []Peer) error
}

// ControllerConfig is what a Controller needs to know.
type ControllerConfig struct {
	Timing lease.Timing
	// Patience is how long a hand-over waits for the next owner to be ready before
	// it goes on without.
	Patience time.Duration
	// Now is the node's monotonic clock.
	Now func() time.Time
}

// Controller is the leader's part. Its methods may be called on any node at any
// time; only while Lead runs, from when it has caught up, do they do anything.
type Controller struct {
	config ControllerConfig
	log    Log
	state  func() *State
	peers  func() []Peer
	logger *slog.Logger
	wake   chan struct{}
	turn   chan struct{} // as wake, for the members of Raft

	book *lease.Book

	mu      sync.Mutex
	leading bool
	term    uint64
	elected time.Time
	heard   map[string]*word  // by holder: what it said in this term
	news    uint64            // counts what was heard and may call for a step
	revoked map[string]uint64 // symbol → epoch that is no longer covered; kept over terms, as the book does
	asked   map[string]asked  // by symbol: the hand-over that waits
	last    decision          // of the latest step
}

// word is what a holder has said in this term.
type word struct {
	received time.Time // its latest renewal
	leaving  bool
	ready    map[string]bool // symbols that it follows and waits for
}

// asked says since when the hand-over of a symbol to a node waits.
type asked struct {
	node  string
	since time.Time
}

// inputs are what a step decides on, time apart.
type inputs struct {
	term        uint64
	state       *State
	peers, able []Peer
	news        uint64
}

// decision is what a step came to.
type decision struct {
	inputs
	plan  map[string]string
	rests bool // nothing is left to do or to wait for
}

// NewController returns a controller that reads the replicated state from state
// and who is there from peers. Both return at once.
func NewController(c ControllerConfig, log Log, state func() *State, peers func() []Peer, logger *slog.Logger) *Controller {
	return &Controller{
		config: c, log: log, state: state, peers: peers, logger: logger,
		wake: make(chan struct{}, 1), turn: make(chan struct{}, 1),
		book: lease.NewBook(c.Timing, c.Now), revoked: make(map[string]uint64),
	}
}

// Wake makes the controller look at once, when the state or the members changed.
func (c *Controller) Wake() {
	signal(c.wake)
	signal(c.turn)
}

func signal(wake chan struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}

// Lead does the leader's work for one term until ctx ends. It begins with the
// state of all terms before: on an older one it would cover owners of the past.
func (c *Controller) Lead(ctx context.Context, term uint64) error {
	// What is to be waited for ends at some time without any event.
	tick := time.NewTicker(c.config.Timing.Renew / 10)
	defer tick.Stop()
	catchUp := c.logFirst("leading waits for the state to catch up", c.log.Barrier)
	for catchUp(ctx) != nil {
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	c.begin(term)
	defer c.end()
	var following sync.WaitGroup
	defer following.Wait()
	following.Go(func() { c.follow(ctx) })
	step := c.logFirst("plan not carried out, trying again", c.step)
	for ctx.Err() == nil {
		_ = step(ctx) // tried again
		select {
		case <-c.wake:
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	return context.Cause(ctx)
}

// logFirst returns do with the first of its errors in a row logged.
func (c *Controller) logFirst(message string, do func(context.Context) error) func(context.Context) error {
	failing := false
	return func(ctx context.Context) error {
		err := do(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			c.logger.Warn(message, "error", err)
		}
		failing = err != nil
		return err
	}
}

func (c *Controller) begin(term uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leading, c.term, c.elected = true, term, c.config.Now()
	c.book.Elected()
	c.heard, c.asked, c.last = make(map[string]*word), make(map[string]asked), decision{}
	c.logger.Info("leading", "term", term)
}

func (c *Controller) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leading = false
	c.logger.Info("no longer leading", "term", c.term)
}

// leads returns the term in which the controller works.
func (c *Controller) leads() (term uint64, leading bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.term, c.leading
}

// follow keeps Raft's own membership in line until ctx ends. It is apart from the
// steps, since it waits for nodes that may never answer, and gives up from time to
// time, since meanwhile others may have come and gone.
func (c *Controller) follow(ctx context.Context) {
	tick := time.NewTicker(c.config.Timing.Renew)
	defer tick.Stop()
	follow := c.logFirst("raft's members not brought into line, trying again", func(ctx context.Context) error {
		return c.log.Follow(ctx, c.peers())
	})
	for ctx.Err() == nil {
		brief, cancel := context.WithTimeout(ctx, c.config.Timing.Lease)
		_ = follow(brief) // tried again
		cancel()
		select {
		case <-c.turn:
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// Flush commits what can be committed now, on the leader, before it stops.
func (c *Controller) Flush(ctx context.Context) error {
	if _, leading := c.leads(); !leading {
		return nil
	}
	return c.step(ctx)
}

// step looks once and commits what has to change. A peer that can't be registered
// does not hold up the others.
func (c *Controller) step(ctx context.Context) error {
	peers := c.peers()
	var unregistered error
	if fresh := strangers(c.state(), peers); len(fresh) > 0 {
		unregistered = c.log.Register(ctx, fresh)
	}
	in := c.look(peers)
	plan, rests := c.planned(in)
	if rests {
		return unregistered
	}
	changes := c.changes(in, plan)
	if len(changes) == 0 {
		return unregistered
	}
	return errors.Join(unregistered, c.log.Assign(ctx, in.term, changes))
}

// strangers returns the peers that are no members yet, or were in another zone.
func strangers(state *State, peers []Peer) []Peer {
	return slices.DeleteFunc(slices.Clone(peers), func(p Peer) bool {
		m, ok := state.Members[p.Name]
		return ok && m.Zone == p.Zone
	})
}

// look returns what there is to decide on now.
func (c *Controller) look(peers []Peer) inputs {
	// The term first: the state is then at least as new.
	term, _ := c.leads()
	state := c.state()
	c.mu.Lock()
	defer c.mu.Unlock()
	return inputs{term: term, state: state, peers: peers, able: c.able(peers), news: c.news}
}

// planned returns the plan for the inputs, and whether a step on the same ones
// found nothing to do before. Steps are many, and planning thousands of symbols is
// work.
func (c *Controller) planned(in inputs) (plan map[string]string, rests bool) {
	c.mu.Lock()
	last := c.last
	c.mu.Unlock()
	if last.state != in.state || !slices.Equal(last.able, in.able) {
		return Plan(in.state, in.able), false
	}
	return last.plan, last.rests && last.news == in.news && slices.Equal(last.peers, in.peers)
}

// able returns the peers that can own something: those that renew, and in the
// first lease of a term those that had no time to. The caller holds mu.
func (c *Controller) able(peers []Peer) []Peer {
	return slices.DeleteFunc(slices.Clone(peers), func(p Peer) bool {
		h := holder(p.Name, p.Run)
		return c.leaving(h) || !c.renewing(h)
	})
}

// renewing says whether the holder's lease may be in force; the caller holds mu.
func (c *Controller) renewing(h string) bool {
	at := c.elected
	if w := c.heard[h]; w != nil {
		at = w.received
	}
	return c.config.Now().Sub(at) <= c.config.Timing.Lease+c.config.Timing.Margin
}

// leaving says whether the holder said good-bye; the caller holds mu.
func (c *Controller) leaving(h string) bool {
	w := c.heard[h]
	return w != nil && w.leaving
}
