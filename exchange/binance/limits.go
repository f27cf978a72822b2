package binance

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"hedgehog/exchange"
)

const (
	// maxLimitWait is the longest that a request waits for a limit; beyond that it
	// fails with exchange.ErrRateLimited.
	maxLimitWait = 2 * time.Minute
	// windowSlack is how much later than the exchange's our windows begin, so that
	// a request sent at the beginning of one is not counted in the one before.
	windowSlack = 100 * time.Millisecond
	// bulkShare is the percentage of a window that requests other than urgent
	// ones may fill; the rest is kept for orders, and for what has to be read before
	// there can be any.
	bulkShare = 90
)

// cost is what a request takes from the limits.
type cost struct {
	weight int
	orders int  // 1 for a new order
	urgent bool // may use all of the weight
}

// grant is a cost that was taken from the limits and has to be settled.
type grant struct {
	cost
	at time.Time // when, by the limiter's clock
}

// limiter keeps requests within the exchange's limits. It counts what it lets
// through and takes over the exchange's own counts from the answers, which
// contain what others under the same address or account use.
type limiter struct {
	clock func() time.Time // the exchange's clock, which its windows go by
	now   func() time.Time // ours

	mu      sync.Mutex
	windows []*window
	resume  time.Time     // the exchange has asked for silence until then, by our clock
	learnt  chan struct{} // closed when other limits are learnt
}

// window is one limit in its present interval.
type window struct {
	limit  exchange.RateLimit
	length time.Duration
	header string // the answer's header with the exchange's count; "" when there is none

	start   time.Time
	used    int // settled
	pending int // granted and not settled
}

// defaultLimits hold until the exchange info is read.
func defaultLimits() []exchange.RateLimit {
	return []exchange.RateLimit{
		{Type: "REQUEST_WEIGHT", Interval: "MINUTE", IntervalNum: 1, Limit: 6000},
		{Type: "ORDERS", Interval: "SECOND", IntervalNum: 10, Limit: 100},
		{Type: "ORDERS", Interval: "DAY", IntervalNum: 1, Limit: 200_000},
	}
}

func newLimiter(clock, now func() time.Time) *limiter {
	l := &limiter{clock: clock, now: now, learnt: make(chan struct{})}
	l.learn(defaultLimits())
	return l
}

// learn takes over the limits that the exchange states; what was counted stays.
// Limits of a kind or interval that it does not know are passed over.
func (l *limiter) learn(limits []exchange.RateLimit) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var windows []*window
	for _, limit := range limits {
		w := newWindow(limit)
		if w == nil {
			continue
		}
		for _, old := range l.windows {
			if old.limit.Type == limit.Type && old.length == w.length {
				w.start, w.used, w.pending = old.start, old.used, old.pending
			}
		}
		windows = append(windows, w)
	}
	if len(windows) > 0 {
		l.windows = windows
		// Who waits for room may have it now.
		close(l.learnt)
		l.learnt = make(chan struct{})
	}
}

func newWindow(limit exchange.RateLimit) *window {
	units := map[string]time.Duration{"SECOND": time.Second, "MINUTE": time.Minute, "HOUR": time.Hour, "DAY": 24 * time.Hour}
	unit := units[limit.Interval]
	if unit == 0 || limit.IntervalNum <= 0 || limit.IntervalNum > 1000 || limit.Limit <= 0 {
		return nil
	}
	w := &window{limit: limit, length: time.Duration(limit.IntervalNum) * unit}
	interval := strconv.Itoa(limit.IntervalNum) + limit.Interval[:1]
	switch limit.Type {
	case "REQUEST_WEIGHT":
		w.header = "X-MBX-USED-WEIGHT-" + interval
	case "ORDERS":
		w.header = "X-MBX-ORDER-COUNT-" + interval
	case "RAW_REQUESTS":
	default:
		return nil
	}
	return w
}

// amount returns what c takes from the window.
func (w *window) amount(c cost) int {
	switch w.limit.Type {
	case "REQUEST_WEIGHT":
		return c.weight
	case "ORDERS":
		return c.orders
	default:
		return 1
	}
}

// roll starts a new interval when now is not in the present one: it may be
// before it too, when the exchange's clock has just become known.
func (w *window) roll(now time.Time) {
	if start := now.Truncate(w.length); !start.Equal(w.start) {
		w.start, w.used = start, 0
	}
}

// delay returns how long c has to wait for the window.
func (w *window) delay(c cost, now time.Time) time.Duration {
	n, most := w.amount(c), w.limit.Limit
	if w.limit.Type == "REQUEST_WEIGHT" && !c.urgent {
		most = most * bulkShare / 100
	}
	// A request above the whole limit goes out alone: the exchange decides.
	taken := w.used + w.pending
	if n == 0 || taken == 0 || taken+n <= most {
		return 0
	}
	return w.start.Add(w.length).Sub(now)
}

// acquire waits until the limits have room for c. The grant must be settled.
func (l *limiter) acquire(ctx context.Context, c cost) (grant, error) {
	for {
		if ctx.Err() != nil {
			return grant{}, context.Cause(ctx)
		}
		g, delay, learnt := l.try(c)
		if delay <= 0 {
			return g, nil
		}
		deadline, bounded := ctx.Deadline()
		if delay > maxLimitWait || bounded && time.Until(deadline) < delay {
			return grant{}, fmt.Errorf("%w: room again in %s", exchange.ErrRateLimited, delay.Round(time.Millisecond))
		}
		room := time.NewTimer(delay)
		select {
		case <-room.C:
		case <-learnt:
		case <-ctx.Done():
		}
		room.Stop()
	}
}

// try takes c from the limits, or returns how long there is no room for it unless
// other limits are learnt.
func (l *limiter) try(c cost) (_ grant, delay time.Duration, learnt <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock().Add(-windowSlack)
	delay = l.resume.Sub(l.now())
	for _, w := range l.windows {
		w.roll(now)
		delay = max(delay, w.delay(c, now))
	}
	if delay > 0 {
		return grant{}, delay, l.learnt
	}
	for _, w := range l.windows {
		w.pending += w.amount(c)
	}
	return grant{cost: c, at: now}, 0, nil
}

// settle ends a grant. header is the answer's, nil when there was none.
func (l *limiter) settle(g grant, header http.Header) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock().Add(-windowSlack)
	for _, w := range l.windows {
		w.roll(now)
		w.pending = max(0, w.pending-w.amount(g.cost))
		count, err := strconv.Atoi(header.Get(w.header))
		switch {
		case err != nil || w.header == "" || !g.at.Truncate(w.length).Equal(w.start):
			// No count, or one that may be of the interval before.
			w.used += w.amount(g.cost)
		case w.limit.Type == "ORDERS":
			w.used = count // sinks when orders are filled
		default:
			w.used = max(w.used, count) // answers overtake each other
		}
	}
}

// LimitUse is one limit of the exchange and how much of it is used in its present
// interval, by this client and by others at its address or account.
type LimitUse struct {
	exchange.RateLimit
	Used int
}

// Limits are what keeps requests back at a moment.
type Limits struct {
	Uses []LimitUse
	// Silence is for how long the exchange wants no request at all; 0: it takes some.
	Silence time.Duration
}

// Limits returns the limits as they are now, those on raw requests among them.
func (c *Client) Limits() Limits { return c.limits.use() }

func (l *limiter) use() Limits {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock().Add(-windowSlack)
	u := Limits{Silence: max(l.resume.Sub(l.now()), 0)}
	for _, w := range l.windows {
		w.roll(now)
		u.Uses = append(u.Uses, LimitUse{RateLimit: w.limit, Used: w.used + w.pending})
	}
	return u
}

// pause keeps all requests back for d.
func (l *limiter) pause(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if resume := l.now().Add(d); resume.After(l.resume) {
		l.resume = resume
	}
}

// retryAfter returns how long the exchange wants silence for: after status 429
// the header's seconds or a minute, after 418 at least the shortest ban.
func retryAfter(status int, header http.Header) time.Duration {
	seconds, err := strconv.Atoi(header.Get("Retry-After"))
	switch {
	case err == nil && seconds >= 0 && seconds <= 7*24*3600:
		return time.Duration(seconds) * time.Second
	case status == http.StatusTeapot:
		return 2 * time.Minute
	default:
		return time.Minute
	}
}

// wait waits for d, or returns the cause of ctx's end.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
