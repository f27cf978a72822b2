package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"

	"hedgehog/cmd/hedgehog/top"
	"hedgehog/cmd/hedgehog/top/toptest"
	"hedgehog/node/api"
)

// terminal is a pseudo terminal on which the program runs, with what it shows.
type terminal struct {
	tb      testing.TB
	file    *os.File
	command *exec.Cmd
	changed chan struct{} // holds one element after the screen has changed

	mu     sync.Mutex
	screen *vt.Emulator // guarded by mu, but for reading what it answers
	raw    bytes.Buffer // all that the program has written; guarded by mu
}

// openTerminal runs the program on a terminal until the test ends.
func openTerminal(tb testing.TB, width, height int, variables []string, args ...string) *terminal {
	program, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	v := &terminal{tb: tb, command: exec.Command(program, args...), screen: vt.NewEmulator(width, height), changed: make(chan struct{}, 1)}
	v.command.Env = append(os.Environ(), "HEDGEHOG_TEST_AS_PROGRAM=1", "TERM=xterm-256color", "NO_COLOR=", "COLORTERM=", "TZ=UTC")
	v.command.Env = append(v.command.Env, variables...)
	if v.file, err = pty.StartWithSize(v.command, &pty.Winsize{Rows: uint16(height), Cols: uint16(width)}); err != nil {
		tb.Fatal(err)
	}
	var helping sync.WaitGroup
	helping.Go(func() { _, _ = io.Copy(v, v.file) })        // until the program has ended
	helping.Go(func() { _, _ = io.Copy(v.file, v.screen) }) // what a terminal answers, until it is closed
	tb.Cleanup(func() {
		_ = v.command.Process.Kill()
		_ = v.command.Wait()
		_ = v.screen.InputPipe().(io.Closer).Close()
		_ = v.file.Close()
		helping.Wait()
	})
	return v
}

// Write takes what the program writes.
func (v *terminal) Write(text []byte) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.raw.Write(text)
	n, err := v.screen.Write(text)
	select {
	case v.changed <- struct{}{}:
	default:
	}
	return n, err
}

func (v *terminal) shows() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.screen.String()
}

func (v *terminal) written() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.raw.String()
}

// await waits until the screen shows the text, or where shown is false shows it no
// longer.
func (v *terminal) await(text string, shown bool) {
	v.tb.Helper()
	late := time.After(30 * time.Second)
	for strings.Contains(v.shows(), text) != shown {
		select {
		case <-v.changed:
		case <-late:
			v.tb.Fatalf("waiting for %q, shown %t, on\n%s", text, shown, v.shows())
		}
	}
}

func (v *terminal) resize(width, height int) {
	v.tb.Helper()
	v.mu.Lock()
	v.screen.Resize(width, height)
	v.mu.Unlock()
	if err := pty.Setsize(v.file, &pty.Winsize{Rows: uint16(height), Cols: uint16(width)}); err != nil {
		v.tb.Fatal(err)
	}
}

func (v *terminal) press(keys string) {
	v.tb.Helper()
	if _, err := v.file.WriteString(keys); err != nil {
		v.tb.Fatal(err)
	}
}

func TestTopOnATerminal(t *testing.T) {
	node := toptest.New(t)
	node.TellAll()
	v := openTerminal(t, 80, 24, nil, "top", "--node", node.URL)
	for _, text := range []string{"leader n1 (term 4)", "> BNBUSDT", "XRPUSDT       n2→n3               0.5", "12.345678", "owned since epoch 12", "q quit"} {
		v.await(text, true)
	}
	node.Trade("BTCUSDT", "59123.45")
	v.await("59123.45", true)

	v.press("\x1b[B") // down
	v.await("> BTCUSDT", true)
	v.press("x")
	v.await("Stop trading BTCUSDT?", true)
	v.press("s")
	v.await("BTCUSDT is shut down: it sells what is held", true)
	if got := node.Requests(); !slices.Equal(got, []string{`PATCH symbols/BTCUSDT {"trading_status":"shutdown"}`}) {
		t.Errorf("asked the node for %q", got)
	}

	v.await("TRADES/S", true)
	v.resize(60, 20)
	v.await("TRADES/S", false)
	v.await("> BTCUSDT", true)

	node.Close()
	v.await("NO ANSWER", true)
	v.press("q")
	if err := v.command.Wait(); err != nil {
		t.Errorf("it ends with %v", err)
	}
	v.await("NO ANSWER", false) // the terminal is as it was
}

func TestTopUsesColoursUnlessTheUserWantsNone(t *testing.T) {
	const cyan = "\x1b[36;1m"
	node := toptest.New(t)
	node.TellAll()
	for _, test := range []struct {
		variable string
		coloured bool
	}{{"NO_COLOR=", true}, {"NO_COLOR=please", false}} {
		v := openTerminal(t, 80, 24, []string{test.variable}, "top", "--node", node.URL)
		v.await("owned since epoch 12", true)
		if got := strings.Contains(v.written(), cyan); got != test.coloured {
			t.Errorf("with %s colours are used: %t, want %t", test.variable, got, test.coloured)
		}
	}
}

func TestTopWithoutAccessSaysSo(t *testing.T) {
	node := toptest.New(t)
	node.Refuse(&api.StatusError{Status: 401, Message: "this cluster wants a token"})
	v := openTerminal(t, 80, 24, nil, "top", "--node", node.URL)
	v.await("hedgehog: this cluster wants a token", true)
	_ = v.command.Wait()
	if code := v.command.ProcessState.ExitCode(); code != exitFailure {
		t.Errorf("exit code %d, want %d", code, exitFailure)
	}
}

func TestTopWithoutATerminal(t *testing.T) {
	checkFailure(t, hedgehog(t.Context(), "top"), exitUsage, "the output is no terminal: use --once or --json to take one look; see hedgehog top --help")
	node := toptest.New(t)
	node.TellAll()
	text := mustHedgehog(t, "top", "--once", "--node", node.URL)
	for _, part := range []string{"leader  n1 (term 4)\n", "\nXRPUSDT  n2→n3  0.5 ", "12:00:01  owner   n2 XRPUSDT          owned since epoch 12, before by n1\n"} {
		if !strings.Contains(text, part) {
			t.Errorf("one look lacks %q:\n%s", part, text)
		}
	}
	var seen top.Snapshot
	mustDecode(t, mustHedgehog(t, "top", "--json", "--node", node.URL), &seen)
	if seen.Cluster == nil || seen.Cluster.Leader != "n1" || len(seen.Symbols) != 3 || len(seen.Events) != 2 {
		t.Errorf("as JSON: %+v", seen)
	}
	node.Close()
	if r := hedgehog(t.Context(), "top", "--once", "--node", node.URL); r.code != exitUnreachable || strings.Count(r.stderr, "\n") != 1 {
		t.Errorf("where no node answers: exit code %d, errors %q", r.code, r.stderr)
	}
}
