package simulation_test

import (
	"context"
	"sync"
	"time"
)

// network is what lies between the nodes, as the models of raft and gossip need
// it. Its methods may be called with a model's lock held: what implements them must
// not call the model, and networkChanged only without its own lock.
type network interface {
	// reach says whether a message from one node gets to another right now; false
	// also where one of them is dead.
	reach(from, to string) bool
	// paused says whether the node is paused: it then neither sends nor answers.
	paused(node string) bool
	// gate blocks while the node's process is paused, or until ctx ends or that life
	// is over, which are errors.
	gate(ctx context.Context, l *life) error
	// way is how long a message sent now takes. what tells messages apart that are
	// sent at the same instant. lost says that it doesn't arrive.
	way(from, to, what string) (delay time.Duration, lost bool)
	// dice returns a number in [0,n), which follows from the seed, the virtual time
	// and what alone.
	dice(what string, n int) int
	// note adds a line to the timeline.
	note(format string, args ...any)
}

// actor is one life of a node in a model: what happens to it happens under the
// model's lock, while it lives; while it is paused, everything waits in the
// sockets and clocks that a stopped process has.
type actor struct {
	net  network
	mu   *sync.Mutex // the model's
	life *life
	gone bool // it has left the model by itself
	held []event
}

// event is something that happens to an actor; lost, where there is one, happens
// instead when the actor is no more.
type event struct{ do, lost func() }

func (a *actor) name() string { return a.life.name }

func (a *actor) lives() bool {
	select {
	case <-a.life.ended:
		return false
	default:
		return !a.gone
	}
}

// after has something happen to the actor some time later.
func (a *actor) after(d time.Duration, do, lost func()) {
	time.AfterFunc(d, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.happen(event{do, lost})
	})
}

func (a *actor) happen(e event) {
	switch {
	case !a.lives():
		if e.lost != nil {
			e.lost()
		}
	case a.net.paused(a.name()):
		a.held = append(a.held, e)
	default:
		e.do()
	}
}

// catchUp lets happen what was held up by a pause, in its order, and, where the
// actor died meanwhile, be lost.
func (a *actor) catchUp() {
	if len(a.held) == 0 || a.lives() && a.net.paused(a.name()) {
		return
	}
	held := a.held
	a.held = nil
	var d time.Duration
	for _, e := range held {
		d += a.between(0, 200*time.Microsecond, "wakes up")
		a.after(d, e.do, e.lost)
	}
}

// send carries a message: do happens at its destination, or lost right away or
// when it should have arrived. What a process sent before it died arrives.
func send(from, to *actor, what string, do, lost func()) {
	delay, dropped := from.net.way(from.name(), to.name(), what)
	if dropped || !from.net.reach(from.name(), to.name()) {
		lost()
		return
	}
	time.AfterFunc(delay, func() {
		to.mu.Lock()
		defer to.mu.Unlock()
		if from.lives() && !from.net.reach(from.name(), to.name()) {
			lost()
			return
		}
		to.happen(event{do, lost})
	})
}

// linked says whether two lives can talk to each other, which takes both ways.
func linked(a, b *actor) bool {
	return a.lives() && b.lives() && !a.net.paused(a.name()) && !a.net.paused(b.name()) &&
		a.net.reach(a.name(), b.name()) && a.net.reach(b.name(), a.name())
}

// between returns a time from the range that is the actor's own choice; what tells
// choices apart that are made at the same instant.
func (a *actor) between(least, most time.Duration, what string) time.Duration {
	return least + 1 + time.Duration(a.net.dice(a.name()+" "+what, int(most-least)))
}

// pass waits for the process to go on where it is paused; not all that waited go on
// at one instant, nor in the one in which whoever let them go on does more.
func (a *actor) pass(ctx context.Context, what string) error {
	for {
		began := time.Now()
		if err := a.net.gate(ctx, a.life); err != nil || time.Since(began) == 0 {
			return err
		}
		if err := a.rest(ctx, a.between(0, 200*time.Microsecond, what+" goes on")); err != nil {
			return err
		}
	}
}

// rest waits for so long, if ctx and the life do not end before.
func (a *actor) rest(ctx context.Context, d time.Duration) error {
	wait := time.NewTimer(d)
	defer wait.Stop()
	select {
	case <-wait.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-a.life.ended:
		return errOver
	}
}
