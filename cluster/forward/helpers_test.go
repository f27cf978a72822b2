package forward_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hedgehog/cluster/forward"
)

// text is a Codec for events that are strings.
type text struct{}

func (text) Append(dst []byte, topic string, event any) ([]byte, error) {
	s, ok := event.(string)
	if !ok {
		return nil, fmt.Errorf("%T is no string", event)
	}
	return append(append(append(dst, topic...), ' '), s...), nil
}

func (text) Decode(data []byte) (string, any, error) {
	topic, event, ok := strings.Cut(string(data), " ")
	if !ok || event == "garbage" {
		return "", nil, fmt.Errorf("%.80q is no event", data)
	}
	return topic, event, nil
}

// board is a Local: the bus of a node, and a record of what came from others.
type board struct {
	gate chan struct{} // Publish waits while it is not closed

	mu       sync.Mutex
	next     int
	subs     map[string]map[int]func(any)
	received []string // "topic event"
}

func newBoard() *board {
	b := &board{gate: make(chan struct{}), subs: make(map[string]map[int]func(any))}
	close(b.gate)
	return b
}

func (b *board) Subscribe(topic string, deliver func(any)) func() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next++
	id := b.next
	if b.subs[topic] == nil {
		b.subs[topic] = make(map[int]func(any))
	}
	b.subs[topic][id] = deliver
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.subs[topic], id)
	}
}

func (b *board) Publish(ctx context.Context, topic string, event any) error {
	select {
	case <-b.gate:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.received = append(b.received, fmt.Sprint(topic, " ", event))
	return nil
}

// happen delivers an event of this node.
func (b *board) happen(topic string, event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, deliver := range b.subs[topic] {
		deliver(event)
	}
}

// subscribers returns how many subscriptions the topic has.
func (b *board) subscribers(topic string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.subs[topic])
}

// take returns what came from others since the last call.
func (b *board) take() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	taken := b.received
	b.received = nil
	return taken
}

// network connects nodes by pipes: what one end writes the other has to read
// before the write returns. Its addresses are any strings.
type network struct {
	mu        sync.Mutex
	listeners map[string]*listener
	conns     []net.Conn
	dials     int
}

func newNetwork() *network { return &network{listeners: make(map[string]*listener)} }

func (n *network) listen(address string) *listener {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := &listener{conns: make(chan net.Conn), closed: make(chan struct{})}
	n.listeners[address] = l
	return l
}

// dialer returns how the node of that name makes connections.
func (n *network) dialer(from string) forward.Dial {
	return func(ctx context.Context, address, _ string) (net.Conn, error) {
		n.mu.Lock()
		n.dials++
		l := n.listeners[address]
		n.mu.Unlock()
		if l == nil {
			return nil, fmt.Errorf("nobody listens at %s", address)
		}
		here, there := net.Pipe()
		select {
		case l.conns <- named{there, from}:
		case <-l.closed:
			return nil, net.ErrClosed
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		n.mu.Lock()
		defer n.mu.Unlock()
		n.conns = append(n.conns, here)
		return here, nil
	}
}

// cut breaks all connections.
func (n *network) cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.conns {
		_ = c.Close()
	}
	n.conns = nil
}

func (n *network) dialed() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.dials
}

// named is the accepted end of a connection from a node of that name.
type named struct {
	net.Conn
	name string
}

func nameOf(c net.Conn) string {
	n, _ := c.(named)
	return n.name
}

type listener struct {
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *listener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

// node is a running Forwarder with its bus.
type node struct {
	*forward.Forwarder
	*board
	stop func() error // ends Run and returns its error
}

// settings returns the default configuration of the node, changed by change.
func settings(name string, change func(*forward.Config)) forward.Config {
	c := forward.DefaultConfig(name)
	c.PeerName = nameOf
	if change != nil {
		change(&c)
	}
	return c
}

// start runs a node whose address is its name.
func (n *network) start(tb testing.TB, name string, change func(*forward.Config)) *node {
	tb.Helper()
	return n.startAt(tb, name, name, change)
}

func (n *network) startAt(tb testing.TB, address, name string, change func(*forward.Config)) *node {
	tb.Helper()
	c := settings(name, change)
	if err := c.Validate(); err != nil {
		tb.Fatal(err)
	}
	b := newBoard()
	f := forward.New(c, b, text{}, n.listen(address), n.dialer(name), slog.New(slog.DiscardHandler))
	return &node{Forwarder: f, board: b, stop: run(f)}
}

// run runs f until the returned function is called, which returns Run's error.
func run(f *forward.Forwarder) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	return sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
}

// pair runs the nodes a and b, each the other's peer, and stops them at the end
// of the test.
func pair(tb testing.TB, change func(*forward.Config)) (n *network, a, b *node) {
	tb.Helper()
	n = newNetwork()
	a, b = n.start(tb, "a", change), n.start(tb, "b", change)
	a.SetPeers([]forward.Peer{{Name: "a", Address: "a"}, {Name: "b", Address: "b"}})
	b.SetPeers([]forward.Peer{{Name: "a", Address: "a"}, {Name: "b", Address: "b"}})
	return n, a, b
}

func stop(tb testing.TB, nodes ...*node) {
	tb.Helper()
	for _, n := range nodes {
		if err := n.stop(); err != nil {
			tb.Errorf("run: %v", err)
		}
	}
}

// peerStats returns what f knows of the peer.
func peerStats(tb testing.TB, n *node, peer string) forward.PeerStats {
	tb.Helper()
	for _, s := range n.Stats() {
		if s.Name == peer {
			return s
		}
	}
	tb.Fatalf("no figures of peer %s in %+v", peer, n.Stats())
	return forward.PeerStats{}
}

// expect waits until nothing moves any more and compares what has come to n.
func expect(tb testing.TB, n *node, want ...string) {
	tb.Helper()
	synctest.Wait()
	got := n.take()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		tb.Errorf("received %.200q, want %.200q", got, want)
	}
}

// elapse lets time pass in a bubble.
func elapse(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}
