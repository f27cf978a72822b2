package peer

import (
	"container/list"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// acceptPause is the longest pause after a failed accept (out of descriptors,
// say) before the next.
const acceptPause = time.Second

// Run accepts until ctx ends (it returns ctx's cause) or the port fails. Before
// it returns it closes the port, its listeners and every connection that nobody
// has accepted yet. It can be called once.
func (p *Port) Run(ctx context.Context) error {
	p.mu.Lock()
	p.running = true
	p.mu.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	var handshakes sync.WaitGroup
	defer func() {
		cancel()
		_ = p.Close()
		handshakes.Wait()
		for _, in := range p.protocols {
			_ = in.Close()
		}
	}()
	defer context.AfterFunc(ctx, func() { _ = p.Close() })()

	config := p.id.server(slices.Sorted(maps.Keys(p.protocols)))
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval = 5*time.Millisecond, acceptPause
	for {
		raw, err := p.listener.Accept()
		switch {
		case err == nil:
			pauses.Reset()
			place := p.enter(raw) // in the order in which they have come
			handshakes.Go(func() { p.welcome(ctx, raw, place, config) })
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accept at the peer port: %w", err)
		default:
			p.log.Warn("accept at the peer port failed", "error", err)
			select {
			case <-time.After(pauses.NextBackOff()):
			case <-ctx.Done():
			}
		}
	}
}

// welcome finds out who is at the other end and hands the connection over.
func (p *Port) welcome(ctx context.Context, raw net.Conn, place *list.Element, config *tls.Config) {
	c, protocol, err := p.handshake(ctx, raw, place, config)
	if err == nil && !p.protocols[protocol].put(c) {
		err = fmt.Errorf("nobody takes the connections of %s for %s", c.node, protocol)
	}
	if err == nil {
		return
	}
	_ = raw.Close()
	if ctx.Err() == nil {
		p.refusals.Do(func() {
			p.log.Warn("peer refused", "remote", raw.RemoteAddr().String(), "error", explain(err))
		})
	}
}

func (p *Port) handshake(ctx context.Context, raw net.Conn, place *list.Element, config *tls.Config) (c *conn, protocol string, err error) {
	defer p.leave(place)
	ctx, cancel := context.WithTimeout(ctx, p.handshakeTimeout)
	defer cancel()
	secured := tls.Server(raw, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, "", err
	}
	state := secured.ConnectionState()
	node, err := nodeOf(state.PeerCertificates[0])
	if err != nil {
		return nil, "", err
	}
	return &conn{Conn: secured, node: node}, state.NegotiatedProtocol, nil
}

// enter notes that a handshake begins; one too many closes the oldest.
func (p *Port) enter(raw net.Conn) *list.Element {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.handshakes.Len() >= handshakesLimit {
		oldest := p.handshakes.Remove(p.handshakes.Front()).(net.Conn)
		_ = oldest.Close()
	}
	return p.handshakes.PushBack(raw)
}

// leave notes that a handshake is over; it may have had to make room before.
func (p *Port) leave(place *list.Element) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.handshakes.Remove(place)
}
