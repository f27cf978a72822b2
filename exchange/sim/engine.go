package sim

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
	"hedgehog/exchange/wire"
)

// Engine is a simulated exchange. All methods may be called by several
// goroutines at once.
//
// Refusals are *wire.Error with the codes and messages of the real exchange; an
// error of the state or the journal wraps one of code -1000 and status 500. Take
// it out with errors.As.
type Engine struct {
	cfg Config

	mu        sync.Mutex // guards what follows
	state     *state
	log       *stateLog   // nil: no data directory
	journal   *appendFile // nil: no journal
	audiences map[string]*audience
	reporters map[string][]*reporter // by account
	counts    Counts
}

// New returns an engine in the state that its data directory holds. The caller
// closes it.
func New(cfg Config) (*Engine, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("simulated exchange: %w", err)
	}
	e := &Engine{
		cfg:       cfg,
		state:     newState(cfg),
		audiences: make(map[string]*audience),
		reporters: make(map[string][]*reporter),
	}
	for _, s := range cfg.Info.Symbols {
		e.audiences[s.Name] = newAudience()
	}
	if err := e.open(); err != nil {
		return nil, fmt.Errorf("simulated exchange: %w", errors.Join(err, e.Close()))
	}
	return e, nil
}

func (e *Engine) open() error {
	var lastLines []byte
	var err error
	if e.cfg.DataDir != "" {
		if e.log, lastLines, err = openStateLog(e.cfg.DataDir, e.state); err != nil {
			return err
		}
	}
	if e.cfg.Journal != "" {
		if e.journal, err = openJournal(e.cfg.Journal, lastLines); err != nil {
			return err
		}
	}
	if e.log != nil {
		return e.log.rewrite(e.state)
	}
	return nil
}

// Close closes the files. Nothing is written by it, so an engine that ends
// without it loses nothing.
func (e *Engine) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	var err error
	if e.journal != nil {
		err = e.journal.close()
	}
	if e.log != nil {
		err = errors.Join(err, e.log.close())
	}
	return err
}

// Now returns the exchange's clock.
func (e *Engine) Now() time.Time { return e.cfg.Now() }

// Info returns what the exchange says of itself, with its time of now. The
// symbols are shared and must not be changed.
func (e *Engine) Info() exchange.ExchangeInfo {
	info := e.cfg.Info
	info.ServerTime = exchange.MicrosOf(e.cfg.Now())
	return info
}

// Trade passes a trade: it fills the orders that it goes through, joins the
// history and is handed to the symbol's listeners, then the reports of the fills
// to theirs. Its id must be above the one before. An EventTime of zero becomes
// the exchange's time.
func (e *Engine) Trade(t exchange.TradeEvent) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.trade(t)
}

// trade is Trade with the lock held.
func (e *Engine) trade(t exchange.TradeEvent) error {
	m, err := e.market(t.Symbol)
	if err != nil {
		return fmt.Errorf("trade %s %d: %w", t.Symbol, t.ID, err)
	}
	last := m.average.last.ID
	switch {
	case t.ID <= last:
		return fmt.Errorf("trade %s %d: ids must rise, the last one is %d", t.Symbol, t.ID, last)
	case t.Price.Sign() <= 0 || t.Quantity.Sign() <= 0:
		return fmt.Errorf("trade %s %d: price %s and quantity %s must be above 0", t.Symbol, t.ID, t.Price, t.Quantity)
	}
	if _, err := exchange.TickOf(&t); err != nil {
		return err // before it is in the log, which could not be read again
	}
	now := e.micros()
	if t.EventTime == 0 {
		t.EventTime = now
	}
	r := &record{Kind: kindTrade, Trade: &t, Fills: e.state.fillsOf(&t, now)}
	firstExecution := e.state.lastExecutionID + 1
	if err := e.commit(r); err != nil {
		return fmt.Errorf("trade %s %d: %w", t.Symbol, t.ID, err)
	}
	e.counts.Trades++
	e.audiences[t.Symbol].publish(&t)
	for i, f := range r.Fills {
		o := e.state.orders[f.OrderID]
		e.report(o, Report{
			Execution:   ExecutionTrade,
			ExecutionID: firstExecution + int64(i),
			Time:        now,
			Update:      exchange.OrderUpdate{Order: o.Order, Fills: []exchange.Fill{f}},
		})
	}
	return nil
}

// lastTrade returns the newest trade of symbol, one with the id zero before the
// first.
func (e *Engine) lastTrade(symbol string) (exchange.TradeEvent, error) {
	trades, err := e.Trades(symbol, 0, 1)
	if err != nil || len(trades) == 0 {
		return exchange.TradeEvent{}, err
	}
	return trades[0], nil
}

// commit writes a change to the log and the journal and then makes it. When it
// fails nothing has changed.
func (e *Engine) commit(r *record) error {
	var entries []JournalEntry
	if e.journalling() {
		entries = e.state.entriesOf(r)
	}
	if e.log != nil {
		before, err := e.log.append(r)
		if err != nil {
			return err
		}
		if err := e.writeJournal(entries); err != nil {
			return errors.Join(err, e.log.file.cutTo(before))
		}
	} else if err := e.writeJournal(entries); err != nil {
		return err
	}
	if err := e.state.apply(r); err != nil {
		return err
	}
	e.tellJournal(entries)
	if e.log != nil {
		if err := e.log.rewriteIfGrown(e.state); err != nil {
			// The change is made and kept: the long log still holds it.
			e.cfg.Log.Warn("state not written anew", "error", err)
		}
	}
	return nil
}

// micros returns the exchange's clock in microseconds.
func (e *Engine) micros() exchange.Micros { return exchange.MicrosOf(e.cfg.Now()) }

// market returns the named market, or the refusal of a symbol that is not listed.
func (e *Engine) market(symbol string) (*market, error) {
	m := e.state.markets[symbol]
	if m == nil || !m.listed {
		return nil, refusal(wire.CodeInvalidSymbol, "Invalid symbol.")
	}
	return m, nil
}

// Trades returns up to limit trades of symbol, in order of id, from fromID
// upwards; the most recent ones when fromID is zero. A limit of zero is 500.
func (e *Engine) Trades(symbol string, fromID int64, limit int) ([]exchange.TradeEvent, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	m, err := e.market(symbol)
	if err != nil {
		return nil, err
	}
	return m.history.from(fromID, orDefault(limit)), nil
}

// TradesBetween returns up to limit trades of symbol with a trade time from start
// to end, both included. A limit of zero is 500.
func (e *Engine) TradesBetween(symbol string, start, end exchange.Micros, limit int) ([]exchange.TradeEvent, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	m, err := e.market(symbol)
	if err != nil {
		return nil, err
	}
	return m.history.between(start, end, orDefault(limit)), nil
}

// AveragePrice returns the volume-weighted average price that the filters compare
// with, over how many minutes it is taken (0: the last price) and the time of the
// newest trade, which is where those minutes end. The price is zero before the
// first trade.
func (e *Engine) AveragePrice(symbol string) (minutes int, price decimal.Decimal, last exchange.Micros, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	m, err := e.market(symbol)
	if err != nil {
		return 0, decimal.Zero, 0, err
	}
	return m.rules.Filters.AvgPriceMinutes, m.average.price(), m.average.last.Time, nil
}

// defaultLimit is how many rows a query returns that doesn't say.
const defaultLimit = 500

func orDefault(limit int) int {
	if limit <= 0 {
		return defaultLimit
	}
	return limit
}
