package consensus_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hedgehog/cluster/consensus"
)

// testTiming is short enough for tests that wait for elections and long enough
// for a busy machine with the race detector.
func testTiming() consensus.Timing {
	return consensus.Timing{
		Heartbeat:   200 * time.Millisecond,
		Election:    200 * time.Millisecond,
		LeaderLease: 200 * time.Millisecond,
		Commit:      5 * time.Millisecond,
		RPC:         time.Second,
	}
}

// patience is how long a test waits for what has to come.
const patience = 20 * time.Second

// ledger is a state machine that stores the commands themselves. It outlives the
// Consensus that uses it, as a file would.
type ledger struct {
	tb testing.TB

	mu       sync.Mutex
	state    ledgerState
	broken   error         // what storing fails with
	changed  chan struct{} // closed and replaced when state changes
	restores int
}

type ledgerState struct {
	Last     uint64
	Commands []string
}

func newLedger(tb testing.TB) *ledger { return &ledger{tb: tb, changed: make(chan struct{})} }

func (l *ledger) ApplyBatch(commands []consensus.Command) []any {
	l.mu.Lock()
	defer l.mu.Unlock()
	results := make([]any, len(commands))
	for i, c := range commands {
		if l.broken != nil {
			results[i] = l.broken
			continue
		}
		if c.Index <= l.state.Last {
			l.tb.Errorf("command %d came after command %d", c.Index, l.state.Last)
		}
		l.state.Last = c.Index
		if text, ok := strings.CutPrefix(string(c.Data), "refuse "); ok {
			results[i] = errors.New(text)
			continue
		}
		l.state.Commands = append(l.state.Commands, string(c.Data))
		results[i] = len(l.state.Commands)
	}
	l.wake()
	return results
}

func (l *ledger) wake() {
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *ledger) LastIndex() (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state.Last, nil
}

func (l *ledger) Snapshot() (func(io.Writer) error, func(), error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	data, err := json.Marshal(l.state)
	return func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	}, func() {}, err
}

func (l *ledger) Restore(r io.Reader) error {
	var state ledgerState
	if err := json.NewDecoder(r).Decode(&state); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state = state
	l.restores++
	l.wake()
	return nil
}

// breakWith makes storing fail, or work again with nil.
func (l *ledger) breakWith(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken = err
}

func (l *ledger) commands() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.state.Commands)
}

// await waits until the ledger has the commands, and no others.
func (l *ledger) await(tb testing.TB, want []string) {
	tb.Helper()
	timeout := time.After(patience)
	for {
		l.mu.Lock()
		have, changed := slices.Clone(l.state.Commands), l.changed
		l.mu.Unlock()
		if slices.Equal(have, want) {
			return
		}
		select {
		case <-changed:
		case <-timeout:
			tb.Fatalf("ledger has %q, want %q", have, want)
		}
	}
}

// node is a Consensus with all it needs.
type node struct {
	*consensus.Consensus
	name   string
	dir    string
	config consensus.Config
	ledger *ledger
	net    *network
	log    *slog.Logger
	cancel context.CancelFunc
	ended  chan error
}

func newNode(tb testing.TB, n *network, name string, change ...func(*consensus.Config)) *node {
	tb.Helper()
	config := consensus.DefaultConfig(name, tb.TempDir())
	config.Timing = testTiming()
	for _, f := range change {
		f(&config)
	}
	return &node{name: name, dir: config.Dir, config: config, ledger: newLedger(tb), net: n, log: slog.New(slog.NewTextHandler(tb.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))}
}

func bootstrap(c *consensus.Config) { c.Bootstrap = true }

// start runs the node, at a new address, until stop or the test's end.
func (n *node) start(tb testing.TB) *node {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	n.net.mu.Lock()
	n.net.at[n.name] = listener.Addr().String()
	n.net.mu.Unlock()
	n.Consensus, err = consensus.New(n.config, n.ledger, listener, n.net.dial(n.name), n.log)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	run := n.Consensus.Run
	go func() { ended <- run(ctx); close(ended) }()
	n.cancel, n.ended = cancel, ended
	tb.Cleanup(func() {
		cancel()
		<-ended
	})
	return n
}

// stop ends the node and returns what its Run did.
func (n *node) stop(tb testing.TB) error {
	tb.Helper()
	n.cancel()
	return n.wait(tb)
}

func (n *node) wait(tb testing.TB) error {
	tb.Helper()
	select {
	case err := <-n.ended:
		return err
	case <-time.After(patience):
		tb.Fatalf("%s has not ended", n.name)
		return nil
	}
}

// kill ends the node without a word to the others.
func (n *node) kill(tb testing.TB, others ...*node) {
	tb.Helper()
	n.net.split([]string{n.name}, names(others))
	if err := n.stop(tb); err != nil {
		tb.Fatalf("%s: %v", n.name, err)
	}
}

func names(nodes []*node) []string {
	list := make([]string, len(nodes))
	for i, n := range nodes {
		list[i] = n.name
	}
	return list
}

func (n *node) address() string {
	n.net.mu.Lock()
	defer n.net.mu.Unlock()
	return n.net.at[n.name]
}

func (n *node) server(voter bool) consensus.Server {
	return consensus.Server{Name: n.name, Address: n.address(), Voter: voter}
}

// propose has the command committed and applied.
func (n *node) propose(tb testing.TB, command string) {
	tb.Helper()
	if _, err := n.Propose(timeout(tb), []byte(command)); err != nil {
		tb.Fatalf("%s: %v", n.name, err)
	}
}

// timeout is a context that ends with the test's patience.
func timeout(tb testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	tb.Cleanup(cancel)
	return ctx
}

// eventually polls for what gives no signal.
func eventually(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	give := time.After(patience)
	for !ok() {
		select {
		case <-tick.C:
		case <-give:
			tb.Fatalf("never: %s", what)
		}
	}
}

// leader waits until one of the nodes leads for certain.
func leader(tb testing.TB, nodes ...*node) *node {
	tb.Helper()
	var found *node
	eventually(tb, "a leader", func() bool {
		for _, n := range nodes {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			led := n.IsLeader() && n.VerifyLeader(ctx) == nil
			cancel()
			if led {
				found = n
			}
		}
		return found != nil
	})
	return found
}

// group starts nodes n1, n2, …, of which the first leads and all vote.
func group(tb testing.TB, size int, change ...func(*consensus.Config)) (*network, []*node) {
	tb.Helper()
	network := newNetwork()
	nodes := []*node{newNode(tb, network, "n1", append(change, bootstrap)...).start(tb)}
	want := []consensus.Server{nodes[0].server(true)}
	for i := 2; i <= size; i++ {
		n := newNode(tb, network, fmt.Sprintf("n%d", i), change...).start(tb)
		nodes, want = append(nodes, n), append(want, n.server(true))
	}
	first := leader(tb, nodes[0])
	if err := first.SetServers(timeout(tb), want); err != nil {
		tb.Fatal(err)
	}
	return network, nodes
}

// slowLeader is a group of three whose leader, the first of them, notices by itself only after a
// minute that nobody answers it, as one that does not run.
func slowLeader(tb testing.TB) (*network, []*node) {
	tb.Helper()
	network, nodes := group(tb, 3, func(c *consensus.Config) {
		if c.Name == "n2" {
			c.Timing.Heartbeat, c.Timing.Election = time.Minute, time.Minute
			c.Timing.LeaderLease, c.Timing.RPC = time.Minute, time.Minute
		}
	})
	if err := nodes[0].TransferLeadership(timeout(tb), "n2"); err != nil {
		tb.Fatal(err)
	}
	slow := leader(tb, nodes[1])
	tb.Cleanup(func() { // or the slow one would end as slowly
		network.heal()
		slow.cancel()
		<-slow.ended
	})
	return network, append([]*node{slow}, without(nodes, slow)...)
}

func without(nodes []*node, n *node) []*node {
	return slices.DeleteFunc(slices.Clone(nodes), func(other *node) bool { return other == n })
}
