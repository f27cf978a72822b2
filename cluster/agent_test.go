package cluster_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hedgehog/cluster"
	"hedgehog/cluster/lease"
)

// rig is one agent, with a leader and parts that do what the test says. It lives
// on the clock of a synctest bubble.
type rig struct {
	agent  *cluster.Agent
	guard  *lease.Guard
	timing lease.Timing

	mu       sync.Mutex
	state    *cluster.State
	renewals []cluster.Renewal
	asking   int           // renewals under way
	most     int           // at the same time
	delay    time.Duration // of an answer
	silent   bool          // the leader does not answer
	revoked  map[string]uint64
	roles    map[string]cluster.Role
	acts     bool // the parts act, whatever they are told
	changed  chan struct{}
}

// newRig returns the rig of the agent of n1, which owns C at epoch 3 and is to
// get F, which n2 owns.
func newRig() *rig {
	b := &rig{timing: lease.Local(), guard: lease.NewGuard(time.Now), changed: make(chan struct{}, 1)}
	b.state = &cluster.State{Assignments: map[string]cluster.Assignment{
		"C": {Symbol: "C", Node: "n1", Run: 1, Epoch: 3},
		"F": {Symbol: "F", Node: "n2", Run: 2, Epoch: 5, Next: "n1"},
	}}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	c := cluster.AgentConfig{Node: "n1", Run: 1, Timing: b.timing, Now: time.Now}
	b.agent = cluster.NewAgent(c, b, b.read, b.guard, b, log)
	return b
}

// run runs the agent; end ends it, and returns how long that took.
func (b *rig) run() (end func() time.Duration) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = b.agent.Run(ctx) // it ends by ctx
	}()
	return sync.OnceValue(func() time.Duration {
		began := time.Now()
		cancel()
		<-done
		return time.Since(began)
	})
}

func (b *rig) read() *cluster.State {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state
}

// Renew covers what the state gives to the node and is not revoked.
func (b *rig) Renew(ctx context.Context, r cluster.Renewal) (cluster.Grant, error) {
	b.mu.Lock()
	b.renewals = append(b.renewals, r)
	b.asking++
	b.most = max(b.most, b.asking)
	delay, silent := b.delay, b.silent
	b.mu.Unlock()
	if silent {
		<-ctx.Done()
	} else {
		time.Sleep(delay)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asking--
	if silent {
		return cluster.Grant{}, ctx.Err()
	}
	g := cluster.Grant{Term: 1, Covered: make(map[string]uint64), Revoked: b.revoked}
	for symbol, a := range b.state.Assignments {
		if a.Node == r.Node && b.revoked[symbol] != a.Epoch {
			g.Covered[symbol] = a.Epoch
		}
	}
	return g, nil
}

func (b *rig) Want(roles map[string]cluster.Role) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.roles = roles
}

func (b *rig) Follows(string) bool { return true }

func (b *rig) Acts(symbol string, _ uint64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.acts || b.roles[symbol].Act
}

func (b *rig) Changed() <-chan struct{} { return b.changed }

// set changes what the others do.
func (b *rig) set(do func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	do()
}

// role is what the parts were told last.
func (b *rig) role(symbol string) cluster.Role {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.roles[symbol]
}

// since returns the renewals after the first n, and how many there are.
func (b *rig) since(n int) ([]cluster.Renewal, int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.renewals[n:], len(b.renewals)
}

func onRig(t *testing.T, test func(t *testing.T, b *rig, end func() time.Duration)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := newRig()
		end := b.run()
		defer end()
		time.Sleep(time.Second)
		test(t, b, end)
	})
}

func TestAnAgentGivesPartsTheirRoles(t *testing.T) {
	onRig(t, func(t *testing.T, b *rig, _ func() time.Duration) {
		want := cluster.Role{Symbol: "C", Epoch: 3, Owner: true, Act: true}
		if got := b.role("C"); got != want {
			t.Errorf("role %+v, want %+v", got, want)
		}
		want = cluster.Role{Symbol: "F", Epoch: 5}
		if got := b.role("F"); got != want {
			t.Errorf("role %+v, want %+v", got, want)
		}
	})
}

func TestPartsThatChangeOftenDoNotMakeAnAgentRenewOften(t *testing.T) {
	onRig(t, func(t *testing.T, b *rig, _ func() time.Duration) {
		for _, revoked := range []map[string]uint64{nil, {"C": 3}} {
			b.set(func() { b.revoked = revoked })
			time.Sleep(time.Second)
			_, before := b.since(0)
			for range 1000 {
				b.changed <- struct{}{}
				b.agent.Wake()
				time.Sleep(time.Millisecond)
			}
			if _, after := b.since(0); after-before > 5 {
				t.Errorf("%d renewals in a second with %v revoked, want one each %v", after-before, revoked, b.timing.Renew)
			}
		}
	})
}

func TestReadinessIsToldToEveryLeader(t *testing.T) {
	onRig(t, func(t *testing.T, b *rig, _ func() time.Duration) {
		_, before := b.since(0)
		time.Sleep(time.Second)
		after, _ := b.since(before)
		for _, r := range after {
			if len(r.Ready) != 1 || r.Ready[0] != "F" {
				t.Errorf("renewal %+v, want F ready", r)
			}
		}
	})
}

func TestAReleaseIsToldAtOnceAndUntilTheSymbolIsAssignedAnew(t *testing.T) {
	onRig(t, func(t *testing.T, b *rig, _ func() time.Duration) {
		b.set(func() { b.revoked = map[string]uint64{"C": 3} })
		time.Sleep(b.timing.Renew + time.Millisecond)
		told, n := b.since(0)
		if last := told[n-1]; last.Released["C"] != 3 {
			t.Errorf("renewal %+v, want C released with the next renewal at once", last)
		}
		b.set(func() { b.revoked = nil }) // by another leader, who does not know
		time.Sleep(time.Second)
		after, _ := b.since(n)
		for _, r := range after {
			if r.Released["C"] != 3 {
				t.Errorf("renewal %+v, want C released", r)
			}
		}
		if b.role("C").Act {
			t.Error("acts for C under an epoch that it has released")
		}
		b.set(func() {
			b.state = &cluster.State{Assignments: map[string]cluster.Assignment{"C": {Symbol: "C", Node: "n1", Run: 1, Epoch: 4}}}
		})
		b.agent.Wake()
		time.Sleep(time.Millisecond)
		if !b.role("C").Act {
			t.Error("does not act for C when it is assigned anew")
		}
		if after, _ = b.since(len(told) + len(after)); len(after) == 0 || len(after[len(after)-1].Released) > 0 {
			t.Errorf("renewals %+v, want one that releases nothing", after)
		}
	})
}

func TestALeaseThatReturnsLetsPartsActAgain(t *testing.T) {
	onRig(t, func(t *testing.T, b *rig, _ func() time.Duration) {
		b.set(func() { b.silent = true })
		time.Sleep(b.timing.Lease + 3*b.timing.Renew)
		if b.role("C").Act {
			t.Error("acts without a lease")
		}
		b.set(func() { b.silent = false })
		time.Sleep(3 * b.timing.Renew)
		if !b.role("C").Act {
			t.Error("does not act with a lease")
		}
	})
}

func TestRenewalsDoNotOverlap(t *testing.T) {
	onRig(t, func(t *testing.T, b *rig, end func() time.Duration) {
		b.set(func() { b.delay = 2*b.timing.Renew - time.Millisecond })
		for range 100 {
			b.agent.Wake()
			time.Sleep(50 * time.Millisecond)
		}
		end()
		if b.most != 1 {
			t.Errorf("%d renewals at the same time", b.most)
		}
	})
}

func TestAnAgentThatEndsReleasesWhatItOwns(t *testing.T) {
	onRig(t, func(t *testing.T, b *rig, end func() time.Duration) {
		if took := end(); took > 10*time.Millisecond {
			t.Errorf("took %v", took)
		}
		all, n := b.since(0)
		if last := all[n-1]; !last.Leaving || last.Released["C"] != 3 {
			t.Errorf("last word is %+v, want a good-bye that releases C", last)
		}
		if err := b.guard.Check("C", time.Now(), 0); !errors.Is(err, lease.ErrNoLease) {
			t.Errorf("check %v, want ErrNoLease", err)
		}
	})
}

func TestAnAgentThatEndsIsHeardAfterAll(t *testing.T) {
	onRig(t, func(t *testing.T, b *rig, end func() time.Duration) {
		b.set(func() { b.silent = true })
		time.AfterFunc(b.timing.Renew, func() { b.set(func() { b.silent = false }) })
		end()
		all, n := b.since(0)
		if last := all[n-1]; !last.Leaving || !all[n-2].Leaving || last.Released["C"] != 3 {
			t.Errorf("last words are %+v, want two good-byes that release C", all[n-2:])
		}
	})
}

func TestAnAgentEndsWithinALease(t *testing.T) {
	for name, trouble := range map[string]func(b *rig){
		"when parts do not stop":          func(b *rig) { b.acts = true },
		"when the leader does not answer": func(b *rig) { b.silent = true },
	} {
		t.Run(name, func(t *testing.T) {
			onRig(t, func(t *testing.T, b *rig, end func() time.Duration) {
				b.set(func() { trouble(b) })
				if took := end(); took > b.timing.Lease {
					t.Errorf("took %v, want at most %v", took, b.timing.Lease)
				}
				all, n := b.since(0)
				if b.acts && all[n-1].Leaving {
					t.Errorf("%+v releases while parts act", all[n-1])
				}
			})
		})
	}
}
