package binance

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"hedgehog/exchange"
)

const (
	// goodConnection is how long a connection has to last for the back-off to
	// start anew.
	goodConnection = 30 * time.Second
	// minRotation is the least age at which a connection is replaced, so that an
	// exchange that announces its end on each new one isn't called in a circle.
	minRotation = 5 * time.Second
	// rotationRetry is how long after a failed replacement the next is tried.
	rotationRetry = 15 * time.Second
)

// feed is one kind of stream: trades of a symbol, or updates of orders.
type feed interface {
	// open returns a connection that is subscribed, its events not yet read.
	open(ctx context.Context) (*conn, error)
	// connected tells the sink that there may be a gap before the first event.
	connected(ctx context.Context) error
	// read hands the events of l to the sink until l or ctx ends.
	read(ctx context.Context, l *link) error
}

// link is one connection of a stream.
type link struct {
	conn   *conn
	opened time.Time
	// before is the link that this one replaces without a gap; it is still being
	// read. Nil: there may be a gap before this one.
	before *link
	// renew gets a value when the exchange announces the end of the connection.
	renew chan struct{}
	// over, guarded by the feed, says that nothing more will come of the link.
	over bool
}

// sinkError carries an error of the sink through to the caller of the stream.
type sinkError struct{ error }

// follow keeps a connection for f until ctx ends, the sink returns an error, or
// the exchange refuses for good, and returns the reason.
func (c *Client) follow(ctx context.Context, f feed, log *slog.Logger) error {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.Multiplier, pause.MaxInterval = 100*time.Millisecond, 2, 10*time.Second
	pause.RandomizationFactor = c.cfg.Jitter
	for {
		opened := time.Now()
		err := c.stay(ctx, f, log)
		var ofSink sinkError
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.As(err, &ofSink):
			return ofSink.error
		case errors.Is(err, exchange.ErrUnknownSymbol), errors.Is(err, exchange.ErrUnauthorized):
			return err
		}
		if time.Since(opened) >= goodConnection {
			pause.Reset()
		}
		d := pause.NextBackOff()
		log.Warn("stream interrupted, connecting anew", "error", err, "wait", d)
		if err := wait(ctx, d); err != nil {
			return err
		}
	}
}

// stay connects, tells the sink, and reads until the connection is lost. A
// connection that grows old, or whose end is announced, is replaced meanwhile.
// All that it starts has ended when it returns.
func (c *Client) stay(ctx context.Context, f feed, log *slog.Logger) error {
	ctx, cancel := context.WithCancel(ctx)
	var readers sync.WaitGroup
	defer readers.Wait()
	defer cancel()

	type end struct {
		link *link
		err  error
	}
	ends := make(chan end)
	start := func(l *link) {
		readers.Go(func() {
			// The end of ctx ends a read under way.
			stop := context.AfterFunc(ctx, l.conn.close)
			err := f.read(ctx, l)
			stop()
			l.conn.close()
			select {
			case ends <- end{l, err}:
			case <-ctx.Done():
			}
		})
	}

	current, err := c.connect(ctx, f, nil)
	if err != nil {
		return err
	}
	start(current)
	log.Debug("stream connected")
	rotate := time.NewTimer(c.cfg.MaxConnectionAge)
	defer rotate.Stop()
	for {
		select {
		case e := <-ends:
			if errors.As(e.err, new(badFrame)) {
				c.stats.badFrames.Add(1)
			}
			if e.link == current || errors.As(e.err, new(sinkError)) {
				return e.err
			}
			continue // the end of a link that was replaced
		case <-current.renew:
			rotate.Reset(max(0, minRotation-time.Since(current.opened)))
			continue
		case <-rotate.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		next, err := c.connect(ctx, f, current)
		if err != nil {
			log.Warn("connection not replaced, staying with the old one", "error", err)
			rotate.Reset(rotationRetry)
			continue
		}
		log.Debug("stream connection replaced", "age", time.Since(current.opened))
		start(next)
		current = next
		rotate.Reset(c.cfg.MaxConnectionAge)
	}
}

// connect opens the link that replaces before. Without one it tells the sink of
// the gap.
func (c *Client) connect(ctx context.Context, f feed, before *link) (*link, error) {
	opening, cancel := context.WithTimeout(ctx, 2*c.cfg.DialTimeout)
	defer cancel()
	cn, err := f.open(opening)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	if before == nil {
		if err := f.connected(ctx); err != nil {
			cn.close()
			return nil, sinkError{err}
		}
	}
	return &link{conn: cn, opened: time.Now(), before: before, renew: make(chan struct{}, 1)}, nil
}

// announceEnd has the link replaced soon.
func (l *link) announceEnd() {
	select {
	case l.renew <- struct{}{}:
	default:
	}
}
