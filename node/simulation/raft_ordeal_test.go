package simulation_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"hedgehog/cluster/consensus"
)

// ordeal lets things go wrong for a while in a group of nodes to which commands are
// proposed all the time, and returns what has happened.
func ordeal(t *testing.T, seed uint64) (story string, acknowledged int) {
	nodes := 3 + 2*int(seed%2)
	withRafters(t, seed, nodes, func(r *rafters) {
		r.lose(int(seed % 4 * 3))
		var clients sync.WaitGroup
		outcomes := make([]map[string]error, 3)
		until := time.Now().Add(15 * time.Second)
		for client := range outcomes {
			outcomes[client] = make(map[string]error)
			clients.Go(func() { r.proposeUntil(until, fmt.Sprint("client ", client), outcomes[client]) })
		}
		clients.Go(func() { r.verifyUntil(until) })
		for i := 0; time.Now().Before(until); i++ {
			time.Sleep(time.Duration(r.dice(fmt.Sprint("pause ", i), int(800*time.Millisecond))))
			r.harm(i)
		}
		r.lose(0)
		for _, name := range r.names {
			r.resume(name)
			r.isolate(name, false, r.names...)
			r.start(name)
		}
		r.group.networkChanged()
		clients.Wait()
		r.within(3*time.Second, "commands are taken again", func() bool {
			_, err := r.propose(r.mustLead(), "last")
			return err == nil
		})
		r.settle(2 * time.Second)
		r.mustAgree()
		story, acknowledged = r.timeline(), r.mustKeep(outcomes)
		for _, c := range r.history() {
			story += fmt.Sprintln(c.Index, c.Term, string(c.Data))
		}
	})
	return story, acknowledged
}

// proposeUntil proposes commands to whoever leads.
func (r *rafters) proposeUntil(until time.Time, who string, outcomes map[string]error) {
	for i := 0; time.Now().Before(until); i++ {
		command := fmt.Sprint(who, " command ", i)
		time.Sleep(time.Duration(r.dice(command, int(40*time.Millisecond))))
		n := r.nodeThatLeads(command)
		if n == nil {
			continue
		}
		_, outcomes[command] = r.propose(n, command)
	}
}

// nodeThatLeads is one of those that think so, if there is any.
func (r *rafters) nodeThatLeads(what string) *raftNode {
	r.group.mu.Lock()
	defer r.group.mu.Unlock()
	var leaders []*raftNode
	for _, name := range r.names {
		if n := r.group.node(name); n != nil && n.leads {
			leaders = append(leaders, n)
		}
	}
	if len(leaders) == 0 {
		return nil
	}
	return leaders[r.dice(what+" leader", len(leaders))]
}

// verifyUntil fails if a node is told that it led after something was committed in a
// newer term.
func (r *rafters) verifyUntil(until time.Time) {
	for i := 0; time.Now().Before(until); i++ {
		what := fmt.Sprint("verify ", i)
		time.Sleep(time.Duration(r.dice(what, int(30*time.Millisecond))))
		n := r.nodeThatLeads(what)
		if n == nil {
			continue
		}
		r.group.mu.Lock()
		newest := r.newest
		r.group.mu.Unlock()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		if err := n.VerifyLeader(ctx); err == nil && n.Term() < newest {
			r.tb.Errorf("%s leads in term %d, but something was committed in term %d\n%s", n.name(), n.Term(), newest, r.timeline())
		}
		cancel()
	}
}

// harm does something to a node or ends what was done.
func (r *rafters) harm(i int) {
	what := fmt.Sprint("harm ", i)
	name := r.names[r.dice(what+" whom", len(r.names))]
	other := r.names[r.dice(what+" other", len(r.names))]
	if l := r.leader(); l != nil && r.dice(what+" the leader", 2) == 0 {
		name = l.name()
	}
	kind := r.dice(what, 9)
	r.note("harm %d to %s, %s", kind, name, other)
	switch kind {
	case 0:
		r.crash(name)
		r.tapes[name].lose(r.dice(what+" lost", 4))
	case 1:
		r.stop[name]()
	case 2:
		r.pause(name)
	case 3:
		r.isolate(name, true, r.names...)
	case 4:
		r.cut(name, other, true)
	case 5:
		if l := r.leader(); l != nil {
			r.lives.Go(func() { _ = l.TransferLeadership(context.Background(), other) })
		}
	default:
		r.resume(name)
		r.isolate(name, false, r.names...)
		r.start(name)
	}
	r.group.networkChanged()
}

// mustKeep fails if something that was acknowledged is not committed exactly once,
// or something that was refused is. It returns how much was acknowledged.
func (r *rafters) mustKeep(outcomes []map[string]error) (acknowledged int) {
	r.tb.Helper()
	times := make(map[string]int)
	for _, c := range r.history() {
		times[string(c.Data)]++
	}
	for _, of := range outcomes {
		for command, err := range of {
			switch {
			case err == nil:
				acknowledged++
				if times[command] != 1 {
					r.tb.Errorf("%s was acknowledged and is there %d times", command, times[command])
				}
			case errors.Is(err, consensus.ErrUnknownOutcome):
				if times[command] > 1 {
					r.tb.Errorf("%s is there %d times", command, times[command])
				}
			case times[command] != 0:
				r.tb.Errorf("%s was refused (%v) and is there", command, err)
			}
		}
	}
	return acknowledged
}

func TestRaftModelKeepsWhatItAcknowledgesWhateverGoesWrong(t *testing.T) {
	acknowledged, elections := 0, 0
	const seeds = 40
	for seed := range uint64(seeds) {
		story, n := ordeal(t, seed)
		acknowledged += n
		elections += strings.Count(story, " leads term ")
		if t.Failed() {
			t.Fatalf("seed %d\n%s", seed, story)
		}
	}
	t.Logf("%d ordeals: %d commands acknowledged, %d elections", seeds, acknowledged, elections)
	if acknowledged < 200*seeds || elections < 5*seeds {
		t.Error("too little happened to tell anything")
	}
}

func TestRaftModelFollowsFromItsSeed(t *testing.T) {
	for seed := range uint64(8) {
		first, _ := ordeal(t, seed)
		if again, _ := ordeal(t, seed); first != again {
			t.Errorf("seed %d: %s", seed, difference(first, again))
		}
	}
}
