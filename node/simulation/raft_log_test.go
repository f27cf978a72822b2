package simulation_test

import (
	"fmt"
	"time"

	"hedgehog/cluster/consensus"
)

// snapshotBehind is by how many entries a follower has to be behind to be sent, one
// time in three, a snapshot.
const snapshotBehind = 40

// raftNode is one life of a member of the group; it is a node.Consensus. Its fields
// below changes are guarded by the group's lock.
type raftNode struct {
	actor
	*raftMember
	group       *raftGroup
	config      consensus.Config
	fsm         consensus.StateMachine
	self        consensus.Server
	changes     chan consensus.Leadership
	configuring chan struct{} // full while a SetServers is under way
	wake        chan struct{} // tells that there may be something to apply

	running, closing bool
	leader           consensus.Server // zero: none is known
	hears            bool             // the leader's messages come
	silent           time.Time        // since when they don't
	timer            int              // counts what ends the wait for an election
	round            int              // counts campaigns, and what ends them
	commit, applied  uint64           // indices, as far as this life knows
	restore          *raftSnapshot    // that is to be taken over

	// Of a leader.
	leads     bool
	began     uint64 // index of its first entry
	lonely    time.Time
	peers     map[string]*raftPeer
	snapshots []*raftPeer // to whom one is to be sent
	pending   map[uint64]*raftCall
	drafts    map[raftDraft]*raftCall
	checks    []*raftCall
	transfer  *raftCall
	idle      chan struct{} // closed when nothing is pending any more
}

// raftPeer is what a leader knows of another member.
type raftPeer struct {
	node        *raftNode // the life that this is about
	contact     bool      // it follows, as far as messages could tell
	busy        bool      // a message or its answer is on the way
	due         bool      // the next attempt to reach it is
	match, told uint64    // up to where it has the log, and knows what is committed
}

// raftSnapshot is a state machine's state.
type raftSnapshot struct {
	index uint64
	bytes []byte
}

func (n *raftNode) last() uint64 { return uint64(len(n.log)) }

func (n *raftNode) lastTerm() uint64 {
	if len(n.log) == 0 {
		return 0
	}
	return n.log[len(n.log)-1].term
}

// servers are the group as the node's log has it.
func (n *raftNode) servers() []consensus.Server {
	if len(n.log) == 0 {
		return nil
	}
	return n.log[len(n.log)-1].servers
}

// ask sends a message. do happens where it arrives, and what that returns happens
// here when the answer does; lost, where either does not get through, when the next
// heartbeat is due.
func (n *raftNode) ask(to *raftNode, what string, do func() func(), lost func()) {
	failed := func() { n.after(n.heartbeat(to.name()), lost, nil) }
	send(&n.actor, &to.actor, what, func() {
		send(&to.actor, &n.actor, what+" answered", do(), failed)
	}, failed)
}

// heartbeat is how long it is until the next one to the peer.
func (n *raftNode) heartbeat(to string) time.Duration {
	every := n.config.Timing.Heartbeat / 10
	return n.between(every/4, every, "raft heartbeat "+to)
}

// watchFollowers notices, as heartbeats would, who can be reached and who not.
func (n *raftNode) watchFollowers() {
	for _, s := range n.servers() {
		if s.Name == n.name() {
			continue
		}
		f, p := n.group.node(s.Name), n.peers[s.Name]
		if p == nil || p.node != f {
			p = &raftPeer{node: f}
			n.peers[s.Name] = p
		}
		if f == nil {
			continue
		}
		up := linked(&n.actor, &f.actor)
		p.contact = p.contact && up && f.leader.Name == n.name() && f.term == n.term
		if up && !p.contact && !p.busy && !p.due {
			p.due = true
			n.after(n.heartbeat(s.Name), func() {
				p.due = false
				n.replicate(s.Name, p)
			}, nil)
		}
	}
	n.watchQuorum()
}

// watchQuorum ends leadership when a majority has been out of contact for a lease.
func (n *raftNode) watchQuorum() {
	if n.majority(func(p *raftPeer) bool { return p.contact }) {
		n.lonely = time.Time{}
		return
	}
	if !n.lonely.IsZero() {
		return
	}
	since, term := time.Now(), n.term
	n.lonely = since
	n.after(n.config.Timing.LeaderLease+n.heartbeat("quorum"), func() {
		if n.leads && n.term == term && n.lonely.Equal(since) {
			n.stepDown()
		}
	}, nil)
}

// majority says whether ok holds for a majority of the voters; for this one it does.
func (n *raftNode) majority(ok func(*raftPeer) bool) bool {
	voters, have := 0, 0
	for _, s := range n.servers() {
		if !s.Voter {
			continue
		}
		voters++
		if p := n.peers[s.Name]; s.Name == n.name() || p != nil && ok(p) {
			have++
		}
	}
	return have > voters/2
}

// append adds an entry to the leader's log and starts sending it. call is answered
// when it is applied, or never will be for certain.
func (n *raftNode) append(e raftEntry, call *raftCall) uint64 {
	e.term = n.term
	if e.servers != nil {
		e.changed = n.last() + 1
	} else if len(n.log) > 0 {
		before := n.log[len(n.log)-1]
		e.servers, e.changed = before.servers, before.changed
	}
	n.log = append(n.log, e)
	if call != nil {
		n.pending[n.last()] = call
	}
	if e.changed == n.last() {
		n.watchFollowers()
	}
	for _, s := range e.servers {
		if p := n.peers[s.Name]; p != nil {
			n.replicate(s.Name, p)
		}
	}
	n.advance()
	return n.last()
}

// replicate brings the peer's log and what it knows to be committed into line. There
// is one message at a time on the way to each.
func (n *raftNode) replicate(name string, p *raftPeer) {
	if !n.leads || n.peers[name] != p || p.node == nil || p.busy {
		return
	}
	upToDate := p.contact && p.match == n.last() && p.told == n.commit
	if upToDate || !p.contact && !linked(&n.actor, &p.node.actor) {
		return
	}
	p.busy = true
	behind := n.last() - min(p.node.last(), n.last())
	if behind > snapshotBehind && n.applied > p.node.applied && n.net.dice("raft snapshot for "+name, 3) == 0 {
		n.snapshots = append(n.snapshots, p)
		n.signal()
		return
	}
	n.sendLog(name, p, nil)
}

// sendLog sends all of the log that the leader has now.
func (n *raftNode) sendLog(name string, p *raftPeer, s *raftSnapshot) {
	log, commit, term := n.log, n.commit, n.term
	what := fmt.Sprintf("raft append %d %d", len(log), commit)
	n.ask(p.node, what, func() func() {
		newest := p.node.take(n, term, log, commit, s)
		return func() {
			p.busy = false
			if newest > n.term {
				n.hearTerm(newest)
			}
			if !n.leads || n.term != term || n.peers[name] != p {
				return
			}
			p.contact = true
			p.match, p.told = max(p.match, uint64(len(log))), commit
			n.watchFollowers()
			n.advance()
			n.replicate(name, p)
		}
	}, func() {
		p.busy = false
		if n.leads && n.peers[name] == p {
			n.watchFollowers()
			n.replicate(name, p)
		}
	})
}

// take accepts what the leader of the term has sent, unless this node knows of a
// newer term, and returns the newest that it knows of.
func (n *raftNode) take(l *raftNode, term uint64, log []raftEntry, commit uint64, s *raftSnapshot) uint64 {
	if term < n.term {
		return n.term
	}
	n.follow(l, term)
	// An entry of one index and term is the same everywhere, with all before it.
	if k := len(log); len(n.log) < k || n.log[k-1].term != log[k-1].term {
		n.log = log[:k:k]
	}
	if s != nil && s.index > n.applied {
		n.restore = s
	}
	n.commit = max(n.commit, commit)
	n.signal()
	return term
}

// advance commits what a majority has, if something of the leader's own term is
// among it, and lets the others know soon.
func (n *raftNode) advance() {
	index := n.last()
	for ; index > n.commit && n.log[index-1].term == n.term; index-- {
		if n.majority(func(p *raftPeer) bool { return p.match >= index }) {
			break
		}
	}
	if index <= n.commit || n.log[index-1].term != n.term {
		return
	}
	n.commit = index
	n.group.record(n, index)
	n.signal()
	for _, s := range n.servers() {
		p := n.peers[s.Name]
		if p == nil || p.busy {
			continue
		}
		n.after(n.between(0, n.config.Timing.Commit, "raft commit told to "+s.Name), func() { n.replicate(s.Name, p) }, nil)
	}
}

// signal tells the life's own goroutine that there may be something to do.
func (n *raftNode) signal() {
	select {
	case n.wake <- struct{}{}:
	default:
	}
}
