package gossip

import (
	"context"
	"errors"
	"slices"
)

// reconnect tries to reach one of those that are lost: a member that failed, or
// where nobody is left, an address that Join was told. The turn passes on from
// call to call.
func (g *Gossip) reconnect(ctx context.Context) {
	lost := g.lost(ctx)
	if len(lost) == 0 {
		return
	}
	target := lost[g.turn%len(lost)]
	g.turn++
	err := g.attempt(ctx, target)
	if c, ok := errors.AsType[*claim](err); ok {
		g.door.claimed(c.address)
	}
	if err != nil {
		g.log.Debug("still lost", "address", target, "error", err)
		return
	}
	g.log.Info("reached again", "address", target)
}

// lost returns the addresses where nobody is known to live but somebody may.
func (g *Gossip) lost(ctx context.Context) []string {
	var failed, living []string
	for _, m := range g.Members() {
		switch {
		case m.Name == g.config.Name:
		case m.State == Failed:
			failed = append(failed, m.Address)
		case m.State == Alive:
			living = append(living, m.Address)
		}
	}
	g.mu.Lock()
	seeds := g.seeds
	g.mu.Unlock()
	if len(living) == 0 && len(seeds) > 0 {
		found, err := g.resolve(ctx, seeds)
		if err != nil {
			g.log.Debug("address to join not found", "error", err)
		}
		failed = append(failed, found...)
	}
	return slices.DeleteFunc(failed, func(address string) bool { return slices.Contains(living, address) })
}
