package node

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"github.com/thejerf/suture/v4"

	"hedgehog/data/bus"
	"hedgehog/exchange"
)

// group keeps the parts of one symbol: what its settings want against what runs.
type group struct {
	symbol string
	parts  partMaker
	log    *slog.Logger
	now    func() exchange.Micros

	// changing is held while settings change and parts start and stop, which can
	// take as long as a part takes to end. It also guards topics.
	changing sync.Mutex
	topics   []bus.Topic // what the running collector stores

	supervisor *suture.Supervisor
	cancel     context.CancelFunc
	ended      <-chan error

	mu      sync.Mutex
	running map[string]*part // by name; guarded by mu
}

// partMaker makes the parts of a symbol, ready to run: their subscriptions exist.
type partMaker interface {
	streamPart(symbol string) *part
	tradePart(symbol string) *part
	collectPart(symbol string, topics []bus.Topic) *part
	aggregatePart(symbol string) *part
}

// wanted are the parts that a symbol shall have.
type wanted struct {
	stream, trade, aggregate bool
	topics                   []bus.Topic // collected; none: no collector
}

// newGroup starts the supervisor of a symbol, without parts. The group lives
// until close.
func newGroup(ctx context.Context, symbol string, parts partMaker, now func() exchange.Micros, log *slog.Logger) *group {
	ctx, cancel := context.WithCancel(ctx)
	log = log.With("symbol", symbol)
	supervisor := newSupervisor(symbol, log)
	return &group{
		symbol: symbol, parts: parts, log: log, now: now,
		supervisor: supervisor, cancel: cancel, ended: supervisor.ServeBackground(ctx),
		running: make(map[string]*part),
	}
}

// apply starts and stops parts until what runs is what is wanted. Consumers are
// there before the streamer publishes, and stop after it. The caller holds
// changing.
func (g *group) apply(w wanted) error {
	collectsTrades := slices.Contains(w.topics, bus.TradeEvents(g.symbol))
	collectedTrades := slices.Contains(g.topics, bus.TradeEvents(g.symbol))
	// Collecting that begins now goes on behind what was stored before: the
	// streamer starts anew there.
	if !w.stream || collectsTrades && !collectedTrades {
		if err := g.stop(partStream); err != nil {
			return err
		}
	}
	if !w.trade {
		if err := g.stop(partTrade); err != nil {
			return err
		}
	}
	if !w.aggregate {
		if err := g.stop(partAggregate); err != nil {
			return err
		}
	}
	if err := g.applyCollector(w.topics); err != nil {
		return err
	}
	if w.aggregate {
		g.start(partAggregate, func() *part { return g.parts.aggregatePart(g.symbol) })
	}
	if w.trade {
		g.start(partTrade, func() *part { return g.parts.tradePart(g.symbol) })
	}
	if w.stream {
		g.start(partStream, func() *part { return g.parts.streamPart(g.symbol) })
	}
	return nil
}

// applyCollector replaces the collector when it shall store other topics. The
// new one is there before the old one ends: what both see is stored once.
func (g *group) applyCollector(topics []bus.Topic) error {
	if slices.Equal(topics, g.topics) {
		return nil
	}
	old := g.part(partCollect)
	g.mu.Lock()
	delete(g.running, partCollect)
	g.mu.Unlock()
	if len(topics) > 0 {
		g.start(partCollect, func() *part { return g.parts.collectPart(g.symbol, topics) })
	}
	g.topics = topics
	if old == nil {
		return nil
	}
	return g.end(old)
}

func (g *group) part(name string) *part {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.running[name]
}

// start adds the part that make returns, unless one of its name runs.
func (g *group) start(name string, make func() *part) {
	if g.part(name) != nil {
		return
	}
	p := make()
	p.since = g.now()
	p.token = g.supervisor.Add(p)
	g.mu.Lock()
	g.running[name] = p
	g.mu.Unlock()
	g.log.Info("part started", "part", name)
}

// stop ends the named part, if it runs, and waits for its end.
func (g *group) stop(name string) error {
	p := g.part(name)
	if p == nil {
		return nil
	}
	if err := g.end(p); err != nil {
		return err
	}
	g.mu.Lock()
	delete(g.running, name)
	g.mu.Unlock()
	return nil
}

func (g *group) end(p *part) error {
	if err := g.supervisor.RemoveAndWait(p.token, 0); err != nil {
		return fmt.Errorf("stop %s of %s: %w", p.name, g.symbol, err)
	}
	p.release()
	g.log.Info("part stopped", "part", p.name)
	return nil
}

// close ends all parts, in order, and the supervisor.
func (g *group) close() error {
	g.changing.Lock()
	defer g.changing.Unlock()
	err := g.apply(wanted{})
	g.cancel()
	<-g.ended
	return err
}
