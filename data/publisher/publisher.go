package publisher

import (
	"context"
	"fmt"
	"iter"
	"math"
	"time"

	"hedgehog/data/bus"
	"hedgehog/exchange"
)

// Store is where the trade events are stored.
type Store interface {
	// TradesBetween returns the stored trades with a trade time in [from, to), in
	// order of id.
	TradesBetween(ctx context.Context, symbol string, from, to exchange.Micros) iter.Seq2[exchange.TradeEvent, error]
}

// Config says what is played and how fast.
type Config struct {
	Symbol string
	// From and To bound the trade times: From is in, To is not.
	From, To exchange.Micros
	// Speed is how many times faster than they happened the events are played; 0
	// is as fast as the subscribers take them.
	Speed float64
}

// Validate returns an error that names the first field out of range.
func (c Config) Validate() error {
	switch {
	case !exchange.ValidSymbolName(c.Symbol):
		return fmt.Errorf("symbol %q is not a symbol's name", c.Symbol)
	case c.To <= c.From:
		return fmt.Errorf("to %s: want a time after from %s", c.To.Time(), c.From.Time())
	case !(c.Speed >= 0 && c.Speed <= math.MaxFloat64): // nor NaN
		return fmt.Errorf("speed %g: want 0 (as fast as possible) or a factor above it", c.Speed)
	}
	return nil
}

// Publisher plays one range.
type Publisher struct {
	config    Config
	store     Store
	publisher bus.Publisher
	published int64
}

// New returns a Publisher for a valid config.
func New(c Config, store Store, b *bus.Bus) (*Publisher, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("publisher: %w", err)
	}
	return &Publisher{config: c, store: store, publisher: b.Publisher(bus.TradeEvents(c.Symbol))}, nil
}

// Published returns how many events Run has published; valid after Run.
func (p *Publisher) Published() int64 { return p.published }

// Run plays the range once. It returns nil at the range's end and ctx's cause
// when ctx ends before.
func (p *Publisher) Run(ctx context.Context) error {
	p.published = 0
	var started time.Time
	var first exchange.Micros
	for t, err := range p.store.TradesBetween(ctx, p.config.Symbol, p.config.From, p.config.To) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return fmt.Errorf("replay %s: %w", p.config.Symbol, err)
		}
		if p.published == 0 {
			started, first = time.Now(), t.TradeTime
		}
		if p.config.Speed > 0 {
			passed := time.Duration(float64(t.TradeTime-first)/p.config.Speed) * time.Microsecond
			if err := waitUntil(ctx, started.Add(passed)); err != nil {
				return err
			}
		}
		t.Source = exchange.Replay
		if err := p.publisher.Publish(ctx, &t); err != nil {
			return err
		}
		p.published++
	}
	return nil
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
