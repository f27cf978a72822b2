package consensus

import (
	"fmt"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// MaxCommand is the most bytes that one command may have: what is larger holds up
// heartbeats that wait behind it.
const MaxCommand = 512 << 10

// Timing holds the time-outs of a raft group. All nodes should have the same.
type Timing struct {
	// Heartbeat is how long a follower hears nothing from its leader before it
	// stands for election; the leader sends one about ten times as often. Short
	// finds a dead leader soon, too short deposes a slow one.
	Heartbeat time.Duration
	// Election is how long a candidate waits for votes before it tries again. At
	// least Heartbeat.
	Election time.Duration
	// LeaderLease is how long a leader goes on without an answer of a quorum before
	// it steps down. At most Heartbeat.
	LeaderLease time.Duration
	// Commit is how soon an idle leader tells followers what is committed: what a
	// follower's state may be behind by, against a message to each as often.
	Commit time.Duration
	// RPC bounds dialling a peer and one message to it with its answer, also the
	// transfer of each 256 KiB of a snapshot.
	RPC time.Duration
}

// LocalTiming is for nodes on one machine.
func LocalTiming() Timing {
	return Timing{
		Heartbeat:   250 * time.Millisecond,
		Election:    250 * time.Millisecond,
		LeaderLease: 250 * time.Millisecond,
		Commit:      10 * time.Millisecond,
		RPC:         time.Second,
	}
}

// LANTiming is for nodes in one network.
func LANTiming() Timing {
	return Timing{
		Heartbeat:   350 * time.Millisecond,
		Election:    350 * time.Millisecond,
		LeaderLease: 350 * time.Millisecond,
		Commit:      20 * time.Millisecond,
		RPC:         2 * time.Second,
	}
}

// WANTiming is for nodes with up to some hundred milliseconds between them.
func WANTiming() Timing {
	return Timing{
		Heartbeat:   1500 * time.Millisecond,
		Election:    1500 * time.Millisecond,
		LeaderLease: 1500 * time.Millisecond,
		Commit:      50 * time.Millisecond,
		RPC:         10 * time.Second,
	}
}

// Config is what a Consensus needs to know. Start from DefaultConfig.
type Config struct {
	// Name is this node's name: unique in the group and the same for all time.
	Name string
	// Address is the host:port at which peers reach this node's raft. Empty: the
	// listener's, which will not do for one that listens on all addresses.
	Address string
	// Dir is the node's data directory; the log, the votes and the snapshots are
	// in Dir/raft. It belongs together with the state machine's file.
	Dir string
	// Timing holds the time-outs.
	Timing Timing
	// Bootstrap makes a node without any raft state the only voter of a new group.
	// A node that is to join has it false and waits to be added by the leader.
	Bootstrap bool
	// SnapshotEvery is how many log entries pass before a snapshot is taken and
	// the log cut.
	SnapshotEvery uint64
	// SnapshotCheck is how often that is looked at; the library waits between once
	// and twice as long.
	SnapshotCheck time.Duration
	// KeepEntries is how many entries stay in the log behind a snapshot, so that a
	// follower that was away for a while need not take a whole snapshot.
	KeepEntries uint64
}

// DefaultConfig is the configuration of a node that joins, with LANTiming.
func DefaultConfig(name, dir string) Config {
	return Config{
		Name:          name,
		Dir:           dir,
		Timing:        LANTiming(),
		SnapshotEvery: 8192,
		SnapshotCheck: time.Minute,
		KeepEntries:   8192,
	}
}

// Validate names the first field that can't be, and its value.
func (c Config) Validate() error {
	switch {
	case c.Name == "":
		return fmt.Errorf("consensus config: Name is empty")
	case c.Dir == "":
		return fmt.Errorf("consensus config: Dir is empty")
	case c.SnapshotEvery == 0:
		return fmt.Errorf("consensus config: SnapshotEvery is 0")
	case c.SnapshotCheck < minTimeout:
		return fmt.Errorf("consensus config: SnapshotCheck %v is less than %v", c.SnapshotCheck, minTimeout)
	}
	return c.Timing.Validate()
}

// minTimeout is the least that the raft library takes.
const minTimeout = 5 * time.Millisecond

// Validate names the first time-out that can't be, and its value.
func (t Timing) Validate() error {
	switch {
	case t.Heartbeat < minTimeout:
		return fmt.Errorf("consensus timing: Heartbeat %v is less than %v", t.Heartbeat, minTimeout)
	case t.Election < t.Heartbeat:
		return fmt.Errorf("consensus timing: Election %v is less than Heartbeat %v", t.Election, t.Heartbeat)
	case t.LeaderLease < minTimeout:
		return fmt.Errorf("consensus timing: LeaderLease %v is less than %v", t.LeaderLease, minTimeout)
	case t.LeaderLease > t.Heartbeat:
		return fmt.Errorf("consensus timing: LeaderLease %v is more than Heartbeat %v", t.LeaderLease, t.Heartbeat)
	case t.Commit < time.Millisecond:
		return fmt.Errorf("consensus timing: Commit %v is less than 1ms", t.Commit)
	case t.RPC < t.Heartbeat:
		return fmt.Errorf("consensus timing: RPC %v is less than Heartbeat %v", t.RPC, t.Heartbeat)
	}
	return nil
}

// raftConfig is the library's form of c.
func (c Config) raftConfig(logger hclog.Logger) *raft.Config {
	conf := raft.DefaultConfig()
	conf.LocalID = raft.ServerID(c.Name)
	conf.HeartbeatTimeout = c.Timing.Heartbeat
	conf.ElectionTimeout = c.Timing.Election
	conf.LeaderLeaseTimeout = c.Timing.LeaderLease
	conf.CommitTimeout = c.Timing.Commit
	conf.SnapshotThreshold = c.SnapshotEvery
	conf.SnapshotInterval = c.SnapshotCheck
	conf.TrailingLogs = c.KeepEntries
	conf.ShutdownOnRemove = false // a removed node stays, to be added again or stopped by its owner
	conf.NoLegacyTelemetry = true
	conf.Logger = logger
	return conf
}
