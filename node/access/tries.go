package access

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// TryEvery is after how long an address that has shown too many wrong tokens may
	// show another one, and triesAtOnce how many it may show in a row at first.
	TryEvery    = 10 * time.Second
	triesAtOnce = 5
	// maxOrigins bounds the addresses that are told apart; beyond it all others
	// share one count.
	maxOrigins = 1024
)

// tries counts wrong tokens by where they come from.
type tries struct {
	now func() time.Time

	mu   sync.Mutex // guards what follows
	from map[netip.Prefix]*rate.Limiter
	rest *rate.Limiter // of the addresses that there is no room for
}

func newTries(now func() time.Time) *tries {
	return &tries{now: now, from: make(map[netip.Prefix]*rate.Limiter), rest: newLimit()}
}

func newLimit() *rate.Limiter { return rate.NewLimiter(rate.Every(TryEvery), triesAtOnce) }

// allowed says whether the address may try a token.
func (t *tries) allowed(remote string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	limit, ok := t.from[origin(remote)]
	if !ok {
		if limit = t.rest; len(t.from) < maxOrigins {
			return true
		}
	}
	return limit.TokensAt(t.now()) >= 1
}

// failed counts a wrong token of the address. It returns false when there have been
// too many.
func (t *tries) failed(remote string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	now, from := t.now(), origin(remote)
	limit, ok := t.from[from]
	if !ok {
		limit = newLimit()
		t.forgetLocked(now)
		if len(t.from) >= maxOrigins {
			limit = t.rest
		} else {
			t.from[from] = limit
		}
	}
	return limit.AllowN(now, 1)
}

// forgetLocked forgets the addresses that may do again as they like, when there is no
// room. The caller holds mu.
func (t *tries) forgetLocked(now time.Time) {
	if len(t.from) < maxOrigins {
		return
	}
	for from, limit := range t.from {
		if limit.TokensAt(now) >= triesAtOnce {
			delete(t.from, from)
		}
	}
}

// origin is what one caller has: an IPv4 address, or the network of an IPv6 one. What
// is no address counts as one caller.
func origin(remote string) netip.Prefix {
	address, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Prefix{}
	}
	ip, bits := address.Addr().Unmap().WithZone(""), 64
	if ip.Is4() {
		bits = 32
	}
	prefix, _ := ip.Prefix(bits) // bits fits
	return prefix
}
