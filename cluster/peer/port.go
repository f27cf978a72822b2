package peer

import (
	"container/list"
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"syscall"
	"time"

	"golang.org/x/time/rate"
)

// The protocols that share the port, as their TLS names (ALPN).
const (
	Raft   = "hedgehog-raft/1"
	Call   = "hedgehog-call/1"
	Events = "hedgehog-events/1"
)

const (
	// handshakeTimeout bounds a handshake on either side.
	handshakeTimeout = 5 * time.Second
	// handshakesLimit is how many handshakes may be under way. One more makes the
	// oldest give way: an honest one takes a few round trips, so that it is the
	// silent ones that go.
	handshakesLimit = 64
)

// Port is the node's TLS port.
type Port struct {
	id               Identity
	listener         net.Listener
	handshakeTimeout time.Duration
	log              *slog.Logger
	refusals         rate.Sometimes // whoever knocks must not be able to fill the log

	mu        sync.Mutex
	running   bool
	protocols map[string]*inbox
	// handshakes holds the connections (net.Conn) that are not known to be a
	// member's yet, the oldest first.
	handshakes *list.List
}

// Listen opens the port at the address, host:port. An identity of a cluster
// without a secret gets loopback addresses only (ErrNeedsSecret). The Port has
// to be run or closed.
func Listen(ctx context.Context, address string, id Identity, log *slog.Logger) (*Port, error) {
	config := net.ListenConfig{Control: id.control}
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("open the peer port: %w", err)
	}
	return &Port{
		id: id, listener: listener, handshakeTimeout: handshakeTimeout, log: log,
		refusals:  rate.Sometimes{First: 3, Interval: 10 * time.Second},
		protocols: map[string]*inbox{}, handshakes: list.New(),
	}, nil
}

// control sees every address, names resolved, before a socket binds to it or
// connects to it.
func (id Identity) control(_, address string, _ syscall.RawConn) error {
	if !id.withoutDoor {
		return nil
	}
	return CheckLoopback(address)
}

// CheckLoopback tells whether host:port, with an IP address for the host, can be
// reached from this machine only: what a cluster without a secret has to keep
// to. The error matches ErrNeedsSecret.
func CheckLoopback(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return fmt.Errorf("%w: not %s", ErrNeedsSecret, address)
	}
	return nil
}

// Addr returns the address that the port is bound to.
func (p *Port) Addr() net.Addr { return p.listener.Addr() }

// Close closes the port. Run, where it is running, returns.
func (p *Port) Close() error { return p.listener.Close() }

// Listener returns the listener of one protocol. Its Accept hands out
// connections of members; PeerName names them. It panics when the protocol is
// taken already or the port runs already. Closing it closes no other.
func (p *Port) Listener(protocol string) net.Listener {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running || p.protocols[protocol] != nil {
		panic(fmt.Sprintf("peer: listener for %s asked for twice, or too late", protocol))
	}
	in := newInbox(p.Addr())
	p.protocols[protocol] = in
	return in
}
