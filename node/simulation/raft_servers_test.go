package simulation_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hedgehog/cluster/consensus"
)

// Servers implements node.Consensus.
func (n *raftNode) Servers() []consensus.Server {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.running {
		return nil
	}
	return slices.Clone(n.servers())
}

// SetServers implements node.Consensus: one committed change after the other.
func (n *raftNode) SetServers(ctx context.Context, want []consensus.Server) error {
	select {
	case n.configuring <- struct{}{}:
		defer func() { <-n.configuring }()
	case <-ctx.Done():
		return fmt.Errorf("set servers: %w", ctx.Err())
	case <-n.life.ended:
		return fmt.Errorf("set servers: %w", errOver)
	}
	wait := "begins"
	for least, most := 20*time.Microsecond, 400*time.Microsecond; ; least, most = 5*time.Millisecond, 20*time.Millisecond {
		if err := n.rest(ctx, n.between(least, most, "raft set servers")); err != nil {
			return fmt.Errorf("set servers: %s: %w", wait, err)
		}
		var err error
		if wait, err = n.stepTowards(ctx, want); err != nil {
			return fmt.Errorf("set servers: %w", err)
		}
		if wait == "" {
			return nil
		}
	}
}

// stepTowards makes one step, and waits until it is committed. It returns what it
// waits for while nothing can be done, or "" when all is as wanted.
func (n *raftNode) stepTowards(ctx context.Context, want []consensus.Server) (wait string, err error) {
	if err := n.enter(ctx, "raft set servers"); err != nil {
		return "", err
	}
	if err := n.mayWrite(); err != nil {
		n.mu.Unlock()
		return "", err
	}
	if n.commit < n.began || n.commit < n.log[len(n.log)-1].changed {
		n.mu.Unlock()
		return "the change before is not committed", nil
	}
	next, what := n.nextServers(want)
	switch {
	case what == yieldLead:
		heir := slices.IndexFunc(want, func(w consensus.Server) bool { return w.Voter && n.hasLog(w.Name) })
		n.mu.Unlock()
		if heir < 0 {
			return "hand leadership over", nil
		}
		if err := n.TransferLeadership(ctx, want[heir].Name); err != nil {
			return "", err
		}
		return "", &consensus.NotLeaderError{}
	case next == nil:
		n.mu.Unlock()
		return what, nil
	}
	n.net.note("raft: %s %s, voters %s", n.name(), what, votersOf(next))
	call := newRaftCall()
	n.append(raftEntry{servers: next}, call)
	n.mu.Unlock()
	return "changed", n.await(ctx, call)
}

const yieldLead = "yield"

// nextServers is the group after the next step, and what that is; nil with what is
// waited for, or with "" when nothing is left. In this order: new ones and other
// addresses, votes given to those that have the log, votes taken, removals.
func (n *raftNode) nextServers(want []consensus.Server) (next []consensus.Server, what string) {
	current := n.servers()
	changed := func(s consensus.Server) []consensus.Server {
		rest := slices.DeleteFunc(slices.Clone(current), func(c consensus.Server) bool { return c.Name == s.Name })
		rest = append(rest, s)
		slices.SortFunc(rest, func(a, b consensus.Server) int { return strings.Compare(a.Name, b.Name) })
		return rest
	}
	wait := ""
	for _, w := range want {
		have, ok := serverNamed(current, w.Name)
		switch {
		case !ok:
			w.Voter = false
			return changed(w), "adds " + w.Name
		case have.Address != w.Address:
			w.Voter = have.Voter
			return changed(w), "moves " + w.Name
		case w.Voter && !have.Voter && n.hasLog(w.Name) && n.safe(changed(w)):
			return changed(w), "promotes " + w.Name
		case w.Voter && !have.Voter:
			wait = "promote " + w.Name
		}
	}
	for _, healthy := range []bool{false, true} {
		for _, s := range current {
			w, _ := serverNamed(want, s.Name)
			if wait != "" || !s.Voter || w.Voter || s.Name == n.name() || n.hasLog(s.Name) != healthy {
				continue
			}
			s.Voter = false
			if n.safe(changed(s)) {
				return changed(s), "demotes " + s.Name
			}
			wait = "demote " + s.Name
		}
	}
	for _, s := range current {
		if _, wanted := serverNamed(want, s.Name); !wanted && !s.Voter {
			return slices.DeleteFunc(slices.Clone(current), func(c consensus.Server) bool { return c.Name == s.Name }), "removes " + s.Name
		}
	}
	if wait == "" && !isVoter(want, n.name()) {
		wait = yieldLead
	}
	return nil, wait
}

// hasLog says whether the member answers and knows the group as it is.
func (n *raftNode) hasLog(name string) bool {
	p := n.peers[name]
	return name == n.name() || p != nil && p.contact && p.match >= n.log[len(n.log)-1].changed
}

// safe says whether those that have the log are a majority of the voters.
func (n *raftNode) safe(servers []consensus.Server) bool {
	voters, have := 0, 0
	for _, s := range servers {
		if s.Voter {
			voters++
			if n.hasLog(s.Name) {
				have++
			}
		}
	}
	return have > voters/2
}

// TransferLeadership implements node.Consensus.
func (n *raftNode) TransferLeadership(ctx context.Context, to string) error {
	if err := n.enter(ctx, "raft transfer"); err != nil {
		return fmt.Errorf("transfer leadership: %w", err)
	}
	call := newRaftCall()
	err := n.mayWrite()
	switch {
	case n.leads && to == n.name():
		n.mu.Unlock()
		return nil
	case err != nil:
	case to != "" && !isVoter(n.servers(), to), to == "" && !hasOtherVoter(n.servers(), n.name()):
		err = fmt.Errorf("%w: %q", consensus.ErrUnknownServer, to)
	default:
		n.handTo(to, call)
	}
	n.mu.Unlock()
	if err == nil {
		err = n.await(ctx, call)
	}
	if err != nil {
		return fmt.Errorf("transfer leadership to %q: %w", to, err)
	}
	return nil
}

var errNoTransfer = errors.New("nobody took leadership over")

// handTo has the voter, or the best one, stand for election as soon as it has the
// whole log, and gives up after an election's time.
func (n *raftNode) handTo(to string, call *raftCall) {
	if n.transfer != nil {
		call.finish(nil, n.notLeader())
		return
	}
	n.transfer = call
	term, asked := n.term, false
	n.after(n.config.Timing.Election, func() {
		if n.transfer == call {
			n.transfer = nil
			call.finish(nil, fmt.Errorf("%w: %w", consensus.ErrUnknownOutcome, errNoTransfer))
		}
	}, nil)
	var try func()
	try = func() {
		if n.transfer != call || n.term != term || asked {
			return
		}
		if heir := n.heir(to); heir != nil {
			asked = true
			n.ask(heir, "raft stand for election", func() func() {
				heir.campaign(true)
				return func() {}
			}, func() {})
			return
		}
		n.after(n.heartbeat("heir"), try, nil)
	}
	n.after(n.between(0, 100*time.Microsecond, "raft transfer"), try, nil)
}

// heir is the voter that can take over now: the one named, or the first that has
// the whole log.
func (n *raftNode) heir(to string) *raftNode {
	for _, s := range n.servers() {
		p := n.peers[s.Name]
		if s.Voter && p != nil && (to == "" || to == s.Name) && p.contact && p.match == n.last() {
			return p.node
		}
	}
	return nil
}

func serverNamed(servers []consensus.Server, name string) (consensus.Server, bool) {
	for _, s := range servers {
		if s.Name == name {
			return s, true
		}
	}
	return consensus.Server{}, false
}

func votersOf(servers []consensus.Server) string {
	var names []string
	for _, s := range servers {
		if s.Voter {
			names = append(names, s.Name)
		}
	}
	return strings.Join(names, ",")
}
