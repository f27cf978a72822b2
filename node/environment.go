package node

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"hedgehog/cluster/consensus"
	"hedgehog/cluster/gossip"
	"hedgehog/cluster/peer"
	"hedgehog/data/collector"
	"hedgehog/exchange/binance"
)

// Environment is the world around a node as the node reaches it. A simulation has
// one of its own; any other node has Real.
type Environment struct {
	// Now is the node's clock: the time of day, with a monotonic reading.
	Now func() time.Time
	// Jitter is by which part of itself a pause between two tries varies at random.
	Jitter float64
	// ListenAPI opens the address of the API.
	ListenAPI func(ctx context.Context, address string) (net.Listener, error)
	// OpenPort opens the port that the nodes share.
	OpenPort func(ctx context.Context, c Config, now time.Time, log *slog.Logger) (Port, error)
	// PeerName returns the node at the other end of one of the Port's connections.
	PeerName func(net.Conn) string
	// OpenCalls returns what carries calls between nodes: the host of a request's
	// URL is the name of the node that has to answer.
	OpenCalls func(p Port, address func(node string) (string, error)) Calls
	// OpenGossip and OpenConsensus make the node's parts in both.
	OpenGossip    func(c gossip.Config, log *slog.Logger) (Gossip, error)
	OpenConsensus func(c consensus.Config, m consensus.StateMachine, l net.Listener, d consensus.Dial, log *slog.Logger) (Consensus, error)
	// Exchange may change how the exchange is reached.
	Exchange func(*binance.Config)
	// Store may stand before what collectors write to.
	Store func(collector.Store) collector.Store
}

// Port is where the nodes of a cluster reach each other: *peer.Port, or what
// simulates it.
type Port interface {
	Addr() net.Addr
	Listener(protocol string) net.Listener
	Dial(ctx context.Context, protocol, address, node string) (net.Conn, error)
	Run(ctx context.Context) error
}

// Calls are the requests between nodes. Serve answers those that arrive until ctx
// ends; the context of each has its Caller.
type Calls interface {
	http.RoundTripper
	Serve(ctx context.Context, handler http.Handler) error
}

// Gossip is the membership: *gossip.Gossip, or what simulates it.
type Gossip interface {
	Address() string
	Changed() <-chan struct{}
	Join(ctx context.Context, addresses []string) error
	Members() []gossip.Member
	Run(ctx context.Context) error
	SetMeta(m gossip.Meta) error
}

// Consensus is the replicated log: *consensus.Consensus, or what simulates it.
type Consensus interface {
	Run(ctx context.Context) error
	Propose(ctx context.Context, command []byte) (any, error)
	Barrier(ctx context.Context) error
	VerifyLeader(ctx context.Context) error
	Term() uint64
	Leader() (consensus.Server, bool)
	LeadershipChanged() <-chan consensus.Leadership
	TransferLeadership(ctx context.Context, to string) error
	Servers() []consensus.Server
	SetServers(ctx context.Context, servers []consensus.Server) error
	HasQuorum() bool
}

// Real is the environment of a node on a machine.
func Real() Environment {
	return Environment{
		Now:    time.Now,
		Jitter: 0.5,
		ListenAPI: func(ctx context.Context, address string) (net.Listener, error) {
			return new(net.ListenConfig).Listen(ctx, "tcp", address)
		},
		OpenPort: func(ctx context.Context, c Config, now time.Time, log *slog.Logger) (Port, error) {
			identity, err := peer.NewIdentity(c.Secret, c.Name, now)
			if err != nil {
				return nil, err
			}
			port, err := peer.Listen(ctx, c.peerAddress(), identity, log)
			if err != nil {
				return nil, fmt.Errorf("peer address %s: %w: choose another with --peer", c.peerAddress(), err)
			}
			return port, nil
		},
		PeerName:  peer.PeerName,
		OpenCalls: openCalls,
		OpenGossip: func(c gossip.Config, log *slog.Logger) (Gossip, error) {
			return gossip.New(c, log)
		},
		OpenConsensus: func(c consensus.Config, m consensus.StateMachine, l net.Listener, d consensus.Dial, log *slog.Logger) (Consensus, error) {
			return consensus.New(c, m, l, d, log)
		},
		Exchange: func(*binance.Config) {},
		Store:    func(s collector.Store) collector.Store { return s },
	}
}

// callerKey is the key under which a call's context has the calling node's name.
type callerKey struct{}

// WithCaller returns the context of a call that the named node has made.
func WithCaller(ctx context.Context, node string) context.Context {
	return context.WithValue(ctx, callerKey{}, node)
}
