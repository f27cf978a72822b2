package judge

import (
	"fmt"
	"slices"
	"sync"

	"hedgehog/exchange"
	"hedgehog/strategy/naive"
)

// Judge judges one run and one account. Its methods may be called by several
// goroutines at once, though what they tell has to come in order: the journal
// from its beginning to its end, and an assignment before the entries that it
// allows.
type Judge struct {
	cfg Config

	mu       sync.Mutex // guards what follows
	markets  map[string]*market
	now      exchange.Micros // of the latest entry
	counts   Counts
	breaches []Violation
}

// Counts are what a journal had.
type Counts struct {
	Orders, Fills, Cancels int
	Cycles                 int // sells that were filled
	Rejects                int
}

// market is the trading in one symbol.
type market struct {
	rules     exchange.Symbol
	tenures   []tenure         // in order of epoch
	orders    map[int64]*order // by the exchange's id
	sent      map[sending]*order
	positions map[naive.PositionID]*position
	open      int // positions
}

// New returns a Judge, or what is wrong with cfg.
func New(cfg Config) (*Judge, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("judge: %w", err)
	}
	j := &Judge{cfg: cfg, markets: make(map[string]*market)}
	for _, s := range cfg.Symbols {
		j.markets[s.Name] = &market{
			rules:     s,
			orders:    make(map[int64]*order),
			sent:      make(map[sending]*order),
			positions: make(map[naive.PositionID]*position),
		}
	}
	return j, nil
}

// Violations returns what has been found so far, in the order in which it was found.
func (j *Judge) Violations() []Violation {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.breaches)
}

// Counts returns what the journal had so far.
func (j *Judge) Counts() Counts {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.counts
}

// breach notes a violation at the time of the latest entry.
func (j *Judge) breach(rule Rule, symbol, format string, args ...any) {
	j.breachAt(j.now, rule, symbol, format, args...)
}

func (j *Judge) breachAt(at exchange.Micros, rule Rule, symbol, format string, args ...any) {
	j.breaches = append(j.breaches, Violation{At: at, Rule: rule, Symbol: symbol, Text: fmt.Sprintf(format, args...)})
}
