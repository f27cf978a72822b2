package main_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hedgehog/node/api"
)

// patience is how long a test waits for anything before it fails.
const patience = 30 * time.Second

// program returns the command that runs hedgehog as a process of its own: the
// test binary, which TestMain turns into the program, so that a race in the
// process is found where the tests look for races.
func program(ctx context.Context, t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(ctx, self, args...)
	ours := func(variable string) bool { return strings.HasPrefix(variable, "HEDGEHOG_") }
	command.Env = append(slices.DeleteFunc(os.Environ(), ours), "HEDGEHOG_TEST_AS_PROGRAM=1",
		"GORACE=atexit_sleep_ms=0") // else each process built with -race lingers for a second
	return command
}

// outcome is what a command that ends by itself left.
type outcome struct {
	code           int
	stdout, stderr string
}

// run runs hedgehog to its end.
func run(t testing.TB, args ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var stdout, stderr bytes.Buffer
	command := program(ctx, t, args...)
	command.Stdout, command.Stderr = &stdout, &stderr
	var exit *exec.ExitError
	if err := command.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return outcome{command.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// must runs hedgehog, which has to succeed, and returns what it printed.
func must(t testing.TB, args ...string) string {
	t.Helper()
	o := run(t, args...)
	if o.code != 0 || o.stderr != "" {
		t.Fatalf("hedgehog %s: exit code %d, errors %q", strings.Join(args, " "), o.code, o.stderr)
	}
	return o.stdout
}

// daemon is a hedgehog process that runs beside the test.
type daemon struct {
	t       testing.TB
	command *exec.Cmd
	ended   chan struct{} // closed when the process has ended and its log was read

	mu    sync.Mutex
	log   []string      // lines of its standard error stream; guarded by mu
	grown chan struct{} // closed with the next line; guarded by mu
	seen  int           // lines that await has passed; guarded by mu
}

// place is where a process runs, and with what.
type place struct {
	start func(*exec.Cmd) error // nil: as usual
	env   []string              // beside the usual
	log   io.Writer             // a copy of its log; nil: the end of it is shown when the test fails
}

// launch starts a process, which is killed when it outlives the test.
func launch(t testing.TB, args ...string) *daemon {
	t.Helper()
	return launchAt(t, place{}, args...)
}

func launchAt(t testing.TB, at place, args ...string) *daemon {
	t.Helper()
	d := &daemon{t: t, command: program(t.Context(), t, args...), ended: make(chan struct{}), grown: make(chan struct{})}
	d.command.Env = append(d.command.Env, at.env...)
	stderr, err := d.command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	start := at.start
	if start == nil {
		start = (*exec.Cmd).Start
	}
	if err := start(d.command); err != nil {
		t.Fatal(err)
	}
	var source io.Reader = stderr
	if at.log != nil {
		source = io.TeeReader(stderr, at.log)
	}
	go func() {
		defer close(d.ended)
		lines := bufio.NewScanner(source)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			d.mu.Lock()
			d.log = append(d.log, lines.Text())
			close(d.grown)
			d.grown = make(chan struct{})
			d.mu.Unlock()
		}
		_ = d.command.Wait() // the exit code says it all
	}()
	t.Cleanup(func() {
		<-d.ended
		if t.Failed() && at.log == nil {
			t.Logf("hedgehog %s logged:\n%s", strings.Join(args, " "), strings.Join(d.log[max(0, len(d.log)-40):], "\n"))
		}
	})
	return d
}

// await returns the next line of the log with the message.
func (d *daemon) await(message string) map[string]any {
	d.t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		// Asked before the log is read: what an ended process wrote is all there.
		var over bool
		select {
		case <-d.ended:
			over = true
		default:
		}
		d.mu.Lock()
		grown := d.grown
		for d.seen < len(d.log) {
			var line map[string]any
			_ = json.Unmarshal([]byte(d.log[d.seen]), &line) // a line that is no JSON has no message
			d.seen++
			if line["msg"] == message {
				d.mu.Unlock()
				return line
			}
		}
		d.mu.Unlock()
		if over {
			d.t.Fatalf("the process ended without %q on its log", message)
		}
		select {
		case <-grown:
		case <-d.ended:
		case <-late.C:
			d.t.Fatalf("no %q on the log", message)
		}
	}
}

// exit waits for the end of the process and returns its exit code, -1 when a
// signal killed it.
func (d *daemon) exit() int {
	d.t.Helper()
	select {
	case <-d.ended:
		return d.command.ProcessState.ExitCode()
	case <-time.After(patience):
		// It then writes what each goroutine waits for.
		if err := d.command.Process.Signal(syscall.SIGQUIT); err == nil {
			<-d.ended
		}
		d.t.Fatalf("%s does not end:\n%s", strings.Join(d.command.Args, " "), strings.Join(d.log[max(0, len(d.log)-1500):], "\n"))
		return -1
	}
}

// end sends the signal and expects the process to end in order within seconds.
func (d *daemon) end(signal os.Signal) {
	d.t.Helper()
	began := time.Now()
	if err := d.command.Process.Signal(signal); err != nil {
		d.t.Fatal(err)
	}
	if code := d.exit(); code != 0 {
		d.t.Errorf("exit code %d after %s, want 0", code, signal)
	}
	if took := time.Since(began); took > 5*time.Second {
		d.t.Errorf("the end took %s after %s", took, signal)
	}
}

// kill ends the process as a power cut would.
func (d *daemon) kill() {
	d.t.Helper()
	if err := d.command.Process.Kill(); err != nil {
		d.t.Fatal(err)
	}
	if code := d.exit(); code != -1 {
		d.t.Errorf("exit code %d: the process had ended before it was killed", code)
	}
}

// lines returns the whole log of a process that has ended.
func (d *daemon) lines() []string {
	d.t.Helper()
	d.exit()
	return d.log
}

// market is a running simulated exchange.
type market struct {
	*daemon
	url string
}

func launchExchange(t testing.TB, args ...string) market {
	t.Helper()
	d := launch(t, append([]string{"exchange"}, args...)...)
	return market{d, d.await("simulated exchange listening")["url"].(string)}
}

// newestTrade returns the id of the exchange's latest trade.
func (m market) newestTrade() int64 {
	m.t.Helper()
	response, err := http.Get(m.url + "/api/v3/trades?limit=1&symbol=" + symbol)
	if err != nil {
		m.t.Fatal(err)
	}
	defer response.Body.Close()
	var trades []struct{ ID int64 }
	if err := json.NewDecoder(response.Body).Decode(&trades); err != nil || len(trades) != 1 {
		m.t.Fatalf("the exchange has the trades %v, %v", trades, err)
	}
	return trades[0].ID
}

// peer is a running node.
type peer struct {
	*daemon
	url    string
	client *api.Client
}

// launchNode starts a node named e2e and waits until it answers.
func launchNode(t testing.TB, dir, exchange string) peer {
	t.Helper()
	d := launch(t, "node", "--name", "e2e", "--data-dir", dir, "--exchange", exchange, "--http", "127.0.0.1:0")
	url := d.await("node started")["http"].(string)
	client, err := api.NewClient(url)
	if err != nil {
		t.Fatal(err)
	}
	return peer{d, url, client}
}

// status returns what the node says of the symbol; false while it says nothing.
func (p peer) status() (api.SymbolStatus, bool) {
	s, err := p.client.Status(p.t.Context())
	if err != nil || len(s.Symbols) == 0 {
		return api.SymbolStatus{}, false
	}
	return s.Symbols[0], true
}

// positions returns the node's positions, also those that are over.
func (p peer) positions() []api.Position {
	p.t.Helper()
	var list []api.Position
	if err := json.Unmarshal([]byte(must(p.t, "trade", "positions", symbol, "--all", "--json", "--node", p.url)), &list); err != nil {
		p.t.Fatal(err)
	}
	return list
}

// eventually waits until holds, which it asks often.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	eventuallyEvery(t, 5*time.Millisecond, what, holds)
}

func eventuallyEvery(t testing.TB, pause time.Duration, what string, holds func() bool) {
	t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-late.C:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// recorded returns the path of a file that lies beside the repository.
func recorded(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "data", name)
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("recorded data are missing: %v", err)
		}
		t.Skipf("recorded data are missing: %v", err)
	}
	return path
}
