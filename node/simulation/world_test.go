package simulation_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hedgehog/cluster/peer"
	"hedgehog/node/judge"
	"hedgehog/storage/powercut"
)

// world is a cluster with its exchange in a synctest bubble, whose time is the
// true time that only the world knows.
type world struct {
	tb     testing.TB
	power  *powercut.Disk
	seed   uint64
	dir    string // of all disks
	began  time.Time
	log    *slog.Logger
	secret peer.Secret

	machines map[string]*machine // never changes once the world runs
	names    []string            // of the machines, sorted
	symbols  []string            // that are traded
	venue    *venue
	raft     *raftGroup
	gossip   *gossipNet
	court    *court
	history  judge.History

	mu       sync.Mutex // guards what follows, and what the machines and lives say it does
	links    map[link]weather
	held     []*parcel
	off      map[string]int // whether a symbol's trading may be off
	lines    []line
	verbose  io.Writer      // gets the lines as they come; nil: nobody
	over     bool           // nothing is noted and nothing begins any more
	faults   int            // begun
	recovery time.Duration  // from the last fault until everything was traded
	underWay sync.WaitGroup // goroutines of the world
}

// link is one direction between two participants.
type link struct{ from, to string }

// weather is what a link does to messages.
type weather struct {
	cut   bool
	extra time.Duration // delay
	loss  int           // of a hundred messages, which then come with the next try
}

// line is one of the timeline.
type line struct {
	at   time.Duration
	text string
}

// now is the true time since the world began.
func (w *world) now() time.Duration { return time.Since(w.began) }

// dice returns a number in [0,n), which follows from the seed, the time and what
// alone.
func (w *world) dice(what string, n int) int {
	return int(w.hash(what) % uint64(n))
}

// within returns a duration up to most, to the nanosecond, so that hardly two
// things happen at one instant.
func (w *world) within(what string, least, most time.Duration) time.Duration {
	return least + time.Duration(w.hash(what)%uint64(most-least))
}

// hash is FNV-1a, with a last stir so that the low digits are good ones too.
func (w *world) hash(what string) uint64 {
	h := uint64(14695981039346656037)
	mix := func(b byte) { h = (h ^ uint64(b)) * 1099511628211 }
	for _, v := range []uint64{w.seed, uint64(w.now())} {
		for range 8 {
			mix(byte(v))
			v >>= 8
		}
	}
	for i := range len(what) {
		mix(what[i])
	}
	h ^= h >> 31
	h *= 0x9e3779b97f4a7c15
	return h ^ h>>29
}

// note adds a line to the timeline.
func (w *world) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.noteLocked(format, args...)
}

func (w *world) noteLocked(format string, args ...any) {
	if w.over {
		return
	}
	l := line{w.now(), fmt.Sprintf(format, args...)}
	w.lines = append(w.lines, l)
	if w.verbose != nil {
		fmt.Fprintln(w.verbose, l)
	}
}

func (l line) String() string { return fmt.Sprintf("%12.6f  %s", l.at.Seconds(), l.text) }

// timeline returns what has happened. What happened at one instant is sorted: it
// has no order.
func (w *world) timeline() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	slices.SortStableFunc(w.lines, func(a, b line) int {
		if a.at != b.at {
			return int(a.at - b.at)
		}
		return strings.Compare(a.text, b.text)
	})
	var text strings.Builder
	for _, l := range w.lines {
		fmt.Fprintln(&text, l)
	}
	return text.String()
}

// after does something when d has passed, unless the world is over by then.
func (w *world) after(d time.Duration, do func()) {
	time.AfterFunc(d, func() {
		w.mu.Lock()
		if w.over {
			w.mu.Unlock()
			return
		}
		w.underWay.Add(1)
		w.mu.Unlock()
		defer w.underWay.Done()
		do()
	})
}

// reach says whether a message from one participant gets to another right now.
func (w *world) reach(from, to string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.reachLocked(from, to)
}

func (w *world) reachLocked(from, to string) bool {
	return w.runsLocked(from) && w.runsLocked(to) && !w.links[link{from, to}].cut
}

// runsLocked says whether the participant is there at all.
func (w *world) runsLocked(name string) bool {
	m := w.machines[name]
	return m == nil || m.life != nil
}

// paused says whether the process of the node is stopped.
func (w *world) paused(name string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	m := w.machines[name]
	return m != nil && m.pause != nil
}

var errOver = errors.New("this life of the node is over")

// gate blocks while the process is paused.
func (w *world) gate(ctx context.Context, l *life) error {
	for {
		w.mu.Lock()
		pause := l.machine.pause
		w.mu.Unlock()
		select {
		case <-l.ended:
			return errOver
		default:
		}
		if pause == nil {
			return ctx.Err()
		}
		select {
		case <-pause:
		case <-ctx.Done():
			return ctx.Err()
		case <-l.ended:
			return errOver
		}
	}
}

// enter is gate for a request that arrives: those that waited for a paused process
// to go on do not go on at one instant.
func (w *world) enter(ctx context.Context, l *life, what string) error {
	if !w.paused(l.name) {
		return w.gate(ctx, l)
	}
	if err := w.gate(ctx, l); err != nil {
		return err
	}
	time.Sleep(w.within(what+" enters", 0, time.Millisecond))
	return w.gate(ctx, l)
}

// way is how long a message takes. One that is lost is said to be: who knows of
// further tries adds them.
func (w *world) way(from, to, what string) (delay time.Duration, lost bool) {
	w.mu.Lock()
	weather := w.links[link{from, to}]
	if *traced {
		w.noteLocked("message: %s to %s: %s", from, to, printable(what))
	}
	w.mu.Unlock()
	what = from + ">" + to + " " + what
	delay = w.within(what, 50*time.Microsecond, 2*time.Millisecond)
	if weather.extra > 0 {
		delay += w.within(what+" extra", weather.extra/2, 3*weather.extra/2)
	}
	return delay, weather.loss > 0 && w.dice(what+" lost", 100) < weather.loss
}

// again is how long TCP takes to send once more what was lost.
func (w *world) again(what string) time.Duration {
	return w.within(what+" again", 200*time.Millisecond, 600*time.Millisecond)
}

// parcel is a message that waits until its link is whole again.
type parcel struct {
	link
	what string
	do   func()
	life *life         // who sent it; nil: the exchange, which always is
	held time.Duration // since when it waits
}

// deliver has a message do something at its end: when it has got there.
func (w *world) deliver(from, to, what string, sender *life, do func()) {
	delay, lost := w.way(from, to, what)
	if lost {
		delay += w.again(what)
	}
	p := &parcel{link: link{from, to}, what: what, do: do, life: sender}
	w.after(delay, func() { w.arrive(p) })
}

// arrive does what the message is for, or holds it while it can't get through.
func (w *world) arrive(p *parcel) {
	w.mu.Lock()
	if w.links[p.link].cut {
		p.held = w.now()
		w.held = append(w.held, p)
		w.mu.Unlock()
		return
	}
	w.mu.Unlock()
	p.do()
}

// networkChanged lets go what waited for a link that is whole again, and tells
// those who watch the network.
func (w *world) networkChanged() {
	w.mu.Lock()
	var free []*parcel
	w.held = slices.DeleteFunc(w.held, func(p *parcel) bool {
		if p.life != nil && p.life.over() {
			return true // its kernel has forgotten it too
		}
		if w.links[p.link].cut {
			return false
		}
		free = append(free, p)
		return true
	})
	w.mu.Unlock()
	for _, p := range free {
		// Of what waits with the same words, only what came at one instant goes at one.
		w.after(w.again(fmt.Sprintf("%s>%s %s, since %v", p.from, p.to, p.what, p.held)), func() { w.arrive(p) })
	}
	w.raft.networkChanged()
	w.gossip.networkChanged()
}

// setLinks changes the weather of links.
func (w *world) setLinks(change func(links map[link]weather)) {
	w.mu.Lock()
	change(w.links)
	w.mu.Unlock()
	w.networkChanged()
}

// living returns the machines that have a node which runs and is not paused.
func (w *world) living() []*machine {
	w.mu.Lock()
	defer w.mu.Unlock()
	var up []*machine
	for _, name := range w.names {
		if m := w.machines[name]; m.life != nil && m.pause == nil {
			up = append(up, m)
		}
	}
	return up
}

// end kills what still runs and waits for all goroutines.
func (w *world) end() {
	for _, name := range slices.Sorted(maps.Keys(w.machines)) {
		w.machines[name].resume()
		w.machines[name].crash(killed)
		synctest.Wait() // for those whose callers or answers died with it
	}
	w.mu.Lock()
	w.over = true
	w.mu.Unlock()
	w.venue.close()
	w.underWay.Wait()
	for _, name := range w.names {
		w.machines[name].zombies.Wait()
	}
}
