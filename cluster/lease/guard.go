package lease

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

var (
	// ErrNoLease is returned by Guard.Check when the node may not act.
	ErrNoLease = errors.New("no lease")
	// ErrLost is the cause of a Hold's context that ended with the lease.
	ErrLost = errors.New("lease lost")
)

// Guard answers on an owner's node: may this node act for a symbol, and until
// when? There is one lease for all symbols of a node; each answer of the leader
// names those that it covers. All methods may be called by several goroutines.
type Guard struct {
	now func() time.Time

	mu      sync.Mutex
	sent    time.Time         // when the newest answered renewal was sent
	until   time.Time         // the lease's end
	covered map[string]uint64 // symbol to epoch
	lowest  map[string]uint64 // symbol to the lowest epoch that may yet be covered
	holds   map[*hold]struct{}
	timer   *time.Timer // wakes settle at the lease's end; nil before the first hold
}

// NewGuard returns a guard without a lease. now is the node's monotonic clock.
func NewGuard(now func() time.Time) *Guard {
	return &Guard{
		now:     now,
		covered: make(map[string]uint64),
		lowest:  make(map[string]uint64),
		holds:   make(map[*hold]struct{}),
	}
}

// Renewed takes the leader's answer to the renewal that was sent at sent, a
// reading of the guard's clock taken before sending. The lease then ends at
// sent + lease for the symbols in covered, each with its epoch, and at once for
// all others.
//
// Answers may overtake each other: one to an earlier renewal than the newest
// that was answered changes nothing. An epoch that was dropped, or that is older
// than one seen before, counts as not covered.
func (g *Guard) Renewed(sent time.Time, lease time.Duration, covered map[string]uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !sent.After(g.sent) {
		return
	}
	// What had run out before this answer is lost, also when the timer is late.
	g.settle()
	g.sent, g.until = sent, sent.Add(lease)
	clear(g.covered)
	for symbol, epoch := range covered {
		if epoch >= max(1, g.lowest[symbol]) {
			g.covered[symbol] = epoch
			g.lowest[symbol] = epoch
		}
	}
	g.settle()
}

// Drop gives the symbol up at once: no answer, not even one under way, covers
// epoch or an older one again.
func (g *Guard) Drop(symbol string, epoch uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lowest[symbol] = max(g.lowest[symbol], epoch+1)
	if g.covered[symbol] <= epoch {
		delete(g.covered, symbol)
	}
	g.settle()
}

// Until returns when the lease for the symbol ends, on the guard's clock, and
// the epoch that it covers. ok is false when there is none or it has ended.
func (g *Guard) Until(symbol string) (until time.Time, epoch uint64, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	epoch, ok = g.covered[symbol]
	if !ok || !g.now().Before(g.until) {
		return time.Time{}, 0, false
	}
	return g.until, epoch, true
}

// Left returns how long the node's lease lasts yet, whichever symbols it covers; 0
// when there is none or it has ended.
func (g *Guard) Left() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.sent.IsZero() {
		return 0
	}
	return max(g.until.Sub(g.now()), 0)
}

// Check returns nil if a request with the timestamp at may go out: the lease for
// the symbol is in force and lasts longer than at + window. at is a reading of
// the guard's clock, taken before; window is the exchange's receive window and
// the error of the exchange-clock estimate together. Otherwise the error is
// ErrNoLease with the symbol and how much time is missing.
func (g *Guard) Check(symbol string, at time.Time, window time.Duration) error {
	g.mu.Lock()
	_, ok := g.covered[symbol]
	until := g.until
	g.mu.Unlock()
	if !ok {
		return fmt.Errorf("%w for %s", ErrNoLease, symbol)
	}
	if over := g.now().Sub(until); over >= 0 {
		return fmt.Errorf("%w for %s: it ended %v ago", ErrNoLease, symbol, over)
	}
	if left := until.Sub(at); left <= window {
		return fmt.Errorf("%w for %s: it ends %v after the request's timestamp, %v short of the window %v",
			ErrNoLease, symbol, left, window-left, window)
	}
	return nil
}
