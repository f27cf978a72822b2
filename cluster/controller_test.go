package cluster_test

import (
	"testing"
	"testing/synctest"
	"time"

	"hedgehog/cluster"
)

// given is a command that gives a symbol to an actor's present life.
func (s *stage) given(symbol, node string, epoch uint64, next string) command {
	run := s.actors[node].run
	return func(state *cluster.State) {
		state.Assignments[symbol] = cluster.Assignment{Symbol: symbol, Node: node, Run: run, Epoch: epoch, Next: next}
	}
}

func draining(node string, is bool) command {
	return func(s *cluster.State) {
		m := s.Members[node]
		m.Name, m.Draining = node, is
		s.Members[node] = m
	}
}

func symbolIs(name string, assigned bool, pin string) command {
	return func(s *cluster.State) {
		s.Symbols[name] = cluster.Symbol{Name: name, Assigned: assigned, Pin: pin}
	}
}

// all is several commands in one: nobody sees the state in between.
func all(commands ...command) command {
	return func(s *cluster.State) {
		for _, do := range commands {
			do(s)
		}
	}
}

func TestSymbolsFindTheirOwners(t *testing.T) {
	const long = 10 * time.Second // for anything to come to rest

	tests := []struct {
		name    string
		nodes   []string
		symbols []string
		play    func(s *stage)
		want    string
	}{
		{"first assignment", []string{"n1", "n2"}, []string{"C", "F"}, func(s *stage) {
			s.play(soon)
		}, "C=n1#1/1 F=n2#2/1"},
		{"nobody is there", nil, []string{"C"}, func(s *stage) {
			s.play(long)
		}, ""},
		{"a node joins and gets its share", []string{"n1"}, []string{"C", "F"}, func(s *stage) {
			s.play(soon)
			s.starts("n2", &actor{run: 2})
			s.play(soon)
		}, "C=n2#2/2 F=n1#1/1"},
		{"the next owner is waited for", []string{"n1"}, []string{"C", "F"}, func(s *stage) {
			s.play(soon)
			s.starts("n2", &actor{run: 2, idle: true})
			s.play(patience - soon)
		}, "C=n1#1/1>n2 F=n1#1/1"},
		{"but not for ever", []string{"n1"}, []string{"C", "F"}, func(s *stage) {
			s.play(soon)
			s.starts("n2", &actor{run: 2, idle: true})
			s.play(patience + 2*soon)
		}, "C=n2#2/2 F=n1#1/1"},
		{"the next owner dies, another one takes over", []string{"n1"}, []string{"C"}, func(s *stage) {
			s.play(soon)
			s.starts("n2", &actor{run: 2, idle: true})
			s.starts("n3", &actor{run: 3})
			s.play(soon)
			s.change(s.given("C", "n1", 1, "n2"))
			s.play(soon)
			s.dies("n2")
			s.change(draining("n1", true))
			s.play(soon)
		}, "C=n3#3/2"},
		{"the next owner dies and the symbol stays", []string{"n1", "n2"}, nil, func(s *stage) {
			s.play(soon)
			s.actors["n2"].idle = true
			s.change(all(s.given("C", "n1", 1, ""), symbolIs("C", true, "n2")))
			s.play(soon)
			s.dies("n2")
			s.play(soon)
		}, "C=n1#1/1"},
		{"a node leaves", []string{"n1", "n2"}, []string{"C", "F"}, func(s *stage) {
			s.play(soon)
			s.actors["n1"].leaving = true
			s.play(soon)
		}, "C=n2#2/2 F=n2#2/1"},
		{"a node dies, and a lease has to pass", []string{"n1", "n2"}, []string{"C", "F"}, func(s *stage) {
			s.play(2 * soon)
			s.dies("n1")
			s.play(s.timing.Lease)
		}, "C=n1#1/1 F=n2#2/1"},
		{"a node dies, and a lease and margin have passed", []string{"n1", "n2"}, []string{"C", "F"}, func(s *stage) {
			s.play(2 * soon)
			s.dies("n1")
			s.play(s.timing.Lease + 2*s.timing.Margin)
		}, "C=n2#2/2 F=n2#2/1"},
		{"a node is there and does not renew", []string{"n1", "n2"}, []string{"C", "F"}, func(s *stage) {
			s.play(soon)
			s.actors["n1"].silent = true
			s.play(2 * s.timing.Lease)
		}, "C=n2#2/2 F=n2#2/1"},
		{"the only node dies, and its symbols stay its own", []string{"n1"}, []string{"C"}, func(s *stage) {
			s.play(soon)
			s.dies("n1")
			s.play(long)
		}, "C=n1#1/1"},
		{"the only node leaves, and its symbols are nobody's", []string{"n1"}, []string{"C"}, func(s *stage) {
			s.play(soon)
			s.actors["n1"].leaving = true
			s.play(soon)
		}, "C=#0/2"},
		{"a node starts anew, and its life before has to pass", []string{"n1"}, []string{"C"}, func(s *stage) {
			s.play(soon)
			s.starts("n1", &actor{run: 7})
			s.play(s.timing.Lease)
		}, "C=n1#1/1"},
		{"a node starts anew, and its life before has passed", []string{"n1"}, []string{"C"}, func(s *stage) {
			s.play(soon)
			s.starts("n1", &actor{run: 7})
			s.play(s.timing.Lease + 2*s.timing.Margin)
		}, "C=n1#7/2"},
		{"a node is drained", []string{"n1", "n2"}, []string{"C", "F"}, func(s *stage) {
			s.play(soon)
			s.change(draining("n2", true))
			s.play(soon)
		}, "C=n1#1/1 F=n1#1/2"},
		{"a node is drained no more", []string{"n1", "n2"}, []string{"C", "F"}, func(s *stage) {
			s.play(soon)
			s.change(draining("n2", true))
			s.play(soon)
			s.change(draining("n2", false))
			s.play(soon)
		}, "C=n2#2/2 F=n1#1/2"},
		{"symbols are pinned", []string{"n1", "n2"}, []string{"C", "F"}, func(s *stage) {
			s.play(soon)
			s.change(symbolIs("C", true, "n2"))
			s.change(symbolIs("F", true, "n2"))
			s.play(soon)
		}, "C=n2#2/2 F=n2#2/1"},
		{"symbols are pinned no more", []string{"n1", "n2"}, []string{"C", "F"}, func(s *stage) {
			s.play(soon)
			s.change(symbolIs("C", true, "n2"))
			s.play(soon)
			s.change(symbolIs("C", true, ""))
			s.play(soon)
		}, "C=n2#2/2 F=n1#1/2"},
		{"a symbol is assigned no more", []string{"n1"}, []string{"C", "F"}, func(s *stage) {
			s.play(soon)
			s.change(symbolIs("F", false, ""))
			s.play(soon)
		}, "C=n1#1/1 F=#0/2"},
		{"an operator hands a symbol over", []string{"n1", "n2"}, []string{"C"}, func(s *stage) {
			s.play(soon)
			s.change(s.given("C", "n1", 1, "n2"))
			s.play(soon)
		}, "C=n2#2/2"},
		{"an operator hands a symbol to who is not there", []string{"n1"}, []string{"C"}, func(s *stage) {
			s.play(soon)
			s.change(s.given("C", "n1", 1, "n9"))
			s.play(soon)
		}, "C=n1#1/1"},
		{"what was revoked and is to stay is assigned anew", []string{"n1", "n2"}, []string{"C"}, func(s *stage) {
			s.play(soon)
			s.actors["n1"].idle = true // it does not stop
			s.change(symbolIs("C", true, "n2"))
			s.play(soon)
			s.change(symbolIs("C", true, "n1"))
			s.play(soon)
			s.actors["n1"].idle = false
			s.play(soon)
		}, "C=n1#1/2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, tt.nodes, tt.symbols)
				defer s.lead(1)()
				synctest.Wait()
				tt.play(s)
				if got := s.owners(); got != tt.want {
					t.Errorf("owners are %s, want %s", got, tt.want)
				}
			})
		})
	}
}
