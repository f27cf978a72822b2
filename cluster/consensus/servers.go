package consensus

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/raft"
)

// Server is a member of the group. One that is no Voter follows.
type Server struct {
	Name    string
	Address string // host:port of its raft
	Voter   bool
}

// Servers is the group as this node knows it, sorted by name; the latest change
// in it may not be committed yet.
func (c *Consensus) Servers() []Server {
	r := c.running()
	if r == nil {
		return nil
	}
	return c.servers(r)
}

func (c *Consensus) servers(r *raft.Raft) []Server {
	future := r.GetConfiguration() // answered at once
	if future.Error() != nil {
		return nil
	}
	return servers(future.Configuration())
}

// servers undoes configuration, sorted by name.
func servers(conf raft.Configuration) []Server {
	list := make([]Server, len(conf.Servers))
	for i, s := range conf.Servers {
		list[i] = Server{Name: string(s.ID), Address: string(s.Address), Voter: s.Suffrage == raft.Voter}
	}
	slices.SortFunc(list, func(a, b Server) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// configuration is the library's form of servers.
func configuration(servers []Server) raft.Configuration {
	var conf raft.Configuration
	for _, s := range servers {
		suffrage := raft.Nonvoter
		if s.Voter {
			suffrage = raft.Voter
		}
		conf.Servers = append(conf.Servers, raft.Server{Suffrage: suffrage, ID: raft.ServerID(s.Name), Address: raft.ServerAddress(s.Address)})
	}
	return conf
}

// validateServers refuses what can't be a group.
func validateServers(servers []Server) error {
	names, addresses := make(map[string]bool), make(map[string]string)
	voters := 0
	for _, s := range servers {
		switch {
		case s.Name == "":
			return fmt.Errorf("server at %q has no name", s.Address)
		case s.Address == "":
			return fmt.Errorf("server %s has no address", s.Name)
		case names[s.Name]:
			return fmt.Errorf("server %s is named twice", s.Name)
		case addresses[s.Address] != "":
			return fmt.Errorf("servers %s and %s have the same address %s", addresses[s.Address], s.Name, s.Address)
		}
		names[s.Name], addresses[s.Address] = true, s.Name
		if s.Voter {
			voters++
		}
	}
	if voters == 0 {
		return fmt.Errorf("no voter among the servers")
	}
	return nil
}

func hasOtherVoter(servers []Server, self string) bool {
	return slices.ContainsFunc(servers, func(s Server) bool { return s.Voter && s.Name != self })
}

// SetServers makes want the group, one committed step at a time; see nextStep for
// their order. It waits for nodes that are to vote until they have the log, and
// that they may, and returns nil when want is reached, or an error that says what
// it waited for when ctx ends. What was done so far stays. Calls wait for one
// another.
//
// When this node itself is to lose its vote, it hands leadership over once
// everything else is done and returns ErrNotLeader: the new leader does the rest.
func (c *Consensus) SetServers(ctx context.Context, want []Server) error {
	if err := validateServers(want); err != nil {
		return fmt.Errorf("set servers: %w", err)
	}
	select {
	case c.configuring <- struct{}{}:
		defer func() { <-c.configuring }()
	case <-ctx.Done():
		return fmt.Errorf("set servers: %w", ctx.Err())
	}
	var known uint64    // the index by which a server knows the group as it is
	var promoted string // who was given a vote and may not know it yet
	for {
		r := c.running()
		if r == nil {
			return fmt.Errorf("set servers: %w", ErrStopped)
		}
		changed := c.acks.wait()
		now := leadership(r)
		if !now.Leading {
			return fmt.Errorf("set servers: %w", c.notLeader(r))
		}
		if known == 0 {
			known = r.LastIndex()
		}
		healthy := c.caughtUp(now.Term, known)
		next := nextStep(c.servers(r), want, c.config.Name, healthy)
		if promoted != "" && !healthy[promoted] {
			next = step{stepWait, Server{Name: promoted}}
		}
		switch next.kind {
		case stepDone:
			return nil
		case stepWait:
			select {
			case <-changed:
			case <-ctx.Done():
				return fmt.Errorf("set servers: %s: %w", next, ctx.Err())
			case <-c.stopped:
				return fmt.Errorf("set servers: %s: %w", next, ErrStopped)
			}
		default:
			index, err := c.take(ctx, next)
			if err != nil {
				return fmt.Errorf("set servers: %s: %w", next, err)
			}
			if known = index; next.kind == stepPromote {
				promoted = next.server.Name
			}
		}
	}
}

// take makes one step, waits until it is committed, and returns its index.
func (c *Consensus) take(ctx context.Context, s step) (uint64, error) {
	if s.kind == stepYield {
		if err := c.TransferLeadership(ctx, s.server.Name); err != nil {
			return 0, err
		}
		return 0, &NotLeaderError{}
	}
	id, address := raft.ServerID(s.server.Name), raft.ServerAddress(s.server.Address)
	future, err := c.call(ctx, func(r *raft.Raft, timeout time.Duration) raft.Future {
		switch s.kind {
		case stepAdd:
			return r.AddNonvoter(id, address, 0, timeout)
		case stepPromote:
			return r.AddVoter(id, address, 0, timeout)
		case stepDemote:
			return r.DemoteVoter(id, 0, timeout)
		default:
			return r.RemoveServer(id, 0, timeout)
		}
	})
	if err != nil {
		return 0, err
	}
	c.log.Info("raft membership changed", "step", s.kind.String(), "member", s.server.Name, "address", s.server.Address)
	return future.(raft.IndexFuture).Index(), nil
}

// caughtUp are the peers that answered this node, the leader in term, lately, and
// have the log up to the index known. A voter that lacks the entry that made it
// one, or made another one, refuses to vote, which may cost the quorum.
func (c *Consensus) caughtUp(term, known uint64) map[string]bool {
	since := time.Now().Add(-2 * c.config.Timing.Heartbeat)
	peers := c.acks.peers(func(a ack) bool {
		return a.term == term && a.at.After(since) && a.lastLog >= known
	})
	peers[c.config.Name] = true
	return peers
}
