package sim

import (
	"context"
	"slices"

	"hedgehog/exchange"
)

// TradeListener takes the trades of a symbol.
type TradeListener interface {
	// Trade is called for each trade, in order, under the engine's lock: it must
	// neither block nor call the engine. The event is shared and must not be changed.
	Trade(t *exchange.TradeEvent)
	// Await blocks until the listener's client has taken everything handed over so
	// far, or the listener is gone, or ctx ends.
	Await(ctx context.Context) error
}

// The executions that a report tells of.
const (
	ExecutionNew      = "NEW"
	ExecutionTrade    = "TRADE"
	ExecutionCanceled = "CANCELED"
)

// Report is news of an order, with what the user data stream tells of it. It is
// shared by pointer and must not be changed.
type Report struct {
	Account     string
	Execution   string // ExecutionNew, ExecutionTrade or ExecutionCanceled
	ExecutionID int64  // rises by one from report to report of the exchange
	Time        exchange.Micros
	// Update is the order, under its own client id, with the one fill of a trade.
	Update exchange.OrderUpdate
	// CancelID is, in a report of a cancel, the client id of the cancel request.
	// The exchange's protocol has it in the place of the order's ("c"), and the
	// order's own in that of the original ("C").
	CancelID string
	// Balances are the account's balances of the symbol's two assets after the event.
	Balances []exchange.Balance
}

// Counts is how much an engine has published since New. A lock-step test reads it
// to know what to wait for.
type Counts struct {
	Trades  int64 // that passed
	Reports int64 // whether anyone listened or not
}

// audience are the listeners of one symbol.
type audience struct {
	listeners []*listener
	present   chan struct{} // closed while there are listeners
}

// listener gives each subscription an identity of its own.
type listener struct{ TradeListener }

type reporter struct{ fn func(*Report) }

func newAudience() *audience { return &audience{present: make(chan struct{})} }

func (a *audience) publish(t *exchange.TradeEvent) {
	for _, l := range a.listeners {
		l.Trade(t)
	}
}

// SubscribeTrades hands l the trades of symbol from now on, until cancel, which
// may be called more than once. After cancel has returned no further call comes.
func (e *Engine) SubscribeTrades(symbol string, l TradeListener) (cancel func(), err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, err := e.market(symbol); err != nil {
		return nil, err
	}
	a, added := e.audiences[symbol], &listener{l}
	a.listeners = append(a.listeners, added)
	if len(a.listeners) == 1 {
		close(a.present)
	}
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		at := slices.Index(a.listeners, added)
		if at < 0 {
			return
		}
		a.listeners = slices.Delete(a.listeners, at, at+1)
		if len(a.listeners) == 0 {
			a.present = make(chan struct{})
		}
	}, nil
}

// SubscribeReports calls fn for each report of the account's orders from now on,
// in order, under the engine's lock: fn must neither block nor call the engine.
// cancel may be called more than once; after it no further call comes.
func (e *Engine) SubscribeReports(account string, fn func(*Report)) (cancel func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	added := &reporter{fn}
	e.reporters[account] = append(e.reporters[account], added)
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.reporters[account] = slices.DeleteFunc(e.reporters[account], func(r *reporter) bool { return r == added })
	}
}

// report completes r with what the order's account has and hands it out.
func (e *Engine) report(o *order, r Report) {
	e.counts.Reports++
	rules := e.state.markets[o.Symbol].rules
	r.Account = o.account
	r.Balances = e.state.account(o.account).balancesOf(rules.BaseAsset, rules.QuoteAsset)
	for _, to := range e.reporters[o.account] {
		to.fn(&r)
	}
}

// Counts returns how much has been published since New.
func (e *Engine) Counts() Counts {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.counts
}

// watchedTrade is Trade for a feed that plays to listeners alone: it waits while
// the symbol has none.
func (e *Engine) watchedTrade(ctx context.Context, t exchange.TradeEvent) error {
	for {
		e.mu.Lock()
		a := e.audiences[t.Symbol]
		if a == nil || len(a.listeners) > 0 {
			defer e.mu.Unlock()
			return e.trade(t)
		}
		present := a.present
		e.mu.Unlock()
		select {
		case <-present:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// awaitListener blocks until symbol has a listener or ctx ends.
func (e *Engine) awaitListener(ctx context.Context, symbol string) error {
	e.mu.Lock()
	present := e.audiences[symbol].present
	e.mu.Unlock()
	select {
	case <-present:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// awaitTaken blocks until every listener of symbol has taken the trades so far or
// ctx ends.
func (e *Engine) awaitTaken(ctx context.Context, symbol string) error {
	e.mu.Lock()
	listeners := slices.Clone(e.audiences[symbol].listeners)
	e.mu.Unlock()
	for _, l := range listeners {
		// One that fails is gone, and nobody waits for it.
		if err := l.Await(ctx); err != nil && ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}
