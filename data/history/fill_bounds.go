package history

import (
	"context"
	"fmt"
	"math"

	"hedgehog/exchange"
)

// bounds returns the ids between which holes are filled; first is above last when
// there is nothing between.
func (f *Filler) bounds(ctx context.Context) (first, last int64, err error) {
	_, oldest, err := f.store.Around(ctx, f.cfg.Symbol, 0)
	if err != nil {
		return 0, 0, err
	}
	newest, _, err := f.store.Around(ctx, f.cfg.Symbol, math.MaxInt64)
	if err != nil {
		return 0, 0, err
	}
	if oldest == 0 && !f.cfg.Beyond {
		return 0, 0, ErrNothingStored
	}
	first, last = oldest, newest
	if f.cfg.From > 0 {
		if first, err = f.firstAt(ctx, f.cfg.From); err != nil {
			return 0, 0, err
		}
	}
	if f.cfg.To > 0 {
		after, err := f.firstAt(ctx, f.cfg.To)
		if err != nil {
			return 0, 0, err
		}
		last = after - 1
	}
	return first, last, nil
}

// firstAt returns the id of the exchange's first trade at the time or later, one
// above its newest where there is none. The exchange is asked only where the trades
// around the time are not stored; and unless Beyond is set, what is stored bounds it.
func (f *Filler) firstAt(ctx context.Context, at exchange.Micros) (int64, error) {
	before, after, err := f.store.Around(ctx, f.cfg.Symbol, at)
	if err != nil {
		return 0, err
	}
	switch {
	case before == 0 && !f.cfg.Beyond:
		return after, nil
	case after == 0 && !f.cfg.Beyond:
		return before + 1, nil
	}
	low, high := before+1, after // the answer is in low…high
	if after == 0 {
		newest, err := f.ask(ctx, 0)
		if err != nil {
			return 0, err
		}
		if newest.TradeTime < at {
			return newest.ID + 1, nil
		}
		high = newest.ID
	}
	// The first probe is for low itself: mostly the trades before the time are stored
	// up to it.
	for probe := low; low < high; probe = low + (high-low)/2 {
		t, err := f.ask(ctx, probe)
		if err != nil {
			return 0, err
		}
		if t.ID == 0 || t.ID >= high || t.TradeTime >= at {
			high = probe
		} else {
			low = t.ID + 1
		}
	}
	return high, nil
}

// ask returns the exchange's first trade from an id on, its newest one for 0; the
// zero trade where there is none.
func (f *Filler) ask(ctx context.Context, id int64) (exchange.TradeEvent, error) {
	page, err := f.page(ctx, id, 1)
	if err != nil {
		return exchange.TradeEvent{}, fmt.Errorf("trades of %s from id %d: %w", f.cfg.Symbol, id, err)
	}
	if len(page) == 0 {
		return exchange.TradeEvent{}, nil
	}
	if page[0].ID < id {
		return exchange.TradeEvent{}, fmt.Errorf("trades of %s from id %d: id %d is out of order", f.cfg.Symbol, id, page[0].ID)
	}
	return page[0], nil
}
