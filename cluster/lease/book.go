package lease

import (
	"sync"
	"time"
)

// Book is the leader's account of the leases that it has granted. It answers:
// may a symbol be taken from its owner yet? A node keeps one Book through all
// its terms. All methods may be called by several goroutines.
type Book struct {
	timing Timing
	now    func() time.Time

	mu      sync.Mutex
	elected time.Time
	pages   map[string]*page // by symbol
}

// page is what the book knows of one symbol.
type page struct {
	received   time.Time // of the last renewal that covered it, for any node and epoch
	revoked    uint64    // this epoch and older ones are not covered any more
	releasedBy string    // the node that released last,
	released   uint64    // and the epoch that it released
}

// NewBook returns a book that lets one lease pass before it calls anything free,
// as after Elected. t has passed Validate; now is the node's monotonic clock.
func NewBook(t Timing, now func() time.Time) *Book {
	return &Book{timing: t, now: now, elected: now(), pages: make(map[string]*page)}
}

// Elected begins a term of this node as leader. Leaders before it may have
// granted leases up to this moment, so all that is not released stays taken for
// one lease and margin from now.
func (b *Book) Elected() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.elected = b.now()
}

// Grant notes that the node's renewal, received at received on the book's clock,
// is to be answered for the symbols that it owns, each with its epoch, and
// returns those that the answer may cover: not the revoked and released ones.
// The package's comment says what the caller does before.
func (b *Book) Grant(node string, received time.Time, owned map[string]uint64) (covered map[string]uint64) {
	covered = make(map[string]uint64, len(owned))
	b.mu.Lock()
	defer b.mu.Unlock()
	for symbol, epoch := range owned {
		p := b.page(symbol)
		if epoch <= p.revoked || p.releasedFrom(node, epoch) {
			continue
		}
		if received.After(p.received) {
			p.received = received
		}
		covered[symbol] = epoch
	}
	return covered
}

// Revoke ends the covering of the symbol under epoch and older ones, for good: a
// symbol that is to stay where it is after all is assigned anew, with a higher
// epoch.
func (b *Book) Revoke(symbol string, epoch uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.page(symbol)
	p.revoked = max(p.revoked, epoch)
}

// Released notes the word of the node that it does not act for the symbol any
// more under epoch or an older one.
func (b *Book) Released(node, symbol string, epoch uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.page(symbol)
	if p.releasedFrom(node, epoch) {
		return // a repeat, or older news
	}
	p.releasedBy, p.released = node, epoch
}

// Free says whether the symbol, which node owns under epoch, may be assigned
// anew: because the node released it, or because it was revoked and the last
// lease that could cover it has run out. If not, at is when it will be at the
// latest on the book's clock, if it is revoked and not covered again.
func (b *Book) Free(node, symbol string, epoch uint64) (free bool, at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	p := b.page(symbol)
	if p.releasedFrom(node, epoch) {
		return true, now
	}
	last := b.elected
	if p.received.After(last) {
		last = p.received
	}
	at = last.Add(b.timing.wait())
	return epoch <= p.revoked && !now.Before(at), at
}

// page returns the symbol's page. The caller holds mu.
func (b *Book) page(symbol string) *page {
	p := b.pages[symbol]
	if p == nil {
		p = new(page)
		b.pages[symbol] = p
	}
	return p
}

// releasedFrom says whether the node released the epoch.
func (p *page) releasedFrom(node string, epoch uint64) bool {
	return p.releasedBy == node && epoch <= p.released
}
