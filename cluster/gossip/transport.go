package gossip

import (
	"container/list"
	"context"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// streamsLimit is how many streams may be open. One more closes the oldest:
// memberlist takes in up to 20 MB of a stream before it knows whether the other
// end has the key.
const streamsLimit = 64

// transport is memberlist's own, with streams that are bounded in number and end
// when it shuts down.
type transport struct {
	*memberlist.NetTransport
	ctx      context.Context // ends with the transport
	cancel   context.CancelFunc
	accepted chan net.Conn
	accepter sync.WaitGroup

	mu   sync.Mutex
	open *list.List // of *stream, the oldest first
}

var _ memberlist.NodeAwareTransport = (*transport)(nil)

func newTransport(config *memberlist.NetTransportConfig) (*transport, error) {
	inner, err := memberlist.NewNetTransport(config)
	if err != nil {
		return nil, err
	}
	t := &transport{NetTransport: inner, accepted: make(chan net.Conn), open: list.New()}
	t.ctx, t.cancel = context.WithCancel(context.Background())
	t.accepter.Go(t.accept)
	return t, nil
}

// accept passes the accepted streams on until the transport ends.
func (t *transport) accept() {
	for {
		select {
		case c := <-t.NetTransport.StreamCh():
			select {
			case t.accepted <- t.track(c):
			case <-t.ctx.Done():
				_ = c.Close()
			}
		case <-t.ctx.Done():
			return
		}
	}
}

// StreamCh returns the accepted streams.
func (t *transport) StreamCh() <-chan net.Conn { return t.accepted }

// DialTimeout opens a stream.
func (t *transport) DialTimeout(address string, timeout time.Duration) (net.Conn, error) {
	return t.DialAddressTimeout(memberlist.Address{Addr: address}, timeout)
}

// DialAddressTimeout opens a stream; it gives up when the transport ends.
func (t *transport) DialAddressTimeout(a memberlist.Address, timeout time.Duration) (net.Conn, error) {
	dialer := net.Dialer{Timeout: timeout}
	c, err := dialer.DialContext(t.ctx, "tcp", a.Addr)
	if err != nil {
		return nil, err
	}
	return t.track(c), nil
}

// Shutdown closes the sockets and every stream.
func (t *transport) Shutdown() error {
	err := t.NetTransport.Shutdown() // its last stream may need accept to take it
	t.cancel()
	t.accepter.Wait()
	t.mu.Lock()
	defer t.mu.Unlock()
	for e := t.open.Front(); e != nil; e = e.Next() {
		_ = e.Value.(*stream).Conn.Close()
	}
	return err
}

// track notes an open stream.
func (t *transport) track(c net.Conn) net.Conn {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ctx.Err() != nil {
		_ = c.Close()
	}
	if t.open.Len() >= streamsLimit {
		_ = t.open.Remove(t.open.Front()).(*stream).Conn.Close()
	}
	s := &stream{Conn: c, transport: t}
	s.place = t.open.PushBack(s)
	return s
}

// stream is a connection that its transport knows of.
type stream struct {
	net.Conn
	transport *transport
	place     *list.Element
}

// Close closes the stream; the transport need not any more.
func (s *stream) Close() error {
	s.transport.mu.Lock()
	s.transport.open.Remove(s.place)
	s.transport.mu.Unlock()
	return s.Conn.Close()
}
