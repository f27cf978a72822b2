package sim

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
)

// WalkConfig says what a random walk trades.
type WalkConfig struct {
	Symbols []string // that the engine lists
	Seed    uint64   // the same seed gives the same ids, prices and quantities
	// PerSecond is how many trades a symbol has in a second, evenly spaced.
	PerSecond float64
}

// DefaultWalk returns a walk of the symbols with five trades a second each.
func DefaultWalk(symbols []string) WalkConfig {
	return WalkConfig{Symbols: symbols, Seed: 1, PerSecond: 5}
}

// Validate returns an error that names the first field that can't be right.
func (c WalkConfig) Validate() error {
	if len(c.Symbols) == 0 {
		return errors.New("config field Symbols: none to trade")
	}
	if !(c.PerSecond > 0 && c.PerSecond <= 10_000) {
		return fmt.Errorf("config field PerSecond %v: want more than 0 and at most 10,000", c.PerSecond)
	}
	seen := make(map[string]bool)
	for _, s := range c.Symbols {
		if seen[s] {
			return fmt.Errorf("config field Symbols: %s is there twice", s)
		}
		seen[s] = true
	}
	return nil
}

// The walk's steps, in millionths of the price. A step is drawn evenly from
// −stepRange…stepRange and pulled back by pullBack millionths of the way to the
// starting price. That makes swings of about one per cent within a hundred
// trades, enough for a cautious trader to come out of a position again, and
// keeps the price near its start for ever.
const (
	stepRange = 1500
	pullBack  = 10_000
	million   = 1_000_000
)

// Walk passes trades at prices that walk at random around a starting price.
type Walk struct {
	cfg    WalkConfig
	engine *Engine
}

// NewWalk returns a walk, or what is wrong with cfg.
func NewWalk(cfg WalkConfig, engine *Engine) (*Walk, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("random walk: %w", err)
	}
	for _, s := range cfg.Symbols {
		if _, err := engine.cfg.Info.Symbol(s); err != nil {
			return nil, fmt.Errorf("random walk: %w", err)
		}
	}
	return &Walk{cfg: cfg, engine: engine}, nil
}

// Run passes trades until ctx ends and returns its cause. Ids and prices go on
// from the last trade that the engine has.
func (w *Walk) Run(ctx context.Context) error {
	walkers := make([]*walker, 0, len(w.cfg.Symbols))
	for _, name := range w.cfg.Symbols {
		rules, err := w.engine.cfg.Info.Symbol(name)
		if err != nil {
			return fmt.Errorf("random walk: %w", err)
		}
		last, err := w.engine.lastTrade(name)
		if err != nil {
			return fmt.Errorf("random walk: %w", err)
		}
		walkers = append(walkers, newWalker(rules, w.cfg.Seed, last))
	}
	// One symbol after the other, so that the trades of all come evenly too.
	ticker := time.NewTicker(time.Duration(float64(time.Second) / w.cfg.PerSecond / float64(len(walkers))))
	defer ticker.Stop()
	for turn := 0; ; turn = (turn + 1) % len(walkers) {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		t := walkers[turn].next()
		t.TradeTime = w.engine.micros()
		if err := w.engine.Trade(t); err != nil {
			return fmt.Errorf("random walk: %w", err)
		}
	}
}

// walker walks the price of one symbol. Prices are whole ticks and quantities
// whole steps, so nothing is rounded.
type walker struct {
	rules         exchange.Symbol
	tick, step    decimal.Decimal
	random        *rand.Rand
	id            int64 // of the last trade
	price, center int64 // ticks
	lots          int64
}

func newWalker(rules exchange.Symbol, seed uint64, last exchange.TradeEvent) *walker {
	name := fnv.New64a()
	name.Write([]byte(rules.Name))
	w := &walker{
		rules: rules,
		tick:  unitOr(rules.Filters.TickSize),
		step:  unitOr(rules.Filters.StepSize),
		// The last id is part of the seed, or a restart would walk the same steps again.
		random: rand.New(rand.NewPCG(seed, name.Sum64()^uint64(last.ID))),
		id:     last.ID,
	}
	if known, found := builtins[rules.Name]; found {
		w.lots = known.lots
		w.center = decimal.RequireFromString(known.start).Div(w.tick).IntPart()
	} else {
		// Whatever the tick is, enough of them for a step to be several.
		w.lots, w.center = other.lots, 20_000
	}
	w.price = max(1, w.center)
	if last.ID != 0 {
		w.price = max(1, last.Price.Div(w.tick).IntPart())
	}
	return w
}

func unitOr(unit decimal.Decimal) decimal.Decimal {
	if unit.Sign() > 0 {
		return unit
	}
	return decimal.New(1, -8)
}

// next returns the next trade, without its time.
func (w *walker) next() exchange.TradeEvent {
	drawn := w.random.Int64N(2*stepRange+1) - stepRange
	w.price = max(1, w.price+(w.price*drawn+(w.center-w.price)*pullBack)/million)
	w.id++
	return exchange.TradeEvent{
		Symbol:       w.rules.Name,
		ID:           w.id,
		Price:        w.tick.Mul(decimal.New(w.price, 0)),
		Quantity:     w.step.Mul(decimal.New(1+w.random.Int64N(w.lots), 0)),
		BuyerIsMaker: w.random.IntN(2) == 0,
	}
}
