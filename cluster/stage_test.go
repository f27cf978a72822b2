package cluster_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hedgehog/cluster"
	"hedgehog/cluster/lease"
)

// stage is one controller, with a log that does what it is told at once, and
// actors that renew as agents do. It lives on the clock of a synctest bubble.
type stage struct {
	controller *cluster.Controller
	timing     lease.Timing
	actors     map[string]*actor

	mu     sync.Mutex // guards what follows, and who is there of the actors
	state  *cluster.State
	caught chan struct{} // a barrier waits until it is closed; nil: for nothing
	term   uint64        // the only one that Verify and Assign take
}

// actor is a node as the controller hears it.
type actor struct {
	run     int64
	gone    bool // gossip does not show it
	silent  bool // it does not renew
	idle    bool // it follows nothing, and stops nothing
	leaving bool
	revoked map[string]uint64
	covered map[string]uint64
}

// newStage returns a stage with nodes, which are members, and assigned symbols. The
// controller leads term 1 until the test ends.
func newStage(tb testing.TB, nodes, symbols []string) *stage {
	tb.Helper()
	s := &stage{timing: lease.Local(), actors: make(map[string]*actor), term: 1, state: &cluster.State{
		Members: map[string]cluster.Member{}, Symbols: map[string]cluster.Symbol{}, Assignments: map[string]cluster.Assignment{},
	}}
	for i, name := range nodes {
		s.actors[name] = &actor{run: int64(i + 1)}
	}
	for _, name := range symbols {
		s.state.Symbols[name] = cluster.Symbol{Name: name, Assigned: true}
	}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	c := cluster.ControllerConfig{Timing: s.timing, Patience: patience, Now: time.Now}
	s.controller = cluster.NewController(c, s, s.read, s.peers, log)
	return s
}

// lead has the controller lead a term; end ends that.
func (s *stage) lead(term uint64) (end func()) {
	s.confirm(term)
	ctx, cancel := context.WithCancel(context.Background())
	var leading sync.WaitGroup
	leading.Go(func() { _ = s.controller.Lead(ctx, term) }) // it ends by ctx
	return func() {
		cancel()
		leading.Wait()
	}
}

func (s *stage) read() *cluster.State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

func (s *stage) peers() []cluster.Peer {
	s.mu.Lock()
	defer s.mu.Unlock()
	var peers []cluster.Peer
	for _, name := range slices.Sorted(maps.Keys(s.actors)) {
		if a := s.actors[name]; !a.gone {
			peers = append(peers, cluster.Peer{Name: name, Run: a.run})
		}
	}
	return peers
}

// change changes the state, as a committed command does.
func (s *stage) change(do command) {
	s.mu.Lock()
	old := s.state
	s.state = &cluster.State{
		Index: old.Index + 1, Members: maps.Clone(old.Members), Symbols: maps.Clone(old.Symbols), Assignments: maps.Clone(old.Assignments),
	}
	do(s.state)
	s.mu.Unlock()
	s.controller.Wake()
}

// starts has a new life of a node begin.
func (s *stage) starts(name string, a *actor) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.actors[name] = a
}

// dies has a node end without a word.
func (s *stage) dies(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.actors[name].gone = true
}

// confirm has a quorum confirm another term from now on.
func (s *stage) confirm(term uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.term = term
}

func (s *stage) Verify(_ context.Context, term uint64) error { return s.inTerm(term) }

func (s *stage) inTerm(term uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if term != s.term {
		return errCut
	}
	return nil
}

func (s *stage) Barrier(ctx context.Context) error {
	if s.caught == nil {
		return nil
	}
	select {
	case <-s.caught:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *stage) Assign(_ context.Context, term uint64, changes []cluster.Assignment) error {
	if err := s.inTerm(term); err != nil {
		return err
	}
	s.change(assigned(changes))
	return nil
}

func (s *stage) Register(_ context.Context, peers []cluster.Peer) error {
	s.change(register(peers))
	return nil
}

func (s *stage) Follow(context.Context, []cluster.Peer) error { return nil }

// play lets time pass, in which the actors renew.
func (s *stage) play(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(s.timing.Renew / 5) {
		for _, name := range slices.Sorted(maps.Keys(s.actors)) {
			if a := s.actors[name]; !a.silent && !a.gone {
				_ = s.renew(name) // refused when it is
			}
		}
	}
}

// renew has one actor renew once.
func (s *stage) renew(name string) error {
	a := s.actors[name]
	r := cluster.Renewal{Node: name, Run: a.run, Leaving: a.leaving}
	if !a.idle {
		r.Released = a.revoked
		for symbol, at := range s.read().Assignments {
			if at.Next == name {
				r.Ready = append(r.Ready, symbol)
			}
			if a.leaving && at.Node == name && at.Run == a.run {
				r.Released = map[string]uint64{symbol: at.Epoch}
			}
		}
	}
	g, err := s.controller.Renew(context.Background(), r)
	if err == nil {
		a.revoked, a.covered = g.Revoked, g.Covered
	}
	return err
}

// owners says who has what: symbol=node#run/epoch>next.
func (s *stage) owners() string {
	var all []string
	state := s.read()
	for _, symbol := range slices.Sorted(maps.Keys(state.Assignments)) {
		a := state.Assignments[symbol]
		text := fmt.Sprintf("%s=%s#%d/%d", symbol, a.Node, a.Run, a.Epoch)
		if a.Next != "" {
			text += ">" + a.Next
		}
		all = append(all, text)
	}
	return strings.Join(all, " ")
}
