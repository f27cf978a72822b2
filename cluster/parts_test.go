package cluster_test

import (
	"maps"
	"slices"
	"time"

	"hedgehog/cluster"
)

// parts are a node's parts: for each symbol a stream and a trader, which take
// their time to start and to stop.
type parts struct {
	*life
	dice    *dice
	changed chan struct{}

	// Guarded by the world's mu.
	groups map[string]*group
}

// group is what runs for a symbol.
type group struct {
	symbol  string
	want    cluster.Role
	wanted  bool // want is not empty
	moving  bool // something is starting or stopping
	streams bool
	trades  uint64        // the epoch that something trades under, or starts to
	works   bool          // the trader has started, and is not stopping
	busy    time.Duration // until then a request may be accepted, in real time
}

func newParts(l *life) *parts {
	return &parts{life: l, dice: l.w.dice(l.node.name + " parts " + time.Duration(l.run).String()), changed: make(chan struct{}, 1), groups: make(map[string]*group)}
}

func (p *parts) Changed() <-chan struct{} { return p.changed }

func (p *parts) Want(roles map[string]cluster.Role) {
	p.gate()
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	for symbol := range roles {
		if p.groups[symbol] == nil {
			p.groups[symbol] = &group{symbol: symbol}
		}
	}
	for _, symbol := range slices.Sorted(maps.Keys(p.groups)) {
		g := p.groups[symbol]
		g.want, g.wanted = roles[symbol], roles[symbol].Symbol != ""
		p.move(g)
	}
}

func (p *parts) Follows(symbol string) bool {
	p.gate()
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	g := p.groups[symbol]
	return g != nil && g.streams && !g.moving
}

func (p *parts) Acts(symbol string, epoch uint64) bool {
	p.gate()
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	g := p.groups[symbol]
	return g != nil && g.trades != 0 && g.trades <= epoch
}

// trade is the epoch that the group is to trade under.
func (g *group) trade() uint64 {
	if g.want.Act {
		return g.want.Epoch
	}
	return 0
}

// move takes the next step from what runs to what is wanted. The caller holds mu.
func (p *parts) move(g *group) {
	switch {
	case g.moving:
	case g.trades != 0 && g.trades != g.trade():
		p.w.judge.stops(p.life, g)
		g.works = false
		stopped := p.dice.between(time.Millisecond, 150*time.Millisecond)
		if p.w.broken != actsHonest {
			stopped = max(stopped, g.busy-p.w.now())
		}
		p.take(g, stopped, func() { g.trades = 0 })
	case g.streams != g.wanted:
		p.take(g, p.dice.between(10*time.Millisecond, 300*time.Millisecond), func() { g.streams = !g.streams })
	case g.trade() != g.trades:
		g.trades = g.trade()
		p.take(g, p.dice.between(10*time.Millisecond, 200*time.Millisecond), func() {
			g.works = true
			p.order(g, g.trades)
		})
	}
}

// take has a step of the group done when d has passed.
func (p *parts) take(g *group, d time.Duration, done func()) {
	g.moving = true
	p.later(d, func() {
		p.w.mu.Lock()
		g.moving = false
		done()
		p.move(g)
		p.w.mu.Unlock()
		select {
		case p.changed <- struct{}{}:
		default:
		}
	})
}

// order has the trader send orders as long as it works: first the timestamp, then
// the check, and the exchange takes the order when it gets there in time. The
// caller holds mu.
func (p *parts) order(g *group, epoch uint64) {
	p.later(p.dice.between(20*time.Millisecond, 150*time.Millisecond), func() {
		at := p.node.clock()
		// The exchange's clock is the real time. The node's idea of it is wrong by
		// less than clockRoom.
		wrong := p.dice.between(-clockRoom*9/10, clockRoom*9/10)
		refused := p.w.now() + p.w.timing.RecvWindow + wrong
		p.later(p.dice.between(0, 5*time.Millisecond), func() {
			p.w.mu.Lock()
			defer p.w.mu.Unlock()
			if !g.works || g.trades != epoch {
				return
			}
			p.order(g, epoch)
			window := p.w.timing.RecvWindow + clockRoom
			if p.guard.Check(g.symbol, at, window) != nil && p.w.broken != ordersGuarded {
				return
			}
			g.busy = max(g.busy, refused+2*clockRoom)
			p.w.judge.ordered(p.life, g.symbol, epoch, refused)
		})
	})
}
