package gossip

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// reconnect tries to reach one of those that are lost: a member that failed, or
// an address that Join was told, where nobody is left or those that are here have
// all joined and found no cluster yet. The turn passes on from call to call.
func (g *Gossip) reconnect(ctx context.Context) {
	lost := g.lost(ctx)
	if len(lost) == 0 {
		return
	}
	target := lost[g.turn%len(lost)]
	g.turn++
	err := g.attempt(ctx, target)
	if err == nil {
		g.log.Info("reached again", "address", target)
		return
	}
	g.log.Debug("still lost", "address", target, "error", err)
	_ = g.displaced(err) // Run is told
}

// confirm finds out what a claim to this node's name is worth: it asks the
// others whom they take for the member. A newcomer that nobody has let in claims
// the name, too.
func (g *Gossip) confirm(ctx context.Context) {
	for _, m := range g.Members() {
		if m.Name == g.config.Name || m.State != Alive {
			continue
		}
		if err := g.attempt(ctx, m.Address); err == nil || g.displaced(err) != nil {
			return
		}
	}
}

// displaced returns ErrNameTaken, and has Run return it, when an attempt failed
// since the member there takes another node for this one, and that one lives.
func (g *Gossip) displaced(attempt error) error {
	c, ok := errors.AsType[*claim](attempt)
	if !ok || !g.answers(c.address) {
		return nil
	}
	err := fmt.Errorf("%w: a node %s lives at %s", ErrNameTaken, c.name, c.address)
	select {
	case g.taken <- err:
	default:
	}
	return err
}

// lost returns the addresses where nobody is known to live but somebody may.
func (g *Gossip) lost(ctx context.Context) []string {
	var failed, living []string
	founded := false
	for _, m := range g.Members() {
		founded = founded || m.State == Alive && m.Meta.ClusterID != ""
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
	if (len(living) == 0 || !founded) && len(seeds) > 0 {
		found, err := g.resolve(ctx, seeds)
		if err != nil {
			g.log.Debug("address to join not found", "error", err)
		}
		failed = append(failed, found...)
	}
	return slices.DeleteFunc(failed, func(address string) bool { return slices.Contains(living, address) })
}
