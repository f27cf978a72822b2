package cluster_test

import (
	"testing"
	"testing/synctest"
	"time"
)

const troubled = 15 * time.Second // how long things go wrong

// outcome is what came of a world.
type outcome struct {
	violation                          string
	orders, moves, handOvers, releases int
	trace                              uint64
}

// live runs a world from its seed: things go wrong, then they stop going wrong.
func live(t *testing.T, seed uint64, broken promise) (o outcome) {
	synctest.Test(t, func(*testing.T) {
		nodes, deposes := 3+int(seed%3), seed%4 == 3
		if deposes {
			nodes = 5 // of whom two may be cut off
		}
		w := newWorld(seed, nodes, broken)
		defer w.end()
		w.mu.Lock()
		w.rough = true
		w.mu.Unlock()
		w.disturb(w.dice("disturbances"), deposes)
		w.operate(w.dice("operator"), troubled)
		time.Sleep(troubled)
		w.heal()
		time.Sleep(2 * w.timing.Lease) // what was under way has arrived
		healed := w.now()
		time.Sleep(3 * w.timing.Lease)
		w.judge.quick(healed)
		time.Sleep(patience + 2*w.timing.Lease)
		w.judge.settled()
		o = w.outcome()
	})
	return o
}

// calm runs a world where nobody fails, only operators change their minds.
func calm(t *testing.T, seed uint64) (o outcome) {
	synctest.Test(t, func(*testing.T) {
		w := newWorld(seed, 3+int(seed%3), keepsAll)
		defer w.end()
		w.mu.Lock()
		w.judge.smooth = true
		w.mu.Unlock()
		time.Sleep(3 * w.timing.Lease)
		w.operate(w.dice("operator"), troubled)
		time.Sleep(troubled + patience + 2*w.timing.Lease)
		w.judge.settled()
		o = w.outcome()
	})
	return o
}

func (w *world) outcome() outcome {
	w.mu.Lock()
	defer w.mu.Unlock()
	j := w.judge
	return outcome{j.violation, j.orders, j.moves, j.handOvers, j.releases, j.trace.Sum64()}
}

func TestTheClusterKeepsItsPromisesWhateverGoesWrong(t *testing.T) {
	var orders, moves, handOvers, releases int
	for seed := range uint64(seeds) {
		o := live(t, seed, keepsAll)
		if o.violation != "" {
			t.Fatalf("seed %d: %s", seed, o.violation)
		}
		orders, moves, handOvers, releases = orders+o.orders, moves+o.moves, handOvers+o.handOvers, releases+o.releases
	}
	t.Logf("%d worlds: %d orders, %d changes of owners, %d of them announced, %d releases", seeds, orders, moves, handOvers, releases)
	if orders < 100*seeds || moves < 10*seeds || handOvers < seeds || releases < seeds {
		t.Error("too little happened to tell anything")
	}
}

func TestASymbolIsHandedToANodeThatFollowsIt(t *testing.T) {
	handOvers := 0
	for seed := range uint64(seeds / 4) {
		o := calm(t, seed)
		if o.violation != "" {
			t.Fatalf("seed %d: %s", seed, o.violation)
		}
		handOvers += o.handOvers
	}
	t.Logf("%d worlds: %d hand-overs", seeds/4, handOvers)
	if handOvers < seeds {
		t.Error("too little happened to tell anything")
	}
}

func TestAWorldFollowsFromItsSeed(t *testing.T) {
	for seed := range uint64(8) {
		if first, again := live(t, seed, keepsAll), live(t, seed, keepsAll); first != again {
			t.Errorf("seed %d: %+v, then %+v", seed, first, again)
		}
	}
}
