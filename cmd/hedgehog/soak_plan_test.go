//go:build linux

package main_test

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// faultKind is what goes wrong, as the runner's table has it.
type faultKind string

// What happens to a node's process.
const (
	killed    faultKind = "kill -9"
	paused    faultKind = "SIGSTOP"
	restarted faultKind = "SIGTERM and start"
	clockSet  faultKind = "start with a wrong clock"
	diskFull  faultKind = "disk full"
)

// What happens to a node's connections.
const (
	isolated   faultKind = "cut off from all nodes"
	deaf       faultKind = "hears no node"
	mute       faultKind = "heard by no node"
	bridged    faultKind = "cut off from one node"
	noExchange faultKind = "cut off from the exchange"
	delayed    faultKind = "slow link"
	lossy      faultKind = "lossy link"
	scrambled  faultKind = "link repeats and reorders"
)

// What happens to others than one node.
const (
	splitOff       faultKind = "minority split off"
	exchangeKilled faultKind = "exchange: kill -9"
	exchangePaused faultKind = "exchange: SIGSTOP"
	allApart       faultKind = "quorum lost: all nodes apart"
	mostKilled     faultKind = "quorum lost: majority killed"
)

// leading stands for whichever node leads when a storm begins.
const leading = -1

// storm is a number of faults that overlap. Its victims are the only nodes that
// suffer from them, and a minority, unless the quorum is to be lost.
type storm struct {
	victims []int   // numbers of nodes, from 0, or leading
	faults  []fault // by when they begin
	lost    bool    // the quorum is to be lost
}

// fault is one thing that goes wrong for a while.
type fault struct {
	kind     faultKind
	victim   int           // one of the storm's victims, by its place there; -1: none of them
	at, hold time.Duration // from the storm's beginning; how long
	link     link
	ahead    time.Duration // how wrong the clock is
	other    int           // number of the node that a bridged one can't see
}

const (
	// stormLength is when the last fault of a storm begins at the latest.
	stormLength = 12 * time.Second
	// lossEvery is after how many storms one loses the quorum.
	lossEvery = 4
)

// forecast draws storms from a seed: the same seed, the same storms.
type forecast struct {
	random *rand.Rand
	nodes  int
	drawn  int
}

func newForecast(seed uint64, nodes int) *forecast {
	return &forecast{random: rand.New(rand.NewPCG(seed, 0)), nodes: nodes}
}

// storm draws the next storm. The node of number 0 is never ended, so that it
// shows what grows with time, and that of the highest number is the one with the
// small disk.
func (f *forecast) storm() storm {
	f.drawn++
	if f.drawn%lossEvery == 0 {
		return f.loss()
	}
	var s storm
	numbers := f.random.Perm(f.nodes)
	for range 1 + f.random.IntN((f.nodes-1)/2) {
		s.victims = append(s.victims, numbers[len(s.victims)])
	}
	if len(s.victims) == 1 && f.random.IntN(2) == 0 {
		s.victims[0] = leading
	}
	for v := range s.victims {
		s.faults = append(s.faults, f.track(v, func() fault { return f.processFault(s.victims[v]) })...)
		s.faults = append(s.faults, f.track(v, func() fault { return f.networkFault(s.victims[v], len(s.victims)) })...)
	}
	if f.random.IntN(3) == 0 {
		kind := []faultKind{exchangeKilled, exchangePaused}[f.random.IntN(2)]
		s.faults = append(s.faults, fault{kind: kind, victim: -1, at: f.between(0, stormLength), hold: f.between(500*time.Millisecond, 5*time.Second)})
	}
	slices.SortStableFunc(s.faults, func(a, b fault) int { return cmp.Compare(a.at, b.at) })
	return s
}

// loss draws a storm that takes the quorum away once.
func (f *forecast) loss() storm {
	s := storm{lost: true}
	kind := []faultKind{allApart, mostKilled}[f.random.IntN(2)]
	for n := (f.nodes - 1) / 2; n < f.nodes; n++ {
		s.victims = append(s.victims, n)
	}
	s.faults = []fault{{kind: kind, victim: -1, hold: f.between(2*time.Second, 6*time.Second)}}
	return s
}

// track draws faults of one victim that follow each other.
func (f *forecast) track(victim int, draw func() fault) []fault {
	var faults []fault
	for at := f.between(0, 2*time.Second); at < stormLength; {
		next := draw()
		next.victim, next.at = victim, at
		faults = append(faults, next)
		at += next.hold + f.between(500*time.Millisecond, 2500*time.Millisecond)
	}
	return faults
}

func (f *forecast) processFault(node int) fault {
	kinds := []faultKind{killed, killed, paused, paused, restarted, clockSet}
	switch node {
	case 0:
		kinds = []faultKind{paused}
	case f.nodes - 1:
		kinds = append(kinds, diskFull)
	}
	d := fault{kind: kinds[f.random.IntN(len(kinds))]}
	switch d.kind {
	case killed:
		d.hold = f.between(100*time.Millisecond, 4*time.Second)
	case paused:
		d.hold = f.between(500*time.Millisecond, 10*time.Second)
	case restarted:
		d.hold = f.between(500*time.Millisecond, 4*time.Second)
	case clockSet:
		d.hold = f.between(500*time.Millisecond, 2*time.Second)
		d.ahead = f.between(-10*time.Minute, 10*time.Minute).Round(time.Millisecond)
	case diskFull:
		d.hold = f.between(2*time.Second, 6*time.Second)
	}
	return d
}

func (f *forecast) networkFault(node, victims int) fault {
	kinds := []faultKind{isolated, deaf, mute, bridged, noExchange, delayed, lossy, scrambled}
	if victims > 1 {
		kinds = append(kinds, splitOff)
	}
	d := fault{kind: kinds[f.random.IntN(len(kinds))], hold: f.between(500*time.Millisecond, 5*time.Second)}
	switch d.kind {
	case bridged:
		d.other = f.random.IntN(f.nodes - 1)
		if d.other >= node {
			d.other++ // itself it has to see
		}
	case delayed:
		d.link.delay = f.between(10*time.Millisecond, 200*time.Millisecond)
		d.link.jitter = d.link.delay / 4
	case lossy:
		d.link.loss = 0.01 + 0.19*f.random.Float64()
	case scrambled:
		d.link.duplicate, d.link.late = 0.2*f.random.Float64(), 0.2*f.random.Float64()
	}
	return d
}

func (f *forecast) between(low, high time.Duration) time.Duration {
	return low + time.Duration(f.random.Int64N(int64(high-low)))
}

// ofProcess says whether the fault is one of a process: two of them can't happen
// to one node at the same time.
func (d fault) ofProcess() bool {
	return slices.Contains([]faultKind{killed, paused, restarted, clockSet, diskFull}, d.kind)
}

func TestStormsHitAMinorityUnlessTheyAreToTakeTheQuorum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed, nodes := rapid.Uint64().Draw(t, "seed"), rapid.SampledFrom([]int{3, 5}).Draw(t, "nodes")
		f, again := newForecast(seed, nodes), newForecast(seed, nodes)
		kinds := make(map[faultKind]bool)
		for range 2 * lossEvery {
			s := f.storm()
			if other := again.storm(); !slices.Equal(s.faults, other.faults) || !slices.Equal(s.victims, other.victims) {
				t.Fatalf("the same seed gives %+v and %+v", s, other)
			}
			if minority := (nodes - 1) / 2; (len(s.victims) > minority) != s.lost {
				t.Fatalf("victims %v of %d nodes, quorum to be lost: %t", s.victims, nodes, s.lost)
			}
			ends := make(map[int]time.Duration) // of the latest process fault, by victim
			for i, d := range s.faults {
				kinds[d.kind] = true
				if i > 0 && d.at < s.faults[i-1].at {
					t.Fatalf("faults out of order: %+v", s.faults)
				}
				if d.ofProcess() && d.kind != paused && s.victims[d.victim] == 0 {
					t.Fatalf("the first node is ended: %+v", d)
				}
				if !d.ofProcess() {
					continue
				}
				if d.at < ends[d.victim] {
					t.Fatalf("%+v begins before the fault before it ends", d)
				}
				ends[d.victim] = d.at + d.hold
			}
		}
		if len(kinds) < 4 {
			t.Fatalf("only the kinds %v in %d storms", kinds, 2*lossEvery)
		}
	})
}
