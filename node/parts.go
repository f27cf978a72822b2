package node

import (
	"context"
	"errors"
	"fmt"

	"github.com/thejerf/suture/v4"
	"golang.org/x/sync/errgroup"

	"hedgehog/data/aggregator"
	"hedgehog/data/bus"
	"hedgehog/data/collector"
	"hedgehog/data/streamer"
	"hedgehog/exchange"
	"hedgehog/strategy/naive"
)

// traderQueue is how many events may wait for a trader: the further behind, the
// older the price that it acts on.
const traderQueue = 128

func (n *Node) streamPart(symbol string) *part {
	s := streamer.New(streamer.Config{
		Symbol:      symbol,
		Resume:      func(ctx context.Context) (int64, bool, error) { return n.lastCollected(ctx, symbol) },
		MaxBackfill: n.config.MaxBackfill,
	}, n.client, n.bus, n.log)
	n.view(symbol).streamer.Store(s)
	return &part{name: partStream, run: s.Run, release: func() {}}
}

// lastCollected returns the id of the last stored trade while trades are being
// collected: there the stream has to leave no hole.
func (n *Node) lastCollected(ctx context.Context, symbol string) (int64, bool, error) {
	s, err := n.store.db.Settings(ctx, symbol)
	if err != nil || !s.Collecting.TradeEvents {
		return 0, false, err
	}
	return n.store.db.LastTradeID(ctx, symbol)
}

func (n *Node) collectPart(symbol string, topics []bus.Topic) *part {
	sub := n.bus.Subscribe(bus.Options{Name: partCollect + " " + symbol}, topics...)
	c := collector.New(collector.DefaultConfig(), sub, n.store, n.log)
	return &part{name: partCollect, run: c.Run, release: sub.Close}
}

func (n *Node) aggregatePart(symbol string) *part {
	sub := n.bus.Subscribe(bus.Options{Name: partAggregate + " " + symbol}, bus.TradeEvents(symbol))
	a := aggregator.New(symbol, n.store, n.client, n.bus, sub, n.log)
	return &part{name: partAggregate, run: a.Run, release: sub.Close}
}

// tradePart makes a part that trades. Each run has a trader of its own, restored
// from what is stored and what the exchange has. A trader that can't run has no
// subscription, so that it holds up nobody else.
func (n *Node) tradePart(symbol string) *part {
	subscribe := func() *bus.Subscription {
		return n.bus.Subscribe(bus.Options{Name: partTrade + " " + symbol, Capacity: traderQueue},
			bus.TradeEvents(symbol), bus.Orders(symbol), bus.Settings(symbol))
	}
	sub := subscribe() // there before the streamer starts
	release := func() {
		if sub != nil {
			sub.Close()
			sub = nil
		}
	}
	run := func(ctx context.Context) error {
		if sub == nil {
			sub = subscribe()
		}
		defer release()
		err := n.trade(ctx, symbol, sub)
		if !errors.Is(err, naive.ErrShutDown) {
			return err
		}
		select {
		case n.shutDown <- symbol:
		case <-ctx.Done():
		}
		return suture.ErrDoNotRestart
	}
	return &part{name: partTrade, run: run, release: release}
}

func (n *Node) trade(ctx context.Context, symbol string, sub *bus.Subscription) error {
	rules, err := n.symbol(symbol)
	if err != nil {
		return err
	}
	account, err := n.client.Account(ctx)
	if err != nil {
		return fmt.Errorf("account: %w", err)
	}
	if !account.CanTrade {
		return fmt.Errorf("the account may not trade: %w", exchange.ErrUnauthorized)
	}
	settings, err := n.store.db.Settings(ctx, symbol)
	if err != nil {
		return err
	}
	positions, err := n.store.openPositions(ctx, symbol)
	if err != nil {
		return err
	}
	t := naive.New(naive.Config{
		Symbol:   rules,
		Fee:      account.MakerCommission,
		Settings: tradingSettings(settings),
		Restore:  positions,
		InFlight: n.config.RecvWindow + clockMargin,
		ActOn:    exchange.Live,
		Now:      n.now,
	}, n.client, n.bus, sub, n.log)
	n.view(symbol).trader.Store(t)
	// Side by side: what the first publishes waits in the trader's own queue, which
	// may be full by now.
	running, ctx := errgroup.WithContext(ctx)
	running.Go(func() error { return n.orders.CatchUp(ctx, symbol) })
	running.Go(func() error { return t.Run(ctx) })
	return running.Wait()
}
