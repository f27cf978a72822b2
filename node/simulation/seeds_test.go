package simulation_test

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
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
	seeds  = flag.Int("seeds", 20, "run the seeds from 1 to this one")
	oneOf  = flag.Uint64("seed", 0, "run this seed alone and print its timeline")
	first  = flag.Bool("first", false, "stop at the first seed that breaks a promise")
	traced = flag.Bool("messages", false, "have the timeline show every message too")
	worker = flag.String("worker", "", "run the seeds from-to in this process (used by the test itself)")
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
	err        error
}

// runSeed plays one seed in a bubble of its own.
func runSeed(t *testing.T, seed uint64, verbose io.Writer) (r result) {
	dir, err := os.MkdirTemp(disks(), "hedgehog-simulation")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
		power := powercut.Watch(t, dir)
		synctest.Test(t, func(t *testing.T) {
			w, err := newWorld(t, seed, dir, power, verbose)
			if err != nil {
				r = result{seed: seed, err: err}
				return
			}
			err = w.play()
			r = result{seed: seed, violations: w.court.violations(), timeline: w.timeline(), history: &w.history, err: err}
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
		return fmt.Sprintf("violation: seed %d: run: %v", r.seed, r.err)
	case len(r.violations) > 0:
		return fmt.Sprintf("violation: seed %d: %s", r.seed, strings.Join(r.violations, "\n    "))
	}
	return ""
}

func TestSeeds(t *testing.T) {
	switch {
	case *oneOf != 0:
		if failed := runSeed(t, *oneOf, os.Stdout).failed(); failed != "" {
			t.Fatal(failed)
		}
	case *worker != "":
		work(t)
	default:
		share(t)
	}
}

// work runs the seeds of one worker.
func work(t *testing.T) {
	from, step, ok := strings.Cut(*worker, "/")
	begin, err := strconv.ParseUint(from, 10, 64)
	if err != nil || !ok {
		t.Fatalf("-worker %q: want FIRST/STEP", *worker)
	}
	by, err := strconv.ParseUint(step, 10, 64)
	if err != nil || by == 0 {
		t.Fatalf("-worker %q: want FIRST/STEP", *worker)
	}
	debug.SetGCPercent(400)
	for seed := begin; seed <= uint64(*seeds); seed += by {
		if failed := runSeed(t, seed, nil).failed(); failed != "" {
			fmt.Println(failed)
			fmt.Printf("    replay: go test ./node/simulation -run TestSeeds -seed %d\n", seed)
			t.Fail()
			if *first {
				return
			}
		}
	}
}

// share has workers of one processor each run the seeds.
func share(t *testing.T) {
	count := min(runtime.NumCPU(), *seeds)
	var all sync.WaitGroup
	for i := range count {
		all.Go(func() {
			args := []string{"-test.run", "^TestSeeds$", "-test.timeout", "0", "-seeds", strconv.Itoa(*seeds),
				"-worker", fmt.Sprintf("%d/%d", i+1, count), "-first=" + strconv.FormatBool(*first)}
			c := exec.CommandContext(t.Context(), os.Args[0], args...)
			c.Env = append(os.Environ(), "GOMAXPROCS=1")
			output, err := c.CombinedOutput()
			if err != nil {
				t.Errorf("worker %d: %v\n%s", i+1, err, bytes.TrimSpace(output))
			}
		})
	}
	all.Wait()
}

// The same seed gives the same history, byte for byte, or no seed could be looked
// into.
func TestSameSeedSameHistory(t *testing.T) {
	if *worker == "" {
		again(t)
		return
	}
	for seed := uint64(1); seed <= uint64(*seeds); seed++ {
		before, after := runSeed(t, seed, nil).timeline, runSeed(t, seed, nil).timeline
		if before != after {
			t.Errorf("seed %d: %s", seed, difference(before, after))
		}
	}
}

// again runs the test in a process of one processor.
func again(t *testing.T) {
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.timeout", "0",
		"-seeds", strconv.Itoa(*seeds), "-worker", "1/1", "-messages="+strconv.FormatBool(*traced))
	c.Env = append(os.Environ(), "GOMAXPROCS=1")
	if output, err := c.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
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
