package consensus_test

import (
	"strings"
	"testing"
	"time"

	"hedgehog/cluster/consensus"
)

func TestValidateNamesTheFieldAndItsValue(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*consensus.Config)
		want   string
	}{
		"no name":                   {func(c *consensus.Config) { c.Name = "" }, "Name is empty"},
		"no directory":              {func(c *consensus.Config) { c.Dir = "" }, "Dir is empty"},
		"no snapshots":              {func(c *consensus.Config) { c.SnapshotEvery = 0 }, "SnapshotEvery is 0"},
		"snapshots all the time":    {func(c *consensus.Config) { c.SnapshotCheck = 0 }, "SnapshotCheck 0s"},
		"no heartbeat":              {func(c *consensus.Config) { c.Timing.Heartbeat = 0 }, "Heartbeat 0s"},
		"election before heartbeat": {func(c *consensus.Config) { c.Timing.Election = time.Millisecond }, "Election 1ms is less than Heartbeat 350ms"},
		"lease beyond heartbeat":    {func(c *consensus.Config) { c.Timing.LeaderLease = time.Second }, "LeaderLease 1s is more than Heartbeat 350ms"},
		"no lease":                  {func(c *consensus.Config) { c.Timing.LeaderLease = 0 }, "LeaderLease 0s"},
		"no commit":                 {func(c *consensus.Config) { c.Timing.Commit = 0 }, "Commit 0s"},
		"impatient":                 {func(c *consensus.Config) { c.Timing.RPC = time.Millisecond }, "RPC 1ms is less than Heartbeat 350ms"},
	} {
		t.Run(name, func(t *testing.T) {
			config := consensus.DefaultConfig("n1", "dir")
			c.change(&config)
			if err := config.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %s", err, c.want)
			}
			if _, err := consensus.New(config, nil, nil, nil, nil); err == nil {
				t.Fatal("New took it")
			}
		})
	}
}

func TestTheProfilesAreValid(t *testing.T) {
	for _, timing := range []consensus.Timing{consensus.LocalTiming(), consensus.LANTiming(), consensus.WANTiming()} {
		config := consensus.DefaultConfig("n1", "dir")
		config.Timing = timing
		if err := config.Validate(); err != nil {
			t.Error(err)
		}
	}
}
