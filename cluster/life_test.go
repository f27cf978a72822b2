package cluster_test

import (
	"context"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"hedgehog/cluster"
	"hedgehog/cluster/lease"
)

// node is what outlasts the lives of a node: its name, its clock and its disk.
type node struct {
	w      *world
	name   string
	offset time.Duration
	rate   int64 // of its clock, in parts per million of real time

	// Guarded by the world's mu.
	life    *life
	run     int64         // of the latest life
	applied int           // up to where it has applied the replicated state
	lost    time.Duration // since when the others don't hear it, when it is not reachable
	resume  chan struct{} // closed when it goes on; nil: it is not paused
	slow    time.Duration // until then it applies and proposes nothing
	cut     bool          // off from the others, not from the exchange
}

func (n *node) clock() time.Time {
	now := n.w.now()
	return time.Unix(0, 0).Add(n.offset + now + now*time.Duration(n.rate)/1e6)
}

// reachable says whether the others hear the node. The caller holds the world's mu.
func (n *node) reachable() bool { return n.life != nil && n.resume == nil && !n.cut }

// life is a node from its start to its end.
type life struct {
	w     *world
	node  *node
	run   int64
	ended chan struct{}
	ctx   context.Context
	work  sync.WaitGroup

	state      atomic.Pointer[cluster.State]
	leader     atomic.Pointer[life] // whom this node takes for the leader
	guard      *lease.Guard
	parts      *parts
	agent      *cluster.Agent
	controller *cluster.Controller
	terms      chan uint64 // the latest news of leadership; 0: lost
	dice       struct{ verify, log, follow, calls, apply, gate *dice }

	cancel, stopAgent context.CancelFunc
	left              chan struct{} // closed when the agent has returned

	// Guarded by the world's mu.
	dead    bool
	heard   uint64 // the latest term that it heard of
	waiting []wait
}

// wait is for a state to be applied.
type wait struct {
	index int
	done  chan struct{}
}

// start begins a new life of the node.
func (n *node) start() {
	w := n.w
	w.mu.Lock()
	defer w.mu.Unlock()
	if n.life != nil || w.over {
		return
	}
	w.runs++
	l := &life{w: w, node: n, run: w.runs, ended: make(chan struct{}), terms: make(chan uint64, 1), left: make(chan struct{})}
	actor := n.name + "#" + strconv.FormatInt(l.run, 10)
	l.dice.log, l.dice.follow = w.dice(actor+" log"), w.dice(actor+" follow")
	l.dice.calls, l.dice.apply = w.dice(actor+" calls"), w.dice(actor+" apply")
	l.dice.verify = w.dice(actor + " verify")
	l.dice.gate = w.dice(actor + " gate")
	l.ctx, l.cancel = context.WithCancel(context.Background())
	agentCtx, stopAgent := context.WithCancel(l.ctx)
	l.stopAgent = stopAgent
	l.state.Store(w.states[n.applied])
	l.leader.Store(w.leader)
	l.guard = lease.NewGuard(n.clock)
	l.parts = newParts(l)
	l.controller = cluster.NewController(cluster.ControllerConfig{Timing: w.timing, Patience: patience, Now: n.clock},
		raft{l}, l.readState, l.peers, w.log)
	l.agent = cluster.NewAgent(cluster.AgentConfig{Node: n.name, Run: l.run, Timing: w.timing, Now: n.clock},
		calls{l}, l.readState, l.guard, l.parts, w.log)
	n.life, n.run = l, l.run
	l.apply(len(w.states) - 1)
	l.work.Go(l.lead)
	l.work.Go(func() {
		defer close(l.left)
		_ = l.agent.Run(agentCtx) // it ends by its context, or with the node
	})
}

// kill ends the node's life at once, wherever its goroutines are.
func (n *node) kill() {
	n.w.mu.Lock()
	l := n.life
	if l == nil {
		n.w.mu.Unlock()
		return
	}
	n.lose()
	l.dead, n.life = true, nil
	close(l.ended)
	n.w.mu.Unlock()
	l.cancel()
	l.work.Wait()
}

// stop ends the node's life in order, and starts another one after pause.
func (n *node) stop(pause time.Duration) {
	n.w.mu.Lock()
	l := n.life
	n.w.mu.Unlock()
	if l == nil {
		return
	}
	l.stopAgent()
	<-l.left
	flush := make(chan struct{})
	l.work.Go(func() {
		defer close(flush)
		brief, cancel := context.WithTimeout(l.ctx, time.Second)
		defer cancel()
		_ = l.controller.Flush(brief) // the next leader goes on with it
	})
	<-flush
	n.kill()
	n.w.after(pause, n.start)
}

// lose notes that the others hear the node no more. The caller holds the world's mu.
func (n *node) lose() {
	if n.reachable() {
		n.lost = n.w.now()
	}
}

// gate is passed by the node's goroutines whenever they reach out of the code
// under test: they wait while the node is paused, and end when it is dead.
func (l *life) gate() {
	for {
		l.w.mu.Lock()
		dead, resume := l.dead, l.node.resume
		l.w.mu.Unlock()
		switch {
		case dead:
			runtime.Goexit()
		case resume == nil:
			return
		}
		again := l.dice.gate.between(0, time.Millisecond) // not all at the same instant
		select {
		case <-resume:
			_ = l.rest(context.Background(), again)
		case <-l.ended:
		}
	}
}

// delay lets the time of a message pass.
func (l *life) delay(ctx context.Context, d *dice) error {
	way, lost := l.w.way(d)
	if lost {
		way = l.w.timing.Lease // asked again by then
	}
	return l.rest(ctx, way)
}

// rest lets time pass.
func (l *life) rest(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-l.ended:
		runtime.Goexit()
		return nil
	}
}

// later has the node do something when d has passed and it is not paused.
func (l *life) later(d time.Duration, do func()) {
	l.w.after(d, func() {
		l.gate()
		do()
	})
}

// hearLater has the node hear something when d has passed and it is not cut off.
func (l *life) hearLater(d time.Duration, hear func()) {
	l.later(d, func() {
		l.w.mu.Lock()
		cut := l.node.cut
		l.w.mu.Unlock()
		if cut {
			l.hearLater(50*time.Millisecond, hear)
			return
		}
		hear()
	})
}

func (l *life) readState() *cluster.State {
	l.gate()
	return l.state.Load()
}

// peers are those whom gossip shows to the node: who has been lost for a second
// is not among them.
func (l *life) peers() []cluster.Peer {
	l.gate()
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	var peers []cluster.Peer
	for _, n := range l.w.nodes {
		heard := n.reachable() || l.w.now()-n.lost < time.Second
		alone := !l.node.reachable() && l.w.now()-l.node.lost >= time.Second
		if n == l.node || heard && !alone && n.run != 0 {
			peers = append(peers, cluster.Peer{Name: n.name, Address: n.name + ":1", Run: n.run})
		}
	}
	return peers
}

// apply has the node apply the replicated state up to index some time later. The
// caller holds the world's mu.
func (l *life) apply(index int) {
	d := l.dice.apply.between(100*time.Microsecond, 10*time.Millisecond)
	if l.w.rough && l.dice.apply.once(20) {
		d = l.dice.apply.between(0, l.w.timing.Lease/2)
	}
	l.hearLater(d, func() {
		w := l.w
		w.mu.Lock()
		if w.now() < l.node.slow {
			l.apply(index)
			w.mu.Unlock()
			return
		}
		if index > l.node.applied || l.state.Load() == nil {
			l.node.applied = index
			l.state.Store(w.states[index])
		}
		var still []wait
		for _, waiting := range l.waiting {
			if waiting.index <= l.node.applied {
				close(waiting.done)
			} else {
				still = append(still, waiting)
			}
		}
		l.waiting = still
		w.mu.Unlock()
		l.controller.Wake()
		l.agent.Wake()
	})
}

// applied returns when the node has applied the state up to index.
func (l *life) applied(ctx context.Context, index int) error {
	l.w.mu.Lock()
	done := make(chan struct{})
	if l.node.applied >= index {
		close(done)
	} else {
		l.waiting = append(l.waiting, wait{index, done})
	}
	l.w.mu.Unlock()
	select {
	case <-done:
	case <-ctx.Done():
		return ctx.Err()
	case <-l.ended:
	}
	l.gate()
	return nil
}

// hear tells the node who leads. The latest news replaces what was not acted on
// yet, and old news is none.
func (l *life) hear(leader *life, term uint64) {
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	if term <= l.heard {
		return
	}
	l.heard = term
	before := l.leader.Swap(leader)
	if leader != l && before != l {
		return
	}
	if leader != l {
		term = 0
	}
	select {
	case <-l.terms:
	default:
	}
	l.terms <- term
}

// lead runs the controller whenever this node thinks that it leads.
func (l *life) lead() {
	var leading sync.WaitGroup
	stop := func() {}
	defer func() { stop() }()
	for {
		select {
		case term := <-l.terms:
			stop()
			stop = func() {}
			if term == 0 {
				continue
			}
			ctx, cancel := context.WithCancel(l.ctx)
			leading.Go(func() { _ = l.controller.Lead(ctx, term) }) // it ends by its context, or with the node
			stop = func() {
				cancel()
				leading.Wait()
			}
		case <-l.ended:
			return
		}
	}
}
