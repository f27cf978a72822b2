package forward_test

import (
	"strings"
	"testing"
	"time"

	"hedgehog/cluster/forward"
)

func TestSenselessSettingsAreNamed(t *testing.T) {
	if err := forward.DefaultConfig("a").Validate(); err != nil {
		t.Errorf("the default: %v", err)
	}
	for want, change := range map[string]func(*forward.Config){
		"Name is empty":      func(c *forward.Config) { c.Name = "" },
		"PeerName is nil":    func(c *forward.Config) { c.PeerName = nil },
		"Queue 0 is":         func(c *forward.Config) { c.Queue = 0 },
		"Batch -1 is":        func(c *forward.Config) { c.Batch = -1 },
		"Heartbeat 0s is":    func(c *forward.Config) { c.Heartbeat = 0 },
		"Silence -1s is":     func(c *forward.Config) { c.Silence = -time.Second },
		"Handshake 0s is":    func(c *forward.Config) { c.Handshake = 0 },
		"FirstRetry 0s is":   func(c *forward.Config) { c.FirstRetry = 0 },
		"LongestRetry 0s is": func(c *forward.Config) { c.LongestRetry = 0 },
		"Silence 3s is below two Heartbeats of 2s":   func(c *forward.Config) { c.Silence = 3 * time.Second },
		"LongestRetry 1ms is below FirstRetry 100ms": func(c *forward.Config) { c.LongestRetry = time.Millisecond },
	} {
		c := forward.DefaultConfig("a")
		change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want it to say %q", err, want)
		}
	}
}
