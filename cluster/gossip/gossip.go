package gossip

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// Gossip is the node's part in the membership.
type Gossip struct {
	config  Config
	address string // where the others reach this node
	log     *slog.Logger
	list    *memberlist.Memberlist
	local   *local
	door    *doorkeeper
	members *members
	// updating lets one update of the own metadata through at a time.
	updating sync.Mutex
	turn     int // whom reconnect tries next; Run's own

	// taken has the error waiting that Join or Run found: the node's name is
	// another's, and this one has to go.
	taken chan error

	mu       sync.Mutex
	seeds    []string // through which Join found the others
	ended    error    // why nothing can be attempted any more
	attempts sync.WaitGroup
}

// New opens the node's gossip port and takes part from then on, alone until it
// joins others or is joined. The Gossip has to be run.
func New(c Config, log *slog.Logger) (*Gossip, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("gossip: %w", err)
	}
	bind, advertise, err := c.addresses()
	if err != nil {
		return nil, fmt.Errorf("gossip: %w", err)
	}
	logger := newLogger(log)
	transport, err := newTransport(&memberlist.NetTransportConfig{
		BindAddrs: []string{bind.IP.String()}, BindPort: bind.Port, Logger: logger,
	})
	if err != nil {
		return nil, fmt.Errorf("open the gossip port %s: %w", c.Bind, err)
	}
	port := transport.GetAutoBindPort()
	if advertise.Port != 0 {
		port = advertise.Port
	}
	g := &Gossip{
		config: c, log: log,
		address: net.JoinHostPort(advertise.IP.String(), strconv.Itoa(port)),
		local:   &local{meta: c.Meta},
		members: newMembers(c.Timing.Forget, log),
		taken:   make(chan error, 1),
	}
	g.door = newDoorkeeper(c.Name, g.address, c.Meta.ClusterID)
	settings := c.Timing.settings()
	settings.Name, settings.SecretKey, settings.Logger = c.Name, c.Key, logger
	settings.BindAddr, settings.BindPort = bind.IP.String(), transport.GetAutoBindPort()
	settings.AdvertiseAddr, settings.AdvertisePort = advertise.IP.String(), port
	settings.Transport = transport
	settings.Delegate, settings.Events = g.local, g.members
	settings.Alive, settings.Conflict, settings.Merge = g.door, g.door, g.door
	if g.list, err = memberlist.Create(settings); err != nil {
		_ = transport.Shutdown()
		return nil, fmt.Errorf("start gossip: %w", err)
	}
	return g, nil
}

// settings returns memberlist's settings for the timing.
func (t Timing) settings() *memberlist.Config {
	s := memberlist.DefaultLANConfig()
	s.ProbeInterval, s.ProbeTimeout = t.Probe, t.ProbeTimeout
	s.SuspicionMult, s.SuspicionMaxTimeoutMult = t.Suspicion, 2
	s.AwarenessMaxMultiplier = 2 // a node that fares badly itself slows its probes this much and no more
	s.GossipInterval, s.PushPullInterval, s.TCPTimeout = t.Gossip, t.PushPull, t.Stream
	s.GossipToTheDeadTime = min(s.GossipToTheDeadTime, t.Forget)
	s.DeadNodeReclaimTime = time.Nanosecond // a failed node's place is free at once
	s.EnableCompression = false             // the messages are small
	return s
}

// Address returns where the others reach this node, IP:port.
func (g *Gossip) Address() string { return g.address }

// Members returns all known nodes, this one among them, sorted by name: the
// living ones, and for Timing.Forget those that failed or left.
func (g *Gossip) Members() []Member { return g.members.list() }

// Changed has one signal waiting when Members may have changed since the last
// was taken. It is for one receiver.
func (g *Gossip) Changed() <-chan struct{} { return g.members.changed }

// SetMeta changes what the others are told of this node. It does not wait until
// they know.
func (g *Gossip) SetMeta(m Meta) error {
	if err := m.Validate(); err != nil {
		return fmt.Errorf("gossip: %w", err)
	}
	g.local.set(m)
	g.door.setCluster(m.ClusterID)
	g.updating.Lock()
	defer g.updating.Unlock()
	_ = g.list.UpdateNode(time.Nanosecond) // fails only in that nobody has been told yet
	return nil
}

// Run keeps the node in touch with the others until ctx ends (it returns ctx's
// cause), and then takes its leave of them: they see that it left and did not
// fail. It returns ErrNameTaken when another living node has this one's name:
// that of a node which was there before it, or which took the place of this one
// while it was paused or cut off. It can be called once.
func (g *Gossip) Run(ctx context.Context) (err error) {
	defer func() { g.end(err) }()
	reconnect := time.NewTicker(g.config.Timing.Reconnect)
	defer reconnect.Stop()
	for {
		select {
		case <-ctx.Done():
			select {
			case err := <-g.taken:
				return err
			default:
			}
			g.leave()
			return context.Cause(ctx)
		case err := <-g.taken:
			return err // without a farewell, which would be taken for the other's
		case <-g.door.claims:
			g.confirm(ctx)
		case <-reconnect.C:
			g.reconnect(ctx)
		}
	}
}

// leave says first that this node is about to go, which makes the difference to
// one that failed, and then that it is gone. memberlist replaces the first by
// the second where it has not been sent yet, hence the wait between them.
func (g *Gossip) leave() {
	g.updating.Lock()
	defer g.updating.Unlock()
	g.local.leave()
	half := g.config.Timing.Leave / 2
	if err := errors.Join(g.list.UpdateNode(half), g.list.Leave(half)); err != nil {
		g.log.Warn("farewell may not have reached everybody", "error", err)
	}
}

// end closes the port and waits for what is under way.
func (g *Gossip) end(cause error) {
	g.mu.Lock()
	g.ended = fmt.Errorf("%w: %w", errEnded, cause)
	g.mu.Unlock()
	if err := g.list.Shutdown(); err != nil {
		g.log.Warn("gossip did not end cleanly", "error", err)
	}
	g.attempts.Wait()
}
