package consensus_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"

	"hedgehog/cluster/consensus"
)

// network connects nodes over loopback TCP and breaks their links.
type network struct {
	mu     sync.Mutex
	cut    map[[2]string]bool
	conns  map[*link]bool
	at     map[string]string        // node → address
	reads  map[string]chan struct{} // what a node reads on the connections it made waits for this
	writes map[string]chan struct{} // and what it writes for this
}

// link is a connection from one node to another.
type link struct {
	net.Conn
	network  *network
	from, to string
}

func newNetwork() *network {
	return &network{
		cut:    make(map[[2]string]bool),
		conns:  make(map[*link]bool),
		at:     make(map[string]string),
		reads:  make(map[string]chan struct{}),
		writes: make(map[string]chan struct{}),
	}
}

func (n *network) dial(from string) consensus.Dial {
	return func(ctx context.Context, address, to string) (net.Conn, error) {
		n.mu.Lock()
		broken, at, frozen := n.cut[pair(from, to)], n.at[to], n.reads[to] != nil
		n.mu.Unlock()
		if broken || frozen {
			return nil, errors.New("the link is cut")
		}
		if at != address {
			return nil, fmt.Errorf("%s is not %s", address, to)
		}
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, err
		}
		l := &link{Conn: conn, network: n, from: from, to: to}
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.cut[pair(from, to)] {
			_ = conn.Close()
			return nil, errors.New("the link is cut")
		}
		n.conns[l] = true
		return l, nil
	}
}

func (l *link) Close() error {
	l.network.mu.Lock()
	delete(l.network.conns, l)
	l.network.mu.Unlock()
	return l.Conn.Close()
}

// Read takes what came and keeps it back while reads are frozen.
func (l *link) Read(p []byte) (int, error) {
	n, err := l.Conn.Read(p)
	l.network.wait(l.network.reads, l.from)
	return n, err
}

func (l *link) Write(p []byte) (int, error) {
	l.network.wait(l.network.writes, l.from)
	return l.Conn.Write(p)
}

func (n *network) wait(gates map[string]chan struct{}, node string) {
	n.mu.Lock()
	gate := gates[node]
	n.mu.Unlock()
	if gate != nil {
		<-gate
	}
}

// freezeReads keeps back what node would read on connections that it made, and has
// nobody else reach it, until thaw or the test's end.
func (n *network) freezeReads(tb testing.TB, node string) (thaw func()) {
	return n.freeze(tb, n.reads, node)
}

// freezeWrites keeps back what node would write on connections that it made.
func (n *network) freezeWrites(tb testing.TB, node string) (thaw func()) {
	return n.freeze(tb, n.writes, node)
}

func (n *network) freeze(tb testing.TB, gates map[string]chan struct{}, node string) func() {
	gate := make(chan struct{})
	n.mu.Lock()
	gates[node] = gate
	for l := range n.conns {
		if l.to == node {
			_ = l.Conn.Close()
		}
	}
	n.mu.Unlock()
	thaw := sync.OnceFunc(func() { close(gate) })
	tb.Cleanup(thaw)
	return thaw
}

func pair(a, b string) [2]string { return [2]string{min(a, b), max(a, b)} }

// split cuts the links between the nodes of one side and those of the other.
func (n *network) split(one, other []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, a := range one {
		for _, b := range other {
			n.cut[pair(a, b)] = true
		}
	}
	for l := range n.conns {
		if n.cut[pair(l.from, l.to)] {
			_ = l.Conn.Close()
		}
	}
}

func (n *network) heal() {
	n.mu.Lock()
	defer n.mu.Unlock()
	clear(n.cut)
}
