package collector

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"hedgehog/data/bus"
	"hedgehog/exchange"
)

// Batch is what one write stores. Each slice is in order of publication.
type Batch struct {
	Trades  []*exchange.TradeEvent
	Orders  []*exchange.OrderUpdate
	Candles []*exchange.Candle
	// Others are events of types that the store knows and the collector does not.
	Others []bus.Event
}

func (b Batch) size() int {
	return len(b.Trades) + len(b.Orders) + len(b.Candles) + len(b.Others)
}

// Store keeps what a Collector hands over. Write stores the whole batch or
// nothing of it, and storing it again changes nothing: after an error the
// Collector does not know whether it was stored, and writes it again. The
// slices belong to the Collector again when Write returns.
type Store interface {
	Write(ctx context.Context, b Batch) error
}

// firstBatch is the most events that the first write takes; it doubles while
// that is too few, so that a quiet symbol needs little memory.
const firstBatch = 64

// Collector moves the events of one subscription into a store.
type Collector struct {
	cfg   Config
	sub   *bus.Subscription
	store Store
	log   *slog.Logger

	// What was taken off the bus and is not stored yet. It outlives a Run.
	pending  Batch
	messages []bus.Message
	begun    bool // Config.Begin has worked, or is not there

	progress progress
}

// New returns a Collector of what sub receives. The caller has validated cfg and
// closes sub, after Run has returned.
func New(cfg Config, sub *bus.Subscription, store Store, log *slog.Logger) *Collector {
	return &Collector{
		cfg:      cfg,
		sub:      sub,
		store:    store,
		log:      log.With("subscription", sub.Name()),
		messages: make([]bus.Message, min(firstBatch, cfg.BatchSize)),
		begun:    cfg.Begin == nil,
	}
}

// Run collects until ctx ends or the subscription is closed, and then returns
// nil; an error says how many events it had to leave unstored. It may be run
// again, but not twice at once.
func (c *Collector) Run(ctx context.Context) error {
	err := c.collect(ctx, ctx)
	if ctx.Err() != nil {
		// Once more for what still waits: taking never blocks now, since ctx has
		// ended, and storing gets a context of its own.
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.cfg.Grace)
		defer cancel()
		err = c.collect(ctx, grace)
	}
	if n := c.pending.size(); n > 0 {
		return fmt.Errorf("collect %s: %d events are not stored, %d wait: %w", c.sub.Name(), n, c.sub.Waiting(), err)
	}
	return nil
}

// collect takes and stores until taking ends, or storing has to be given up.
func (c *Collector) collect(take, write context.Context) error {
	for {
		if err := c.flush(take, write); err != nil {
			return err
		}
		n, err := c.sub.NextBatch(take, c.messages)
		if err != nil {
			return err
		}
		c.gather(c.messages[:n])
		if n == len(c.messages) && n < c.cfg.BatchSize {
			c.messages = make([]bus.Message, min(2*n, c.cfg.BatchSize))
		}
	}
}

// gather puts the events of the messages into the pending batch, but for trades that
// are played again: they come from the store, and say nothing of what it lacks.
func (c *Collector) gather(messages []bus.Message) {
	for _, m := range messages {
		switch e := m.Event.(type) {
		case *exchange.TradeEvent:
			if e.Source != exchange.Replay {
				c.pending.Trades = append(c.pending.Trades, e)
			}
		case *exchange.OrderUpdate:
			c.pending.Orders = append(c.pending.Orders, e)
		case *exchange.Candle:
			c.pending.Candles = append(c.pending.Candles, e)
		default:
			c.pending.Others = append(c.pending.Others, e)
		}
	}
}

// begin calls Config.Begin before the first trade is stored, and takes what comes
// until that has returned.
func (c *Collector) begin(take context.Context) error {
	if c.begun || len(c.pending.Trades) == 0 {
		return nil
	}
	if take.Err() != nil {
		c.pending.Trades = nil // the end has come first: nothing has begun
		return nil
	}
	first := c.pending.Trades[0].ID
	ctx, done := context.WithCancel(take)
	var gathering sync.WaitGroup
	gathering.Go(func() {
		for ctx.Err() == nil {
			n, err := c.sub.More(ctx, c.messages)
			if err != nil {
				return
			}
			c.gather(c.messages[:n])
		}
	})
	defer gathering.Wait()
	defer done()
	err := c.cfg.Begin(take, first)
	c.begun = err == nil
	return err
}

// flush stores the pending batch, and tries again until that works or ctx ends.
// Trades whose collecting has not begun when take ends are dropped.
func (c *Collector) flush(take, ctx context.Context) error {
	if c.pending.size() == 0 {
		return nil
	}
	failing := failure{log: c.log, every: c.cfg.LogEvery}
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval = c.cfg.FirstRetry, c.cfg.LongestRetry
	pauses.RandomizationFactor = c.cfg.Jitter
	var last error // why it failed, which says more than that ctx has ended since
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		if err := c.begin(take); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, c.store.Write(ctx, c.pending)
	}, backoff.WithBackOff(pauses), backoff.WithMaxElapsedTime(0), backoff.WithNotify(func(err error, pause time.Duration) {
		last = err
		c.progress.failed(err)
		failing.report(err, c.pending.size(), pause)
	}))
	if err != nil {
		return cmp.Or(last, err)
	}
	failing.over()
	c.progress.stored(c.pending)
	c.pending = Batch{Trades: c.pending.Trades[:0], Orders: c.pending.Orders[:0], Candles: c.pending.Candles[:0], Others: c.pending.Others[:0]}
	return nil
}
