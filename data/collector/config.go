package collector

import (
	"context"
	"fmt"
	"time"
)

// Config says how a Collector works.
type Config struct {
	// BatchSize is the most events that one write takes. It bounds the memory
	// held beside the subscription's queue. A queue that is shorter makes writes
	// smaller.
	BatchSize int
	// FirstRetry is the pause after a failed write; each further pause is half as
	// long again, up to LongestRetry.
	FirstRetry time.Duration
	// LongestRetry is the longest pause between two tries.
	LongestRetry time.Duration
	// Jitter is by which part of itself a pause between two tries varies at random,
	// 0 to 1.
	Jitter float64
	// LogEvery is the least time between two log lines about one failure that lasts.
	LogEvery time.Duration
	// Grace is how long what waits may still be stored after the end was asked for.
	Grace time.Duration
	// Begin, where it is set, is called with the id of the first trade, and again
	// after an error, before any trade is stored. What comes meanwhile is taken off
	// the queue and waits in memory beside it, however much: whoever publishes does
	// not wait for Begin.
	Begin func(ctx context.Context, firstTrade int64) error
}

// DefaultConfig returns the figures that suit a node with a local disk.
func DefaultConfig() Config {
	return Config{
		BatchSize:    4000,
		FirstRetry:   50 * time.Millisecond,
		LongestRetry: 5 * time.Second,
		Jitter:       0.5,
		LogEvery:     30 * time.Second,
		Grace:        5 * time.Second,
	}
}

// Validate returns an error that names the first field with a senseless value.
func (c Config) Validate() error {
	if c.BatchSize < 1 {
		return fmt.Errorf("collector: BatchSize %d is below 1", c.BatchSize)
	}
	if c.Jitter < 0 || c.Jitter > 1 {
		return fmt.Errorf("collector: Jitter %g is not between 0 and 1", c.Jitter)
	}
	for _, f := range []struct {
		name  string
		value time.Duration
	}{{"FirstRetry", c.FirstRetry}, {"LongestRetry", c.LongestRetry}, {"LogEvery", c.LogEvery}, {"Grace", c.Grace}} {
		if f.value <= 0 {
			return fmt.Errorf("collector: %s %s is not above 0", f.name, f.value)
		}
	}
	if c.LongestRetry < c.FirstRetry {
		return fmt.Errorf("collector: LongestRetry %s is below FirstRetry %s", c.LongestRetry, c.FirstRetry)
	}
	return nil
}
