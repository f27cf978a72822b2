package consensus

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// Dial makes a connection to the raft of the node called node. address is what
// the replicated configuration has; who knows a newer one may use that.
type Dial func(ctx context.Context, address, node string) (net.Conn, error)

// transport is the library's network transport with three things added: a dialled
// peer is known by its name, answers are noted in acks, and what a peer sends is
// checked before the library sees it.
type transport struct {
	*raft.NetworkTransport
	stream *stream
	acks   *acks
	rpcs   chan raft.RPC

	ended chan struct{} // closed by Close
	close sync.Once
	check sync.WaitGroup // the goroutine that checks what comes in
}

func newTransport(address string, listener net.Listener, dial Dial, timeout time.Duration, acks *acks, logger hclog.Logger) *transport {
	stream := newStream(address, listener, dial)
	t := &transport{
		NetworkTransport: raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
			Stream:  stream,
			MaxPool: 3, // heartbeat, entries and a vote
			Timeout: timeout,
			Logger:  logger,
			// No pipelines: one whose follower answers with a refusal while more is sent
			// can stop for good (hashicorp/raft issue 612). Its follower then hears
			// heartbeats and nothing else, and the library's end waits for it.
			MaxRPCsInFlight: 1,
		}),
		stream: stream,
		acks:   acks,
		rpcs:   make(chan raft.RPC),
		ended:  make(chan struct{}),
	}
	t.check.Go(t.checkInbound)
	return t
}

// Consumer implements raft.Transport: the messages that passed the check.
func (t *transport) Consumer() <-chan raft.RPC { return t.rpcs }

// checkInbound hands on what the library can take and answers the rest itself.
func (t *transport) checkInbound() {
	inbound := t.NetworkTransport.Consumer()
	for {
		select {
		case rpc := <-inbound:
			if err := validate(rpc.Command); err != nil {
				rpc.Respond(nil, err)
				continue
			}
			select {
			case t.rpcs <- rpc:
			case <-t.ended:
				return
			}
		case <-t.ended:
			return
		}
	}
}

// Close implements raft.WithClose. It breaks what is under way, and returns when
// no connection is in use any more.
func (t *transport) Close() error {
	t.close.Do(func() {
		close(t.ended)
		_ = t.NetworkTransport.Close() // closes the stream; always nil
		t.check.Wait()
		t.stream.accepted.Wait()
	})
	return nil
}

// AppendEntries implements raft.Transport. Heartbeats come this way.
func (t *transport) AppendEntries(id raft.ServerID, address raft.ServerAddress, req *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	sent := t.acks.mark()
	if err := t.NetworkTransport.AppendEntries(id, target(id, address), req, resp); err != nil {
		return err
	}
	if resp.Success && resp.Term == req.Term {
		t.acks.note(string(id), ack{sent: sent, term: req.Term, lastLog: resp.LastLog, at: time.Now()})
	}
	return nil
}

// RequestVote implements raft.Transport.
func (t *transport) RequestVote(id raft.ServerID, address raft.ServerAddress, req *raft.RequestVoteRequest, resp *raft.RequestVoteResponse) error {
	return t.NetworkTransport.RequestVote(id, target(id, address), req, resp)
}

// RequestPreVote implements raft.WithPreVote.
func (t *transport) RequestPreVote(id raft.ServerID, address raft.ServerAddress, req *raft.RequestPreVoteRequest, resp *raft.RequestPreVoteResponse) error {
	return t.NetworkTransport.RequestPreVote(id, target(id, address), req, resp)
}

// InstallSnapshot implements raft.Transport.
func (t *transport) InstallSnapshot(id raft.ServerID, address raft.ServerAddress, req *raft.InstallSnapshotRequest, resp *raft.InstallSnapshotResponse, data io.Reader) error {
	return t.NetworkTransport.InstallSnapshot(id, target(id, address), req, resp, data)
}

// TimeoutNow implements raft.Transport.
func (t *transport) TimeoutNow(id raft.ServerID, address raft.ServerAddress, req *raft.TimeoutNowRequest, resp *raft.TimeoutNowResponse) error {
	return t.NetworkTransport.TimeoutNow(id, target(id, address), req, resp)
}

// target joins name and address to what the library takes for an address, since
// its stream layer is told no name.
func target(id raft.ServerID, address raft.ServerAddress) raft.ServerAddress {
	return raft.ServerAddress(id) + "@" + address
}

// splitTarget undoes target: an address has no @, a name may.
func splitTarget(target raft.ServerAddress) (node, address string) {
	at := strings.LastIndexByte(string(target), '@')
	return string(target[:max(at, 0)]), string(target[at+1:])
}

// stream implements raft.StreamLayer on a listener and a Dial, and knows every
// open connection, so that its end can close them all.
type stream struct {
	net.Listener
	address  string
	dial     Dial
	ctx      context.Context // ends with the stream: the library's Dial takes none
	cancel   context.CancelFunc
	accepted sync.WaitGroup // connections that peers made and the library still reads

	mu     sync.Mutex
	closed bool
	open   map[*trackedConn]struct{}
}

func newStream(address string, listener net.Listener, dial Dial) *stream {
	ctx, cancel := context.WithCancel(context.Background())
	return &stream{Listener: listener, address: address, dial: dial, ctx: ctx, cancel: cancel, open: make(map[*trackedConn]struct{})}
}

// Addr is the address that this node gives its peers.
func (s *stream) Addr() net.Addr { return advertised(s.address) }

// Accept implements net.Listener.
func (s *stream) Accept() (net.Conn, error) {
	conn, err := s.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return s.track(conn, s.accepted.Done)
}

// Dial implements raft.StreamLayer.
func (s *stream) Dial(to raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(s.ctx, timeout)
	defer cancel()
	node, address := splitTarget(to)
	conn, err := s.dial(ctx, address, node)
	if err != nil {
		return nil, fmt.Errorf("dial %s at %s: %w", node, address, err)
	}
	return s.track(conn, nil)
}

// Close implements net.Listener.
func (s *stream) Close() error {
	s.cancel()
	err := s.Listener.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for conn := range s.open {
		_ = conn.Conn.Close() // its user gets an error and closes it properly
	}
	return err
}

// track takes conn in; onClose tells that it was accepted.
func (s *stream) track(conn net.Conn, onClose func()) (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = conn.Close()
		return nil, net.ErrClosed
	}
	tracked := &trackedConn{Conn: conn, stream: s, onClose: onClose}
	if onClose != nil {
		s.accepted.Add(1)
	}
	s.open[tracked] = struct{}{}
	return tracked, nil
}

// trackedConn is a connection that its stream knows until it is closed.
type trackedConn struct {
	net.Conn
	stream  *stream
	onClose func()
	once    sync.Once
}

func (c *trackedConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() {
		c.stream.mu.Lock()
		delete(c.stream.open, c)
		c.stream.mu.Unlock()
		if c.onClose != nil {
			c.onClose()
		}
	})
	return err
}

// advertised is a host:port as a net.Addr.
type advertised string

func (a advertised) Network() string { return "tcp" }
func (a advertised) String() string  { return string(a) }
