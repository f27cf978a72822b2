package node

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"time"

	"hedgehog/data/bus"
	"hedgehog/exchange"
	"hedgehog/node/api"
	"hedgehog/node/live"
)

// changes tells any number of goroutines that something has changed. The zero value
// is ready.
type changes struct {
	mu   sync.Mutex
	next chan struct{} // closed with the next change; nil: nobody waits; guarded by mu
}

// tell wakes everybody who waits.
func (c *changes) tell() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.next != nil {
		close(c.next)
		c.next = nil
	}
}

// wait returns a channel that is closed with the next change.
func (c *changes) wait() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.next == nil {
		c.next = make(chan struct{})
	}
	return c.next
}

// getLive tells what goes on over a websocket, until the client leaves.
func (n *Node) getLive(w http.ResponseWriter, r *http.Request) error {
	err := n.live.Serve(w, r)
	var refused *live.Refusal
	if errors.As(err, &refused) {
		return &requestError{status: refused.Status, reason: refused.Reason}
	}
	return err
}

// liveSource is the node as those see it who follow it live.
type liveSource struct{ *Node }

func (l liveSource) Cluster() api.ClusterStatus   { return l.clusterStatus() }
func (l liveSource) Symbols() []api.ClusterSymbol { return clusterSymbols(l.state.Load(), false) }
func (l liveSource) Changed() <-chan struct{}     { return l.changes.wait() }
func (l liveSource) Now() exchange.Micros         { return l.micros() }

func (l liveSource) Events(seen uint64) ([]api.ClusterEvent, uint64) { return l.history.since(seen) }

func (l liveSource) Status(ctx context.Context, patience time.Duration) (api.Status, []string, error) {
	answers, missing, err := askAll(ctx, l.Node, patience, &url.URL{Path: "/api/v1/status"}, l.statusHere)
	if err != nil {
		return api.Status{}, nil, err
	}
	return mergeStatus(answers), missing, nil
}

func (l liveSource) Watch(ctx context.Context, topic string) (*bus.Subscription, func(), error) {
	return l.subscribeWatched(ctx, topic)
}
