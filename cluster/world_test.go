package cluster_test

import (
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"hedgehog/cluster"
	"hedgehog/cluster/lease"
)

// world is a cluster and an exchange on the virtual clock of a synctest bubble,
// which is the real time that only the world knows. The nodes run the true
// Controller and Agent, with clocks of their own. What they reach of the outside
// is the world's: Raft, gossip, the calls between nodes, the parts of a symbol.
// There a node can be stopped, cut off or killed.
//
// Whoever makes choices has dice of his own, and no two delays are alike: so a
// world follows from its seed however goroutines are scheduled.
type world struct {
	seed   uint64
	broken promise
	timing lease.Timing
	began  time.Time
	log    *slog.Logger
	nodes  []*node
	judge  *judge

	mu      sync.Mutex // guards what follows, and the fields of nodes and lives
	rough   bool       // messages get lost, late and doubled
	over    bool
	runs    int64
	states  []*cluster.State // the replicated state after each committed change
	leader  *life            // whom a quorum would confirm
	term    uint64
	flights []*flight // proposals on their way
}

// promise is one that the world, or what it stands for, can be told to break: the
// judge has to see it.
type promise string

const (
	keepsAll       promise = ""
	quorumConfirms promise = "a quorum confirms the leader"
	barrierWaits   promise = "a barrier waits for what was committed before"
	assignsInTerm  promise = "assignments are committed in the term of the leader who decided on them"
	actsHonest     promise = "parts say that they act as long as a request may be accepted"
	ordersGuarded  promise = "an order passes the guard"
)

// Three leases after faults have stopped everything that is assigned is traded.
// Another patience and two leases later everything is where it belongs.
const (
	patience  = 2 * time.Second
	clockRoom = 50 * time.Millisecond // error of the nodes' estimates of the exchange's clock
)

// traded are the symbols that a world begins with.
var traded = []string{"ADAETH", "BNBETH", "LTCETH", "NEOETH", "TRXETH", "XLMETH", "XRPETH"}

func newWorld(seed uint64, nodes int, broken promise) *world {
	w := &world{
		seed: seed, broken: broken, timing: lease.Local(), began: time.Now(),
		log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	w.judge = newJudge(w)
	first := &cluster.State{Members: map[string]cluster.Member{}, Symbols: map[string]cluster.Symbol{}, Assignments: map[string]cluster.Assignment{}}
	for _, s := range traded {
		first.Symbols[s] = cluster.Symbol{Name: s, Assigned: true, Weight: 1}
	}
	w.states = []*cluster.State{first}
	d := w.dice("clocks")
	for i := range nodes {
		n := &node{w: w, name: fmt.Sprintf("n%d", i+1), offset: d.between(0, time.Hour), rate: int64(d.IntN(3)-1) * lease.MaxDrift}
		w.nodes = append(w.nodes, n)
	}
	for _, n := range w.nodes {
		n.start()
	}
	w.after(w.dice("first election").between(time.Millisecond, 10*time.Millisecond), func() { w.elect(w.nodes[0]) })
	w.keepLeader(w.dice("elections"))
	return w
}

// now is the real time since the beginning.
func (w *world) now() time.Duration { return time.Since(w.began) }

// after does something when d has passed, unless the world has ended.
func (w *world) after(d time.Duration, do func()) {
	time.AfterFunc(d, func() {
		w.mu.Lock()
		over := w.over
		w.mu.Unlock()
		if !over {
			do()
		}
	})
}

// end kills all nodes and waits for their goroutines.
func (w *world) end() {
	w.mu.Lock()
	w.over = true
	w.mu.Unlock()
	for _, n := range w.nodes {
		n.kill()
	}
}

// state is the newest replicated state. The caller holds mu.
func (w *world) state() *cluster.State { return w.states[len(w.states)-1] }

// dice are one actor's choices.
type dice struct {
	mu     sync.Mutex
	random *rand.Rand
}

func (w *world) dice(actor string) *dice {
	h := fnv.New64a()
	_, _ = h.Write([]byte(actor))
	return &dice{random: rand.New(rand.NewPCG(w.seed, h.Sum64()))}
}

func (d *dice) IntN(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.random.IntN(n)
}

// once is true one time in n.
func (d *dice) once(n int) bool { return d.IntN(n) == 0 }

func (d *dice) between(least, most time.Duration) time.Duration {
	return least + time.Duration(d.IntN(int(most-least)))
}

// way is how long a message takes. In rough times one in twenty is lost, and one
// in twenty takes up to two leases.
func (w *world) way(d *dice) (delay time.Duration, lost bool) {
	rough := w.isRough()
	delay = d.between(50*time.Microsecond, 3*time.Millisecond)
	switch n := d.IntN(40); {
	case !rough || n > 3:
		return delay, false
	case n > 1:
		return d.between(0, 2*w.timing.Lease), false
	default:
		return delay, true
	}
}

func (w *world) isRough() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rough
}
