package lease_test

import (
	"container/heap"
	"fmt"
	"time"

	"hedgehog/cluster/lease"
)

// world is a cluster and an exchange in one goroutine, in real time that only
// the world knows: the nodes have clocks of their own, with rates that differ.
// Messages take any time, overtake each other and get lost; nodes stand still at
// any point of their work, or are cut off from each other but not from the
// exchange; leaders are deposed and do not know it.
type world struct {
	pick   picker
	broken rule // the one rule that this world does not keep
	timing lease.Timing

	now    time.Duration // real time since the start
	queue  events
	placed int // events so far, so that those of one moment keep their order

	nodes     []*node
	leader    *node // the one that a quorum would confirm
	term      uint64
	owners    map[string]assignment // the replicated state
	proposals []proposal            // sent out by leaders, not yet committed
	lastEpoch map[string]uint64     // the highest under which the exchange took an order

	// clockError is the bound of the nodes' estimates of the exchange's clock.
	clockError time.Duration

	takeovers, orders, refused int
	violation                  string // what promise was broken first
}

// picker chooses a number from least to most.
type picker func(what string, least, most int64) int64

// rule is a rule of the package's comment that a world can be told to break.
type rule string

const (
	keepsAll         rule = ""
	countFromSending rule = "the owner's lease counts from sending"
	waitElection     rule = "a new leader lets one lease pass"
	verify           rule = "the leader verifies after receipt"
	verifyTerm       rule = "the leader acts in the term of its Elected only"
	answerGranted    rule = "the answer covers what Grant returned"
	askFree          rule = "a symbol is taken when it is free"
	waitForRequests  rule = "a release waits for requests under way"
	checkOrders      rule = "an order passes the guard"
	checkWindow      rule = "the guard is asked for the whole window"
)

// traded are the symbols of a world.
var traded = []string{"XRPETH", "XRPBTC"}

type assignment struct {
	node  *node
	epoch uint64
}

type proposal struct {
	by     *node
	term   uint64
	symbol string
	epoch  uint64 // expected
	to     *node
}

type node struct {
	name   string
	offset time.Duration
	rate   int64         // of its clock, in parts per million of real time
	paused time.Duration // it stands still until then, in real time
	cut    time.Duration // and is cut off from the others
	guard  *lease.Guard
	book   *lease.Book
	leads  uint64 // the term that it believes to lead; 0 for none
	// busy says until when, by the node's clock, a request may be under way.
	busy map[string]time.Time
}

func (w *world) clock(n *node) time.Time {
	return time.Unix(0, 0).Add(n.offset + w.now + w.now*time.Duration(n.rate)/1e6)
}

// event is work of a node, or of nobody: it waits while its node stands still.
type event struct {
	at    time.Duration
	order int
	node  *node
	do    func()
}

type events []event

func (q events) Len() int { return len(q) }
func (q events) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].order < q[j].order
}
func (q events) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *events) Push(e any)   { *q = append(*q, e.(event)) }
func (q *events) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

// after has n do something when d has passed.
func (w *world) after(d time.Duration, n *node, do func()) {
	w.placed++
	heap.Push(&w.queue, event{at: w.now + d, order: w.placed, node: n, do: do})
}

// soon has n do something after a delay that is short as a rule, and sometimes
// longer than a lease.
func (w *world) soon(what string, n *node, do func()) {
	ms := w.pick(what, 0, 20)
	if ms >= 18 {
		ms = w.pick(what+", slow", 20, 2*wait.Milliseconds())
	}
	w.after(time.Duration(ms)*time.Millisecond, n, do)
}

// send has a message reach its receiver, unless one of the two is cut off.
func (w *world) send(what string, from, to *node, deliver func()) {
	if from == to || from.cut <= w.now && to.cut <= w.now {
		w.soon(what, to, deliver)
	}
}

func newWorld(pick picker, broken rule) *world {
	w := &world{
		pick: pick, broken: broken, timing: local,
		owners: make(map[string]assignment), lastEpoch: make(map[string]uint64),
		clockError: time.Duration(pick("clock error", 2, 300)) * time.Millisecond,
	}
	for i := range 3 {
		n := &node{
			name:   fmt.Sprintf("n%d", i+1),
			offset: time.Duration(pick("clock", 0, 1e6)) * time.Second,
			rate:   pick("rate", -1, 1) * lease.MaxDrift,
			busy:   make(map[string]time.Time),
		}
		now := func() time.Time { return w.clock(n) }
		n.guard, n.book = lease.NewGuard(now), lease.NewBook(w.timing, now)
		w.nodes = append(w.nodes, n)
		w.renew(n)
		w.trade(n)
		w.plan(n)
	}
	for _, s := range traded {
		w.owners[s] = assignment{node: w.anyNode(), epoch: 1}
	}
	w.elect()
	w.disturb()
	return w
}

// run lets the time pass until a promise is broken or the time is up.
func (w *world) run(length time.Duration) {
	for len(w.queue) > 0 && w.violation == "" {
		e := heap.Pop(&w.queue).(event)
		if e.at > length {
			return
		}
		w.now = e.at
		if e.node != nil && e.node.paused > w.now {
			w.after(e.node.paused-w.now, e.node, e.do)
			continue
		}
		e.do()
	}
}

func (w *world) anySymbol() string { return traded[w.pick("symbol", 0, int64(len(traded)-1))] }

func (w *world) anyNode() *node { return w.nodes[w.pick("node", 0, int64(len(w.nodes)-1))] }

// chance is true once in n times.
func (w *world) chance(what string, n int64) bool { return w.pick(what, 1, n) == 1 }

// disturb stops a node, cuts one off or elects another leader, again and again.
func (w *world) disturb() {
	w.after(time.Duration(w.pick("calm", 200, 3000))*time.Millisecond, nil, func() {
		n, until := w.anyNode(), w.now+time.Duration(w.pick("trouble", 100, 5000))*time.Millisecond
		switch w.pick("disturbance", 1, 3) {
		case 1:
			n.paused = until
		case 2:
			n.cut = until
		}
		if w.leader.cut > w.now || w.leader.paused > w.now || w.chance("election", 3) {
			w.elect()
		}
		w.disturb()
	})
}

// elect makes some node the leader. Each proposal of the leader before it is in
// the new one's log, and so committed, or lost. Nodes learn of it some time later.
func (w *world) elect() {
	n := w.anyNode()
	if n.paused > w.now || n.cut > w.now {
		return
	}
	for _, p := range w.proposals {
		if w.chance("kept", 2) {
			w.commit(p)
		}
	}
	w.proposals = nil
	w.leader, w.term = n, w.term+1
	term := w.term
	w.soon("elected", n, func() {
		if w.term != term {
			return
		}
		if w.broken != waitElection {
			n.book.Elected()
		}
		n.leads = term
	})
}

// propose sends out a leader's proposal. It is committed if the leader has the
// quorum of its term at some later moment; that of a deposed leader gets nowhere.
func (w *world) propose(p proposal) {
	if !w.confirms(p.by, p.term) {
		return
	}
	w.proposals = append(w.proposals, p)
	w.soon("commit", nil, func() {
		for i, waiting := range w.proposals {
			if waiting == p && w.confirms(p.by, p.term) {
				w.proposals = append(w.proposals[:i], w.proposals[i+1:]...)
				w.commit(p)
				return
			}
		}
	})
}

func (w *world) commit(p proposal) {
	if w.owners[p.symbol].epoch == p.epoch {
		w.owners[p.symbol] = assignment{node: p.to, epoch: p.epoch + 1}
	}
}

// confirms says whether a quorum confirms the node's leadership in the term.
func (w *world) confirms(n *node, term uint64) bool {
	return w.leader == n && n.cut <= w.now && (w.term == term || w.broken == verifyTerm)
}

// violated notes the first promise that was broken.
func (w *world) violated(format string, args ...any) {
	if w.violation == "" {
		w.violation = fmt.Sprintf("after %v: ", w.now) + fmt.Sprintf(format, args...)
	}
}
