package server

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"hedgehog/exchange"
	"hedgehog/exchange/wire"
)

const (
	// refusalsBeforeBan is how many refused requests in one window it takes until
	// a client that goes on regardless is banned.
	refusalsBeforeBan = 100
	shortestBan       = 2 * time.Minute
	longestBan        = 72 * time.Hour
	// clientsKept bounds the memory for clients that have gone away.
	clientsKept = 1024

	limitWeight      = "REQUEST_WEIGHT"
	limitRequests    = "RAW_REQUESTS"
	limitOrders      = "ORDERS"
	limitConnections = "CONNECTIONS"
)

// limiter counts what each client address asks for, in windows that begin at
// whole multiples of their length.
type limiter struct {
	limits []limit

	mu      sync.Mutex
	clients map[string]*usage // guarded by mu
}

type limit struct {
	exchange.RateLimit
	length time.Duration
}

// usage is what one client has used up.
type usage struct {
	windows     []window // one for each limit
	refused     int      // since the weight window began
	bans        int
	bannedUntil time.Time
}

type window struct {
	start time.Time
	used  int
}

// cost is what a request or a handshake takes from the limits, by their type.
type cost struct{ weight, requests, connections int }

func (c cost) of(limitType string) int {
	switch limitType {
	case limitWeight:
		return c.weight
	case limitRequests:
		return c.requests
	case limitConnections:
		return c.connections
	default:
		return 0
	}
}

// newLimiter takes over the limits that are counted by address.
func newLimiter(rates []exchange.RateLimit, connectionsPer5Minutes int) (*limiter, error) {
	l := &limiter{clients: make(map[string]*usage)}
	rates = append(rates[:len(rates):len(rates)],
		exchange.RateLimit{Type: limitConnections, Interval: "MINUTE", IntervalNum: 5, Limit: connectionsPer5Minutes})
	for _, r := range rates {
		if r.Type != limitWeight && r.Type != limitRequests && r.Type != limitConnections {
			continue
		}
		length, err := intervalOf(r)
		if err != nil {
			return nil, err
		}
		l.limits = append(l.limits, limit{RateLimit: r, length: length})
	}
	return l, nil
}

// intervalOf returns the length of a limit's window.
func intervalOf(r exchange.RateLimit) (time.Duration, error) {
	units := map[string]time.Duration{"SECOND": time.Second, "MINUTE": time.Minute, "HOUR": time.Hour, "DAY": 24 * time.Hour}
	unit, known := units[r.Interval]
	if !known || r.IntervalNum < 1 || r.Limit < 1 {
		return 0, fmt.Errorf("rate limit %s: %d per %d %q is not a limit", r.Type, r.Limit, r.IntervalNum, r.Interval)
	}
	return time.Duration(r.IntervalNum) * unit, nil
}

// take counts c for client. It returns a *limited when that is too much: with
// status 429, or 418 for a client that is banned because it went on after many
// of those.
func (l *limiter) take(client string, c cost, now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	u := l.usage(client, now)
	for i, limit := range l.limits {
		u.windows[i].used += c.of(limit.Type)
	}
	if now.Before(u.bannedUntil) {
		return banned(u.bannedUntil)
	}
	for i, limit := range l.limits {
		if c.of(limit.Type) == 0 || u.windows[i].used <= limit.Limit {
			continue
		}
		if u.refused++; u.refused > refusalsBeforeBan {
			u.bannedUntil = now.Add(min(shortestBan<<min(u.bans, 20), longestBan))
			u.bans++
			return banned(u.bannedUntil)
		}
		return tooMuch(limit, u.windows[i].start.Add(limit.length))
	}
	return nil
}

func tooMuch(l limit, until time.Time) error {
	message := fmt.Sprintf("Too much request weight used; current limit is %d request weight per %d %s. Please use WebSocket Streams for live updates to avoid polling the API.",
		l.Limit, l.IntervalNum, l.Interval)
	if l.Type != limitWeight {
		message = "Too many requests queued."
	}
	return &limited{cause: &wire.Error{Status: http.StatusTooManyRequests, Code: wire.CodeTooManyRequests, Message: message}, until: until}
}

func banned(until time.Time) error {
	return &limited{until: until, cause: &wire.Error{
		Status: http.StatusTeapot,
		Code:   wire.CodeTooManyRequests,
		Message: fmt.Sprintf("Way too much request weight used; IP banned until %d. Please use WebSocket Streams for live updates to avoid bans.",
			until.UnixMilli()),
	}}
}

// usage returns client's counts in the windows that now lies in. The caller
// holds mu.
func (l *limiter) usage(client string, now time.Time) *usage {
	u := l.clients[client]
	if u == nil {
		if len(l.clients) >= clientsKept {
			l.forget(now)
		}
		u = &usage{windows: make([]window, len(l.limits))}
		l.clients[client] = u
	}
	for i, limit := range l.limits {
		start := now.Truncate(limit.length)
		if !u.windows[i].start.Equal(start) {
			u.windows[i] = window{start: start}
			if limit.Type == limitWeight {
				u.refused = 0
			}
		}
	}
	return u
}

// forget drops the clients that nothing counts against any more. The caller
// holds mu.
func (l *limiter) forget(now time.Time) {
	for client, u := range l.clients {
		idle := !now.Before(u.bannedUntil)
		for i, limit := range l.limits {
			idle = idle && !now.Before(u.windows[i].start.Add(limit.length))
		}
		if idle {
			delete(l.clients, client)
		}
	}
}

// count is a limit with what is used of it.
type count struct {
	exchange.RateLimit
	used int
}

// weights returns the request weight limits with what client has used of them.
func (l *limiter) weights(client string, now time.Time) []count {
	l.mu.Lock()
	defer l.mu.Unlock()
	u := l.usage(client, now)
	var counts []count
	for i, limit := range l.limits {
		if limit.Type == limitWeight {
			counts = append(counts, count{limit.RateLimit, u.windows[i].used})
		}
	}
	return counts
}
