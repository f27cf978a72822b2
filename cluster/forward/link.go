package forward

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/gorilla/websocket"
)

const (
	// path is where feeds are served.
	path = "/events"
	// address of every peer: the connection is made by Dial, which knows better.
	address = "ws://hedgehog" + path
)

// errNothingWanted ends a connection that has become needless.
var errNothingWanted = errors.New("nothing is wanted")

// link is this node's connection to a peer, for the peer's events.
type link struct {
	*Forwarder
	peer   Peer
	record *record
	log    *slog.Logger
	cancel context.CancelFunc
	done   chan struct{} // closed when the link has ended
}

// startLink starts a link that ends with ctx or when it is cancelled.
func (f *Forwarder) startLink(ctx context.Context, p Peer) *link {
	ctx, cancel := context.WithCancel(ctx)
	l := &link{
		Forwarder: f,
		peer:      p,
		record:    f.changeRecord(p.Name, func(r *record) { r.linked = true }),
		log:       f.log.With("peer", p.Name, "address", p.Address),
		cancel:    cancel,
		done:      make(chan struct{}),
	}
	go func() {
		defer close(l.done)
		defer cancel()
		l.follow(ctx)
		f.changeRecord(p.Name, func(r *record) { r.linked = false })
	}()
	return l
}

// follow is connected whenever something is wanted, until ctx ends.
func (l *link) follow(ctx context.Context) {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.Multiplier, pause.MaxInterval = l.cfg.FirstRetry, 2, l.cfg.LongestRetry
	pause.RandomizationFactor = l.cfg.Jitter
	for l.waitForWant(ctx) == nil {
		began := time.Now()
		err := l.stay(ctx)
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, errNothingWanted) {
			l.log.Debug("no events wanted from peer, disconnected")
			continue
		}
		if time.Since(began) > l.cfg.LongestRetry {
			pause.Reset()
		}
		d := pause.NextBackOff()
		l.log.Warn("no events from peer, connecting anew", "error", err, "wait", d)
		retry := time.NewTimer(d)
		select {
		case <-retry.C:
		case <-ctx.Done():
			retry.Stop()
			return
		}
	}
}

// waitForWant returns once something is wanted, or ctx's cause.
func (l *link) waitForWant(ctx context.Context) error {
	for {
		some, changed := l.wants.any()
		if some {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// stay connects, tells the peer what is wanted and publishes what it sends,
// until the connection is lost or needless, or ctx ends. The error says which.
func (l *link) stay(ctx context.Context) error {
	ws, err := l.connect(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(ctx, func() { _ = ws.Close() })
	l.changeRecord(l.peer.Name, func(r *record) { r.connected = true })
	l.record.connects.Add(1)
	l.log.Debug("connected for the peer's events")

	var teller sync.WaitGroup
	teller.Go(func() { cancel(l.tell(ctx, ws)) })
	cancel(l.read(ctx, ws))
	teller.Wait()
	stop()
	_ = ws.Close()
	l.changeRecord(l.peer.Name, func(r *record) { r.connected = false })
	return context.Cause(ctx)
}

func (l *link) connect(ctx context.Context) (*websocket.Conn, error) {
	stop := func() bool { return true }
	dialer := websocket.Dialer{
		NetDialContext: func(dialing context.Context, _, _ string) (net.Conn, error) {
			c, err := l.dial(dialing, l.peer.Address, l.peer.Name)
			if err == nil {
				// The handshake itself heeds its deadline only.
				stop = context.AfterFunc(ctx, func() { _ = c.Close() })
			}
			return c, err
		},
		HandshakeTimeout: l.cfg.Handshake,
		ReadBufferSize:   fullFrame,
	}
	ws, response, err := dialer.DialContext(ctx, address, nil)
	if err == nil && !stop() {
		_ = ws.Close()
		err = context.Cause(ctx)
	}
	if errors.Is(err, websocket.ErrBadHandshake) {
		return nil, fmt.Errorf("connect to %s for events: refused with %s", l.peer.Name, response.Status)
	}
	if err != nil {
		stop()
		return nil, fmt.Errorf("connect to %s for events: %w", l.peer.Name, err)
	}
	ws.SetReadLimit(maxFrame)
	return ws, nil
}

// tell keeps the peer informed of what is wanted.
func (l *link) tell(ctx context.Context, ws *websocket.Conn) error {
	heartbeat := time.NewTicker(l.cfg.Heartbeat)
	defer heartbeat.Stop()
	told := make(map[string]struct{})
	var messages [][]byte
	for {
		more, less, changed := l.wants.update(told)
		if len(told) == 0 {
			return errNothingWanted
		}
		for _, m := range append(messages, requestMessages(more, less)...) {
			_ = ws.SetWriteDeadline(time.Now().Add(l.cfg.Handshake))
			if err := ws.WriteMessage(websocket.TextMessage, m); err != nil {
				return fmt.Errorf("ask %s for events: %w", l.peer.Name, err)
			}
		}
		messages = nil
		select {
		case <-changed:
		case <-heartbeat.C:
			messages = [][]byte{nil}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// read publishes what the peer sends.
func (l *link) read(ctx context.Context, ws *websocket.Conn) error {
	var message bytes.Buffer
	var events [][]byte
	var next uint64 // the number of the event that comes next
	for {
		if err := nextMessage(ws, websocket.BinaryMessage, &message, l.cfg.Silence); err != nil {
			return fmt.Errorf("read events of %s: %w", l.peer.Name, err)
		}
		first, parsed, err := parseFrame(message.Bytes(), events[:0])
		if err != nil {
			return fmt.Errorf("read events of %s: %w: %w", l.peer.Name, errProtocol, err)
		}
		if first < next {
			return fmt.Errorf("read events of %s: %w: a frame begins with event %d, want %d or more", l.peer.Name, errProtocol, first, next)
		}
		l.record.missed.Add(first - next)
		events, next = parsed, first+uint64(len(parsed))
		if err := l.publish(ctx, events); err != nil {
			return err
		}
	}
}

func (l *link) publish(ctx context.Context, events [][]byte) error {
	for _, data := range events {
		if len(data) == 0 {
			l.record.missed.Add(1)
			continue
		}
		topic, event, err := l.codec.Decode(data)
		if err != nil {
			l.record.missed.Add(1)
			l.log.Debug("event cannot be decoded", "error", err)
			continue
		}
		if !l.wants.has(topic) {
			continue // it was on its way when the topic was released
		}
		if err := l.local.Publish(ctx, topic, event); err != nil {
			return fmt.Errorf("publish event of %s on %s: %w", l.peer.Name, topic, err)
		}
		l.record.received.Add(1)
	}
	return nil
}
