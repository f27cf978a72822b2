package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestMain makes the test binary the program itself where a test starts it as a
// process of its own.
func TestMain(m *testing.M) {
	if os.Getenv("HEDGEHOG_TEST_AS_PROGRAM") != "" {
		main()
	}
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "HEDGEHOG_") {
			os.Unsetenv(name)
		}
	}
	os.Exit(m.Run())
}

// result is what one run of the program left.
type result struct {
	code           int
	stdout, stderr string
}

// hedgehog runs the program to its end.
func hedgehog(ctx context.Context, args ...string) result {
	var stdout, stderr bytes.Buffer
	p := program{stdout: &stdout, stderr: &stderr, zone: time.UTC}
	code := p.run(ctx, args)
	return result{code, stdout.String(), stderr.String()}
}

// mustHedgehog runs the program and returns what it printed.
func mustHedgehog(t testing.TB, args ...string) string {
	t.Helper()
	r := hedgehog(t.Context(), args...)
	if r.code != exitOK || r.stderr != "" {
		t.Fatalf("hedgehog %s: exit code %d, errors %q", strings.Join(args, " "), r.code, r.stderr)
	}
	return r.stdout
}

// checkFailure expects a run to have failed with code and one line of text.
func checkFailure(t testing.TB, r result, code int, text string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code %d, want %d", r.code, code)
	}
	if want := "hedgehog: " + text + "\n"; r.stderr != want {
		t.Errorf("standard error stream\n got %q\nwant %q", r.stderr, want)
	}
	if r.stdout != "" {
		t.Errorf("standard output %q, want nothing", r.stdout)
	}
}

// checkGolden compares text with a file of testdata.
func checkGolden(t testing.TB, name, text string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v: -update writes it", err)
	}
	if text != string(want) {
		t.Errorf("%s differs; -update accepts it\n got:\n%s\nwant:\n%s", path, text, want)
	}
}

// process is a program that runs beside the test.
type process struct {
	t     testing.TB
	stop  context.CancelFunc
	lines chan map[string]any // of the log
	code  chan int
}

// start runs a program that logs as JSON until the test is over.
func start(t testing.TB, args ...string) *process {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	r := &process{t: t, stop: stop, lines: make(chan map[string]any, 10_000), code: make(chan int, 1)}
	read, write := io.Pipe()
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		defer close(r.lines)
		for scanner := bufio.NewScanner(read); scanner.Scan(); {
			var line map[string]any
			if json.Unmarshal(scanner.Bytes(), &line) != nil {
				line = map[string]any{"msg": scanner.Text()}
			}
			r.lines <- line
		}
	}()
	go func() {
		p := program{stdout: io.Discard, stderr: write, zone: time.UTC}
		r.code <- p.run(ctx, args)
		write.Close()
	}()
	t.Cleanup(func() {
		stop()
		<-drained
	})
	return r
}

// await returns the next line of the log with the message.
func (r *process) await(message string) map[string]any {
	r.t.Helper()
	var seen []any
	for {
		select {
		case line, more := <-r.lines:
			if !more {
				r.t.Fatalf("the log ended without %q, after %q", message, seen)
			}
			if line["msg"] == message {
				return line
			}
			seen = append(seen, line["msg"])
		case <-time.After(20 * time.Second):
			r.t.Fatalf("no %q on the log, only %q", message, seen)
		}
	}
}

// ended stops the program and returns its exit code.
func (r *process) ended() int {
	r.t.Helper()
	r.stop()
	return r.exitCode()
}

// exitCode waits for the program to end by itself.
func (r *process) exitCode() int {
	r.t.Helper()
	select {
	case code := <-r.code:
		return code
	case <-time.After(20 * time.Second):
		r.t.Fatal("the program does not end")
		return -1
	}
}
