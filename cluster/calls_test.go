package cluster_test

import (
	"context"
	"runtime"
	"time"

	"hedgehog/cluster"
)

// calls are the calls between nodes as one life of a node makes them.
type calls struct{ *life }

// Renew goes to whom this node takes for the leader. In rough times it may get
// there late, twice, or not at all.
func (c calls) Renew(ctx context.Context, r cluster.Renewal) (cluster.Grant, error) {
	c.gate()
	c.w.judge.gaveUp(c.life, r.Released)
	leader := c.leader.Load()
	if leader == nil {
		return cluster.Grant{}, cluster.ErrNotLeader
	}
	type outcome struct {
		grant cluster.Grant
		err   error
	}
	answered := make(chan outcome, 2)
	there, lost := c.w.way(c.dice.calls)
	back, noAnswer := c.w.way(c.dice.calls)
	ask := func(way time.Duration) {
		c.w.after(way, func() {
			if !c.connected(leader) {
				return
			}
			leader.gate()
			g, err := leader.controller.Renew(leader.ctx, r)
			c.w.after(back, func() {
				if c.connected(leader) && !noAnswer {
					answered <- outcome{g, err}
				}
			})
		})
	}
	if !lost {
		ask(there)
	}
	if c.dice.calls.once(10) {
		if again, lost := c.w.way(c.dice.calls); !lost {
			ask(there + again)
		}
	}
	select {
	case o := <-answered:
		c.gate()
		return o.grant, o.err
	case <-ctx.Done():
		c.gate()
		return cluster.Grant{}, ctx.Err()
	case <-c.ended:
		runtime.Goexit()
		return cluster.Grant{}, nil
	}
}

// connected says whether a message gets from the node to the other life.
func (c calls) connected(to *life) bool {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	return to == c.life || !c.node.cut && !to.node.cut && !to.dead
}
