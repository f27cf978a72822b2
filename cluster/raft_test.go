package cluster_test

import (
	"context"
	"errors"
	"maps"
	"time"

	"hedgehog/cluster"
)

// command is a change of the replicated state. It changes the copy that it is
// given.
type command func(*cluster.State)

// assigned is a command that counts each assignment on the conditions of cluster.Log.
func assigned(changes []cluster.Assignment) command {
	return func(s *cluster.State) {
		for _, a := range changes {
			stored := s.Assignments[a.Symbol]
			if a.Epoch == stored.Epoch+1 || a.Epoch == stored.Epoch && a.Node == stored.Node && a.Run == stored.Run {
				s.Assignments[a.Symbol] = a
			}
		}
	}
}

func register(peers []cluster.Peer) command {
	return func(s *cluster.State) {
		for _, p := range peers {
			m := s.Members[p.Name]
			m.Name, m.Zone = p.Name, p.Zone
			s.Members[p.Name] = m
		}
	}
}

// flight is a proposal on its way.
type flight struct {
	by   *life
	do   command
	done chan error // gets nil when it is committed
}

var (
	errLost = errors.New("outcome unknown")
	errCut  = errors.New("no quorum")
)

// commit makes the command part of the state and has every node apply it some
// time later. The caller holds mu.
func (w *world) commit(do command) {
	before := w.state()
	s := &cluster.State{
		Index: before.Index + 1, Members: maps.Clone(before.Members),
		Symbols: maps.Clone(before.Symbols), Assignments: maps.Clone(before.Assignments),
	}
	do(s)
	w.states = append(w.states, s)
	w.judge.committed(before, s)
	for _, n := range w.nodes {
		if n.life != nil {
			n.life.apply(len(w.states) - 1)
		}
	}
}

// confirms says whether a quorum confirms that the node leads in the term. The
// caller holds mu.
func (w *world) confirms(l *life, term uint64) bool {
	return w.leader == l && w.term == term && l.node.reachable() && w.quorum()
}

// quorum says whether a majority is there. The caller holds mu.
func (w *world) quorum() bool {
	there := 0
	for _, n := range w.nodes {
		if n.reachable() {
			there++
		}
	}
	return there > len(w.nodes)/2
}

// elect makes the node the leader, if a majority is there. Each proposal of the
// leader before is in the new one's log, and so committed, or it is lost; who
// proposed it can't tell. All learn of it some time later.
func (w *world) elect(n *node) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n.life == nil || !n.reachable() || !w.quorum() {
		return
	}
	w.leader, w.term = n.life, w.term+1
	w.judge.note("%s leads term %d", n.life.holder(), w.term)
	for _, f := range w.flights {
		if f.by.dice.log.once(2) {
			w.commit(f.do)
		}
		f.done <- errLost
	}
	w.flights = nil
	leader, term := n.life, w.term
	for _, n := range w.nodes {
		if l := n.life; l != nil {
			l.hearLater(l.dice.calls.between(0, 300*time.Millisecond), func() { l.hear(leader, term) })
		}
	}
}

// keepLeader elects another leader when there is none that a quorum follows.
func (w *world) keepLeader(d *dice) {
	w.after(d.between(300*time.Millisecond, 600*time.Millisecond), func() {
		w.mu.Lock()
		missing := w.leader == nil || w.leader.dead || !w.leader.node.reachable()
		w.mu.Unlock()
		if missing {
			w.elect(w.nodes[d.IntN(len(w.nodes))])
		}
		w.keepLeader(d)
	})
}

// raft is the replicated log as one life of a node sees it.
type raft struct{ *life }

func (r raft) Verify(ctx context.Context, term uint64) error {
	r.gate()
	if err := r.delay(ctx, r.dice.verify); err != nil {
		return err
	}
	r.w.mu.Lock()
	ok := r.w.confirms(r.life, term) || r.w.broken == quorumConfirms
	r.w.mu.Unlock()
	if err := r.delay(ctx, r.dice.verify); err != nil {
		return err
	}
	r.gate()
	if !ok {
		return errCut
	}
	return nil
}

func (r raft) Barrier(ctx context.Context) error {
	if r.w.broken == barrierWaits {
		return nil
	}
	r.gate()
	if err := r.delay(ctx, r.dice.log); err != nil {
		return err
	}
	r.w.mu.Lock()
	ok, index := r.w.confirms(r.life, r.w.term), len(r.w.states)-1
	r.w.mu.Unlock()
	if !ok {
		return errCut
	}
	return r.applied(ctx, index)
}

func (r raft) Assign(ctx context.Context, term uint64, changes []cluster.Assignment) error {
	return r.propose(ctx, term, assigned(changes))
}

func (r raft) Register(ctx context.Context, peers []cluster.Peer) error {
	r.w.mu.Lock()
	term := r.w.term
	r.w.mu.Unlock()
	return r.propose(ctx, term, register(peers))
}

// Follow waits, now and then, as for a node that never answers.
func (r raft) Follow(ctx context.Context, _ []cluster.Peer) error {
	r.gate()
	if r.dice.follow.once(3) {
		<-ctx.Done()
		return ctx.Err()
	}
	return r.delay(ctx, r.dice.follow)
}

// propose has the command committed once a quorum follows this leader, and
// returns when it is in this node's state.
func (r raft) propose(ctx context.Context, term uint64, do command) error {
	r.gate()
	if err := r.delay(ctx, r.dice.log); err != nil {
		return err
	}
	w := r.w
	w.mu.Lock()
	lag := r.node.slow - w.now()
	w.mu.Unlock()
	if err := r.rest(ctx, lag); err != nil {
		return err
	}
	w.mu.Lock()
	if w.leader != r.life || w.term != term && w.broken != assignsInTerm {
		w.mu.Unlock()
		return cluster.ErrNotLeader
	}
	f := &flight{by: r.life, do: do, done: make(chan error, 1)}
	w.flights = append(w.flights, f)
	w.mu.Unlock()
	w.land(f)
	select {
	case err := <-f.done:
		if err != nil {
			return err
		}
	case <-ctx.Done():
		return ctx.Err()
	case <-r.ended:
	}
	r.gate()
	w.mu.Lock()
	index := len(w.states) - 1
	w.mu.Unlock()
	return r.applied(ctx, index)
}

// land commits the proposal as soon as a quorum has it, unless another leader
// comes before.
func (w *world) land(f *flight) {
	w.after(f.by.dice.log.between(100*time.Microsecond, 5*time.Millisecond), func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		for i, other := range w.flights {
			if other != f {
				continue
			}
			if !w.confirms(f.by, w.term) {
				w.land(f)
				return
			}
			w.flights = append(w.flights[:i:i], w.flights[i+1:]...)
			w.commit(f.do)
			f.done <- nil
			return
		}
	})
}
