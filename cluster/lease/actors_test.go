package lease_test

import "time"

// renew is an owner's renewals, one each Renew whatever becomes of them.
func (w *world) renew(n *node) {
	sent := w.clock(n)
	to := w.leader
	if to == nil || w.chance("old leader", 4) {
		to = w.anyNode()
	}
	w.send("renewal", n, to, func() { w.receive(n, sent, to) })
	w.after(w.timing.Renew, n, func() { w.renew(n) })
}

// receive is the leader's part of a renewal, in steps between which it may stop.
func (w *world) receive(from *node, sent time.Time, l *node) {
	if l.leads == 0 {
		return
	}
	received, term := w.clock(l), l.leads
	w.soon("verify", l, func() {
		if w.broken != verify && !w.confirms(l, term) {
			return
		}
		owned := w.owned(from)
		w.soon("grant", l, func() {
			covered := l.book.Grant(from.name, received, owned)
			if w.broken == answerGranted {
				covered = owned
			}
			w.send("answer", l, from, func() { w.renewed(from, sent, covered) })
		})
	})
}

func (w *world) owned(n *node) epochs {
	owned := make(epochs)
	for s, a := range w.owners {
		if a.node == n {
			owned[s] = a.epoch
		}
	}
	return owned
}

// renewed is what an owner does with an answer. Nothing is held but through
// here, so this is where two holders of a symbol would show.
func (w *world) renewed(n *node, sent time.Time, covered epochs) {
	before := w.held(n)
	if w.broken == countFromSending {
		sent = w.clock(n)
	}
	n.guard.Renewed(sent, w.timing.Lease, covered)
	after := w.held(n)
	for s, epoch := range after {
		if before[s] != epoch {
			w.takeovers++
		}
		for _, other := range w.nodes {
			if _, both := w.held(other)[s]; both && other != n {
				w.violated("%s and %s both hold %s", n.name, other.name, s)
			}
		}
	}
	for _, s := range traded {
		if epoch, had := before[s]; had && (after[s] != epoch || w.chance("gives up", 20)) {
			w.release(n, s, epoch)
		}
	}
}

func (w *world) held(n *node) epochs {
	held := make(epochs)
	for _, s := range traded {
		if _, epoch, ok := n.guard.Until(s); ok {
			held[s] = epoch
		}
	}
	return held
}

// release gives the symbol up, and says so when no request can be under way.
func (w *world) release(n *node, symbol string, epoch uint64) {
	n.guard.Drop(symbol, epoch)
	var told func()
	told = func() {
		if w.broken != waitForRequests && w.clock(n).Before(n.busy[symbol]) {
			w.after(50*time.Millisecond, n, told)
			return
		}
		to := w.anyNode()
		w.send("release", n, to, func() { to.book.Released(n.name, symbol, epoch) })
	}
	w.after(0, n, told)
}

// plan is a controller that moves symbols about for no reason.
func (w *world) plan(n *node) {
	w.after(100*time.Millisecond, n, func() {
		w.plan(n)
		if n.leads != 0 && w.chance("move", 4) {
			symbol := w.anySymbol()
			n.book.Revoke(symbol, w.owners[symbol].epoch)
			w.take(n, n.leads, symbol, w.owners[symbol])
		}
	})
}

// take assigns the symbol anew as soon as it is free.
func (w *world) take(n *node, term uint64, symbol string, from assignment) {
	free, at := n.book.Free(from.node.name, symbol, from.epoch)
	if free || w.broken == askFree {
		p := proposal{by: n, term: term, symbol: symbol, epoch: from.epoch, to: w.anyNode()}
		w.soon("propose", n, func() { w.propose(p) })
		return
	}
	if d := at.Sub(w.clock(n)); d > 0 && n.leads == term && w.owners[symbol] == from {
		w.after(min(d, 100*time.Millisecond), n, func() { w.take(n, term, symbol, from) })
	}
}

// trade is a trader that sends orders for whatever the guard allows. The steps
// are those of a signed request: timestamp, check, the way to the exchange.
func (w *world) trade(n *node) {
	w.after(60*time.Millisecond, n, func() {
		w.trade(n)
		symbol := w.anySymbol()
		at := w.clock(n)
		// The exchange's clock is the real time; the node's idea of it is wrong by
		// less than the bound, of which drift during the window is a part.
		most := (w.clockError - 2*time.Millisecond).Milliseconds()
		refusedFrom := w.now + time.Duration(w.pick("estimate", -most, most))*time.Millisecond + w.timing.RecvWindow
		window := w.timing.RecvWindow + w.clockError
		w.soon("check", n, func() {
			_, epoch, held := n.guard.Until(symbol)
			asked := window
			if w.broken == checkWindow {
				asked = 0
			}
			if err := n.guard.Check(symbol, at, asked); w.broken != checkOrders && err != nil {
				return
			} else if !held {
				epoch = w.owners[symbol].epoch
			}
			if until := at.Add(window); until.After(n.busy[symbol]) {
				n.busy[symbol] = until
			}
			way := time.Duration(w.pick("order", 0, 2*w.timing.RecvWindow.Milliseconds())) * time.Millisecond
			w.after(way, nil, func() { w.accept(n, symbol, epoch, refusedFrom) })
		})
	})
}

// accept is the exchange: it refuses what comes too late. Nobody else may hold
// the symbol by then, nor may anybody have acted under a later epoch.
func (w *world) accept(n *node, symbol string, epoch uint64, refusedFrom time.Duration) {
	if w.now > refusedFrom {
		w.refused++
		return
	}
	w.orders++
	if epoch < w.lastEpoch[symbol] {
		w.violated("an order of %s for %s under epoch %d was accepted after one under %d", n.name, symbol, epoch, w.lastEpoch[symbol])
	}
	w.lastEpoch[symbol] = epoch
	for _, other := range w.nodes {
		if _, both := w.held(other)[symbol]; both && other != n {
			w.violated("an order of %s for %s was accepted while %s held it", n.name, symbol, other.name)
		}
	}
}
