package forward

import (
	"fmt"
	"net"
	"time"

	"hedgehog/cluster/peer"
)

// Config says how a Forwarder works. Start from DefaultConfig. Heartbeat and
// Silence are to be alike on all nodes.
type Config struct {
	// Name is this node's name. A peer of that name is ignored.
	Name string
	// PeerName tells which node is at the other end of an accepted connection;
	// one without a name is refused.
	PeerName func(net.Conn) string

	// Queue is how many events may wait for one peer before the oldest is
	// dropped. It bounds the memory that a slow peer costs.
	Queue int
	// Batch is the most events that one frame carries. A frame is sent as soon as
	// the one before it is on its way, so a larger batch costs no latency.
	Batch int

	// Heartbeat is the longest time that either end is silent.
	Heartbeat time.Duration
	// Silence is after how long without a message the other end counts as gone.
	Silence time.Duration
	// Handshake bounds making a connection, and writing what is wanted to it.
	Handshake time.Duration
	// FirstRetry is about how long after a lost or failed connection the next is
	// made; it doubles up to LongestRetry.
	FirstRetry time.Duration
	// LongestRetry is about the longest pause between two tries.
	LongestRetry time.Duration
	// Jitter is by which part of itself a pause between two tries varies at random,
	// 0 to 1.
	Jitter float64
}

// DefaultConfig returns the figures that suit nodes on one network.
func DefaultConfig(name string) Config {
	return Config{
		Name:         name,
		PeerName:     peer.PeerName,
		Queue:        16384,
		Batch:        512,
		Heartbeat:    2 * time.Second,
		Silence:      6 * time.Second,
		Handshake:    5 * time.Second,
		FirstRetry:   100 * time.Millisecond,
		LongestRetry: 5 * time.Second,
		Jitter:       0.5,
	}
}

// Validate returns an error that names the first field with a senseless value.
func (c Config) Validate() error {
	switch {
	case c.Name == "":
		return fmt.Errorf("forward: Name is empty")
	case c.PeerName == nil:
		return fmt.Errorf("forward: PeerName is nil")
	case c.Queue < 1:
		return fmt.Errorf("forward: Queue %d is below 1", c.Queue)
	case c.Batch < 1:
		return fmt.Errorf("forward: Batch %d is below 1", c.Batch)
	case c.Jitter < 0 || c.Jitter > 1:
		return fmt.Errorf("forward: Jitter %g is not between 0 and 1", c.Jitter)
	}
	for _, f := range []struct {
		name  string
		value time.Duration
	}{{"Heartbeat", c.Heartbeat}, {"Silence", c.Silence}, {"Handshake", c.Handshake}, {"FirstRetry", c.FirstRetry}, {"LongestRetry", c.LongestRetry}} {
		if f.value <= 0 {
			return fmt.Errorf("forward: %s %s is not above 0", f.name, f.value)
		}
	}
	switch {
	case c.Silence < 2*c.Heartbeat:
		return fmt.Errorf("forward: Silence %s is below two Heartbeats of %s", c.Silence, c.Heartbeat)
	case c.LongestRetry < c.FirstRetry:
		return fmt.Errorf("forward: LongestRetry %s is below FirstRetry %s", c.LongestRetry, c.FirstRetry)
	}
	return nil
}
