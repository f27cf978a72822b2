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

// group keeps the parts of one symbol: what is wanted against what runs. A
// goroutine of its own starts and stops them, since that can take as long as a
// part takes to end.
type group struct {
	symbol  string
	parts   partMaker
	log     *slog.Logger
	now     func() exchange.Micros
	changed func() // told when parts have started or stopped

	supervisor *suture.Supervisor
	cancel     context.CancelFunc
	ended      <-chan error
	worker     sync.WaitGroup

	topics []bus.Topic // what the running collector stores; the worker's

	mu      sync.Mutex
	wanted  wanted
	applied wanted // what runs, or is just being made to run
	settled bool   // what is wanted runs
	closed  bool
	wake    chan struct{}
	running map[string]*part // by name
}

// partMaker makes the parts of a symbol, ready to run: their subscriptions exist.
type partMaker interface {
	streamPart(symbol string) *part
	tradePart(symbol string, epoch uint64) *part
	journalPart(symbol string, epoch uint64) *part
	collectPart(symbol string, topics []bus.Topic) *part
	aggregatePart(symbol string) *part
}

// wanted are the parts that a symbol shall have.
type wanted struct {
	stream, aggregate bool
	// trade is the epoch to trade under; 0: not at all.
	trade  uint64
	topics []bus.Topic // collected; none: no collector
}

func (w wanted) equal(o wanted) bool {
	return w.stream == o.stream && w.aggregate == o.aggregate && w.trade == o.trade && slices.Equal(w.topics, o.topics)
}

// newGroup starts the supervisor of a symbol, without parts. The group lives
// until close.
func newGroup(ctx context.Context, symbol string, parts partMaker, now func() exchange.Micros, changed func(), log *slog.Logger) *group {
	ctx, cancel := context.WithCancel(ctx)
	log = log.With("symbol", symbol)
	supervisor := newSupervisor(symbol, log)
	g := &group{
		symbol: symbol, parts: parts, log: log, now: now, changed: changed,
		supervisor: supervisor, cancel: cancel, ended: supervisor.ServeBackground(ctx),
		settled: true, wake: make(chan struct{}, 1), running: make(map[string]*part),
	}
	g.worker.Go(g.work)
	return g
}

// want says what shall run, and returns at once.
func (g *group) want(w wanted) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || g.wanted.equal(w) {
		return
	}
	g.wanted, g.settled = w, false
	g.signal()
}

// signal wakes the worker; the caller holds mu.
func (g *group) signal() {
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

// work makes what runs agree with what is wanted, until the group is closed and
// nothing runs any more.
func (g *group) work() {
	for range g.wake {
		for {
			g.mu.Lock()
			w, closed := g.wanted, g.closed
			if g.settled {
				g.mu.Unlock()
				if closed {
					return
				}
				break
			}
			g.applied = w
			g.mu.Unlock()
			err := g.apply(w)
			g.mu.Lock()
			g.settled = g.wanted.equal(w)
			g.mu.Unlock()
			if err != nil {
				g.log.Error("parts not changed", "error", err)
			}
			g.changed()
		}
	}
}

// follows says whether everything that is wanted beside trading runs.
func (g *group) follows() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.settled
}

// acts says whether something trades, or is about to, under the epoch or an
// earlier one.
func (g *group) acts(epoch uint64) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if p := g.running[partTrade]; p != nil && p.epoch <= epoch {
		return true
	}
	return !g.settled && g.applied.trade != 0 && g.applied.trade <= epoch
}

// apply starts and stops parts until what runs is what is wanted. Consumers are
// there before the streamer publishes, and stop after it; only the trader stops
// first, since others wait for that.
func (g *group) apply(w wanted) error {
	if p := g.part(partTrade); p != nil && p.epoch != w.trade {
		if err := g.stop(partTrade); err != nil {
			return err
		}
		g.changed() // somebody may wait for just this
		if err := g.stop(partJournal); err != nil {
			return err
		}
	}
	// Collecting that begins now goes on behind what was stored before: the
	// streamer starts anew there.
	begins := slices.Contains(w.topics, bus.TradeEvents(g.symbol)) && !slices.Contains(g.topics, bus.TradeEvents(g.symbol))
	if !w.stream || begins {
		if err := g.stop(partStream); err != nil {
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
	if w.trade != 0 {
		g.start(partJournal, func() *part { return g.parts.journalPart(g.symbol, w.trade) })
		g.start(partTrade, func() *part { return g.parts.tradePart(g.symbol, w.trade) })
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

// close ends all parts, in order, the worker and the supervisor.
func (g *group) close() {
	g.mu.Lock()
	g.closed, g.wanted, g.settled = true, wanted{}, false
	g.signal()
	g.mu.Unlock()
	g.worker.Wait()
	g.cancel()
	<-g.ended
}
