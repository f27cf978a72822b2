package simulation_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hedgehog/cluster/consensus"
)

// rafters are nodes that have nothing but a replicated log.
type rafters struct {
	*wires
	tb     testing.TB
	timing consensus.Timing // of lives that begin
	group  *raftGroup
	names  []string
	tapes  map[string]*tape
	nodes  map[string]*raftNode
	stop   map[string]context.CancelFunc
	lives  sync.WaitGroup

	// Guarded by the group's lock.
	committed []consensus.Command
	newest    uint64 // term of what is committed
}

// tape is a state machine on a disk: it keeps the commands.
type tape struct {
	tb testing.TB

	mu       sync.Mutex
	commands []consensus.Command
	restores int
}

func (t *tape) ApplyBatch(commands []consensus.Command) []any {
	t.mu.Lock()
	defer t.mu.Unlock()
	answers := make([]any, len(commands))
	for i, c := range commands {
		if c.Index <= t.last() {
			t.tb.Errorf("command %d %q came after %d, restored %d times", c.Index, c.Data, t.last(), t.restores)
		}
		t.commands = append(t.commands, c)
		answers[i] = fmt.Sprintf("%s at %d", c.Data, c.Index)
	}
	return answers
}

func (t *tape) last() uint64 {
	if len(t.commands) == 0 {
		return 0
	}
	return t.commands[len(t.commands)-1].Index
}

func (t *tape) LastIndex() (uint64, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last(), nil
}

func (t *tape) Snapshot() (write func(io.Writer) error, release func(), err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	commands := slices.Clone(t.commands)
	return func(w io.Writer) error { return json.NewEncoder(w).Encode(commands) }, func() {}, nil
}

func (t *tape) Restore(r io.Reader) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.restores++
	t.commands = nil
	return json.NewDecoder(r).Decode(&t.commands)
}

// kept are the commands on the tape.
func (t *tape) kept() []consensus.Command {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.commands)
}

// lose takes the last commands off, as a power cut does.
func (t *tape) lose(commands int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.commands = t.commands[:max(0, len(t.commands)-commands)]
}

// withRafters runs the test with as many nodes, all of them voters, on one of which
// the group has a leader.
func withRafters(t *testing.T, seed uint64, nodes int, test func(r *rafters)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newRafters(t, seed, nodes)
		defer r.close()
		r.mustSet(r.mustLead(), r.voters(nodes))
		r.settle(time.Second)
		test(r)
	})
}

// newRafters starts the nodes, of which the first founds the group.
func newRafters(tb testing.TB, seed uint64, nodes int) *rafters {
	r := &rafters{
		wires: newWires(seed), tb: tb, timing: consensus.LocalTiming(),
		tapes: make(map[string]*tape), nodes: make(map[string]*raftNode), stop: make(map[string]context.CancelFunc),
	}
	r.group = newRaftGroup(r.wires)
	r.group.committed = func(index, term uint64, data []byte) {
		r.committed = append(r.committed, consensus.Command{Index: index, Term: term, Data: data})
		r.newest = max(r.newest, term)
	}
	for i := range nodes {
		name := fmt.Sprintf("n%d", i+1)
		r.names = append(r.names, name)
		r.tapes[name] = &tape{tb: tb}
		r.start(name)
	}
	return r
}

// start begins a life of the node, where it has none.
func (r *rafters) start(name string) {
	if r.alive(name) {
		return
	}
	config := consensus.DefaultConfig(name, "nowhere")
	config.Address, config.Timing, config.Bootstrap = name+":1", r.timing, name == "n1"
	l := r.begin(name)
	ctx, stop := context.WithCancel(context.Background())
	n := r.group.open(l, config, r.tapes[name])
	r.nodes[name], r.stop[name] = n, stop
	r.lives.Go(func() {
		if err := n.Run(ctx); err != nil && !l.over() {
			r.tb.Errorf("%s: %v", name, err)
		}
		r.end(l)
		r.group.networkChanged()
	})
	synctest.Wait()
}

// crash ends the node's life without a word.
func (r *rafters) crash(name string) {
	r.end(r.nodes[name].life)
	r.stop[name]()
	r.group.networkChanged()
}

// close ends all lives.
func (r *rafters) close() {
	for _, name := range r.names {
		r.crash(name)
	}
	r.lives.Wait()
}

// change does something to the network.
func (r *rafters) change(do func()) {
	do()
	r.group.networkChanged()
}

// voters are the first of the nodes, as a group.
func (r *rafters) voters(count int) []consensus.Server {
	var servers []consensus.Server
	for i, name := range r.names {
		servers = append(servers, consensus.Server{Name: name, Address: name + ":1", Voter: i < count})
	}
	return servers
}

// leader is who thinks that it leads, in the newest term, or nil.
func (r *rafters) leader() *raftNode {
	var newest *raftNode
	for _, name := range r.names {
		n := r.nodes[name]
		if r.alive(name) && !r.paused(name) && n.IsLeader() && (newest == nil || n.Term() > newest.Term()) {
			newest = n
		}
	}
	return newest
}

// within waits for something, at most so long, and says how long it took.
func (r *rafters) within(most time.Duration, what string, ok func() bool) time.Duration {
	r.tb.Helper()
	began := time.Now()
	for !ok() {
		if time.Since(began) > most {
			r.tb.Fatalf("not within %v: %s\n%s", most, what, r.timeline())
		}
		time.Sleep(time.Millisecond)
	}
	return time.Since(began)
}

// mustLead waits for a leader.
func (r *rafters) mustLead() *raftNode {
	r.tb.Helper()
	r.within(3*time.Second, "a leader", func() bool { return r.leader() != nil })
	return r.leader()
}

func (r *rafters) mustSet(leader *raftNode, servers []consensus.Server) {
	r.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := leader.SetServers(ctx, servers); err != nil {
		r.tb.Fatalf("%v\n%s", err, r.timeline())
	}
}

func (r *rafters) mustPropose(n *raftNode, command string) {
	r.tb.Helper()
	result, err := r.propose(n, command)
	if err != nil {
		r.tb.Fatalf("%v\n%s", err, r.timeline())
	}
	last := r.tapes[n.name()].kept()
	if want := fmt.Sprintf("%s at %d", command, last[len(last)-1].Index); result != want {
		r.tb.Fatalf("answered %v, want %v", result, want)
	}
}

func (r *rafters) propose(n *raftNode, command string) (any, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return n.Propose(ctx, []byte(command))
}

// settle waits until all living nodes have applied what is committed.
func (r *rafters) settle(most time.Duration) {
	r.tb.Helper()
	r.within(most, "all have all of the log", func() bool {
		want := r.history()
		return !slices.ContainsFunc(r.names, func(name string) bool {
			return r.alive(name) && len(r.tapes[name].kept()) != len(want)
		})
	})
}

// history is what is committed.
func (r *rafters) history() []consensus.Command {
	r.group.mu.Lock()
	defer r.group.mu.Unlock()
	return slices.Clone(r.committed)
}

// mustAgree fails unless every tape is the history, or a beginning of it.
func (r *rafters) mustAgree() {
	r.tb.Helper()
	want := r.history()
	for _, name := range r.names {
		got := r.tapes[name].kept()
		for i, c := range got {
			if w := want[i]; c.Index != w.Index || c.Term != w.Term || string(c.Data) != string(w.Data) {
				r.tb.Fatalf("%s applied %d %q, committed is %d %q\n%s", name, c.Index, c.Data, w.Index, w.Data, r.timeline())
			}
		}
	}
}
