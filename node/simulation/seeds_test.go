package simulation_test

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"iter"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	"hedgehog/node/judge"
	"hedgehog/storage/powercut"
)

var (
	seeds  = flag.Int("seeds", fewSeeds, "run the seeds from 1 to this one")
	oneOf  = flag.Uint64("seed", 0, "run this seed alone and print its timeline")
	first  = flag.Bool("first", false, "stop at the first seed that breaks a promise")
	busy   = flag.Bool("busy", false, "have trades and orders come several times as often")
	traced = flag.Bool("messages", false, "have the timeline show every message too")
	worker = flag.String("worker", "", "run every so many-th seed in this process, as FIRST/STEP")
)

// printable is the beginning of a message on one line.
func printable(what string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '.'
	}, what[:min(len(what), 300)])
}

// historyTime bounds how long a history is judged, in real time.
const historyTime = 10 * time.Second

// result is what came of a seed.
type result struct {
	seed       uint64
	violations []string
	timeline   string
	history    *judge.History
	counts     judge.Counts
	faults     int
	recovery   time.Duration // from the last fault until everything was traded again
	err        error
}

// tally sums up what the seeds of a worker had.
type tally struct {
	seeds, faults, orders, cycles int
	recoveries                    []time.Duration
}

func (t *tally) add(r result) {
	t.seeds++
	t.faults += r.faults
	t.orders += r.counts.Orders
	t.cycles += r.counts.Cycles
	t.recoveries = append(t.recoveries, r.recovery)
}

func (t *tally) String() string {
	slices.Sort(t.recoveries)
	at := func(share int) time.Duration {
		return t.recoveries[(len(t.recoveries)-1)*share/100].Round(10 * time.Millisecond)
	}
	return fmt.Sprintf("%d seeds: %d faults, %d orders, %d cycles; traded again after the last fault: median %v, 99th percentile %v, at most %v",
		t.seeds, t.faults, t.orders, t.cycles, at(50), at(99), at(100))
}

// runSeed plays one seed in a bubble of its own.
func runSeed(t *testing.T, seed uint64, verbose io.Writer) (r result) {
	dir, err := os.MkdirTemp(disks(), "hedgehog-simulation")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
		defer func() {
			if p := recover(); p != nil { // of the bubble: somebody waits for ever
				r = result{seed: seed, err: fmt.Errorf("panic: %v", p)}
			}
		}()
		power := powercut.Watch(t, dir)
		synctest.Test(t, func(t *testing.T) {
			w, err := newWorld(t, seed, dir, power, verbose)
			if err != nil {
				r = result{seed: seed, err: err}
				return
			}
			err = w.play()
			r = result{
				seed: seed, violations: w.court.violations(), timeline: w.timeline(), history: &w.history, err: err,
				counts: w.court.judge.Counts(), faults: w.faults, recovery: w.recovery,
			}
		})
	})
	if r.history != nil {
		for _, v := range r.history.Check(historyTime) {
			r.violations = append(r.violations, fmt.Sprintf("%s: %s %s", v.Rule, v.Symbol, v.Text))
		}
	}
	return r
}

// disks is where the machines' disks are: in memory, where that can be had.
func disks() string {
	const memory = "/dev/shm"
	if i, err := os.Stat(memory); err == nil && i.IsDir() {
		return memory
	}
	return ""
}

// failed says what is wrong, or nothing.
func (r result) failed() string {
	switch {
	case r.err != nil:
		return fmt.Sprintf("violation: seed %d: runs-through: %v", r.seed, r.err)
	case len(r.violations) > 0:
		return fmt.Sprintf("violation: seed %d: %s", r.seed, strings.Join(r.violations, "\n    "))
	}
	return ""
}

// A seed breaks no promise. The test runs itself again in workers of one processor,
// where goroutines run one after the other and not beside each other.
func TestSeeds(t *testing.T) {
	switch {
	case *worker != "":
		work(t)
	case *oneOf != 0:
		runWorker(t, os.Stdout, fmt.Sprintf("%d/1", *oneOf))
	default:
		var all sync.WaitGroup
		count := min(runtime.NumCPU(), *seeds)
		for i := range count {
			all.Go(func() { runWorker(t, new(bytes.Buffer), fmt.Sprintf("%d/%d", i+1, count)) })
		}
		all.Wait()
	}
}

// runWorker runs the test in a process that runs each of its steps seeds.
func runWorker(t *testing.T, output io.Writer, steps string) {
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.timeout", "0", "-worker", steps,
		"-seeds", strconv.Itoa(*seeds), "-seed", strconv.FormatUint(*oneOf, 10),
		"-first="+strconv.FormatBool(*first), "-busy="+strconv.FormatBool(*busy), "-messages="+strconv.FormatBool(*traced))
	c.Env = append(os.Environ(), "GOMAXPROCS=1", "GODEBUG=asyncpreemptoff=1")
	c.Stdout, c.Stderr = output, output
	err := c.Run()
	if err != nil {
		t.Errorf("worker %s: %v", steps, err)
	}
	if b, ok := output.(*bytes.Buffer); ok {
		t.Logf("%s", bytes.TrimSpace(b.Bytes()))
	}
}

// work runs the seeds of one worker.
func work(t *testing.T) {
	debug.SetGCPercent(400)
	var all tally
	defer func() { fmt.Println(&all) }()
	for seed := range mySeeds(t) {
		r := runSeed(t, seed, timelineTo())
		all.add(r)
		if failed := r.failed(); failed != "" {
			fmt.Println(failed)
			fmt.Printf("    replay: go test ./node/simulation -run TestSeeds -v -busy=%t -seed %d\n", *busy, seed)
			t.Fail()
			if *first {
				return
			}
		}
	}
}

// timelineTo is where the timeline goes as it happens: of one seed alone.
func timelineTo() io.Writer {
	if *oneOf == 0 {
		return nil
	}
	return os.Stdout
}

// mySeeds are the seeds of this worker.
func mySeeds(t *testing.T) iter.Seq[uint64] {
	begin, step, _ := strings.Cut(*worker, "/")
	first, err := strconv.ParseUint(begin, 10, 64)
	if err != nil {
		t.Fatalf("-worker %q: want FIRST/STEP", *worker)
	}
	by, err := strconv.ParseUint(step, 10, 64)
	if err != nil || by == 0 {
		t.Fatalf("-worker %q: want FIRST/STEP", *worker)
	}
	return func(yield func(uint64) bool) {
		for seed := first; seed <= max(uint64(*seeds), *oneOf) && yield(seed); seed += by {
			if seed == *oneOf {
				return
			}
		}
	}
}

// The same seed gives the same history, byte for byte, or no seed could be looked
// into.
func TestSameSeedSameHistory(t *testing.T) {
	if testing.Short() {
		t.Skip("runs each seed twice")
	}
	if *worker == "" {
		runWorker(t, new(bytes.Buffer), "1/1")
		return
	}
	for seed := range mySeeds(t) {
		before, after := runSeed(t, seed, nil).timeline, runSeed(t, seed, nil).timeline
		if before != after {
			t.Errorf("seed %d: %s", seed, difference(before, after))
		}
	}
}

// difference shows the first line in which two timelines differ, and those before.
func difference(a, b string) string {
	before, after := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(before), len(after)) {
		if before[i] != after[i] {
			same := strings.Join(before[max(0, i-5):i], "\n")
			return fmt.Sprintf("line %d of %d and %d\n%s\nfirst:  %s\nsecond: %s", i+1, len(before), len(after), same, before[i], after[i])
		}
	}
	return fmt.Sprintf("%d lines and %d", len(before), len(after))
}
