package lease

import (
	"errors"
	"fmt"
	"time"
)

// MaxDrift is how far the rate of a clock may be off, in parts per million of
// the time that passes. Quartz is good for 100, time daemons slew by up to 500.
const MaxDrift = 1000

// maxLease bounds Timing.Lease: for so long a symbol of a dead node stands still.
const maxLease = 5 * time.Minute

// Timing says how long leases last. All nodes of a cluster have the same.
type Timing struct {
	// Renew is the time from one renewal of an owner to the next.
	Renew time.Duration
	// Lease is how long a renewal lasts, on the owner's clock from sending it.
	Lease time.Duration
	// RecvWindow is how long after its timestamp the exchange still takes a
	// request. So much of the lease has to be left for a request to go out.
	RecvWindow time.Duration
	// Margin is what the leader waits beyond Lease, from receiving the renewal,
	// because its clock may be faster than the owner's.
	Margin time.Duration
}

// Local returns the timing of nodes on one machine.
func Local() Timing {
	return Timing{
		Renew:      250 * time.Millisecond,
		Lease:      1200 * time.Millisecond,
		RecvWindow: 400 * time.Millisecond,
		Margin:     100 * time.Millisecond,
	}
}

// LAN returns the timing of nodes in one data centre.
func LAN() Timing {
	return Timing{
		Renew:      350 * time.Millisecond,
		Lease:      1500 * time.Millisecond,
		RecvWindow: 500 * time.Millisecond,
		Margin:     150 * time.Millisecond,
	}
}

// WAN returns the timing of nodes that are far from each other.
func WAN() Timing {
	return Timing{
		Renew:      1500 * time.Millisecond,
		Lease:      8 * time.Second,
		RecvWindow: 3 * time.Second,
		Margin:     500 * time.Millisecond,
	}
}

// Validate returns an error that names every field out of range and every
// inequality between fields that does not hold, with the values.
func (t Timing) Validate() error {
	var errs []error
	refuse := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	within := func(name string, v, most time.Duration) {
		if v <= 0 || v > most {
			refuse("%s %v: want more than 0, at most %v", name, v, most)
		}
	}
	within("Renew", t.Renew, maxLease)
	within("Lease", t.Lease, maxLease)
	within("RecvWindow", t.RecvWindow, maxLease)
	within("Margin", t.Margin, maxLease)
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	if need := 2*t.Renew + t.RecvWindow; t.Lease <= need {
		refuse("Lease %v: want more than 2 × Renew %v + RecvWindow %v = %v, or one lost renewal stops all orders",
			t.Lease, t.Renew, t.RecvWindow, need)
	}
	if need := t.drift(); t.Margin < need {
		refuse("Margin %v: want at least %v, by which two clocks may differ after Lease %v + Margin", t.Margin, need, t.Lease)
	}
	return errors.Join(errs...)
}

// wait is how long after the receipt of its last renewal an owner has stopped,
// on the leader's clock.
func (t Timing) wait() time.Duration { return t.Lease + t.Margin }

// drift is the most by which the leader's clock and the owner's part during
// wait, one being fast and the other slow.
func (t Timing) drift() time.Duration { return 2 * MaxDrift * t.wait() / 1e6 }
