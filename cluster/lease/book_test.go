package lease_test

import (
	"maps"
	"testing"
	"time"

	"hedgehog/cluster/lease"
)

var local = lease.Local()

// wait is how long after the last renewal a symbol may be taken.
var wait = local.Lease + local.Margin

// newBook returns a book whose election is long past.
func newBook(c *clock) *lease.Book {
	b := lease.NewBook(local, c.Now)
	c.advance(time.Minute)
	return b
}

// wantFree fails unless the symbol n1 owns under epoch is free, or is not.
func wantFree(tb testing.TB, b *lease.Book, symbol string, epoch uint64, want bool) {
	tb.Helper()
	if free, at := b.Free("n1", symbol, epoch); free != want {
		tb.Errorf("%s epoch %d: free %t (at %v), want %t", symbol, epoch, free, at, want)
	}
}

func TestSymbolIsFreeWhenItsLastLeaseHasRunOut(t *testing.T) {
	c := newClock()
	b := newBook(c)
	received := c.Now()
	c.advance(100 * time.Millisecond) // the quorum's answer takes a while
	b.Grant("n1", received, epochs{"XRPETH": 1})
	b.Revoke("XRPETH", 1)
	if _, at := b.Free("n1", "XRPETH", 1); !at.Equal(received.Add(wait)) {
		t.Errorf("free at %v, want %v", at, received.Add(wait))
	}
	c.advance(wait - 100*time.Millisecond - 1)
	wantFree(t, b, "XRPETH", 1, false)
	c.advance(1)
	wantFree(t, b, "XRPETH", 1, true)
}

func TestSymbolThatIsNotRevokedIsNeverFree(t *testing.T) {
	c := newClock()
	b := newBook(c)
	b.Grant("n1", c.Now(), epochs{"XRPETH": 1})
	c.advance(time.Hour)
	wantFree(t, b, "XRPETH", 1, false)
}

func TestRevokedEpochIsNotCoveredAgain(t *testing.T) {
	c := newClock()
	b := newBook(c)
	b.Revoke("XRPETH", 2)
	owned := epochs{"XRPETH": 2, "XRPBTC": 2}
	if got, want := b.Grant("n1", c.Now(), owned), (epochs{"XRPBTC": 2}); !maps.Equal(got, want) {
		t.Errorf("covered %v, want %v", got, want)
	}
	b.Revoke("XRPETH", 1) // late news
	b.Elected()
	if got := b.Grant("n1", c.Now(), epochs{"XRPETH": 2}); len(got) > 0 {
		t.Errorf("covered %v after older news and another election, want nothing", got)
	}
	if got, want := b.Grant("n2", c.Now(), epochs{"XRPETH": 3}), (epochs{"XRPETH": 3}); !maps.Equal(got, want) {
		t.Errorf("covered %v, want the new owner's %v", got, want)
	}
}

func TestOlderRenewalDoesNotShortenTheWait(t *testing.T) {
	c := newClock()
	b := newBook(c)
	first := c.Now()
	c.advance(time.Second)
	second := c.Now()
	b.Grant("n1", second, epochs{"XRPETH": 1})
	b.Grant("n1", first, epochs{"XRPETH": 1})
	b.Revoke("XRPETH", 1)
	if _, at := b.Free("n1", "XRPETH", 1); !at.Equal(second.Add(wait)) {
		t.Errorf("free at %v, want %v", at, second.Add(wait))
	}
}

func TestReleasedSymbolIsFreeAtOnce(t *testing.T) {
	tests := []struct {
		name    string
		node    string
		epoch   uint64 // that it released; n1 owns the symbol under 3
		want    bool   // free
		covered bool   // when n1 renews again
	}{
		{"by its owner", "n1", 3, true, false},
		{"by its owner, under a later epoch", "n1", 4, true, false},
		{"by its owner, under an older epoch", "n1", 2, false, true},
		{"by another node", "n2", 3, false, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newClock()
			b := newBook(c)
			b.Grant("n1", c.Now(), epochs{"XRPETH": 3})
			b.Released(tt.node, "XRPETH", tt.epoch)
			wantFree(t, b, "XRPETH", 3, tt.want)
			_, covered := b.Grant("n1", c.Now(), epochs{"XRPETH": 3})["XRPETH"]
			if covered != tt.covered {
				t.Errorf("covered %t, want %t", covered, tt.covered)
			}
		})
	}
}

func TestRepeatedReleaseOfAnOlderEpochIsOldNews(t *testing.T) {
	c := newClock()
	b := newBook(c)
	b.Released("n1", "XRPETH", 3)
	b.Released("n1", "XRPETH", 2)
	wantFree(t, b, "XRPETH", 3, true)
}

func TestNewLeaderLetsOneLeasePass(t *testing.T) {
	for _, first := range []bool{true, false} {
		c := newClock()
		b := lease.NewBook(local, c.Now)
		if !first {
			c.advance(time.Hour)
			b.Elected()
		}
		b.Revoke("XRPETH", 1)
		c.advance(wait - 1)
		wantFree(t, b, "XRPETH", 1, false)
		c.advance(1)
		wantFree(t, b, "XRPETH", 1, true)
	}
}

func TestLeaseOfAnOlderEpochKeepsTheSymbol(t *testing.T) {
	// n1 was covered under epoch 1, got epoch 2, and has not heard of that yet.
	c := newClock()
	b := newBook(c)
	b.Grant("n1", c.Now(), epochs{"XRPETH": 1})
	b.Revoke("XRPETH", 2)
	wantFree(t, b, "XRPETH", 2, false)
	c.advance(wait)
	wantFree(t, b, "XRPETH", 2, true)
}
