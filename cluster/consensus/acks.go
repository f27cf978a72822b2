package consensus

import (
	"sync"
	"time"
)

// acks notes, per peer, the latest message that it answered as a follower of this
// node. It tells answers to messages sent after a moment from answers to older
// ones by counting: marks and messages take numbers from one row.
type acks struct {
	mu      sync.Mutex
	clock   uint64
	last    map[string]ack
	changed chan struct{} // closed and replaced at each change
}

type ack struct {
	sent    uint64    // the mark at which the message was begun
	term    uint64    // the term in which it was sent and answered
	lastLog uint64    // the peer's last log index
	at      time.Time // when the answer came
}

func newAcks() *acks {
	return &acks{last: make(map[string]ack), changed: make(chan struct{})}
}

// mark numbers this moment: later marks and messages have greater numbers.
func (a *acks) mark() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.clock++
	return a.clock
}

// note takes an answer in; one to an older message than was answered before
// changes nothing.
func (a *acks) note(peer string, answer ack) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if answer.sent <= a.last[peer].sent {
		return
	}
	a.last[peer] = answer
	a.wake()
}

// signal wakes who waits for a change: something else that bears on it changed.
func (a *acks) signal() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.wake()
}

func (a *acks) wake() {
	close(a.changed)
	a.changed = make(chan struct{})
}

// wait is closed at the next change. Take it before looking.
func (a *acks) wait() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.changed
}

// quorum tells whether a majority of the voters satisfies ok; self does.
func (a *acks) quorum(servers []Server, self string, ok func(ack) bool) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	voters, have := 0, 0
	for _, s := range servers {
		if !s.Voter {
			continue
		}
		voters++
		if s.Name == self || ok(a.last[s.Name]) {
			have++
		}
	}
	return have > voters/2
}

// of returns what a peer answered last; zero when it has not.
func (a *acks) of(peer string) ack {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.last[peer]
}

// peers returns the names for which ok holds.
func (a *acks) peers(ok func(ack) bool) map[string]bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	names := make(map[string]bool)
	for name, last := range a.last {
		if ok(last) {
			names[name] = true
		}
	}
	return names
}
