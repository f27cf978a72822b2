package consensus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"

	"github.com/hashicorp/raft"
)

// Consensus is one node of the raft group. Its methods may be called from any
// goroutine and at any time; outside Run's life they return ErrStopped or zero.
type Consensus struct {
	config   Config
	fsm      StateMachine
	listener net.Listener
	dial     Dial
	log      *slog.Logger

	acks        *acks
	checks      *checks
	changes     chan Leadership // holds the latest that was not read
	configuring chan struct{}   // full while a SetServers is under way
	stopped     chan struct{}   // closed when the library has ended

	mu      sync.Mutex
	started bool
	closing bool
	raft    *raft.Raft     // nil outside Run's life
	calls   sync.WaitGroup // what waits for the library's answer
}

// New returns a Consensus that Run will start. It takes over listener, from which
// it accepts authenticated peers; dial has to see to it that it reaches the node
// it is asked for.
func New(config Config, fsm StateMachine, listener net.Listener, dial Dial, log *slog.Logger) (*Consensus, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	if config.Address == "" {
		config.Address = listener.Addr().String()
	}
	return &Consensus{
		config:      config,
		fsm:         fsm,
		listener:    listener,
		dial:        dial,
		log:         log,
		acks:        newAcks(),
		checks:      newChecks(),
		changes:     make(chan Leadership, 1),
		configuring: make(chan struct{}, 1),
		stopped:     make(chan struct{}),
	}, nil
}

// Run takes part in the group until ctx ends, and then returns nil; a leader
// first hands over to another voter, for which it takes at most a few election
// time-outs. It returns ErrCorrupt or ErrInUse when the directory can't be opened
// and ErrApply when the state machine fails. It can be called once.
func (c *Consensus) Run(ctx context.Context) error {
	c.mu.Lock()
	again := c.started
	c.started = true
	c.mu.Unlock()
	if again {
		return fmt.Errorf("run consensus again: %w", ErrStopped)
	}
	defer close(c.stopped)
	engine, err := c.open()
	if err != nil {
		_ = c.listener.Close()
		return fmt.Errorf("consensus of %s: %w", c.config.Name, err)
	}

	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	var parts sync.WaitGroup
	parts.Go(func() { c.watchLeadership(work, engine.raft, engine.notices) })
	parts.Go(func() { c.checkLeader(work, engine.raft) })
	c.mu.Lock()
	c.raft = engine.raft
	c.mu.Unlock()

	select {
	case <-ctx.Done():
	case <-engine.fsm.failed:
	}
	c.handOver(work, engine.raft)
	err = errors.Join(engine.fsm.err(), engine.close())
	cancel()
	parts.Wait()
	c.mu.Lock()
	c.raft = nil
	c.mu.Unlock()
	if err != nil {
		return fmt.Errorf("consensus of %s: %w", c.config.Name, err)
	}
	return nil
}

// engine is the library at work on the node's files and connections.
type engine struct {
	raft      *raft.Raft
	transport *transport
	stores    *stores
	fsm       *applier
	notices   chan bool // has to be read, or the library waits
	logger    *bridge
}

// open starts the library on what is in the directory.
func (c *Consensus) open() (*engine, error) {
	fsm, err := newApplier(c.fsm)
	if err != nil {
		return nil, err
	}
	logger := newBridge(c.log)
	stores, err := openStores(c.config.Dir, logger)
	if err != nil {
		return nil, err
	}
	restore, err := stores.match(fsm.applied)
	if err != nil {
		return nil, errors.Join(err, stores.close())
	}
	e := &engine{stores: stores, fsm: fsm, logger: logger, notices: make(chan bool)}
	e.transport = newTransport(c.config.Address, c.listener, c.dial, c.config.Timing.RPC, c.acks, logger)
	conf := c.config.raftConfig(logger)
	conf.NoSnapshotRestoreOnStart = !restore
	conf.NotifyCh = e.notices
	if c.config.Bootstrap {
		err = stores.bootstrap(conf, Server{Name: c.config.Name, Address: c.config.Address, Voter: true}, e.transport)
	}
	if err == nil {
		e.raft, err = stores.start(conf, fsm, e.transport)
	}
	if err != nil {
		return nil, errors.Join(err, e.transport.Close(), stores.close())
	}
	return e, nil
}

// close ends the library. Its connections go first: its goroutines may wait for
// answers on them.
func (e *engine) close() error {
	e.logger.quieten()
	ended := e.raft.Shutdown()
	return errors.Join(e.transport.Close(), ended.Error(), e.stores.close())
}

// handOver ends what callers may do, gives leadership away where there is another
// voter, and waits for what is under way, all with a bound. It is waited for so
// that the library is not shut with commands in its queue, whose callers it would
// never answer.
func (c *Consensus) handOver(ctx context.Context, r *raft.Raft) {
	bound := 2*c.config.Timing.Election + c.config.Timing.RPC
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	c.mu.Lock()
	c.closing = true
	c.mu.Unlock()
	answered := make(chan struct{})
	go func() { // beyond the bound it ends with the library
		if hasOtherVoter(c.servers(r), c.config.Name) && r.State() == raft.Leader {
			voter, err := c.choose(r, "")
			if err == nil {
				err = r.LeadershipTransferToServer(raft.ServerID(voter.Name), raft.ServerAddress(voter.Address)).Error()
			}
			if err != nil {
				c.log.Warn("could not hand leadership over", "node", c.config.Name, "error", err)
			}
		}
		c.calls.Wait()
		close(answered)
	}()
	select {
	case <-answered:
	case <-ctx.Done():
	}
}
