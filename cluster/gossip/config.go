package gossip

import (
	"bytes"
	"fmt"
	"net"
	"strconv"
	"time"

	"hedgehog/cluster/peer"
)

// keyBytes is the length of the key: AES-256.
const keyBytes = 32

// Config says who the node is and where it is found.
type Config struct {
	// Name is the node's name, see peer.CheckName.
	Name string
	// Bind is the address to listen at, host:port, over UDP and TCP. Port 0 takes a
	// free one.
	Bind string
	// Advertise is the address that the others reach the node at, host:port; port 0
	// is the bound one. Empty is the bound address, which then has to be one
	// address and not all.
	Advertise string
	// Key encrypts the gossip, 32 bytes: peer.Secret.GossipKey. The key of
	// peer.NoSecret keeps the node on loopback addresses.
	Key []byte
	// Meta is what the others are told of the node.
	Meta Meta
	// Timing fits the network.
	Timing Timing
}

// Validate names the field that cannot work.
func (c Config) Validate() error {
	if err := peer.CheckName(c.Name); err != nil {
		return fmt.Errorf("name: %w", err)
	}
	if len(c.Key) != keyBytes {
		return fmt.Errorf("key has %d bytes, not %d", len(c.Key), keyBytes)
	}
	if err := c.Meta.Validate(); err != nil {
		return fmt.Errorf("meta: %w", err)
	}
	return c.Timing.Validate()
}

// addresses returns where to listen and what to advertise, names resolved.
func (c Config) addresses() (bind, advertise *net.TCPAddr, err error) {
	if bind, err = net.ResolveTCPAddr("tcp", c.Bind); err != nil {
		return nil, nil, fmt.Errorf("bind %q: %w", c.Bind, err)
	}
	all := bind.IP == nil || bind.IP.IsUnspecified()
	switch {
	case c.Advertise != "":
		if advertise, err = net.ResolveTCPAddr("tcp", c.Advertise); err != nil {
			return nil, nil, fmt.Errorf("advertise %q: %w", c.Advertise, err)
		}
		if advertise.IP == nil || advertise.IP.IsUnspecified() {
			return nil, nil, fmt.Errorf("advertise %q is no address that others can reach", c.Advertise)
		}
	case all:
		return nil, nil, fmt.Errorf("bind %q is every address: advertise has to name one", c.Bind)
	default:
		advertise = bind
	}
	if bind.IP == nil {
		bind.IP = net.IPv6unspecified
	}
	if bytes.Equal(c.Key, peer.NoSecret().GossipKey()) {
		for _, address := range []*net.TCPAddr{bind, advertise} {
			if err := peer.CheckLoopback(net.JoinHostPort(address.IP.String(), strconv.Itoa(address.Port))); err != nil {
				return nil, nil, err
			}
		}
	}
	return bind, advertise, nil
}

// Timing is how fast news spreads and a silent node is noticed.
type Timing struct {
	// Probe is the time between two probes; each asks another member for a sign of
	// life.
	Probe time.Duration
	// ProbeTimeout is how long a member may take to answer before others are asked
	// to try, too. Shorter than Probe.
	ProbeTimeout time.Duration
	// Suspicion is how many Probe a silent member has, to show that it lives,
	// before it counts as failed; up to twice as many while nobody else finds it
	// silent.
	Suspicion int
	// Gossip is the time between two rounds of news.
	Gossip time.Duration
	// PushPull is the time between two complete exchanges with some member, which
	// carry what news did not reach.
	PushPull time.Duration
	// Stream bounds such an exchange, and the connection before it.
	Stream time.Duration
	// Reconnect is the time between two attempts to reach somebody that is lost.
	Reconnect time.Duration
	// Leave bounds the farewell at the end of Run.
	Leave time.Duration
	// Forget is how long those that failed or left are listed, and those that
	// failed looked for.
	Forget time.Duration
}

// LocalTiming is for nodes on one machine: a killed node counts as failed after
// about a second.
func LocalTiming() Timing {
	return Timing{
		Probe: 200 * time.Millisecond, ProbeTimeout: 100 * time.Millisecond, Suspicion: 3,
		Gossip: 50 * time.Millisecond, PushPull: 5 * time.Second, Stream: 2 * time.Second,
		Reconnect: time.Second, Leave: time.Second, Forget: time.Hour,
	}
}

// LANTiming is for one site: by the same sums, a killed node counts as failed
// after about a second and a half.
func LANTiming() Timing {
	return Timing{
		Probe: 300 * time.Millisecond, ProbeTimeout: 150 * time.Millisecond, Suspicion: 3,
		Gossip: 100 * time.Millisecond, PushPull: 15 * time.Second, Stream: 5 * time.Second,
		Reconnect: 5 * time.Second, Leave: 2 * time.Second, Forget: time.Hour,
	}
}

// WANTiming is for several sites: a killed node counts as failed after eight to
// ten seconds.
func WANTiming() Timing {
	return Timing{
		Probe: 1500 * time.Millisecond, ProbeTimeout: time.Second, Suspicion: 4,
		Gossip: 300 * time.Millisecond, PushPull: 30 * time.Second, Stream: 15 * time.Second,
		Reconnect: 15 * time.Second, Leave: 5 * time.Second, Forget: time.Hour,
	}
}

// Validate names the field that cannot work.
func (t Timing) Validate() error {
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"probe", t.Probe}, {"probe timeout", t.ProbeTimeout}, {"gossip", t.Gossip},
		{"push pull", t.PushPull}, {"stream", t.Stream}, {"reconnect", t.Reconnect},
		{"leave", t.Leave}, {"forget", t.Forget},
	} {
		if d.value <= 0 {
			return fmt.Errorf("timing: %s %v is not positive", d.name, d.value)
		}
	}
	if t.ProbeTimeout >= t.Probe {
		return fmt.Errorf("timing: probe timeout %v is not shorter than probe %v", t.ProbeTimeout, t.Probe)
	}
	if t.Suspicion < 1 {
		return fmt.Errorf("timing: suspicion %d is below 1", t.Suspicion)
	}
	return nil
}
