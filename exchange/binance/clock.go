package binance

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// drift is how far two clocks may part from each other per second: 500 µs, the
// fastest that time daemons slew a clock.
const drift = 500 * time.Microsecond

// ClockSample is one question for the exchange's time.
type ClockSample struct {
	Sent, Received time.Time     // our clock, with its monotonic reading
	Server         time.Time     // the exchange's clock at some moment between
	Resolution     time.Duration // of Server, which is rounded down to it
}

// ClockEstimate maps our clock to the exchange's, with a bound of its error. It
// goes by differences of our clock's monotonic reading, so that a wall clock
// that is set makes no difference.
type ClockEstimate struct {
	ours   time.Time
	theirs time.Time
	within time.Duration
}

// EstimateClock returns the estimate of the sample with the shortest round trip;
// the zero estimate when there is none.
func EstimateClock(samples ...ClockSample) ClockEstimate {
	var best ClockEstimate
	for _, s := range samples {
		trip := s.Received.Sub(s.Sent)
		within := trip/2 + s.Resolution/2 + drifted(trip)
		if best.IsZero() || within < best.within {
			best = ClockEstimate{ours: s.Sent.Add(trip / 2), theirs: s.Server.Add(s.Resolution / 2), within: within}
		}
	}
	return best
}

// IsZero says that nothing was measured.
func (e ClockEstimate) IsZero() bool { return e.ours.IsZero() }

// Exchange returns the exchange's clock at the moment ours of our clock.
func (e ClockEstimate) Exchange(ours time.Time) time.Time {
	return e.theirs.Add(ours.Sub(e.ours))
}

// Error returns by how much Exchange may be wrong at the moment ours: half the
// round trip, the resolution of the answer, and the drift since.
func (e ClockEstimate) Error(ours time.Time) time.Duration {
	return e.within + drifted(e.Age(ours))
}

// drifted returns how far two clocks may part from each other in d.
func drifted(d time.Duration) time.Duration {
	return time.Duration(d.Abs().Seconds() * float64(drift))
}

// Age returns how long before the moment ours the estimate was measured.
func (e ClockEstimate) Age(ours time.Time) time.Duration { return ours.Sub(e.ours) }

// exchangeClock holds the latest estimate and has it measured when it is too old.
type exchangeClock struct {
	measure func(context.Context) (ClockEstimate, error)
	now     func() time.Time
	maxAge  time.Duration

	measuring chan struct{} // holds one token while somebody measures

	mu       sync.Mutex
	estimate ClockEstimate
}

func (c *exchangeClock) last() ClockEstimate {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.estimate
}

// current returns an estimate that is not older than maxAge.
func (c *exchangeClock) current(ctx context.Context) (ClockEstimate, error) {
	e := c.last()
	if !e.IsZero() && e.Age(c.now()) <= c.maxAge {
		return e, nil
	}
	return c.replace(ctx, e)
}

// replace measures the clock, unless somebody else has replaced old meanwhile.
func (c *exchangeClock) replace(ctx context.Context, old ClockEstimate) (ClockEstimate, error) {
	select {
	case c.measuring <- struct{}{}:
		defer func() { <-c.measuring }()
	case <-ctx.Done():
		return ClockEstimate{}, context.Cause(ctx)
	}
	if e := c.last(); e != old {
		return e, nil
	}
	e, err := c.measure(ctx)
	if err != nil {
		return ClockEstimate{}, fmt.Errorf("measure the exchange's clock: %w", err)
	}
	c.mu.Lock()
	c.estimate = e
	c.mu.Unlock()
	return e, nil
}

// exchangeNow returns the exchange's clock as far as it is known: without an
// estimate, ours.
func (c *exchangeClock) exchangeNow() time.Time {
	now := c.now()
	if e := c.last(); !e.IsZero() {
		return e.Exchange(now)
	}
	return now
}
