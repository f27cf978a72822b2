package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"hedgehog/data/backtest"
	"hedgehog/data/optimize"
	"hedgehog/node/api"
	"hedgehog/strategy/naive"
)

const (
	// sharingFrom is how long a trial of the cluster may take before it can count as late.
	sharingFrom = 10 * time.Second
	// lookForHelpers is how long a node may take to say how many trials it makes.
	lookForHelpers = 10 * time.Second
)

// runner returns what makes the trials: this process, with --cluster together with all
// living nodes but the one that was asked, which has its machine in common with it.
func (p *program) runner(c *cli.Context, s *search, trades *optimize.Trades, digest string) (optimize.Runner, error) {
	here := optimize.NewLocal(s.config.Backtest, trades)
	if !c.Bool("cluster") {
		return here, nil
	}
	if !c.IsSet("jobs") {
		s.config.Jobs = max(1, s.config.Jobs-1) // one core is the node's, which trades
	}
	node, err := client(c)
	if err != nil {
		return nil, err
	}
	cluster, err := node.Cluster(c.Context)
	if err != nil {
		return nil, err
	}
	var helpers []optimize.Helper
	for _, member := range cluster.Nodes {
		if member.Name == cluster.Node || member.State != api.StateAlive {
			continue
		}
		h, err := helperAt(c.Context, node, member.Name, s.config.Backtest, trades, digest)
		if err != nil {
			p.helperLost(member.Name, err)
		} else if h.Jobs > 0 {
			helpers = append(helpers, h)
		}
	}
	pool := optimize.NewPool(here, s.config.Jobs, helpers, sharingFrom, p.helperLost)
	s.config.Jobs = min(pool.Jobs(), optimize.MaxJobs)
	return pool, nil
}

func (p *program) helperLost(name string, err error) {
	fmt.Fprintf(p.stderr, "note: node %s makes no trials: %v\n", name, err)
}

// helperAt asks a node how many trials it makes at once.
func helperAt(ctx context.Context, node *api.Client, name string, config backtest.Config, trades *optimize.Trades, digest string) (optimize.Helper, error) {
	ctx, cancel := context.WithTimeout(ctx, lookForHelpers)
	defer cancel()
	jobs, err := node.TrialJobs(ctx, name)
	if err != nil {
		return optimize.Helper{}, err
	}
	r := &remote{node: node, name: name, task: optimize.TaskOf(config, digest), trades: trades, sending: make(chan struct{}, 1)}
	return optimize.Helper{Name: name, Runner: r, Jobs: jobs.Jobs}, nil
}

// remote has a node make trials, and sends it the trades when it lacks them.
type remote struct {
	node   *api.Client // that all others are reached through
	name   string
	task   optimize.Task
	trades *optimize.Trades

	sending chan struct{} // has one while trades are being sent
}

// Try is optimize.Runner's.
func (r *remote) Try(ctx context.Context, w optimize.Window, s naive.Settings) (in, out optimize.Figures, err error) {
	task := r.task
	task.Window, task.Settings = w, s
	a, err := r.node.Trial(ctx, r.name, task)
	if errors.Is(err, api.ErrTradesMissing) {
		if err = r.send(ctx); err == nil {
			a, err = r.node.Trial(ctx, r.name, task)
		}
	}
	return a.In, a.Out, err
}

// send makes sure that the node has the trades. Of several that find them missing
// one sends them.
func (r *remote) send(ctx context.Context) error {
	select {
	case r.sending <- struct{}{}:
		defer func() { <-r.sending }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	there, err := r.node.HasTrades(ctx, r.name, r.task.Digest, r.task.Rules.Name, r.trades.First().ID, r.trades.Count())
	if err != nil || there {
		return err
	}
	return r.node.SendTrades(ctx, r.name, r.task.Digest, r.trades)
}
