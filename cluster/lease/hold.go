package lease

import (
	"context"
	"fmt"
	"time"
)

// hold is what runs under the lease for one symbol and epoch.
type hold struct {
	symbol string
	epoch  uint64
	cancel context.CancelCauseFunc
}

// Hold returns a context for what acts for the symbol under epoch. It ends with
// the cause ErrLost when the lease runs out, no longer covers the symbol or
// covers another epoch of it; at once when that is so already. A context that
// was lost stays so, also when the same epoch is covered again. The caller calls
// the CancelFunc when the work is over.
//
// The end comes by a timer and may be late by as long as the machine is busy or
// the process stopped: Check is what keeps requests in, not this context.
func (g *Guard) Hold(parent context.Context, symbol string, epoch uint64) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(parent)
	h := &hold{symbol: symbol, epoch: epoch, cancel: cancel}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	if err := g.lost(h, now); err != nil {
		cancel(err)
		return ctx, func() {}
	}
	g.holds[h] = struct{}{}
	g.arm(now)
	return ctx, func() {
		cancel(context.Canceled)
		g.mu.Lock()
		defer g.mu.Unlock()
		delete(g.holds, h)
		g.arm(g.now())
	}
}

// expire is the timer's work.
func (g *Guard) expire() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.settle()
}

// settle ends the holds that have lost their lease and sets the timer for the
// others. The caller holds mu.
func (g *Guard) settle() {
	if len(g.holds) == 0 {
		return
	}
	now := g.now()
	for h := range g.holds {
		if err := g.lost(h, now); err != nil {
			h.cancel(err)
			delete(g.holds, h)
		}
	}
	g.arm(now)
}

// lost returns why the hold has lost its lease, nil while it has not.
func (g *Guard) lost(h *hold, now time.Time) error {
	epoch, ok := g.covered[h.symbol]
	switch {
	case !ok:
		return fmt.Errorf("%w: %s epoch %d is not covered", ErrLost, h.symbol, h.epoch)
	case epoch != h.epoch:
		return fmt.Errorf("%w: %s epoch %d: epoch %d is covered", ErrLost, h.symbol, h.epoch, epoch)
	case !now.Before(g.until):
		return fmt.Errorf("%w: %s epoch %d: it ended %v ago", ErrLost, h.symbol, h.epoch, now.Sub(g.until))
	}
	return nil
}

// arm sets the timer to the lease's end while there are holds. When it fires,
// the guard's own clock decides: settle sets it anew if that is behind.
func (g *Guard) arm(now time.Time) {
	switch {
	case len(g.holds) == 0:
		if g.timer != nil {
			g.timer.Stop()
		}
	case g.timer == nil:
		g.timer = time.AfterFunc(g.until.Sub(now), g.expire)
	default:
		g.timer.Reset(g.until.Sub(now))
	}
}
