package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"hedgehog/cluster"
	"hedgehog/cluster/consensus"
	"hedgehog/cluster/forward"
	"hedgehog/cluster/gossip"
	"hedgehog/cluster/lease"
	"hedgehog/cluster/peer"
	"hedgehog/exchange"
	"hedgehog/node/api"
	"hedgehog/storage"
)

// profile is how patient the cluster's parts are with each other.
type profile struct {
	gossip    gossip.Timing
	consensus consensus.Timing
	lease     lease.Timing
}

// profiles are the timings by name; all nodes of a cluster have the same.
var profiles = map[string]profile{
	"local": {gossip.LocalTiming(), consensus.LocalTiming(), lease.Local()},
	"lan":   {gossip.LANTiming(), consensus.LANTiming(), lease.LAN()},
	"wan":   {gossip.WANTiming(), consensus.WANTiming(), lease.WAN()},
}

// handOverPatience is how long a hand-over waits for the next owner's stream.
const handOverPatience = 10 * time.Second

// openMember makes what a node needs to be one of a cluster. Nothing runs yet.
func (n *Node) openMember(ctx context.Context) error {
	timing := profiles[n.config.Profile]
	n.run = n.now().UnixMicro()
	var err error
	if n.port, err = n.around.OpenPort(ctx, n.config, n.now(), n.log); err != nil {
		return err
	}
	n.callNet = n.around.OpenCalls(n.port, n.peerAddress)
	n.calls = &calls{client: &http.Client{Transport: n.callNet}}
	id, bootstrap, err := n.clusterID()
	if err != nil {
		return err
	}
	n.meta = gossip.Meta{
		Peer: n.config.advertised(n.port.Addr()), Version: n.config.Version, Zone: n.config.Zone,
		HTTP: reachedAt(n.listening, n.config.advertised(n.port.Addr())), ClusterID: id, Started: n.run,
	}
	n.gossip, err = n.around.OpenGossip(gossip.Config{
		Name: n.config.Name, Bind: n.config.Bind, Advertise: n.config.Advertise,
		Key: n.config.Secret.GossipKey(), Meta: n.meta, Timing: timing.gossip,
	}, n.log)
	if err != nil {
		return fmt.Errorf("gossip address %s: %w: choose another with --bind", n.config.Bind, err)
	}
	raft := consensus.DefaultConfig(n.config.Name, n.config.DataDir)
	raft.Address, raft.Timing, raft.Bootstrap = n.meta.Peer, timing.consensus, bootstrap
	n.consensus, err = n.around.OpenConsensus(raft, replica{stateMachine{n.store.db}, n}, n.port.Listener(peer.Raft), n.dialPeer(peer.Raft), n.log)
	if err != nil {
		return err
	}
	events := forward.DefaultConfig(n.config.Name)
	events.PeerName, events.Jitter = n.around.PeerName, n.around.Jitter
	n.forwarder = forward.New(events, localEvents{n}, codec{}, n.port.Listener(peer.Events), n.dialPeer(peer.Events), n.log)
	n.guard = lease.NewGuard(n.now)
	n.controller = cluster.NewController(cluster.ControllerConfig{Timing: timing.lease, Patience: handOverPatience, Now: n.now},
		leaderLog{n}, n.state.Load, n.peers, n.log)
	n.agent = cluster.NewAgent(cluster.AgentConfig{Node: n.config.Name, Run: n.run, Timing: timing.lease, Now: n.now},
		leaderOf{n}, n.state.Load, n.guard, roles{n}, n.log)
	return n.loadState(ctx)
}

// runMember runs the member until ctx ends. On the way out the agent gives up
// what the node owns while everything else still works, then leadership goes to
// another, and last the others hear that the node has left.
func (n *Node) runMember(ctx context.Context, nothingCommits func()) error {
	outer, stopOuter := context.WithCancel(context.WithoutCancel(ctx))
	defer stopOuter()
	inner, stopInner := context.WithCancel(outer)
	defer stopInner()

	var base, work errgroup.Group
	base.Go(func() error { return n.port.Run(outer) })
	base.Go(func() error { return n.gossip.Run(outer) })
	base.Go(func() error { return n.callNet.Serve(outer, n.peerHandler()) })
	raft := make(chan error, 1)
	go func() { raft <- n.consensus.Run(inner) }()
	work.Go(func() error { return n.forwarder.Run(inner) })
	work.Go(func() error { return n.lead(inner) })
	work.Go(func() error { return n.followMembers(inner) })
	work.Go(func() error { return n.tellTraders(inner) })
	work.Go(func() error { return n.reportWatermarks(inner) })
	if n.config.RevokeTokens {
		work.Go(func() error { return n.revokeAllTokens(inner) })
	}
	if n.config.KeepTrades > 0 {
		work.Go(func() error { return n.keepTrades(inner) })
	}
	joined := make(chan error, 1)
	go func() { joined <- n.join(ctx) }()

	agent := make(chan error, 1)
	agentCtx, stopAgent := context.WithCancel(ctx)
	defer stopAgent()
	go func() { agent <- n.agent.Run(agentCtx) }()

	var failed error
	raftEnded := false
	select {
	case <-ctx.Done():
	case failed = <-raft:
		raftEnded = true
	case failed = <-joined:
		joined <- nil
		if failed == nil {
			select {
			case <-ctx.Done():
			case failed = <-raft:
				raftEnded = true
			}
		}
	}
	stopAgent()
	<-agent
	flush, cancel := context.WithTimeout(outer, time.Second)
	err := n.controller.Flush(flush)
	cancel()
	if err != nil {
		n.log.Warn("what this node gave up is not handed on yet", "error", err)
	}
	nothingCommits()
	stopInner()
	if !raftEnded {
		failed = errors.Join(failed, <-raft)
	}
	_ = work.Wait() // ended by us
	stopOuter()
	_ = base.Wait()
	<-joined
	if errors.Is(failed, context.Canceled) {
		failed = nil
	}
	return failed
}

// join makes the node one of the cluster that it was told of.
func (n *Node) join(ctx context.Context) error {
	if len(n.config.Join) == 0 {
		return nil
	}
	if err := n.gossip.Join(ctx, n.config.Join); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("join %s: %w", strings.Join(n.config.Join, ", "), err)
	}
	return nil
}

// lead runs the controller whenever this node leads, until ctx ends.
func (n *Node) lead(ctx context.Context) error {
	stop := func() {}
	defer func() { stop() }()
	for {
		select {
		case l := <-n.consensus.LeadershipChanged():
			stop()
			stop = func() {}
			if l.Leading {
				n.history.add(api.ClusterEvent{TimeUS: n.micros(), Kind: "leader", Node: n.config.Name, Text: fmt.Sprintf("leads term %d", l.Term)})
				n.changes.tell()
				stop = n.leadTerm(ctx, l.Term)
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// leadTerm starts the controller for one term; stop ends it and waits.
func (n *Node) leadTerm(ctx context.Context, term uint64) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var leading sync.WaitGroup
	leading.Go(func() {
		if err := n.controller.Lead(ctx, term); ctx.Err() == nil {
			n.log.Error("leading ended", "term", term, "error", err)
		}
	})
	return func() {
		cancel()
		leading.Wait()
	}
}

// followMembers tells everybody who is interested when members come and go.
func (n *Node) followMembers(ctx context.Context) error {
	for {
		n.controller.Wake()
		n.agent.Wake()
		var others []forward.Peer
		for _, p := range n.peers() {
			others = append(others, forward.Peer{Name: p.Name, Address: p.Address})
		}
		n.forwarder.SetPeers(others)
		n.history.members(n.gossip.Members(), n.micros())
		n.changes.tell()
		if err := n.learnClusterID(); err != nil {
			n.log.Error("cluster id not kept", "error", err)
		}
		select {
		case <-n.gossip.Changed():
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// peers returns the living members, this node among them.
func (n *Node) peers() []cluster.Peer {
	var peers []cluster.Peer
	for _, m := range n.gossip.Members() {
		if m.State == gossip.Alive {
			peers = append(peers, cluster.Peer{Name: m.Name, Address: m.Meta.Peer, Zone: m.Meta.Zone, Run: m.Meta.Started})
		}
	}
	return peers
}

// peerAddress returns where a member's TLS port is, as gossip last had it.
func (n *Node) peerAddress(name string) (string, error) {
	for _, m := range n.gossip.Members() {
		if m.Name == name {
			return m.Meta.Peer, nil
		}
	}
	return "", fmt.Errorf("%w: %q", storage.ErrUnknownNode, name)
}

// dialPeer reaches members by name: gossip knows their latest addresses.
func (n *Node) dialPeer(protocol string) func(ctx context.Context, address, node string) (net.Conn, error) {
	return func(ctx context.Context, address, node string) (net.Conn, error) {
		if latest, err := n.peerAddress(node); err == nil {
			address = latest
		}
		return n.port.Dial(ctx, protocol, address, node)
	}
}

// leaderLog is Raft as the controller writes to it.
type leaderLog struct{ *Node }

func (l leaderLog) Barrier(ctx context.Context) error { return l.consensus.Barrier(ctx) }

func (l leaderLog) Verify(ctx context.Context, term uint64) error {
	if err := l.consensus.VerifyLeader(ctx); err != nil {
		return err
	}
	if now := l.consensus.Term(); now != term {
		return fmt.Errorf("%w in term %d any more, it is %d", consensus.ErrNotLeader, term, now)
	}
	return nil
}

// assignmentsPerCommand keeps commands well below what one may have.
const assignmentsPerCommand = 1000

func (l leaderLog) Assign(ctx context.Context, term uint64, changes []cluster.Assignment) error {
	var rows []storage.Assignment
	for _, a := range changes {
		rows = append(rows, storage.Assignment{
			Symbol: a.Symbol, Node: a.Node, Run: a.Run, Epoch: int64(a.Epoch), Since: exchange.MicrosOf(a.Since), Next: a.Next,
		})
	}
	for batch := range slices.Chunk(rows, assignmentsPerCommand) {
		// In another term the state machine refuses it.
		if _, err := l.proposeHere(ctx, storage.Command{Term: term, Assign: batch}); err != nil {
			return fmt.Errorf("assign %d symbols: %w", len(batch), err)
		}
	}
	return nil
}

func (l leaderLog) Register(ctx context.Context, peers []cluster.Peer) error {
	for _, p := range peers {
		_, err := l.proposeHere(ctx, storage.Command{Member: &storage.MemberChange{
			Name: p.Name, Address: p.Address, Zone: p.Zone, Time: l.micros(),
		}})
		if err != nil {
			return fmt.Errorf("register member %s: %w", p.Name, err)
		}
	}
	return nil
}

func (l leaderLog) Follow(ctx context.Context, alive []cluster.Peer) error {
	addresses := make(map[string]string, len(alive))
	for _, p := range alive {
		addresses[p.Name] = p.Address
	}
	gone := make(map[string]bool)
	for _, s := range l.consensus.Servers() {
		if _, member := l.state.Load().Members[s.Name]; !member && addresses[s.Name] == "" {
			gone[s.Name] = true // removed by an operator
		}
	}
	return l.consensus.SetServers(ctx, consensus.ChooseServers(l.consensus.Servers(), addresses, gone, l.config.Name))
}

// leaderOf is the leader as the agent reaches it.
type leaderOf struct{ *Node }

func (l leaderOf) Renew(ctx context.Context, r cluster.Renewal) (cluster.Grant, error) {
	leader, ok := l.consensus.Leader()
	switch {
	case !ok:
		return cluster.Grant{}, errNoLeader
	case leader.Name == l.config.Name:
		return l.controller.Renew(ctx, r)
	}
	var g cluster.Grant
	return g, l.calls.post(ctx, leader.Name, "/renew", r, &g)
}

// errNoLeader is returned while no node is known to lead.
var errNoLeader = errors.New("no leader is known: a majority of the voters is needed")

// hasSecret says whether the cluster has a secret of its own.
func (c Config) hasSecret() bool { return c.Secret != peer.NoSecret() }

func (n *Node) warnWithoutSecret() {
	if !n.config.hasSecret() {
		n.log.LogAttrs(context.Background(), slog.LevelInfo, "no cluster secret: nodes on this machine only can join (hedgehog cluster keygen makes one)")
	}
}
