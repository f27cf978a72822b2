//go:build linux

package main_test

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"
)

// weather has a storm rage, while the operator works, and ends when all its
// faults are over.
func (s *soak) weather(w storm) {
	s.t.Helper()
	victims := make([]string, len(w.victims))
	for i, number := range w.victims {
		if number == leading {
			victims[i] = s.leader()
		} else {
			victims[i] = s.names[number]
		}
	}
	type step struct {
		at time.Duration
		do func()
	}
	var steps []step
	for _, f := range w.faults {
		var undo func()
		steps = append(steps, step{f.at, func() {
			undo = s.strike(f, victims)
			s.faults[f.kind]++
		}}, step{f.at + f.hold, func() { undo() }})
	}
	slices.SortStableFunc(steps, func(a, b step) int { return cmp.Compare(a.at, b.at) })
	defer s.operator.work()()
	began := time.Now()
	for _, next := range steps {
		s.attendUntil(began.Add(next.at))
		next.do()
	}
}

// attendUntil waits, and sees that no process ends that nobody has ended.
func (s *soak) attendUntil(end time.Time) {
	s.t.Helper()
	timer := time.NewTimer(time.Until(end))
	defer timer.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		for _, m := range s.c.running() {
			select {
			case <-m.ended:
				m.down = true
				if !m.failing {
					s.t.Errorf("%s has ended by itself with code %d: %s", m.name, m.exit(), lastLine(m.lines()))
					s.c.start(m.name)
				}
			default:
			}
		}
		select {
		case <-timer.C:
			return
		case <-tick.C:
		}
	}
}

func lastLine(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return lines[len(lines)-1]
}

// strike lets a fault begin and returns what ends it.
func (s *soak) strike(f fault, victims []string) (undo func()) {
	s.t.Helper()
	switch f.kind {
	case exchangeKilled:
		s.c.market.kill()
		return s.openExchange
	case exchangePaused:
		s.signalExchange(syscall.SIGSTOP)
		return func() { s.signalExchange(syscall.SIGCONT) }
	case mostKilled:
		for _, name := range victims {
			s.c.kill(name)
		}
		return func() {
			for _, name := range victims {
				s.c.start(name)
			}
		}
	case allApart:
		return s.cutOff(s.ways(s.names, s.names))
	case splitOff:
		rest := slices.DeleteFunc(slices.Clone(s.names), func(name string) bool { return slices.Contains(victims, name) })
		return s.cutOff(append(s.ways(victims, rest), s.ways(rest, victims)...))
	}
	name := victims[f.victim]
	if f.ofProcess() {
		return s.strikeProcess(f, name)
	}
	return s.strikeNetwork(f, name)
}

func (s *soak) signalExchange(signal os.Signal) {
	s.t.Helper()
	if err := s.c.market.command.Process.Signal(signal); err != nil {
		s.t.Fatal(err)
	}
}

func (s *soak) strikeProcess(f fault, name string) (undo func()) {
	s.t.Helper()
	m := s.c.members[name]
	again := func() {
		m.ahead = f.ahead
		s.c.start(name)
	}
	switch f.kind {
	case killed:
		s.c.kill(name)
		return again
	case paused:
		s.c.pause(name)
		return func() { s.c.resume(name) }
	case diskFull:
		return s.fillDisk(m)
	default:
		s.c.listen()
		m.down = true
		s.c.signal(name, syscall.SIGTERM)
		return func() {
			if code := m.exit(); code != 0 {
				s.t.Errorf("exit code %d of %s after SIGTERM, want 0: %s", code, name, lastLine(m.lines()))
			}
			again()
		}
	}
}

// fillDisk leaves the node no byte. When there is room again it goes on, or is
// started anew where it could not store what the cluster has decided, of which it
// ends.
func (s *soak) fillDisk(m *member) (undo func()) {
	s.t.Helper()
	s.c.listen()
	m.failing = true
	since, path := time.Now(), filepath.Join(m.dir, "filler")
	fill(s.t, path)
	return func() {
		if err := os.Remove(path); err != nil {
			s.t.Fatal(err)
		}
		s.attendUntil(time.Now().Add(100 * time.Millisecond)) // what has failed by now was told by then
		if len(m.logged("committed changes not applied", since)) > 0 {
			if code := m.exit(); code != 1 {
				s.t.Errorf("exit code %d of %s after its disk was full, want 1: %s", code, m.name, lastLine(m.lines()))
			}
			m.ahead = 0
			s.c.start(m.name)
		}
		m.failing = false
	}
}

// fill writes to a file until there is no byte left on its disk.
func fill(t testing.TB, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 1<<20); len(block) > 0; {
		if _, err := f.Write(block); errors.Is(err, syscall.ENOSPC) {
			block = block[:len(block)/2]
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func (s *soak) strikeNetwork(f fault, name string) (undo func()) {
	s.t.Helper()
	self := []string{name}
	switch f.kind {
	case isolated:
		return s.cutOff(append(s.ways(self, s.names), s.ways(s.names, self)...))
	case deaf:
		return s.cutOff(s.ways(s.names, self))
	case mute:
		return s.cutOff(s.ways(self, s.names))
	case bridged:
		other := s.names[f.other]
		if other == name { // one that leads is known only now
			other = s.names[(f.other+1)%len(s.names)]
		}
		return s.cutOff([]way{{name, other}, {other, name}})
	case noExchange:
		return s.cutOff([]way{{name, exchangeMachine}, {exchangeMachine, name}})
	default:
		s.lan.roughen(name, f.link)
		return func() { s.lan.roughen(name, link{}) }
	}
}

// ways are those from each of some machines to each of others.
func (s *soak) ways(from, to []string) []way {
	var ways []way
	for _, a := range from {
		for _, b := range to {
			if a != b {
				ways = append(ways, way{a, b})
			}
		}
	}
	return ways
}

func (s *soak) cutOff(ways []way) (undo func()) {
	s.lan.disconnect(ways...)
	return func() { s.lan.reconnect(ways...) }
}
