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
	for a.stillActs() {
		a.carryOut()
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

// stillActs gives up all that this node owns, and says whether anything acts yet.
func (a *Agent) stillActs() bool {
	acts := false
	for symbol, at := range a.state().Assignments {
		if a.owns(at) {
			a.giveUp(symbol, at.Epoch)
			acts = acts || a.parts.Acts(symbol, at.Epoch)
		}
	}
	return acts
}
