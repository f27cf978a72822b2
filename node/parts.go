package node

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"hedgehog/cluster/lease"
	"hedgehog/data/aggregator"
	"hedgehog/data/bus"
	"hedgehog/data/collector"
	"hedgehog/data/streamer"
	"hedgehog/exchange"
	"hedgehog/storage"
	"hedgehog/strategy/naive"
)

// traderQueue is how many events may wait for a trader: the further behind, the
// older the price that it acts on.
const traderQueue = 128

func (n *Node) streamPart(symbol string) *part {
	arrivals := n.metrics.Arrivals()
	s := streamer.New(streamer.Config{
		Symbol:      symbol,
		Arrived:     n.arrived(arrivals),
		Resume:      func(ctx context.Context) (int64, bool, error) { return n.lastCollected(ctx, symbol) },
		MaxBackfill: n.config.MaxBackfill,
	}, n.client, n.bus, n.log)
	v := n.view(symbol)
	v.streamer.Store(s)
	v.arrivals.Store(arrivals)
	return &part{name: partStream, run: s.Run, release: func() {
		v.streamer.Store(nil)
		v.arrivals.Store(nil)
	}}
}

// lastCollected returns up to where the symbol's trades are stored, here or on
// other nodes, while they are being collected: there the stream has to leave no
// hole.
func (n *Node) lastCollected(ctx context.Context, symbol string) (int64, bool, error) {
	s, err := n.store.db.Settings(ctx, symbol)
	if err != nil || !s.Collecting.TradeEvents {
		return 0, false, err
	}
	id, known, err := n.store.db.LastTradeID(ctx, symbol)
	if err != nil {
		return 0, false, err
	}
	watermark, shared, err := n.store.db.Watermark(ctx, symbol)
	if err != nil {
		return 0, false, err
	}
	return max(id, watermark), known || shared, nil
}

func (n *Node) collectPart(symbol string, topics []bus.Topic) *part {
	sub := n.bus.Subscribe(bus.Options{Name: partCollect + " " + symbol}, topics...)
	config := collector.DefaultConfig()
	config.Jitter = n.around.Jitter
	config.Begin = func(ctx context.Context, first int64) error { return n.beginCollecting(ctx, symbol, first) }
	c := collector.New(config, sub, n.around.Store(n.store), n.log)
	n.view(symbol).collector.Store(c)
	return &part{name: partCollect, run: c.Run, release: sub.Close}
}

func (n *Node) aggregatePart(symbol string) *part {
	sub := n.bus.Subscribe(bus.Options{Name: partAggregate + " " + symbol}, bus.TradeEvents(symbol))
	a := aggregator.New(symbol, n.store, n.client, n.bus, sub, n.log)
	return &part{name: partAggregate, run: a.Run, release: sub.Close}
}

// journalPart makes a part that puts the positions of the symbol's trader into
// the replicated log, where the next owner finds them. Nobody waits for it: what
// it has not written yet, the exchange's own records make up for.
func (n *Node) journalPart(symbol string, epoch uint64) *part {
	sub := n.bus.Subscribe(bus.Options{Name: partJournal + " " + symbol, Capacity: 4096}, bus.Positions(symbol))
	config := collector.DefaultConfig()
	config.Grace, config.Jitter = journalGrace, n.around.Jitter
	c := collector.New(config, sub, journal{n, symbol, epoch}, n.log)
	return &part{name: partJournal, epoch: epoch, run: c.Run, release: sub.Close}
}

// journalGrace is how long a journal that ends tries to write its last. Without
// a leader it can't, and whatever is to run next for the symbol waits for it.
const journalGrace = 250 * time.Millisecond

// journal is the replicated log as a collector of positions sees it.
type journal struct {
	*Node
	symbol string
	epoch  uint64
}

// Write commits the latest state of each position. A newer owner's epoch makes
// it void, which is no failure.
func (j journal) Write(ctx context.Context, b collector.Batch) error {
	_, err := j.commit(ctx, b.Others)
	return err
}

// begin commits the first position of the symbol. What made it void is a failure:
// nothing is bought before it is recorded.
func (j journal) begin(ctx context.Context, p naive.Position) error {
	applied, err := j.commit(ctx, []bus.Event{&p})
	if err == nil && applied == 0 {
		err = errVoid
	}
	return err
}

// errVoid is returned when a change came too late to count.
var errVoid = errors.New("a later change or a newer owner has made it void")

// commit commits the latest state of each position, and returns how many took hold.
func (j journal) commit(ctx context.Context, positions []bus.Event) (applied int, err error) {
	latest := make(map[naive.PositionID]storage.Position)
	for _, e := range positions {
		p, ok := e.(*naive.Position)
		if !ok {
			return 0, fmt.Errorf("journal of %s: event of type %T", j.symbol, e)
		}
		latest[p.ID] = positionRow(p)
	}
	change := &storage.PositionsChange{
		Node: j.config.Name, Revision: j.revision(), Epochs: map[string]int64{j.symbol: int64(j.epoch)},
	}
	for _, id := range slices.Sorted(maps.Keys(latest)) {
		change.Positions = append(change.Positions, latest[id])
	}
	r, err := j.propose(ctx, storage.Command{Positions: change})
	return r.Applied, err
}

// revision numbers the changes of the symbol's positions.
func (j journal) revision() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.revisions[j.symbol]++
	return j.revisions[j.symbol]
}

// tradePart makes a part that trades under one epoch, as long as the lease
// covers that. Each run has a trader of its own, restored from what is stored and
// what the exchange has. A trader that can't run has no subscription, so that it
// holds up nobody else.
func (n *Node) tradePart(symbol string, epoch uint64) *part {
	return n.tradePartOf(symbol, epoch, n.trade)
}

// tradePartOf is tradePart with what one run does.
func (n *Node) tradePartOf(symbol string, epoch uint64, trade func(ctx context.Context, symbol string, epoch uint64, sub *bus.Subscription, wait time.Duration) error) *part {
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
	again := false
	hold := func(ctx context.Context) error {
		defer release()
		defer n.view(symbol).trader.Store(nil)
		held, done := n.guard.Hold(ctx, symbol, epoch)
		defer done()
		if held.Err() != nil {
			return context.Cause(held)
		}
		var wait time.Duration
		if again { // what the run before has sent may still be on its way
			wait = n.config.recvWindow() + clockMargin
		}
		again = true
		for {
			if sub == nil {
				sub = subscribe()
			}
			err := trade(held, symbol, epoch, sub, wait)
			if errors.Is(err, lease.ErrLost) {
				n.log.Info("trading stopped with the lease", "symbol", symbol, "reason", err)
			}
			if !errors.Is(err, naive.ErrShutDown) {
				return err
			}
			release()
			if err := n.untilTurnedOn(ctx, symbol); err != nil {
				return err
			}
			wait = 0
		}
	}
	// A lost lease is no failure that would count against the symbol: mostly the part is
	// about to be stopped.
	run := func(ctx context.Context) error {
		for {
			err := hold(ctx)
			if !errors.Is(err, lease.ErrLost) {
				return err
			}
			if err := pause(ctx, leasePause); err != nil {
				return err
			}
		}
	}
	return &part{name: partTrade, epoch: epoch, run: run, release: release}
}

// leasePause is how long a trader that has lost its lease waits before it looks
// whether it has got it back; like proposePause no divisor of other times.
const leasePause = 103 * time.Millisecond

// untilTurnedOn turns trading off, whose shutdown is complete, and returns when it
// is on again. Where nobody turns it on at once, the part is stopped before that.
func (n *Node) untilTurnedOn(ctx context.Context, symbol string) error {
	news := n.bus.Subscribe(bus.Options{Name: "shutdown of " + symbol}, bus.Settings(symbol))
	defer news.Close()
	err := n.turnTradingOff(ctx, symbol)
	if errors.Is(err, storage.ErrConflict) {
		return nil // on again already
	}
	for err == nil {
		var m bus.Message
		if m, err = news.Next(ctx); err != nil {
			break
		}
		if s, ok := m.Event.(*naive.Settings); ok && s.Status == naive.On {
			return nil
		}
	}
	return err
}

// trade trades until ctx ends. wait is how long requests of an earlier run under
// the same epoch may still be accepted by the exchange.
func (n *Node) trade(ctx context.Context, symbol string, epoch uint64, sub *bus.Subscription, wait time.Duration) error {
	rules, err := n.symbol(symbol)
	if err != nil {
		return err
	}
	account, err := n.client.Account(ctx)
	if err != nil {
		return err
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
	ended, err := n.store.endedPositions(ctx, symbol)
	if err != nil {
		return err
	}
	t := naive.New(naive.Config{
		Symbol:   rules,
		Fee:      account.MakerCommission,
		Settings: tradingSettings(settings),
		Restore:  positions,
		Over:     ended,
		Begin:    journal{n, symbol, epoch}.begin,
		Wait:     wait,
		Finish:   n.config.recvWindow() + clockMargin,
		Decided:  n.decided(symbol),
		ActOn:    exchange.Live,
		Jitter:   n.around.Jitter,
		Now:      n.now,
	}, measured{n.client, n}, n.bus.Publisher(bus.Positions(symbol)), sub, n.log)
	n.view(symbol).trader.Store(t)
	// Side by side: what the first publishes waits in the trader's own queue, which
	// may be full by now.
	running, ctx := errgroup.WithContext(ctx)
	running.Go(func() error { return n.orders.CatchUp(ctx, symbol) })
	running.Go(func() error { return t.Run(ctx) })
	return running.Wait()
}
