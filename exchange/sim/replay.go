package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"hedgehog/exchange"
	"hedgehog/exchange/dump"
)

// Start says when a replay begins.
type Start string

const (
	// OnSubscriber begins with the first listener of the symbol's trades.
	OnSubscriber Start = "subscriber"
	// AtOnce begins when the replay is run.
	AtOnce Start = "now"
)

// Times says which trade times a replay gives its trades.
type Times string

const (
	// Kept are the times of the dump.
	Kept Times = "kept"
	// Rebased moves the first trade to now, and all others by as much.
	Rebased Times = "rebased"
)

// ReplayConfig says how a dump is played.
type ReplayConfig struct {
	Symbol string // one that the engine lists
	Path   string // of the dump, plain or zipped
	// Speed is how many times faster than they happened the trades pass. 0 is as
	// fast as the listeners take them; then the replay waits for every listener
	// after each few trades and, where it began with a subscriber, while there is
	// none, so that no trade passes unseen.
	Speed float64
	// Lockstep has a replay at full speed wait for every listener after each trade.
	// What a listener has taken its client may still be busy with.
	Lockstep bool
	Times    Times
	Start    Start
	SkipBad  bool // pass over lines that are not trades instead of ending with an error
}

// DefaultReplay returns the configuration that plays the dump at path as fast as
// possible from the first subscriber on, with its own times.
func DefaultReplay(symbol, path string) ReplayConfig {
	return ReplayConfig{Symbol: symbol, Path: path, Times: Kept, Start: OnSubscriber}
}

// Validate returns an error that names the first field that can't be right.
func (c ReplayConfig) Validate() error {
	switch {
	case !exchange.ValidSymbolName(c.Symbol):
		return fmt.Errorf("config field Symbol %q: not a symbol's name", c.Symbol)
	case c.Path == "":
		return errors.New("config field Path: no dump to play")
	case !(c.Speed >= 0 && c.Speed <= 1e6):
		return fmt.Errorf("config field Speed %v: want a factor from 0 (as fast as possible) to 1,000,000", c.Speed)
	case c.Lockstep && c.Speed != 0:
		return fmt.Errorf("config field Lockstep: its pace is that of the listeners, not Speed %v", c.Speed)
	case c.Times != Kept && c.Times != Rebased:
		return fmt.Errorf("config field Times %q: want %s or %s", c.Times, Kept, Rebased)
	case c.Start != OnSubscriber && c.Start != AtOnce:
		return fmt.Errorf("config field Start %q: want %s or %s", c.Start, OnSubscriber, AtOnce)
	}
	return nil
}

// takenEvery is after how many trades a replay at full speed waits for its
// listeners, unless it goes in lock-step. It bounds how far the market runs ahead
// of them.
const takenEvery = 8

// Replay plays one dump into an engine. Replays of the same symbol have to run
// one after the other.
type Replay struct {
	cfg    ReplayConfig
	engine *Engine
	log    *slog.Logger
}

// NewReplay returns a replay, or what is wrong with cfg. The engine must list
// the symbol.
func NewReplay(cfg ReplayConfig, engine *Engine, log *slog.Logger) (*Replay, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("replay: %w", err)
	}
	if _, err := engine.cfg.Info.Symbol(cfg.Symbol); err != nil {
		return nil, fmt.Errorf("replay %s: %w", cfg.Path, err)
	}
	return &Replay{cfg: cfg, engine: engine, log: log.With("symbol", cfg.Symbol)}, nil
}

// Run plays the dump to its end, or returns with the cause when ctx ends. Trades
// that the engine has already, by id, are passed over: after a restart the
// replay goes on where it was.
func (r *Replay) Run(ctx context.Context) (err error) {
	reader, err := dump.Open(r.cfg.Path, dump.Options{SkipBad: r.cfg.SkipBad})
	if err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	defer func() { err = errors.Join(err, reader.Close()) }()
	if r.cfg.Start == OnSubscriber {
		if err := r.engine.awaitListener(ctx, r.cfg.Symbol); err != nil {
			return err
		}
	}
	played := &playback{Replay: r}
	if played.last, err = r.engine.lastTrade(r.cfg.Symbol); err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	r.log.Info("replay started", "file", r.cfg.Path, "after_id", played.last.ID)
	if err := played.all(ctx, reader); err != nil {
		return err
	}
	if skipped, first := reader.Skipped(); skipped > 0 {
		r.log.Warn("dump lines passed over", "file", r.cfg.Path, "lines", skipped, "first", first)
	}
	r.log.Info("replay ended", "trades", played.trades, "first_id", played.firstID, "last_id", played.last.ID)
	return nil
}

// playback is one run of a replay.
type playback struct {
	*Replay
	trades  int
	firstID int64
	last    exchange.TradeEvent // that the engine has

	began time.Time       // when the first trade passed, by the exchange's clock
	first exchange.Micros // its time in the dump
	shift exchange.Micros // what is added to the times of the dump
}

func (p *playback) all(ctx context.Context, reader *dump.Reader) error {
	for {
		t, err := reader.Next()
		if err == io.EOF {
			return p.taken(ctx)
		}
		if err != nil {
			return fmt.Errorf("replay: %w", err)
		}
		if t.ID <= p.last.ID {
			continue
		}
		t.Symbol = p.cfg.Symbol
		if p.trades == 0 {
			p.begin(t)
		}
		if err := p.pass(ctx, t); err != nil {
			return err
		}
	}
}

func (p *playback) begin(t exchange.TradeEvent) {
	p.firstID, p.first, p.began = t.ID, t.TradeTime, p.engine.Now()
	if p.cfg.Times == Rebased {
		// Never back behind what has passed: an earlier run may have been fast.
		p.shift = max(exchange.MicrosOf(p.began), p.last.TradeTime) - t.TradeTime
	}
}

// pass waits until it is the trade's turn and passes it.
func (p *playback) pass(ctx context.Context, t exchange.TradeEvent) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	passTrade := func() error { return p.engine.Trade(t) }
	if p.cfg.Speed > 0 {
		after := time.Duration(float64(t.TradeTime-p.first) / p.cfg.Speed * float64(time.Microsecond))
		if err := waitUntil(ctx, p.engine.Now, p.began.Add(after)); err != nil {
			return err
		}
	} else if p.cfg.Start == OnSubscriber {
		passTrade = func() error { return p.engine.watchedTrade(ctx, t) }
	}
	t.TradeTime += p.shift
	if err := passTrade(); err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	p.last = t
	p.trades++
	if p.cfg.Lockstep || p.trades%takenEvery == 0 {
		return p.taken(ctx)
	}
	return nil
}

// taken waits for the listeners, where it is they that set the pace.
func (p *playback) taken(ctx context.Context) error {
	if p.cfg.Speed > 0 {
		return nil
	}
	return p.engine.awaitTaken(ctx, p.cfg.Symbol)
}

// waitUntil blocks until the clock shows t or ctx ends.
func waitUntil(ctx context.Context, clock func() time.Time, t time.Time) error {
	left := t.Sub(clock())
	if left <= 0 {
		return nil
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
