package simulation_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"hedgehog/cluster/gossip"
	"hedgehog/node"
)

// gossipNet is a model of gossip: who knows whom, and when news of whom has got to
// whom. It has no probes and rounds. It knows itself who can talk to whom, and lets
// time pass until a node would have heard.
type gossipNet struct {
	net network

	mu     sync.Mutex
	names  []string // of all that have ever been there, sorted
	nodes  map[string]*gossipNode
	stamps map[string]int // counts what nodes have said of themselves
}

// gossipNode is one life of a member; it is a node.Gossip. Its fields below changed
// are guarded by the net's lock.
type gossipNode struct {
	actor
	gossip  *gossipNet
	config  gossip.Config
	address string
	changed chan struct{}

	stamp   int // of what it last said of itself
	meta    gossip.Meta
	leaving bool
	seeds   []string // through which it has joined
	members map[string]*gossipMember
}

var _ node.Gossip = (*gossipNode)(nil)

// gossipMember is what a node knows of another, and what it is about to learn.
type gossipMember struct {
	gossip.Member
	stamp int     // of what it said of itself; 0: nothing is known
	next  *newsOf // on its way; nil: nothing
}

// newsOf is what one node is to learn of another.
type newsOf struct {
	state gossip.State
	stamp int
	told  bool // by others, instead of found out
}

func newGossipNet(net network) *gossipNet {
	return &gossipNet{net: net, nodes: make(map[string]*gossipNode), stamps: make(map[string]int)}
}

// open makes a life of a node, which answers from now on. Its address is the one
// that it advertises or binds to, as it is written.
func (g *gossipNet) open(l *life, c gossip.Config) *gossipNode {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := &gossipNode{
		actor: actor{net: g.net, mu: &g.mu, life: l}, gossip: g, config: c, address: c.Bind,
		changed: make(chan struct{}, 1), members: make(map[string]*gossipMember),
	}
	if c.Advertise != "" {
		n.address = c.Advertise
	}
	if g.nodes[l.name] == nil {
		g.names = append(g.names, l.name)
		slices.Sort(g.names)
	}
	g.nodes[l.name] = n
	n.say(c.Meta)
	g.look()
	return n
}

// say changes what the node tells of itself.
func (n *gossipNode) say(m gossip.Meta) {
	n.gossip.stamps[n.name()]++
	n.stamp, n.meta = n.gossip.stamps[n.name()], m
	n.learn(n, gossip.Alive)
}

// learn takes news of a node into the list: of one that lives, as it is now.
func (n *gossipNode) learn(of *gossipNode, state gossip.State) {
	m := *n.member(of.name())
	m.State = state
	if state == gossip.Alive {
		m.Address, m.Meta, m.stamp = of.address, of.meta, of.stamp
	}
	n.list(m)
}

// list puts what is known of a node into the list.
func (n *gossipNode) list(m gossipMember) {
	mine := n.member(m.Name)
	if _, known := n.knows(m.Name); !known || mine.State != m.State {
		m.Since = time.Now()
		n.net.note("gossip: %s sees %s %s", n.name(), m.Name, m.State)
	} else {
		m.Since = mine.Since
	}
	m.next = nil
	*mine = m
	select {
	case n.changed <- struct{}{}:
	default:
	}
}

// member returns the entry of the name, which it makes.
func (n *gossipNode) member(name string) *gossipMember {
	m := n.members[name]
	if m == nil {
		m = &gossipMember{Member: gossip.Member{Name: name}}
		n.members[name] = m
	}
	return m
}

// knows says whether the node has the other in its list, and in which state.
func (n *gossipNode) knows(name string) (gossip.State, bool) {
	m := n.members[name]
	if m == nil || m.stamp == 0 || n.forgotten(m) {
		return "", false
	}
	return m.State, true
}

// lists says whether the node takes the other for living.
func (n *gossipNode) lists(name string) bool {
	state, known := n.knows(name)
	return known && state == gossip.Alive
}

func (n *gossipNode) forgotten(m *gossipMember) bool {
	return m.State != gossip.Alive && time.Since(m.Since) > n.config.Timing.Forget
}

// networkChanged has everybody notice, in time, what has changed between nodes.
func (g *gossipNet) networkChanged() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.look()
}

// look compares what each node knows of each other with what it would be told or
// find out by and by, and has it learn the difference.
func (g *gossipNet) look() {
	links := g.links()
	for _, a := range g.names {
		n := g.nodes[a]
		n.catchUp()
		if !n.lives() || n.net.paused(a) {
			continue
		}
		for _, b := range g.names {
			if a != b {
				n.expect(g.nodes[b], links)
			}
		}
	}
}

// pair is two nodes.
type pair struct{ a, b string }

// links returns who can talk to whom.
func (g *gossipNet) links() map[pair]bool {
	links := make(map[pair]bool)
	for i, a := range g.names {
		for _, b := range g.names[i+1:] {
			if linked(&g.nodes[a].actor, &g.nodes[b].actor) {
				links[pair{a, b}], links[pair{b, a}] = true, true
			}
		}
	}
	return links
}

// expect schedules what the node is going to learn of the other.
func (n *gossipNode) expect(other *gossipNode, links map[pair]bool) {
	news := n.outlook(other, links)
	m := n.members[other.name()]
	switch {
	case news == nil:
		if m != nil {
			m.next = nil
		}
		return
	case m == nil:
		m = n.member(other.name())
	case m.next != nil && *m.next == *news:
		return
	}
	m.next = news
	n.after(n.takes(m, news), func() {
		if m.next != news {
			return
		}
		n.learn(n.gossip.nodes[other.name()], news.state)
		n.gossip.look()
	}, nil)
}

// outlook is what the node will think of the other, or nil where that is what it
// thinks already.
func (n *gossipNode) outlook(other *gossipNode, links map[pair]bool) *newsOf {
	a, b := n.name(), other.name()
	state, known := n.knows(b)
	direct, around := links[pair{a, b}], false
	toldOf := func(want gossip.State) bool { // somebody who knows this node, or whom it knows
		return slices.ContainsFunc(n.gossip.names, func(c string) bool {
			if c == b || !links[pair{a, c}] {
				return false
			}
			teller := n.gossip.nodes[c]
			said, ok := teller.knows(b)
			return ok && said == want && (n.lists(c) || teller.lists(a))
		})
	}
	for _, c := range n.gossip.names {
		around = around || links[pair{a, c}] && links[pair{c, b}]
	}
	switch {
	case other.leaving:
		if known && state == gossip.Alive && (direct || toldOf(gossip.Left)) {
			return &newsOf{state: gossip.Left, told: true}
		}
		if direct || !known || state != gossip.Alive {
			return nil
		}
		return &newsOf{state: gossip.Failed}
	case direct || around:
		if known && state == gossip.Alive && n.members[b].stamp == other.stamp {
			return nil
		}
		if known && state != gossip.Left || n.meets(other, direct) || toldOf(gossip.Alive) {
			return &newsOf{state: gossip.Alive, stamp: other.stamp, told: true}
		}
		return nil
	case known && state == gossip.Alive:
		return &newsOf{state: gossip.Failed, told: toldOf(gossip.Failed)}
	}
	return nil
}

// meets says whether a node that is not in the list comes by itself: because it has
// this one in its own, or through the addresses that this one joined by, where it is
// alone or all with it are without a cluster.
func (n *gossipNode) meets(other *gossipNode, direct bool) bool {
	if state, known := other.knows(n.name()); known && state != gossip.Left {
		return true
	}
	if !direct || !slices.Contains(n.seeds, other.address) {
		return false
	}
	for _, m := range n.members {
		if m.Name != n.name() && m.State == gossip.Alive && m.Meta.ClusterID != "" {
			return false
		}
	}
	return true
}

// takes is how long the news need.
func (n *gossipNode) takes(m *gossipMember, news *newsOf) time.Duration {
	t, what := n.config.Timing, fmt.Sprintf("gossip of %s %d", m.Name, news.stamp)
	switch {
	case news.state == gossip.Failed && !news.told:
		suspicion := time.Duration(t.Suspicion) * t.Probe
		return n.between(t.Probe/2+suspicion, t.Probe+3*suspicion/2, what)
	case news.state == gossip.Alive && m.State == gossip.Failed:
		return n.between(2*t.Gossip, 6*t.Gossip, what)
	default:
		return n.between(t.Gossip/2, 3*t.Gossip, what)
	}
}

// Address implements node.Gossip.
func (n *gossipNode) Address() string { return n.address }

// Changed implements node.Gossip.
func (n *gossipNode) Changed() <-chan struct{} { return n.changed }

// Members implements node.Gossip.
func (n *gossipNode) Members() []gossip.Member {
	n.mu.Lock()
	defer n.mu.Unlock()
	var list []gossip.Member
	for name := range n.members {
		if _, known := n.knows(name); known {
			list = append(list, n.members[name].Member)
		}
	}
	slices.SortFunc(list, func(a, b gossip.Member) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// SetMeta implements node.Gossip.
func (n *gossipNode) SetMeta(m gossip.Meta) error {
	if err := m.Validate(); err != nil {
		return fmt.Errorf("gossip: %w", err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.lives() && !n.leaving {
		n.say(m)
		n.gossip.look()
	}
	return nil
}

// Run implements node.Gossip. At its end the others hear that the node has left.
func (n *gossipNode) Run(ctx context.Context) error {
	select {
	case <-ctx.Done():
	case <-n.life.ended:
		return errOver
	}
	if err := n.pass(context.WithoutCancel(ctx), "gossip leaves"); err != nil {
		return err
	}
	n.mu.Lock()
	n.leaving = true
	n.gossip.look()
	farewell := 4 * n.config.Timing.Gossip
	n.mu.Unlock()
	_ = n.rest(context.WithoutCancel(ctx), n.between(farewell, farewell+n.config.Timing.Gossip, "gossip farewell"))
	n.mu.Lock()
	n.gone = true
	n.gossip.look()
	n.mu.Unlock()
	return context.Cause(ctx)
}

const (
	firstJoinPause = 50 * time.Millisecond
	lastJoinPause  = 2 * time.Second
)

var errNobody = errors.New("nobody answers")

// Join implements node.Gossip.
func (n *gossipNode) Join(ctx context.Context, addresses []string) error {
	if len(addresses) == 0 {
		return nil
	}
	for pause := firstJoinPause; ; pause = min(3*pause/2, lastJoinPause) {
		err := n.joinAny(ctx, addresses)
		if err == nil {
			return nil
		}
		if errors.Is(err, gossip.ErrOtherCluster) || errors.Is(err, errOver) {
			return fmt.Errorf("join %s: %w", strings.Join(addresses, ", "), err)
		}
		if n.rest(ctx, n.between(pause/2, pause, "gossip join")) != nil {
			return fmt.Errorf("join %s: %w", strings.Join(addresses, ", "), err)
		}
	}
}

// joinAny goes through the addresses until one answers: from then on both know what
// either knew.
func (n *gossipNode) joinAny(ctx context.Context, addresses []string) error {
	for _, address := range addresses {
		if err := n.rest(ctx, n.between(200*time.Microsecond, 4*time.Millisecond, "gossip join "+address)); err != nil {
			return err
		}
		if err := n.pass(ctx, "gossip join"); err != nil {
			return err
		}
		if joined, err := n.exchange(address); joined {
			n.mu.Lock()
			n.seeds = slices.Clone(addresses)
			n.gossip.look()
			n.mu.Unlock()
			return nil
		} else if err != nil {
			return err
		}
	}
	return errNobody
}

// exchange has the node and the one at the address tell each other what they know.
func (n *gossipNode) exchange(address string) (joined bool, err error) {
	g := n.gossip
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, name := range g.names {
		other := g.nodes[name]
		if other == n || other.address != address || other.leaving || !linked(&n.actor, &other.actor) {
			continue
		}
		if a, b := n.meta.ClusterID, other.meta.ClusterID; a != "" && b != "" && a != b {
			return false, fmt.Errorf("%w: %s is of %s, not %s", gossip.ErrOtherCluster, name, b, a)
		}
		for _, side := range [][2]*gossipNode{{n, other}, {other, n}} {
			for _, known := range g.names {
				if side[1].lists(known) && known != side[0].name() {
					if theirs := side[1].members[known]; theirs.stamp > side[0].member(known).stamp {
						side[0].list(*theirs)
					}
				}
			}
		}
		return true, nil
	}
	return false, nil
}
