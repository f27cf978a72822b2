package simulation_test

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"hedgehog/cluster/consensus"
)

// raftGroup is a model of Raft: terms, elections with a poll before the vote, logs
// that are brought into line, and commits by a majority of the voters. What it does
// not have is heartbeats. It knows itself who can talk to whom, and lets time pass
// until a node would have noticed.
//
// What nodes have in their logs outlasts their lives, as on disks that are synced.
type raftGroup struct {
	net network
	// committed, where there is one, hears of each command at the instant when it is
	// committed, in the order of the log. It must not call the group.
	committed func(index, term uint64, data []byte)

	mu      sync.Mutex
	names   []string // of the members, sorted
	members map[string]*raftMember
	history []raftEntry // what is committed
}

// raftMember is what outlasts a node's lives.
type raftMember struct {
	term uint64      // the newest one that it has seen, in which it votes no more
	log  []raftEntry // the first has index 1
	node *raftNode   // the life that takes part; nil: none
}

// raftEntry is one of the log. It carries the group as it is from here on.
type raftEntry struct {
	term    uint64
	command bool
	data    []byte
	servers []consensus.Server // sorted by name
	changed uint64             // index of the entry that made it that
}

func newRaftGroup(net network) *raftGroup {
	return &raftGroup{net: net, members: make(map[string]*raftMember)}
}

// open makes what a life of a node needs to take part.
func (g *raftGroup) open(l *life, c consensus.Config, m consensus.StateMachine) *raftNode {
	g.mu.Lock()
	defer g.mu.Unlock()
	member := g.members[l.name]
	if member == nil {
		member = new(raftMember)
		g.members[l.name] = member
		g.names = append(g.names, l.name)
		slices.Sort(g.names)
	}
	return &raftNode{
		actor: actor{net: g.net, mu: &g.mu, life: l}, raftMember: member, group: g, config: c, fsm: m,
		self:        consensus.Server{Name: l.name, Address: c.Address, Voter: true},
		changes:     make(chan consensus.Leadership, 1),
		configuring: make(chan struct{}, 1),
		wake:        make(chan struct{}, 1),
		pending:     make(map[uint64]*raftCall),
		drafts:      make(map[raftDraft]*raftCall),
	}
}

// networkChanged has everybody notice, in time, what has changed between nodes.
func (g *raftGroup) networkChanged() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.look()
}

// look compares what the nodes believe with who can talk to whom.
func (g *raftGroup) look() {
	for _, name := range g.names {
		n := g.members[name].node
		if n == nil {
			continue
		}
		n.catchUp()
		switch {
		case !n.lives():
			g.members[name].node = nil
		case n.leads:
			n.watchFollowers()
		case !n.net.paused(name):
			n.watchLeader()
		}
	}
}

// node returns the life of the member that takes part, or nil.
func (g *raftGroup) node(name string) *raftNode {
	m := g.members[name]
	if m == nil || m.node == nil || !m.node.lives() {
		return nil
	}
	return m.node
}

// record takes note that what the leader has up to the index is committed.
func (g *raftGroup) record(leader *raftNode, index uint64) {
	for i, e := range leader.log[:index] {
		if i < len(g.history) {
			continue
		}
		g.history = append(g.history, e)
		if e.command && g.committed != nil {
			g.committed(uint64(i)+1, e.term, e.data)
		}
	}
	if g.history[index-1].term != leader.log[index-1].term {
		panic(fmt.Sprintf("the model of raft is wrong: entry %d is committed in two ways", index))
	}
}

// watchLeader notices that the leader fell silent, or is back.
func (n *raftNode) watchLeader() {
	l := n.group.node(n.leader.Name)
	hears := l != nil && l.leads && l.term == n.term && linked(&l.actor, &n.actor)
	if hears == n.hears {
		return
	}
	n.hears = hears
	n.timer++
	if !hears {
		n.silent = time.Now()
		n.arm(n.config.Timing.Heartbeat)
	}
}

// arm has the node stand for election after once to twice the time, unless timer
// has moved on.
func (n *raftNode) arm(d time.Duration) {
	armed := n.timer
	n.after(n.between(d, 2*d, "raft election"), func() {
		if n.timer != armed || n.leads {
			return
		}
		n.leader = consensus.Server{}
		n.campaign(false)
		n.timer++
		n.arm(n.config.Timing.Election)
	}, nil)
}

// campaign asks the voters first whether they would vote, and then to. transfer
// says that the leader has asked for it.
func (n *raftNode) campaign(transfer bool) {
	if !isVoter(n.servers(), n.name()) {
		return
	}
	n.round++
	round, term := n.round, n.term+1
	n.poll(round, term, false, transfer, func() {
		n.term = term
		n.poll(round, term, true, transfer, func() { n.win() })
	})
}

// poll asks every voter once, and goes on when a majority says yes.
func (n *raftNode) poll(round int, term uint64, vote, transfer bool, won func()) {
	yes, voters := 0, 0
	servers := n.servers()
	for _, s := range servers {
		if s.Voter {
			voters++
		}
	}
	count := func() {
		yes++
		if yes == voters/2+1 {
			won()
		}
	}
	what := fmt.Sprintf("raft vote %d %t", term, vote)
	for _, s := range servers {
		voter := n.group.node(s.Name)
		if !s.Voter || voter == nil || voter == n {
			continue
		}
		n.ask(voter, what, func() func() {
			granted := voter.grants(n, term, vote, transfer)
			newest := voter.term
			return func() {
				switch {
				case n.round != round:
				case granted:
					count()
				case newest > n.term:
					n.term = newest
				}
			}
		}, func() {})
	}
	count() // the candidate itself
}

// grants says whether the node votes for the candidate, or would.
func (n *raftNode) grants(c *raftNode, term uint64, vote, transfer bool) bool {
	switch {
	case term <= n.term:
		return false
	case n.leader.Name != "" && n.leader.Name != c.name() && !transfer:
		return false
	case n.lastTerm() > c.lastTerm() || n.lastTerm() == c.lastTerm() && len(n.log) > len(c.log):
		return false
	}
	if vote {
		n.hearTerm(term)
	}
	return true
}

// win makes the node the leader of its term.
func (n *raftNode) win() {
	n.round++
	n.timer++
	n.leads, n.leader, n.hears, n.transfer = true, n.self, false, nil
	n.peers = make(map[string]*raftPeer)
	n.began = uint64(len(n.log)) + 1
	n.net.note("raft: %s leads term %d, from entry %d", n.name(), n.term, n.began)
	n.publish(true)
	n.append(raftEntry{}, nil)
	n.group.look()
}

// hearTerm takes note of a newer term: whoever leads an older one leads no more.
func (n *raftNode) hearTerm(term uint64) {
	if term <= n.term {
		return
	}
	n.term = term
	n.round++
	if n.leads {
		n.stepDown()
	} else if n.leader.Name != "" {
		n.leader = consensus.Server{}
		n.group.look()
	}
}

// follow takes the other for the leader of the term, which is no older than what
// this node knows.
func (n *raftNode) follow(l *raftNode, term uint64) {
	n.hearTerm(term)
	if n.leader.Name == l.name() {
		return
	}
	n.round++
	n.leader = l.self
	n.group.look()
}

// stepDown ends the node's leadership. What it had not committed may be committed
// by another, or never.
func (n *raftNode) stepDown() {
	n.net.note("raft: %s no longer leads, term %d", n.name(), n.term)
	n.leads, n.leader, n.hears, n.silent = false, consensus.Server{}, false, time.Now()
	n.lonely, n.peers = time.Time{}, nil
	n.timer++
	n.arm(n.config.Timing.Heartbeat)
	for _, index := range sortedKeys(n.pending) {
		if index > n.commit {
			n.answer(n.pending[index], fmt.Sprint(index), nil, fmt.Errorf("%w: leadership was lost", consensus.ErrUnknownOutcome))
			delete(n.pending, index)
		}
	}
	for _, check := range n.checks {
		check.finish(nil, n.notLeader())
	}
	n.checks = nil
	if n.transfer != nil {
		n.transfer.finish(nil, nil)
		n.transfer = nil
	}
	n.publish(false)
	n.group.look()
}

// publish replaces what LeadershipChanged has not given out yet.
func (n *raftNode) publish(leading bool) {
	select {
	case <-n.changes:
	default:
	}
	n.changes <- consensus.Leadership{Leading: leading, Term: n.term, Since: time.Now()}
}
