package simulation_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// stream is one end of a connection between two participants. What is written at
// one instant arrives together, however many writes it took.
type stream struct {
	w           *world
	from, to    string // this end's participant and the other's
	life        *life  // of this end; nil: the exchange's
	local, peer net.Addr
	other       *stream
	accepted    bool // and not dialled
	// mangle may change what arrives at the other end; nil: nothing does.
	mangle func(s *stream, chunk []byte) [][]byte

	mu       sync.Mutex
	arrived  bytes.Buffer
	failed   error // what Read returns when nothing is left
	readBy   time.Time
	alarm    *time.Timer
	changed  chan struct{}
	outgoing *chunk
	lastAt   time.Time // when the last chunk gets there
	sent     int       // how much was sent
	closed   bool

	order   sync.Mutex // guards what follows: what has got there ahead of what was sent before
	next    int
	waiting map[int]func()
}

// chunk is what is written at one instant.
type chunk struct {
	at      time.Time
	content []byte
}

// newStreams returns the two ends of a connection; a is the dialler's.
func newStreams(w *world, from, to string, life, otherLife *life, a, b net.Addr) (dialled, accepted *stream) {
	dialled = &stream{w: w, from: from, to: to, life: life, local: a, peer: b, changed: make(chan struct{}, 1), waiting: make(map[int]func())}
	accepted = &stream{w: w, accepted: true, from: to, to: from, life: otherLife, local: b, peer: a, changed: make(chan struct{}, 1), waiting: make(map[int]func())}
	dialled.other, accepted.other = accepted, dialled
	return dialled, accepted
}

func (s *stream) LocalAddr() net.Addr  { return s.local }
func (s *stream) RemoteAddr() net.Addr { return s.peer }

// peerName returns the node at the other end.
func peerName(c net.Conn) string {
	if s, ok := c.(*stream); ok {
		return s.to
	}
	return ""
}

func (s *stream) signal() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

func (s *stream) Read(p []byte) (int, error) {
	for {
		if s.life != nil {
			if err := s.w.gate(context.Background(), s.life); err != nil {
				return 0, syscall.ECONNRESET
			}
		}
		s.mu.Lock()
		switch {
		case s.closed:
			s.mu.Unlock()
			return 0, net.ErrClosed
		case !s.readBy.IsZero() && !time.Now().Before(s.readBy):
			s.mu.Unlock()
			return 0, os.ErrDeadlineExceeded
		case s.arrived.Len() > 0:
			n, _ := s.arrived.Read(p)
			if s.arrived.Len() > 0 || s.failed != nil {
				s.signal()
			}
			s.mu.Unlock()
			return n, nil
		case s.failed != nil:
			err := s.failed
			s.signal()
			s.mu.Unlock()
			return 0, err
		}
		s.mu.Unlock()
		<-s.changed
	}
}

func (s *stream) Write(p []byte) (int, error) {
	if s.life != nil {
		if err := s.w.gate(context.Background(), s.life); err != nil {
			return 0, syscall.ECONNRESET
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return 0, net.ErrClosed
	case s.failed != nil && !errors.Is(s.failed, io.EOF):
		return 0, s.failed
	}
	now := time.Now()
	if s.outgoing != nil && s.outgoing.at.Equal(now) {
		s.outgoing.content = append(s.outgoing.content, p...)
		return len(p), nil
	}
	c := &chunk{now, bytes.Clone(p)}
	s.outgoing = c
	// Streams of one link that are written at one instant go different ways. What a
	// websocket's client sends is masked at random: only its length tells. What a
	// node answers its operator has figures that may differ within an instant, and a
	// handshake's answer has a key.
	what := string(p)
	switch {
	case s.to == operator, bytes.HasPrefix(p, []byte("HTTP/")):
		what = "answer"
	case !s.accepted && s.from != operator:
		what = fmt.Sprintf("%d bytes to %s", len(p), s.peer)
	}
	s.sendLocked(what, func() { s.other.take(c) })
	return len(p), nil
}

// sendLocked has something happen at the other end, after all that was sent
// before.
func (s *stream) sendLocked(what string, do func()) {
	delay, lost := s.w.way(s.from, s.to, what)
	if lost {
		delay += s.w.again(what)
	}
	at := time.Now().Add(delay)
	if !at.After(s.lastAt) {
		at = s.lastAt.Add(time.Microsecond + s.w.within(what+s.from+s.to, 0, time.Microsecond))
	}
	s.lastAt = at
	turn := s.sent
	s.sent++
	p := &parcel{link: link{s.from, s.to}, what: what, do: func() { s.inOrder(turn, do) }, life: s.life}
	s.w.after(time.Until(at), func() { s.w.arrive(p) })
}

// inOrder does what has got there when all before it has.
func (s *stream) inOrder(turn int, do func()) {
	s.order.Lock()
	defer s.order.Unlock()
	for s.waiting[turn] = do; s.waiting[s.next] != nil; s.next++ {
		s.waiting[s.next]()
		delete(s.waiting, s.next)
	}
}

// take hands the chunk to who reads at this end.
func (s *stream) take(c *chunk) {
	s.other.mu.Lock()
	if s.other.outgoing == c {
		s.other.outgoing = nil
	}
	content, mangle := [][]byte{c.content}, s.other.mangle
	s.other.mu.Unlock()
	if mangle != nil {
		content = mangle(s.other, c.content)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.failed != nil {
		if s.w.runs(s.from) { // a kernel that knows of no such connection says so
			s.other.lost()
		}
		return
	}
	for _, part := range content {
		s.arrived.Write(part)
	}
	s.signal()
}

// fail has both reading and writing return err, after what has arrived.
func (s *stream) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed == nil {
		s.failed = err
	}
	s.signal()
}

// Close closes this end; the other hears of it.
func (s *stream) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.signal()
	if s.alarm != nil {
		s.alarm.Stop()
	}
	if s.life == nil || !s.life.over() {
		s.sendLocked("close", func() { s.other.fail(io.EOF) })
	}
	return nil
}

// cutOff ends this end with the process.
func (s *stream) cutOff() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.signal()
	if s.alarm != nil {
		s.alarm.Stop()
	}
}

func (s *stream) SetDeadline(t time.Time) error { return s.SetReadDeadline(t) }

// SetWriteDeadline does nothing: writing never waits but for a paused process.
func (s *stream) SetWriteDeadline(time.Time) error { return nil }

func (s *stream) SetReadDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readBy = t
	if s.alarm != nil {
		s.alarm.Stop()
	}
	if !t.IsZero() && !s.closed {
		s.alarm = time.AfterFunc(time.Until(t), func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.signal()
		})
	}
	return nil
}

// cutOff ends all connections of the life. Who is at their other ends hears of it,
// unless the power went.
func (l *life) cutOff(how string) {
	w := l.machine.w
	w.mu.Lock()
	streams := l.streams
	l.streams = nil
	w.mu.Unlock()
	for _, s := range streams {
		s.cutOff()
		if how != powerCut {
			s.other.lost()
		}
	}
}

// keep has a connection end with the life.
func (l *life) keep(s *stream) {
	w := l.machine.w
	w.mu.Lock()
	defer w.mu.Unlock()
	l.streams = append(l.streams, s)
}

// listener takes the connections to one address.
type listener struct {
	life    *life // nil: the exchange's
	address net.Addr
	accept  chan *stream
	closing chan struct{}
	once    sync.Once
}

func newListener(l *life, address net.Addr) *listener {
	return &listener{life: l, address: address, accept: make(chan *stream, 64), closing: make(chan struct{})}
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case s := <-l.accept:
		return s, nil
	case <-l.closing:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() { close(l.closing) })
	return nil
}

func (l *listener) Addr() net.Addr { return l.address }

// lost has this end learn that the process at the other end is gone.
func (s *stream) lost() {
	delay := s.w.within("reset "+s.from+s.to, 100*time.Microsecond, 2*time.Millisecond)
	s.w.after(delay, func() { s.fail(syscall.ECONNRESET) })
}

// connect makes a connection from a participant to a listener, as a dialler does
// it: the way there and back.
func (w *world) connect(ctx context.Context, from string, life *life, to string, find func() *listener, address net.Addr) (*stream, error) {
	if life != nil {
		if err := w.gate(ctx, life); err != nil {
			return nil, err
		}
	}
	made := make(chan *stream, 1)
	answer := func(s *stream) { w.deliver(to, from, "syn ack", nil, func() { made <- s }) }
	w.deliver(from, to, "syn", life, func() {
		l := find()
		if l == nil {
			if w.reach(to, from) || !w.runs(to) {
				answer(nil)
			}
			return
		}
		dialled, accepted := newStreams(w, from, to, life, l.life, w.addressOf(from), address)
		select {
		case l.accept <- accepted:
			if l.life != nil {
				l.life.keep(accepted)
			}
			if life != nil {
				life.keep(dialled)
			}
			answer(dialled)
		default:
			answer(nil)
		}
	})
	var over <-chan struct{}
	if life != nil {
		over = life.ended
	}
	select {
	case s := <-made:
		if s == nil {
			return nil, fmt.Errorf("dial %s: %w", address, syscall.ECONNREFUSED)
		}
		return s, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-over:
		return nil, errOver
	}
}

func (w *world) runs(name string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.runsLocked(name)
}

// addressOf is where a participant's connections come from.
func (w *world) addressOf(name string) net.Addr {
	if m := w.machines[name]; m != nil {
		return &net.TCPAddr{IP: m.ip, Port: 40000}
	}
	return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 40000}
}

// port is where a life is reached by other nodes.
type port struct {
	life      *life
	mu        sync.Mutex
	listeners map[string]*listener // by protocol
}

func newPort(l *life) *port { return &port{life: l, listeners: make(map[string]*listener)} }

func (p *port) Addr() net.Addr { return &net.TCPAddr{IP: p.life.machine.ip, Port: 7001} }

func (p *port) Listener(protocol string) net.Listener { return p.listener(protocol) }

func (p *port) listener(protocol string) *listener {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.listeners[protocol]
	if l == nil {
		l = newListener(p.life, p.Addr())
		p.listeners[protocol] = l
	}
	return l
}

func (p *port) Dial(ctx context.Context, protocol, address, to string) (net.Conn, error) {
	w := p.life.machine.w
	find := func() *listener {
		if l := w.lifeOf(to); l != nil {
			return l.port.listener(protocol)
		}
		return nil
	}
	s, err := w.connect(ctx, p.life.name, p.life, to, find, &net.TCPAddr{IP: w.machines[to].ip, Port: 7001})
	if err != nil {
		return nil, fmt.Errorf("dial %s at %s: %w", to, address, err)
	}
	return s, nil
}

// lifeOf returns the present life of a node; nil where it does not run.
func (w *world) lifeOf(name string) *life {
	w.mu.Lock()
	defer w.mu.Unlock()
	if m := w.machines[name]; m != nil {
		return m.life
	}
	return nil
}

func (p *port) Run(ctx context.Context) error {
	<-ctx.Done()
	p.close()
	return context.Cause(ctx)
}

func (p *port) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.listeners {
		_ = l.Close()
	}
}
