package aggregator

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"log/slog"
	"slices"

	"hedgehog/data/bus"
	"hedgehog/exchange"
)

// Store is what is stored of the symbol.
type Store interface {
	// LastCandle returns the latest stored candle of a length; false when there is none.
	LastCandle(ctx context.Context, symbol string, minutes int) (c exchange.Candle, ok bool, err error)
	// LastTradeBefore returns the id of the last stored trade with a trade time
	// before the given one; false when there is none.
	LastTradeBefore(ctx context.Context, symbol string, at exchange.Micros) (id int64, ok bool, err error)
	// TradesSince returns the stored trades with a trade time of from or later, in
	// order of id.
	TradesSince(ctx context.Context, symbol string, from exchange.Micros) iter.Seq2[exchange.TradeEvent, error]
	// StoreMissed stores trades of the symbol that were missing between stored ones,
	// where its trades are collected.
	StoreMissed(ctx context.Context, symbol string, trades []*exchange.TradeEvent) error
}

// MaxGap is the most trades that are fetched to fill a hole in the ids. A larger
// one drops the open candles.
const MaxGap = 20_000

// Aggregator builds one symbol's candles. Run may be called again after it has
// returned.
type Aggregator struct {
	symbol    string
	store     Store
	exchange  exchange.TradeHistory
	sub       *bus.Subscription
	publisher bus.Publisher
	log       *slog.Logger

	candles  Candles
	restored bool
	last     int64                  // id of the last trade counted, or before what counts; 0 for none
	page     []*exchange.TradeEvent // that was fetched last
	closed   []*exchange.Candle     // not published yet
}

// New returns an Aggregator that takes trades from sub and publishes on b. The
// caller closes sub.
func New(symbol string, store Store, ex exchange.TradeHistory, b *bus.Bus, sub *bus.Subscription, log *slog.Logger) *Aggregator {
	return &Aggregator{
		symbol:    symbol,
		store:     store,
		exchange:  ex,
		sub:       sub,
		publisher: b.Publisher(bus.OHLC(symbol)),
		log:       log.With("symbol", symbol),
	}
}

// Run builds candles until ctx ends (it returns ctx's cause), or something fails
// that a new Run may mend.
func (a *Aggregator) Run(ctx context.Context) error {
	err := a.run(ctx)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return fmt.Errorf("aggregate %s: %w", a.symbol, err)
}

func (a *Aggregator) run(ctx context.Context) error {
	if err := a.restore(ctx); err != nil {
		return err
	}
	if err := a.publish(ctx); err != nil { // what an earlier Run had closed
		return err
	}
	for {
		m, err := a.sub.Next(ctx)
		if err != nil {
			return err
		}
		t, ok := m.Event.(*exchange.TradeEvent)
		if !ok {
			return fmt.Errorf("event of type %T on %s", m.Event, m.Topic)
		}
		if t.Source == exchange.Replay {
			continue
		}
		if err := a.count(ctx, t); err != nil {
			return err
		}
	}
}

// restore builds the open candles from what is stored.
func (a *Aggregator) restore(ctx context.Context) error {
	if a.restored {
		return nil
	}
	a.candles, a.closed = Candles{}, nil
	defer func() { a.page = nil }() // it serves the many holes that are stored, not those to come
	var from exchange.Micros
	for i, minutes := range exchange.CandleMinutes {
		c, ok, err := a.store.LastCandle(ctx, a.symbol, minutes)
		if err != nil {
			return fmt.Errorf("last candle of %d minutes: %w", minutes, err)
		}
		var next exchange.Micros
		if ok {
			next = c.StartTime + exchange.Micros(minutes)*60*1_000_000
			a.candles.SkipUntil(minutes, next)
		}
		if i == 0 || next < from {
			from = next
		}
	}
	var err error
	if a.last, _, err = a.store.LastTradeBefore(ctx, a.symbol, from); err != nil {
		return fmt.Errorf("stored trade before: %w", err)
	}
	for t, err := range a.store.TradesSince(ctx, a.symbol, from) {
		if err != nil {
			return fmt.Errorf("stored trades: %w", err)
		}
		if err := a.count(ctx, &t); err != nil {
			return err
		}
	}
	a.restored = true
	return nil
}

// count adds t, after the trades that are missing before it.
func (a *Aggregator) count(ctx context.Context, t *exchange.TradeEvent) error {
	if t.ID <= a.last {
		return nil
	}
	if err := a.fill(ctx, t.ID); err != nil {
		return err
	}
	return a.add(ctx, t)
}

// fill adds the trades that are missing before id next.
func (a *Aggregator) fill(ctx context.Context, next int64) error {
	first := a.last + 1
	switch {
	case a.last == 0 || first == next:
		return nil
	case next-first > MaxGap:
		a.log.Warn("open candles dropped: too many trades missing", "first_id", first, "last_id", next-1)
		a.candles.Drop()
		return nil
	}
	missed, err := a.fetch(ctx, first, next-1)
	if err != nil {
		return err
	}
	for _, t := range missed {
		if err := a.add(ctx, t); err != nil {
			return err
		}
	}
	if a.restored {
		// What is stored may end before these: whoever goes on behind the last stored
		// trade would never fetch what lies between.
		return nil
	}
	// Else they would be fetched again at every start: where symbols move, a node's
	// own trades have a hole for each time that another one owned the symbol.
	if err := a.store.StoreMissed(ctx, a.symbol, missed); err != nil {
		return fmt.Errorf("store trades %d to %d: %w", first, next-1, err)
	}
	return nil
}

// fetch returns the trades from first to last that the exchange has. A page costs
// the same however little of it is needed, so what it holds beyond last serves the
// holes behind this one.
func (a *Aggregator) fetch(ctx context.Context, first, last int64) ([]*exchange.TradeEvent, error) {
	var found []*exchange.TradeEvent
	for first <= last {
		at, has := slices.BinarySearchFunc(a.page, first, func(t *exchange.TradeEvent, id int64) int { return cmp.Compare(t.ID, id) })
		fresh := at == len(a.page) || at == 0 && !has // the page does not reach so far
		if fresh {
			if err := a.turn(ctx, first); err != nil {
				return nil, err
			}
			at = 0
		}
		for _, t := range a.page[at:] {
			if t.ID > last {
				return found, nil
			}
			found = append(found, t)
			first = t.ID + 1
		}
		if fresh && len(a.page) < exchange.TradesPage {
			break // there are no more
		}
	}
	return found, nil
}

// turn fetches the page that begins with id first.
func (a *Aggregator) turn(ctx context.Context, first int64) error {
	a.page = a.page[:0:0]
	for t, err := range exchange.MissedTrades(ctx, a.exchange, a.symbol, first, 0) {
		if err != nil {
			return err
		}
		if a.page = append(a.page, t); len(a.page) == exchange.TradesPage {
			break
		}
	}
	return nil
}

func (a *Aggregator) add(ctx context.Context, t *exchange.TradeEvent) error {
	a.closed = a.candles.Add(t, a.closed)
	a.last = t.ID
	return a.publish(ctx)
}

// publish publishes the closed candles; those that it can't are left for later.
func (a *Aggregator) publish(ctx context.Context) error {
	for i, c := range a.closed {
		if err := a.publisher.Publish(ctx, c); err != nil {
			a.closed = a.closed[i:]
			return err
		}
	}
	a.closed = a.closed[:0]
	return nil
}
