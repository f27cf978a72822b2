package simulation_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"
)

// fate decides which faults there are, and when. It is one goroutine, so its
// choices come in order.
type fate struct {
	w      *world
	random *rand.Rand
	undo   []func() // mends what is broken for a while
}

func (f *fate) once(n int) bool { return f.random.IntN(n) == 0 }

func (f *fate) between(least, most time.Duration) time.Duration {
	return least + time.Duration(f.random.Int64N(int64(most-least)))
}

func (f *fate) machine() *machine { return f.w.machines[f.w.names[f.random.IntN(len(f.w.names))]] }

// victim is any machine, more often than not the one that matters most.
func (f *fate) victim() *machine {
	switch f.random.IntN(4) {
	case 0:
		if m := f.w.machines[f.w.raft.leaderName()]; m != nil {
			return m
		}
	case 1:
		if m := f.w.machines[f.w.court.ownerOf(f.w.symbols[f.random.IntN(len(f.w.symbols))])]; m != nil {
			return m
		}
	}
	return f.machine()
}

// run begins faults for so long.
func (f *fate) run(d time.Duration) {
	end := f.w.now() + d
	chosen := faults
	if *busy {
		chosen = append(slices.Clip(chosen), (*fate).lateGrant, (*fate).lateGrant, (*fate).lateGrant, (*fate).lateGrant)
	}
	for f.w.now() < end {
		chosen[f.random.IntN(len(chosen))](f)
		f.w.faults++
		time.Sleep(f.between(50*time.Millisecond, 1500*time.Millisecond))
	}
}

// after mends something after a while, or when all is to be mended.
func (f *fate) after(d time.Duration, mend func()) {
	done := false
	f.undo = append(f.undo, func() {
		if !done {
			done = true
			mend()
		}
	})
	undo := f.undo[len(f.undo)-1]
	f.w.after(d, undo)
}

// heal ends all faults at once and starts whoever is down.
func (f *fate) heal() {
	w := f.w
	w.note("all faults end")
	w.court.forget()
	w.mu.Lock()
	w.venue.slow, w.venue.errors, w.venue.rough = 0, 0, false
	clear(w.links)
	for _, m := range w.machines {
		m.slow, m.full = 0, false
	}
	w.mu.Unlock()
	for _, name := range w.names {
		w.machines[name].resume()
		w.machines[name].start()
	}
	for _, undo := range f.undo {
		undo()
	}
	w.networkChanged()
}

// mayFall says whether one more node may be down: mostly only as long as a
// majority is left.
func (f *fate) mayFall() bool {
	return len(f.w.living()) > len(f.w.names)/2+1 || f.once(8)
}

// faults are what can happen, each as often as it is in the list.
var faults = []func(*fate){
	(*fate).crash, (*fate).crash, (*fate).crashAtOrder, (*fate).depose, (*fate).depose, (*fate).slowTakeover, (*fate).pause, (*fate).pause, (*fate).restart,
	(*fate).isolate, (*fate).isolate, (*fate).isolate, (*fate).bridge, (*fate).fromExchange, (*fate).fromExchange,
	(*fate).slowLinks, (*fate).lossyLinks,
	(*fate).slowExchange, (*fate).failingExchange, (*fate).failingExchange, (*fate).dropStreams, (*fate).roughUpdates,
	(*fate).setClock, (*fate).slowDisk, (*fate).fullDisk, (*fate).drain, (*fate).transfer,
}

func (f *fate) crash() {
	m := f.victim()
	how, down := killed, f.between(10*time.Millisecond, 4*time.Second)
	if f.once(2) {
		how = powerCut
	}
	if !f.mayFall() {
		return
	}
	m.crash(how)
	f.after(down, m.start)
}

// crashAtOrder ends a node right after an order of its was accepted, before anybody
// else has heard of it.
func (f *fate) crashAtOrder() {
	m, how, after, down := f.victim(), killed, f.between(0, 3*time.Millisecond), f.between(10*time.Millisecond, 3*time.Second)
	if f.once(2) {
		how = powerCut
	}
	if !f.mayFall() {
		return
	}
	f.w.note("%s is to crash at its next order", m.name)
	f.w.court.atOrder(m.name, func() {
		f.w.after(after, func() {
			m.crash(how)
			f.w.after(down, m.start)
		})
	})
}

// depose cuts the leader off from the other nodes but not from the exchange, half
// of the time while it is paused.
func (f *fate) depose() {
	m, d, paused := f.w.machines[f.w.raft.leaderName()], f.between(time.Second, 6*time.Second), f.once(2)
	if m == nil || !f.mayFall() {
		return
	}
	f.cut(d, "cut off from the other nodes", m, f.random.IntN(3), func(other string) bool { return other != venueName })
	if paused {
		m.stopProcess()
		f.after(d-f.between(0, d/2), m.resume)
	}
}

// slowTakeover makes the exchange slow and takes symbols from their owner.
func (f *fate) slowTakeover() {
	m := f.machine()
	f.slowExchange()
	switch f.random.IntN(3) {
	case 0:
		f.cut(f.between(time.Second, 3*time.Second), "cut off from the other nodes", m, f.random.IntN(3), func(other string) bool { return other != venueName })
	case 1:
		f.operate("/cluster/drain", m.name)
		f.after(f.between(500*time.Millisecond, 3*time.Second), func() { f.operate("/cluster/undrain", m.name) })
	case 2:
		if f.mayFall() {
			m.crash(killed)
			f.after(f.between(10*time.Millisecond, 600*time.Millisecond), m.start)
		}
	}
}

// lateGrant cuts an owner off whose last lease was granted late, while its way to the
// exchange is slow: what it sends in the last moments of the lease arrives after them.
func (f *fate) lateGrant() {
	m := f.w.machines[f.w.court.ownerOf(f.w.symbols[f.random.IntN(len(f.w.symbols))])]
	if m == nil {
		return
	}
	late, slow := f.between(150*time.Millisecond, 330*time.Millisecond), f.between(200*time.Millisecond, 390*time.Millisecond)
	d := f.between(1500*time.Millisecond, 3*time.Second)
	f.w.note("what the other nodes say to %s comes %v later, for %v", m.name, late, d)
	var links []link
	for _, other := range f.w.names {
		if other != m.name {
			links = append(links, link{other, m.name})
		}
	}
	f.weather(d, links, func(v *weather) { v.extra = late }, func(v *weather) { v.extra = 0 })
	time.Sleep(f.between(600*time.Millisecond, 1200*time.Millisecond))
	f.w.note("what %s says to the exchange comes %v later, for %v", m.name, slow, d)
	f.weather(d, []link{{m.name, venueName}}, func(v *weather) { v.extra = slow }, func(v *weather) { v.extra = 0 })
	f.cut(d, "cut off from the other nodes", m, f.random.IntN(2), func(other string) bool { return other != venueName })
}

func (f *fate) pause() {
	m, d := f.victim(), f.between(20*time.Millisecond, time.Second)
	if f.once(2) {
		d = f.between(time.Second, 5*time.Second)
	}
	if !f.mayFall() {
		return
	}
	m.stopProcess()
	f.after(d, m.resume)
}

func (f *fate) restart() {
	m, down := f.victim(), f.between(10*time.Millisecond, 2*time.Second)
	if !f.mayFall() {
		return
	}
	m.shutdown()
	f.after(down, m.start)
}

// isolate cuts a node off from the others, in one direction or both; one in three
// times from the exchange too.
func (f *fate) isolate() {
	m, way, exchange, d := f.victim(), f.random.IntN(3), f.once(3), f.between(100*time.Millisecond, 5*time.Second)
	f.cut(d, "cut off from the other nodes", m, way, func(other string) bool { return other != venueName || exchange })
}

func (f *fate) bridge() {
	m, other, way, d := f.victim(), f.machine(), f.random.IntN(3), f.between(100*time.Millisecond, 5*time.Second)
	f.cut(d, "cut off from "+other.name, m, way, func(name string) bool { return name == other.name })
}

func (f *fate) fromExchange() {
	m, way, d := f.victim(), f.random.IntN(3), f.between(50*time.Millisecond, 4*time.Second)
	f.cut(d, "cut off from the exchange", m, way, func(other string) bool { return other == venueName })
}

// cut cuts links of a machine: 0 in both directions, 1 from it, 2 to it.
func (f *fate) cut(d time.Duration, what string, m *machine, way int, chosen func(other string) bool) {
	var links []link
	for _, other := range append(slices.Clone(f.w.names), venueName) {
		if other == m.name || !chosen(other) {
			continue
		}
		if way != 2 {
			links = append(links, link{m.name, other})
		}
		if way != 1 {
			links = append(links, link{other, m.name})
		}
	}
	f.w.note("%s is %s, %s, for %v", m.name, what, []string{"both ways", "outwards", "inwards"}[way], d)
	f.weather(d, links, func(v *weather) { v.cut = true }, func(v *weather) { v.cut = false })
}

// linksOf returns both directions of all links of a machine.
func (f *fate) linksOf(m *machine) []link {
	var links []link
	for _, other := range append(slices.Clone(f.w.names), venueName) {
		if other != m.name {
			links = append(links, link{m.name, other}, link{other, m.name})
		}
	}
	return links
}

func (f *fate) weather(d time.Duration, links []link, worse, better func(*weather)) {
	change := func(how func(*weather)) func() {
		return func() {
			f.w.setLinks(func(all map[link]weather) {
				for _, l := range links {
					v := all[l]
					how(&v)
					all[l] = v
				}
			})
		}
	}
	change(worse)()
	f.after(d, change(better))
}

func (f *fate) slowLinks() {
	m, extra, d := f.victim(), f.between(10*time.Millisecond, 400*time.Millisecond), f.between(500*time.Millisecond, 5*time.Second)
	f.w.note("%s has %v longer ways, for %v", m.name, extra, d)
	f.weather(d, f.linksOf(m), func(v *weather) { v.extra = extra }, func(v *weather) { v.extra = 0 })
}

func (f *fate) lossyLinks() {
	m, loss, d := f.victim(), 3+f.random.IntN(30), f.between(500*time.Millisecond, 5*time.Second)
	f.w.note("%s loses %d of 100 messages, for %v", m.name, loss, d)
	f.weather(d, f.linksOf(m), func(v *weather) { v.loss = loss }, func(v *weather) { v.loss = 0 })
}

// venueFault changes how the exchange behaves, for a while.
func (f *fate) venueFault(d time.Duration, what string, begin, end func(*venue)) {
	w := f.w
	w.note("the exchange %s, for %v", what, d)
	change := func(how func(*venue)) {
		w.mu.Lock()
		defer w.mu.Unlock()
		how(w.venue)
	}
	change(begin)
	f.after(d, func() { change(end) })
}

func (f *fate) slowExchange() {
	slow := f.between(10*time.Millisecond, 700*time.Millisecond)
	f.venueFault(f.between(500*time.Millisecond, 4*time.Second), "is slow, up to "+slow.String(),
		func(v *venue) { v.slow = slow }, func(v *venue) { v.slow = 0 })
}

func (f *fate) failingExchange() {
	share := 10 + f.random.IntN(70)
	f.venueFault(f.between(500*time.Millisecond, 4*time.Second), "fails requests",
		func(v *venue) { v.errors = share }, func(v *venue) { v.errors = 0 })
}

func (f *fate) roughUpdates() {
	f.venueFault(f.between(time.Second, 6*time.Second), "sends order updates twice and out of order",
		func(v *venue) { v.rough = true }, func(v *venue) { v.rough = false })
}

func (f *fate) dropStreams() {
	m := f.victim()
	f.w.note("the exchange drops the streams of %s", m.name)
	f.w.venue.dropStreams(m.name)
}

func (f *fate) setClock() {
	m, by := f.victim(), f.between(-3*time.Minute, 3*time.Minute)
	if f.once(2) {
		by = f.between(-2*time.Second, 2*time.Second)
	}
	f.w.note("the time of day of %s is set by %v", m.name, by)
	f.w.mu.Lock()
	defer f.w.mu.Unlock()
	m.clock.offset += by
}

func (f *fate) slowDisk() {
	m, slow, d := f.victim(), f.between(5*time.Millisecond, 300*time.Millisecond), f.between(500*time.Millisecond, 4*time.Second)
	f.w.note("the disk of %s takes up to %v a write, for %v", m.name, slow, d)
	f.disk(d, m, func() { m.slow = slow }, func() { m.slow = 0 })
}

func (f *fate) fullDisk() {
	m, d := f.victim(), f.between(100*time.Millisecond, 3*time.Second)
	f.w.note("the disk of %s takes no batches, for %v", m.name, d)
	f.disk(d, m, func() { m.full = true }, func() { m.full = false })
}

func (f *fate) disk(d time.Duration, m *machine, begin, end func()) {
	change := func(how func()) {
		m.w.mu.Lock()
		defer m.w.mu.Unlock()
		how()
	}
	change(begin)
	f.after(d, func() { change(end) })
}

func (f *fate) drain() {
	m, d := f.victim(), f.between(500*time.Millisecond, 4*time.Second)
	f.w.note("%s is to be drained, for %v", m.name, d)
	f.operate("/cluster/drain", m.name)
	f.after(d, func() { f.operate("/cluster/undrain", m.name) })
}

func (f *fate) transfer() {
	f.operate("/cluster/transfer-leader", f.machine().name)
}

// operate asks some living node for something that may fail; nobody waits for it.
func (f *fate) operate(path, about string) {
	up := f.w.living()
	if len(up) == 0 {
		return
	}
	m := up[f.w.dice(path+about, len(up))]
	f.w.after(time.Microsecond, func() {
		err := f.w.ask(context.Background(), m, http.MethodPost, path, map[string]any{"node": about}, nil)
		f.w.note("%s of %s by %s: %v", path, about, m.name, err)
	})
}

// leaderName returns who leads the newest term; empty where nobody does.
func (g *raftGroup) leaderName() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	leader, term := "", uint64(0)
	for _, name := range g.names {
		if n := g.node(name); n != nil && n.leads && n.term > term {
			leader, term = name, n.term
		}
	}
	return leader
}
