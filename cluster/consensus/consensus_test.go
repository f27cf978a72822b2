package consensus_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"hedgehog/cluster/consensus"
)

func TestANodeAloneLeadsAndAppliesEachCommandOnceAcrossRestarts(t *testing.T) {
	n := newNode(t, newNetwork(), "n1", bootstrap)
	var want []string
	for life := range 3 {
		leader(t, n.start(t))
		if err := n.Barrier(timeout(t)); err != nil {
			t.Fatal(err)
		}
		n.ledger.await(t, want)
		for i := range 5 {
			command := fmt.Sprintf("life %d command %d", life, i)
			result, err := n.Propose(timeout(t), []byte(command))
			want = append(want, command)
			if err != nil || result != len(want) {
				t.Fatalf("result %v, %v, want %d", result, err, len(want))
			}
		}
		if err := n.stop(t); err != nil {
			t.Fatal(err)
		}
	}
	n.ledger.await(t, want)
}

func TestAProposalThatTheStateMachineRefusesReturnsItsError(t *testing.T) {
	n := newNode(t, newNetwork(), "n1", bootstrap).start(t)
	leader(t, n)
	if _, err := n.Propose(timeout(t), []byte("refuse no such symbol")); err == nil || err.Error() != "no such symbol" {
		t.Fatalf("got %v", err)
	}
	n.propose(t, "later")
	n.ledger.await(t, []string{"later"})
}

func TestACommandThatIsTooLargeIsRefused(t *testing.T) {
	n := newNode(t, newNetwork(), "n1", bootstrap).start(t)
	leader(t, n)
	n.propose(t, strings.Repeat("x", consensus.MaxCommand))
	if _, err := n.Propose(timeout(t), make([]byte, consensus.MaxCommand+1)); !errors.Is(err, consensus.ErrTooLarge) {
		t.Fatalf("got %v", err)
	}
}

func TestEveryNodeAppliesTheSameCommandsInTheSameOrder(t *testing.T) {
	_, nodes := group(t, 3)
	var want []string
	for i := range 50 {
		want = append(want, fmt.Sprint(i))
		nodes[0].propose(t, want[i])
	}
	for _, n := range nodes {
		n.ledger.await(t, want)
	}
}

func TestAFollowerRefusesAndNamesTheLeader(t *testing.T) {
	_, nodes := group(t, 3)
	eventually(t, "n2 knows the leader", func() bool { _, ok := nodes[1].Leader(); return ok })
	for what, call := range map[string]func() error{
		"propose":     func() error { _, err := nodes[1].Propose(timeout(t), []byte("x")); return err },
		"verify":      func() error { return nodes[1].VerifyLeader(timeout(t)) },
		"barrier":     func() error { return nodes[1].Barrier(timeout(t)) },
		"set servers": func() error { return nodes[1].SetServers(timeout(t), nodes[1].Servers()) },
		"transfer":    func() error { return nodes[1].TransferLeadership(timeout(t), "n3") },
	} {
		err := call()
		var not *consensus.NotLeaderError
		if !errors.Is(err, consensus.ErrNotLeader) || !errors.As(err, &not) {
			t.Errorf("%s: got %v", what, err)
		} else if not.Leader != nodes[0].server(true) {
			t.Errorf("%s: leader %+v, want %+v", what, not.Leader, nodes[0].server(true))
		}
	}
}

func TestAKilledLeaderIsReplacedAndComesBackAtAnotherAddress(t *testing.T) {
	network, nodes := group(t, 3)
	nodes[0].propose(t, "before")
	rest := nodes[1:]
	nodes[0].kill(t, rest...)
	second := leader(t, rest...)
	second.propose(t, "between")

	network.heal()
	nodes[0].start(t)
	err := second.SetServers(timeout(t), []consensus.Server{nodes[0].server(true), nodes[1].server(true), nodes[2].server(true)})
	if err != nil {
		t.Fatal(err)
	}
	second.propose(t, "after")
	for _, n := range nodes {
		n.ledger.await(t, []string{"before", "between", "after"})
	}
}

func TestALeaderThatIsStoppedHandsOver(t *testing.T) {
	_, nodes := group(t, 3, func(c *consensus.Config) {
		// Without a hand-over nobody would lead for ten seconds and more.
		c.Timing.Heartbeat, c.Timing.Election, c.Timing.RPC = 10*time.Second, 10*time.Second, 10*time.Second
	}, func(c *consensus.Config) {
		if c.Name == "n1" {
			c.Timing.Heartbeat, c.Timing.Election = 200*time.Millisecond, 2*time.Second
		}
	})
	if err := nodes[0].stop(t); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	select {
	case l := <-nodes[1].LeadershipChanged():
		if !l.Leading {
			t.Fatalf("n2 got %+v", l)
		}
	case l := <-nodes[2].LeadershipChanged():
		if !l.Leading {
			t.Fatalf("n3 got %+v", l)
		}
	case <-ctx.Done():
		t.Fatal("nobody leads")
	}
}

func TestLeadershipCanBeGivenToAVoter(t *testing.T) {
	_, nodes := group(t, 3)
	if err := nodes[0].TransferLeadership(timeout(t), "n3"); err != nil {
		t.Fatal(err)
	}
	if got := leader(t, nodes...); got != nodes[2] {
		t.Fatalf("%s leads", got.name)
	}
	if err := nodes[2].TransferLeadership(timeout(t), "n3"); err != nil {
		t.Fatalf("to the leader itself: %v", err)
	}
	if err := nodes[2].TransferLeadership(timeout(t), "n9"); !errors.Is(err, consensus.ErrUnknownServer) {
		t.Fatalf("to a stranger: %v", err)
	}
}

func TestLeadershipIsNotGivenToWhoCannotVote(t *testing.T) {
	network := newNetwork()
	n1 := leader(t, newNode(t, network, "n1", bootstrap).start(t))
	n2 := newNode(t, network, "n2").start(t)
	if err := n1.SetServers(timeout(t), []consensus.Server{n1.server(true), n2.server(false)}); err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{"n2", ""} {
		if err := n1.TransferLeadership(timeout(t), to); !errors.Is(err, consensus.ErrUnknownServer) {
			t.Errorf("to %q: %v", to, err)
		}
	}
}

func TestLeadershipChangesAreTold(t *testing.T) {
	n := newNode(t, newNetwork(), "n1", bootstrap).start(t)
	won := <-n.LeadershipChanged()
	if !won.Leading || won.Term == 0 || won.Term != n.Term() || won.Since.IsZero() {
		t.Fatalf("got %+v in term %d", won, n.Term())
	}
	if err := n.stop(t); err != nil {
		t.Fatal(err)
	}
	if lost := <-n.LeadershipChanged(); lost.Leading {
		t.Fatalf("got %+v", lost)
	}
}

func TestWithoutQuorumANodeSaysSoAndGoesOnWhenOneReturns(t *testing.T) {
	network, nodes := group(t, 3)
	for _, n := range nodes {
		eventually(t, n.name+" has quorum", n.HasQuorum)
	}
	nodes[0].kill(t, nodes[1:]...)
	nodes[1].kill(t, nodes[2])
	eventually(t, "n3 misses the quorum", func() bool { return !nodes[2].HasQuorum() })
	if err := nodes[2].VerifyLeader(timeout(t)); !errors.Is(err, consensus.ErrNotLeader) {
		t.Fatalf("verify: %v", err)
	}
	network.heal()
	// It comes back where it was: there is no leader that could be told otherwise.
	nodes[1].config.Address = nodes[1].address()
	restartAt(t, nodes[1], nodes[1].address())
	leader(t, nodes[1:]...).propose(t, "again")
	eventually(t, "n3 has quorum", nodes[2].HasQuorum)
}

// restartAt runs the node at the address that it had.
func restartAt(t *testing.T, n *node, address string) {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	n.Consensus, err = consensus.New(n.config, n.ledger, listener, n.net.dial(n.name), n.log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx); close(ended) }()
	n.cancel, n.ended = cancel, ended
	t.Cleanup(func() { cancel(); <-ended })
}

func TestTheOutcomeOfACutOffLeadersProposalIsUnknown(t *testing.T) {
	network, nodes := group(t, 3)
	nodes[0].propose(t, "before")
	network.split([]string{"n1"}, []string{"n2", "n3"})
	if _, err := nodes[0].Propose(timeout(t), []byte("lost?")); !errors.Is(err, consensus.ErrUnknownOutcome) {
		t.Fatalf("got %v", err)
	}
	second := leader(t, nodes[1:]...)
	second.propose(t, "after")
	network.heal()
	for _, n := range nodes {
		n.ledger.await(t, []string{"before", "after"})
	}
}

func TestAProposalEndsWithItsContext(t *testing.T) {
	network, nodes := slowLeader(t)
	network.split(names(nodes[:1]), names(nodes[1:]))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := nodes[0].Propose(ctx, []byte("x"))
	if !errors.Is(err, consensus.ErrUnknownOutcome) || !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	if _, err := nodes[0].Propose(ctx, []byte("y")); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, consensus.ErrUnknownOutcome) {
		t.Fatalf("after the end: %v", err)
	}
}

func TestOutsideItsRunANodeDoesNothing(t *testing.T) {
	n := newNode(t, newNetwork(), "n1", bootstrap).start(t)
	leader(t, n)
	if err := n.stop(t); err != nil {
		t.Fatal(err)
	}
	_, err := n.Propose(timeout(t), []byte("x"))
	_, led := n.Leader()
	for what, err := range map[string]error{
		"propose":     err,
		"verify":      n.VerifyLeader(timeout(t)),
		"barrier":     n.Barrier(timeout(t)),
		"set servers": n.SetServers(timeout(t), []consensus.Server{n.server(true)}),
		"transfer":    n.TransferLeadership(timeout(t), "n2"),
		"run":         n.Run(t.Context()),
	} {
		if !errors.Is(err, consensus.ErrStopped) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if led || n.IsLeader() || n.HasQuorum() || n.Term() != 0 || n.Servers() != nil {
		t.Error("a node that has ended says something")
	}
}

func TestRunLeavesNoGoroutineBehind(t *testing.T) {
	_, nodes := group(t, 3)
	nodes[0].propose(t, "x")
	for _, n := range nodes {
		if err := n.stop(t); err != nil {
			t.Fatal(err)
		}
	}
	stacks := make([]byte, 1<<20)
	eventually(t, "all goroutines of the group have ended", func() bool {
		text := string(stacks[:runtime.Stack(stacks, true)])
		return !strings.Contains(text, "hashicorp/") && strings.Count(text, "consensus.(") == 0
	})
}

func TestWhatTheLibraryLogsIsPlainInAnyHandler(t *testing.T) {
	var out strings.Builder
	n := newNode(t, newNetwork(), "n1", bootstrap)
	n.log = slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	leader(t, n.start(t))
	if err := n.stop(t); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); strings.Contains(text, "!ERROR") || strings.Contains(text, "!BADKEY") || !strings.Contains(text, `"servers":"[{`) {
		t.Fatalf("log:\n%s", text)
	}
}
