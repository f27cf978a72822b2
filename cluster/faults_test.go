package cluster_test

import (
	"time"

	"hedgehog/cluster"
)

// disturb lets something go wrong again and again, until heal. In some worlds
// that is nothing but leaders that are deposed.
func (w *world) disturb(d *dice, deposes bool) {
	w.after(d.between(100*time.Millisecond, 1500*time.Millisecond), func() {
		if !w.isRough() {
			return
		}
		n, trouble := w.nodes[d.IntN(len(w.nodes))], d.between(50*time.Millisecond, 4*time.Second)
		what := d.IntN(8)
		if deposes {
			what = 8
		}
		switch what {
		case 0, 1:
			n.pause(trouble)
		case 2, 3:
			n.cutOff(trouble)
		case 4:
			n.kill()
			w.after(trouble, n.start)
		case 5:
			n.stop(trouble)
		case 6:
			w.elect(n)
		case 7:
			n.lag(trouble)
		case 8:
			w.depose(d, n)
		}
		w.disturb(d, deposes)
	})
}

// depose cuts off a node, and some time later the leader too. Both have slow disks
// and come back at about the same time, and the leader is made to lead again
// before it has heard that it was deposed: it knows little of what has happened,
// and still has to write what it decided on before.
func (w *world) depose(d *dice, other *node) {
	first, away := d.between(0, 2*w.timing.Lease), d.between(100*time.Millisecond, 3*time.Second)
	back := first + away + d.between(-min(first+away, 500*time.Millisecond), 200*time.Millisecond)
	other.cutOff(back)
	other.lag(back + d.between(0, 500*time.Millisecond))
	w.after(first, func() {
		w.mu.Lock()
		old := w.leader
		w.mu.Unlock()
		if old == nil || !w.isRough() {
			return
		}
		old.node.cutOff(away)
		old.node.lag(away + d.between(0, 200*time.Millisecond))
		w.elect(w.nodes[d.IntN(len(w.nodes))])
		w.after(away+time.Microsecond, func() {
			if w.isRough() {
				w.elect(old.node)
			}
		})
	})
}

// lag has the node apply and propose nothing for a while.
func (n *node) lag(d time.Duration) {
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	n.slow = n.w.now() + d
}

// pause stops the node's goroutines for a while.
func (n *node) pause(d time.Duration) {
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	if n.life == nil || n.resume != nil {
		return
	}
	n.lose()
	n.resume = make(chan struct{})
	n.w.after(d, n.goOn)
}

func (n *node) goOn() {
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	if n.resume != nil {
		close(n.resume)
		n.resume = nil
	}
}

// cutOff keeps the others' messages away from the node, and its from them.
func (n *node) cutOff(d time.Duration) {
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	if n.life == nil || n.cut {
		return
	}
	n.lose()
	n.cut = true
	n.w.after(d, n.reconnect)
}

func (n *node) reconnect() {
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	n.cut = false
}

// heal ends all that disturb began.
func (w *world) heal() {
	w.mu.Lock()
	w.rough = false
	for _, n := range w.nodes {
		n.slow = 0
	}
	w.mu.Unlock()
	for _, n := range w.nodes {
		n.goOn()
		n.reconnect()
		n.start()
	}
}

// operate has an operator change what is decided, again and again, until the time
// is up.
func (w *world) operate(d *dice, until time.Duration) {
	w.after(d.between(100*time.Millisecond, 2*time.Second), func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.now() > until {
			return
		}
		if w.quorum() {
			w.commit(w.wish(d))
		}
		w.operate(d, until)
	})
}

// wish is something that an operator may ask for.
func (w *world) wish(d *dice) command {
	name := w.nodes[d.IntN(len(w.nodes))].name
	symbol := traded[d.IntN(len(traded))]
	what := d.IntN(6)
	w.judge.note("operator wishes %d for %s, %s", what, name, symbol)
	return func(s *cluster.State) {
		m, registered := s.Members[name]
		t, a := s.Symbols[symbol], s.Assignments[symbol]
		switch what {
		case 0, 1:
			m.Draining = !m.Draining
		case 2:
			t.Assigned = !t.Assigned
		case 3:
			t.Pin = name
		case 4:
			t.Pin = ""
		case 5:
			if a.Node != "" && a.Node != name {
				a.Next = name
				s.Assignments[symbol] = a
			}
		}
		if registered {
			s.Members[name] = m
		}
		s.Symbols[symbol] = t
	}
}
