package publisher

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"time"

	"hedgehog/data/bus"
	"hedgehog/exchange"
)

// Store is where the trade events are stored.
type Store interface {
	// TradesBetween returns the stored trades with a trade time in [from, to), in
	// order of id; 0 sets no bound.
	TradesBetween(ctx context.Context, symbol string, from, to exchange.Micros) iter.Seq2[exchange.TradeEvent, error]
}

// Config says what is played and how fast.
type Config struct {
	Symbol string
	// From and To bound the trade times: From is in, To is not; 0 sets no bound.
	From, To exchange.Micros
	// Speed is how many times faster than they happened the events are played; 0
	// is as fast as the subscribers take them.
	Speed float64
	// Lockstep has every event wait until each lossless subscriber of the topic has
	// dealt with the one before.
	Lockstep bool
}

// Validate returns an error that names the first field out of range.
func (c Config) Validate() error {
	switch {
	case !exchange.ValidSymbolName(c.Symbol):
		return fmt.Errorf("symbol %q is not a symbol's name", c.Symbol)
	case c.To != 0 && c.To <= c.From:
		return fmt.Errorf("to %s: want a time after from %s", c.To.Time(), c.From.Time())
	case c.Speed != 0 && !(c.Speed >= 0.001 && c.Speed <= 1e6): // nor NaN
		return fmt.Errorf("speed %g: want 0 (as fast as possible) or a factor from 0.001 to 1,000,000", c.Speed)
	}
	return nil
}

// Progress is how far a Publisher has come.
type Progress struct {
	Published int64           // events of the latest Run
	At        exchange.Micros // trade time of the last of them; 0 before the first
}

// Publisher plays one range.
type Publisher struct {
	config    Config
	store     Store
	bus       *bus.Bus
	topic     bus.Topic
	publisher bus.Publisher

	mu       sync.Mutex
	progress Progress // guarded by mu
}

// New returns a Publisher for a valid config.
func New(c Config, store Store, b *bus.Bus) (*Publisher, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("publisher: %w", err)
	}
	topic := bus.TradeEvents(c.Symbol)
	return &Publisher{config: c, store: store, bus: b, topic: topic, publisher: b.Publisher(topic)}, nil
}

// Progress returns how far Run has come. It may be called at any time.
func (p *Publisher) Progress() Progress {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.progress
}

func (p *Publisher) note(now Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.progress = now
}

// Run plays the range once. It returns nil at the range's end and ctx's cause
// when ctx ends before.
func (p *Publisher) Run(ctx context.Context) error {
	var done Progress
	p.note(done)
	var started time.Time
	var first exchange.Micros
	for t, err := range p.store.TradesBetween(ctx, p.config.Symbol, p.config.From, p.config.To) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return fmt.Errorf("replay %s: %w", p.config.Symbol, err)
		}
		if done.Published == 0 {
			started, first = time.Now(), t.TradeTime
		}
		if p.config.Speed > 0 {
			passed := time.Duration(float64(t.TradeTime-first)/p.config.Speed) * time.Microsecond
			if err := waitUntil(ctx, started.Add(passed)); err != nil {
				return err
			}
		}
		if err := p.publish(ctx, &t); err != nil {
			return err
		}
		done = Progress{done.Published + 1, t.TradeTime}
		p.note(done)
	}
	return nil
}

func (p *Publisher) publish(ctx context.Context, t *exchange.TradeEvent) error {
	t.Source = exchange.Replay
	if err := p.publisher.Publish(ctx, t); err != nil || !p.config.Lockstep {
		return err
	}
	return p.bus.Settle(ctx, p.topic)
}

func waitUntil(ctx context.Context, at time.Time) error {
	d := time.Until(at)
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
