package cluster

import (
	"context"
	"errors"
	"time"
)

// errSlow is the cause of a leave that took longer than a lease.
var errSlow = errors.New("leaving took longer than a lease")

// leave gives everything up in order: nothing acts any more, then the leader
// hears of it and can give the symbols to others without waiting. After one lease
// the leader takes them in any case.
func (a *Agent) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeoutCause(ctx, a.config.Timing.Lease, errSlow)
	defer cancel()
	for a.stop() {
		select {
		case <-a.parts.Changed():
		case <-a.wake: // with something more to give up
		case <-ctx.Done():
			a.logger.Warn("left without having stopped everything", "error", context.Cause(ctx))
			return
		}
	}
	again := time.NewTicker(a.config.Timing.Renew)
	defer again.Stop()
	for !a.renew(ctx, true) {
		select {
		case <-again.C:
		case <-ctx.Done():
			a.logger.Warn("left without a word to the leader", "error", context.Cause(ctx))
			return
		}
	}
}

// stop has all that this node owns given up, and says whether anything acts yet.
func (a *Agent) stop() (acts bool) {
	owned := a.state().Assignments
	for symbol, at := range owned {
		if a.owns(at) {
			a.giveUp(symbol, at.Epoch)
		}
	}
	a.carryOut()
	for symbol, at := range owned {
		acts = acts || a.owns(at) && a.parts.Acts(symbol, at.Epoch)
	}
	return acts
}
