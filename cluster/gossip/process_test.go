package gossip_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"hedgehog/cluster/gossip"
)

// asNode makes the test's program a node, named by the variable's value, that
// joins the address in its only argument.
const asNode = "HEDGEHOG_GOSSIP_TEST_NODE"

func TestMain(m *testing.M) {
	if name := os.Getenv(asNode); name != "" {
		if err := beNode(name, os.Args[1]); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func beNode(name, address string) error {
	g, err := gossip.New(newConfig(name), slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience) // in case that nobody ends it
	defer cancel()
	joined := make(chan error, 1)
	go func() { joined <- g.Join(ctx, []string{address}) }()
	err = g.Run(ctx)
	return errors.Join(err, <-joined)
}

// process is a node in a process of its own.
type process struct {
	*exec.Cmd
	out io.Reader
}

func startProcess(tb testing.TB, name, address string) process {
	tb.Helper()
	c := exec.Command(os.Args[0], address)
	c.Env = append(os.Environ(), asNode+"="+name)
	out, err := c.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := c.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	return process{Cmd: c, out: out}
}

func (p process) signal(tb testing.TB, s syscall.Signal) {
	tb.Helper()
	if err := p.Process.Signal(s); err != nil {
		tb.Fatal(err)
	}
}

func TestAKilledProcessCountsAsFailedAfterAboutASecond(t *testing.T) {
	n1, n3 := start(t, newConfig("n1")), start(t, newConfig("n3"))
	join(t, n3.Gossip, n1.Address())
	n2 := startProcess(t, "n2", n1.Address())
	sees(t, n1.Gossip, "n1=alive n2=alive n3=alive")
	sees(t, n3.Gossip, "n1=alive n2=alive n3=alive")
	n2.signal(t, syscall.SIGKILL)
	killed := time.Now()
	sees(t, n1.Gossip, "n1=alive n2=failed n3=alive")
	took := time.Since(killed)
	t.Logf("failed after %v", took)
	if took > 5*time.Second { // a busy machine is granted some
		t.Errorf("failed only after %v", took)
	}
}

// Paused for so long that it counts as failed, a node finds, when it goes on,
// that another has taken its name. The cluster holds the other to be the member.
func TestAPausedNodeWhoseNameWasTakenGivesWay(t *testing.T) {
	n2 := start(t, newConfig("n2"))
	paused := startProcess(t, "n1", n2.Address())
	sees(t, n2.Gossip, "n1=alive n2=alive")
	paused.signal(t, syscall.SIGSTOP)
	sees(t, n2.Gossip, "n1=failed n2=alive")
	c := newConfig("n1")
	c.Meta.Started = 2
	n1 := start(t, c)
	join(t, n1.Gossip, n2.Address())
	sees(t, n2.Gossip, "n1=alive n2=alive")
	paused.signal(t, syscall.SIGCONT)
	line, err := bufio.NewReader(paused.out).ReadString('\n')
	if err != nil || !strings.Contains(line, gossip.ErrNameTaken.Error()) || !strings.Contains(line, n1.Address()) {
		t.Errorf("the paused node ended with %q, %v", line, err)
	}
	for _, g := range []node{n1, n2} {
		members := sees(t, g.Gossip, "n1=alive n2=alive")
		if members[0].Address != n1.Address() {
			t.Errorf("n1 is seen at %s, not at %s", members[0].Address, n1.Address())
		}
	}
}

func TestAPausedNodeComesBackWhenItGoesOn(t *testing.T) {
	n2 := start(t, newConfig("n2"))
	paused := startProcess(t, "n1", n2.Address())
	sees(t, n2.Gossip, "n1=alive n2=alive")
	paused.signal(t, syscall.SIGSTOP)
	sees(t, n2.Gossip, "n1=failed n2=alive")
	paused.signal(t, syscall.SIGCONT)
	sees(t, n2.Gossip, "n1=alive n2=alive")
}
