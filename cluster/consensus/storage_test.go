package consensus_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hedgehog/cluster/consensus"
)

func TestARaftDirectoryThatCannotBeReadIsNamedWithWhatToDo(t *testing.T) {
	garbage := func(path string) error { return os.WriteFile(path, []byte(strings.Repeat("garbage ", 4096)), 0o600) }
	half := func(path string) error {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		return os.Truncate(path, info.Size()/2)
	}
	for _, c := range []struct {
		name, file string
		damage     func(path string) error
	}{
		{"the index is garbage", "log/wal-meta.db", garbage},
		{"the index is empty", "log/wal-meta.db", func(path string) error { return os.Truncate(path, 0) }},
		{"the index is cut short", "log/wal-meta.db", half},
		{"the log is garbage", "log/*.wal", garbage},
		{"the log is lost", "log/*.wal", os.Remove},
		{"the directory is lost", ".", os.RemoveAll},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newNode(t, newNetwork(), "n1", bootstrap).start(t)
			leader(t, n).propose(t, "x")
			if err := n.stop(t); err != nil {
				t.Fatal(err)
			}
			files, err := filepath.Glob(filepath.Join(n.dir, "raft", c.file))
			if err != nil || len(files) != 1 {
				t.Fatalf("files %v, %v", files, err)
			}
			if err := c.damage(files[0]); err != nil {
				t.Fatal(err)
			}
			err = n.start(t).wait(t)
			if !errors.Is(err, consensus.ErrCorrupt) || !strings.Contains(err.Error(), filepath.Join(n.dir, "raft")) || !strings.Contains(err.Error(), "join") {
				t.Fatalf("got %v", err)
			}
		})
	}
}

func TestADirectoryServesOneNodeAtATime(t *testing.T) {
	n := newNode(t, newNetwork(), "n1", bootstrap).start(t)
	leader(t, n)
	second := newNode(t, newNetwork(), "n1", func(c *consensus.Config) { c.Dir = n.dir })
	if err := second.start(t).wait(t); !errors.Is(err, consensus.ErrInUse) || errors.Is(err, consensus.ErrCorrupt) {
		t.Fatalf("got %v", err)
	}
	if err := consensus.Recover(n.dir, newLedger(t), members("n1*")); !errors.Is(err, consensus.ErrInUse) {
		t.Fatalf("recover: %v", err)
	}
	n.propose(t, "undisturbed")
}

func TestAStateMachineThatFailsStopsTheNodeAndLosesNothing(t *testing.T) {
	full := errors.New("disk is full")
	for _, at := range []int{0, 1} {
		t.Run(fmt.Sprintf("at node %d of which 0 leads", at), func(t *testing.T) {
			_, nodes := group(t, 3)
			nodes[0].propose(t, "a")
			sick := nodes[at]
			sick.ledger.await(t, []string{"a"})
			sick.ledger.breakWith(full)
			_, err := nodes[0].Propose(timeout(t), []byte("b"))
			if sick == nodes[0] {
				if !errors.Is(err, consensus.ErrUnknownOutcome) || !errors.Is(err, full) {
					t.Fatalf("propose: %v", err)
				}
			} else if err != nil {
				t.Fatal(err)
			}
			if err := sick.wait(t); !errors.Is(err, consensus.ErrApply) || !errors.Is(err, full) {
				t.Fatalf("run: %v", err)
			}
			rest := without(nodes, sick)
			leader(t, rest...).propose(t, "c")
			sick.ledger.breakWith(nil)
			sick.ledger.await(t, []string{"a"})

			restartAt(t, sick, sick.address())
			for _, n := range nodes {
				n.ledger.await(t, []string{"a", "b", "c"})
			}
		})
	}
}

// small makes snapshots soon and keeps little of the log behind them.
func small(c *consensus.Config) {
	c.SnapshotEvery, c.SnapshotCheck, c.KeepEntries = 20, 10*time.Millisecond, 5
}

// fill proposes until the node has two snapshots: the log was cut after the first.
func fill(t *testing.T, n *node) []string {
	t.Helper()
	var commands []string
	eventually(t, "two snapshots", func() bool {
		for range 10 {
			commands = append(commands, fmt.Sprint(len(commands)))
			n.propose(t, commands[len(commands)-1])
		}
		complete, err := filepath.Glob(filepath.Join(n.dir, "raft", "snapshots", "*[0-9]", "state.bin"))
		return err == nil && len(complete) >= 2 && len(commands) > 2*int(n.config.SnapshotEvery)
	})
	return commands
}

func TestANewNodeStartsFromASnapshotAndTheLogBehindIt(t *testing.T) {
	network := newNetwork()
	n1 := leader(t, newNode(t, network, "n1", bootstrap, small).start(t))
	var want []string
	for i := range 24 { // more than one file of the log, since only whole files are cut off
		want = append(want, strings.Repeat(string(rune('a'+i)), 400<<10))
		n1.propose(t, want[i])
	}
	want = append(want, fill(t, n1)...)
	n2 := newNode(t, network, "n2", small).start(t)
	if err := n1.SetServers(timeout(t), []consensus.Server{n1.server(true), n2.server(false)}); err != nil {
		t.Fatal(err)
	}
	n1.propose(t, "last")
	n2.ledger.await(t, append(want, "last"))
	if n2.ledger.restores == 0 {
		t.Fatal("no snapshot was installed")
	}
}

func TestOnlyAStateBehindTheSnapshotIsRestoredAtTheStart(t *testing.T) {
	n := leader(t, newNode(t, newNetwork(), "n1", bootstrap, small).start(t))
	want := fill(t, n)
	if err := n.stop(t); err != nil {
		t.Fatal(err)
	}
	leader(t, n.start(t)).propose(t, "more")
	n.ledger.await(t, append(want, "more"))
	if n.ledger.restores != 0 {
		t.Fatalf("%d restores of a state that was ahead", n.ledger.restores)
	}
	if err := n.stop(t); err != nil {
		t.Fatal(err)
	}
	n.ledger = newLedger(t) // as if the state's file were lost
	leader(t, n.start(t)).propose(t, "and more")
	n.ledger.await(t, append(want, "more", "and more"))
	if n.ledger.restores != 1 {
		t.Fatalf("%d restores of a state that was lost", n.ledger.restores)
	}
}

func TestALostQuorumIsRebuiltFromOneNode(t *testing.T) {
	network, nodes := group(t, 3, small)
	want := fill(t, nodes[0])
	last := nodes[2]
	last.ledger.await(t, want)
	nodes[0].kill(t, nodes[1:]...)
	nodes[1].kill(t, last)
	if err := last.stop(t); err != nil {
		t.Fatal(err)
	}
	if err := consensus.Recover(last.dir, last.ledger, []consensus.Server{last.server(true)}); err != nil {
		t.Fatal(err)
	}
	last.ledger.await(t, want)
	leader(t, last.start(t)).propose(t, "on")
	network.heal()

	fresh := newNode(t, network, "n1", small).start(t)
	if err := last.SetServers(timeout(t), []consensus.Server{last.server(true), fresh.server(false)}); err != nil {
		t.Fatal(err)
	}
	fresh.ledger.await(t, append(want, "on"))
}

func TestRecoverRefusesWhatItCannotDo(t *testing.T) {
	if err := consensus.Recover(t.TempDir(), newLedger(t), members("n1*")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an empty directory: %v", err)
	}
	n := leader(t, newNode(t, newNetwork(), "n1", bootstrap).start(t))
	n.propose(t, "x")
	if err := n.stop(t); err != nil {
		t.Fatal(err)
	}
	if err := consensus.Recover(n.dir, n.ledger, members("n1")); err == nil {
		t.Error("a group without a voter was made")
	}
	broken := newLedger(t)
	broken.breakWith(errors.New("disk is full"))
	if err := consensus.Recover(n.dir, broken, members("n1*")); !errors.Is(err, consensus.ErrApply) || errors.Is(err, consensus.ErrCorrupt) {
		t.Errorf("a state machine that fails: %v", err)
	}
	lost := newLedger(t)
	if err := consensus.Recover(n.dir, lost, members("n1*")); err != nil {
		t.Fatal(err)
	}
	lost.await(t, []string{"x"})
}
