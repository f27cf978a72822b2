package peer

import (
	"crypto/tls"
	"net"
	"sync"
)

// inboxLimit is how many connections of one protocol may wait to be accepted.
const inboxLimit = 64

// inbox is the listener of one protocol.
type inbox struct {
	addr  net.Addr
	conns chan *conn
	ended chan struct{}

	mu     sync.Mutex
	closed bool
}

func newInbox(addr net.Addr) *inbox {
	return &inbox{addr: addr, conns: make(chan *conn, inboxLimit), ended: make(chan struct{})}
}

// Accept waits for a member's connection; net.ErrClosed after Close.
func (in *inbox) Accept() (net.Conn, error) {
	select {
	case c := <-in.conns:
		return c, nil
	case <-in.ended:
		return nil, net.ErrClosed
	}
}

// Addr returns the port's address.
func (in *inbox) Addr() net.Addr { return in.addr }

// Close ends Accept and closes what nobody has accepted.
func (in *inbox) Close() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		return nil
	}
	in.closed = true
	close(in.ended)
	for {
		select {
		case c := <-in.conns:
			_ = c.NetConn().Close() // no farewell, which could wait for the other side
		default:
			return nil
		}
	}
}

// put hands a connection over; false when it is not wanted.
func (in *inbox) put(c *conn) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		return false
	}
	select {
	case in.conns <- c:
		return true
	default:
		return false
	}
}

// conn is a connection between members. It is no *tls.Conn on purpose: an
// http.Server takes the protocol's name of one for an HTTP version it lacks.
type conn struct {
	*tls.Conn
	node string
}

// PeerName returns the node at the other end of a connection that a Port's
// listener or Dial handed out; empty for any other.
func PeerName(c net.Conn) string {
	if c, ok := c.(*conn); ok {
		return c.node
	}
	return ""
}
