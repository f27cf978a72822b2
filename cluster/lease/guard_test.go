package lease_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"hedgehog/cluster/lease"
)

const (
	term   = time.Second
	window = 400 * time.Millisecond
)

func TestLeaseCountsFromSending(t *testing.T) {
	c := newClock()
	g := lease.NewGuard(c.Now)
	sent := c.Now()
	c.advance(700 * time.Millisecond) // the answer's way
	g.Renewed(sent, term, epochs{"XRPETH": 3})
	until, epoch, ok := g.Until("XRPETH")
	if want := sent.Add(term); !ok || epoch != 3 || !until.Equal(want) {
		t.Errorf("got %v, epoch %d, %t; want %v, epoch 3", until, epoch, ok, want)
	}
}

func TestAnswerThatComesAfterItsLeaseGivesNone(t *testing.T) {
	c := newClock()
	g := lease.NewGuard(c.Now)
	sent := c.Now()
	c.advance(term)
	g.Renewed(sent, term, epochs{"XRPETH": 3})
	if _, _, ok := g.Until("XRPETH"); ok {
		t.Error("there is a lease after it ended")
	}
}

func TestLeftIsTheTimeToTheLeasesEndWhateverItCovers(t *testing.T) {
	c := newClock()
	g := lease.NewGuard(c.Now)
	if left := g.Left(); left != 0 {
		t.Errorf("%v are left before the first renewal", left)
	}
	g.Renewed(c.Now(), term, nil)
	for _, want := range []time.Duration{term, 300 * time.Millisecond, 0} {
		if left := g.Left(); left != want {
			t.Errorf("%v are left, want %v", left, want)
		}
		c.advance(700 * time.Millisecond)
	}
}

func TestCheckWantsTheWholeWindowWithinTheLease(t *testing.T) {
	tests := []struct {
		name   string
		symbol string
		at     time.Duration // the request's timestamp, after the renewal was sent
		now    time.Duration // when it is checked
		want   string        // in the error; empty: allowed
	}{
		{"at once", "XRPETH", 0, 0, ""},
		{"the window ends before the lease", "XRPETH", 599 * time.Millisecond, 599 * time.Millisecond, ""},
		{"the window ends with the lease", "XRPETH", 600 * time.Millisecond, 600 * time.Millisecond, "0s short"},
		{"the window ends after the lease", "XRPETH", 750 * time.Millisecond, 750 * time.Millisecond, "150ms short"},
		{"checked late in the lease", "XRPETH", 0, 999 * time.Millisecond, ""},
		{"checked when the lease has ended", "XRPETH", 0, 1500 * time.Millisecond, "ended 500ms ago"},
		{"another symbol", "XRPBTC", 0, 0, "no lease for XRPBTC"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newClock()
			g := lease.NewGuard(c.Now)
			sent := c.Now()
			g.Renewed(sent, term, epochs{"XRPETH": 1})
			c.advance(tt.now)
			err := g.Check(tt.symbol, sent.Add(tt.at), window)
			if tt.want == "" {
				if err != nil {
					t.Errorf("got %v, want it allowed", err)
				}
				return
			}
			if !errors.Is(err, lease.ErrNoLease) || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), tt.symbol) {
				t.Errorf("got %v, want ErrNoLease with %q", err, tt.want)
			}
		})
	}
}

func TestOvertakenAnswerChangesNothing(t *testing.T) {
	c := newClock()
	g := lease.NewGuard(c.Now)
	first := c.Now()
	second := first.Add(250 * time.Millisecond)
	c.advance(300 * time.Millisecond)
	g.Renewed(second, term, epochs{"XRPETH": 1})
	g.Renewed(first, term, epochs{"XRPBTC": 1})
	if until, _, ok := g.Until("XRPETH"); !ok || !until.Equal(second.Add(term)) {
		t.Errorf("XRPETH: got %v, %t; want the newer answer's %v", until, ok, second.Add(term))
	}
	if _, _, ok := g.Until("XRPBTC"); ok {
		t.Error("XRPBTC is covered by the older answer")
	}
}

func TestSymbolThatIsNotCoveredIsLostAtOnce(t *testing.T) {
	c := newClock()
	g := lease.NewGuard(c.Now)
	g.Renewed(c.Now(), term, epochs{"XRPETH": 1, "XRPBTC": 1})
	c.advance(time.Millisecond)
	g.Renewed(c.Now(), term, epochs{"XRPBTC": 1})
	if err := g.Check("XRPETH", c.Now(), window); !errors.Is(err, lease.ErrNoLease) {
		t.Errorf("XRPETH: got %v, want ErrNoLease", err)
	}
	if err := g.Check("XRPBTC", c.Now(), window); err != nil {
		t.Errorf("XRPBTC: %v", err)
	}
}

func TestDroppedEpochIsNotTakenUpAgain(t *testing.T) {
	tests := []struct {
		name     string
		before   epochs // covered before the drop of epoch 4
		after    epochs // and by an answer after it
		wantNow  bool   // held right after the drop
		wantThen bool   // and after the answer
	}{
		{"the same epoch", epochs{"XRPETH": 4}, epochs{"XRPETH": 4}, false, false},
		{"an older epoch", epochs{"XRPETH": 3}, epochs{"XRPETH": 3}, false, false},
		{"not yet covered", nil, epochs{"XRPETH": 4}, false, false},
		{"a newer epoch", epochs{"XRPETH": 4}, epochs{"XRPETH": 5}, false, true},
		{"a newer epoch was covered before", epochs{"XRPETH": 5}, epochs{"XRPETH": 5}, true, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newClock()
			g := lease.NewGuard(c.Now)
			g.Renewed(c.Now(), term, tt.before)
			g.Drop("XRPETH", 4)
			if _, _, ok := g.Until("XRPETH"); ok != tt.wantNow {
				t.Errorf("after the drop: held %t, want %t", ok, tt.wantNow)
			}
			c.advance(time.Millisecond)
			g.Renewed(c.Now(), term, tt.after)
			if _, _, ok := g.Until("XRPETH"); ok != tt.wantThen {
				t.Errorf("after the next answer: held %t, want %t", ok, tt.wantThen)
			}
		})
	}
}

func TestEpochsNeverGoBack(t *testing.T) {
	c := newClock()
	g := lease.NewGuard(c.Now)
	g.Renewed(c.Now(), term, epochs{"XRPETH": 5})
	c.advance(time.Millisecond)
	g.Renewed(c.Now(), term, epochs{"XRPETH": 4})
	if _, epoch, ok := g.Until("XRPETH"); ok {
		t.Errorf("epoch %d is held after epoch 5", epoch)
	}
}

func TestGuardKeepsNoMapOfTheCaller(t *testing.T) {
	c := newClock()
	g := lease.NewGuard(c.Now)
	covered := epochs{"XRPETH": 1}
	g.Renewed(c.Now(), term, covered)
	covered["XRPBTC"] = 1
	if _, _, ok := g.Until("XRPBTC"); ok {
		t.Error("a symbol came to be covered by a change of the caller's map")
	}
}
