//go:build linux

package main_test

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

// report is what a run has to tell.
type report struct {
	faults map[faultKind]int
	// recoveries are how long after storms all symbols were traded again; leaders
	// and followers how long after a kill -9 in the calm; returns how long it took
	// until the killed node had started and owned and traded its share.
	recoveries, leaders, followers, returns []time.Duration
	samples                                 map[string][]sample // by node, taken in the calm
}

// sample is what a process takes of the machine.
type sample struct {
	memory, files, goroutines int // bytes resident; open file descriptors
	database, rows            int // bytes of the file; rows stored that grow in number
}

// look takes a sample of each node and prints a line.
func (s *soak) look() {
	s.t.Helper()
	s.c.hear()
	for _, name := range s.names {
		s.samples[name] = append(s.samples[name], sampleOf(s.t, s.c.members[name]))
	}
	faults := 0
	for _, count := range s.faults {
		faults += count
	}
	n := s.c.court.Counts()
	verdict := "no violation"
	if s.t.Failed() {
		verdict = "VIOLATIONS"
	}
	s.t.Logf("%5.0f s: %d faults, %d orders, %d cycles, %d changes acknowledged and %d not, %s",
		time.Since(s.began).Seconds(), faults, n.Orders, n.Cycles, s.operator.acknowledged, s.operator.unanswered, verdict)
}

func sampleOf(t testing.TB, m *member) (s sample) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), operatorPatience)
	defer cancel()
	status, err := m.client.Status(ctx)
	if err != nil {
		t.Fatal(err)
	}
	s.goroutines = status.Goroutines
	process := filepath.Join("/proc", strconv.Itoa(m.command.Process.Pid))
	files, err := os.ReadDir(filepath.Join(process, "fd"))
	if err != nil {
		t.Fatal(err)
	}
	s.files = len(files)
	pages, err := os.ReadFile(filepath.Join(process, "statm"))
	if err != nil {
		t.Fatal(err)
	}
	resident, err := strconv.Atoi(strings.Fields(string(pages))[1])
	if err != nil {
		t.Fatal(err)
	}
	s.memory = resident * os.Getpagesize()
	info, err := os.Stat(m.database())
	if err != nil {
		t.Fatal(err)
	}
	s.database = int(info.Size())
	db := openDatabase(t, m.database())
	defer db.Close()
	for _, table := range []string{"trade_events", "orders", "fills", "candles", "positions"} {
		for _, count := range query(t, db, "SELECT count(*) FROM "+table, func(row *sql.Rows, n *int) error { return row.Scan(n) }) {
			s.rows += count
		}
	}
	return s
}

// third returns the medians of one third of the samples.
func third(samples []sample, which int) sample {
	n := len(samples)
	part := samples[which*n/3 : max((which+1)*n/3, which*n/3+1)]
	middle := func(of func(sample) int) int {
		values := make([]int, 0, len(part))
		for _, s := range part {
			values = append(values, of(s))
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	return sample{
		memory:     middle(func(s sample) int { return s.memory }),
		files:      middle(func(s sample) int { return s.files }),
		goroutines: middle(func(s sample) int { return s.goroutines }),
		database:   middle(func(s sample) int { return s.database }),
		rows:       middle(func(s sample) int { return s.rows }),
	}
}

// What may be between the median of the first third and that of the last one:
// so much more, and a share.
const (
	moreMemory     = 24 << 20
	moreFiles      = 16
	moreGoroutines = 40
	moreShare      = 0.15
	bytesPerRow    = 400 // what a stored row explains of the file, with its indexes
	moreDatabase   = 4 << 20
)

// judgeResources expects what the first node takes, which was never ended, to
// have stayed flat, and each file to have grown by no more than what is stored.
func (s *soak) judgeResources() {
	s.t.Helper()
	if len(s.samples[s.names[0]]) < 6 {
		return // too short to show anything
	}
	early, late := third(s.samples[s.names[0]], 0), third(s.samples[s.names[0]], 2)
	for _, r := range []struct {
		what              string
		early, late, more int
	}{
		{"bytes of memory", early.memory, late.memory, moreMemory},
		{"file descriptors", early.files, late.files, moreFiles},
		{"goroutines", early.goroutines, late.goroutines, moreGoroutines},
	} {
		if limit := r.early + r.more + int(moreShare*float64(r.early)); r.late > limit {
			s.t.Errorf("%s: %d %s in the last third, %d in the first: want at most %d", s.names[0], r.late, r.what, r.early, limit)
		}
	}
	for _, name := range s.names {
		early, late := third(s.samples[name], 0), third(s.samples[name], 2)
		if grown, rows := late.database-early.database, late.rows-early.rows; grown > rows*bytesPerRow+moreDatabase {
			s.t.Errorf("%s: the database has grown by %d bytes for %d rows", name, grown, rows)
		}
	}
}

// What is promised of a failover in the calm, where so many were measured that it
// can be told.
const (
	failoverMedian = 2 * time.Second
	failoverP99    = 3 * time.Second
	failoversTold  = 20
)

// judgeFailovers expects failovers to be as quick as promised.
func (s *soak) judgeFailovers() {
	s.t.Helper()
	for what, took := range map[string][]time.Duration{"a follower": s.followers, "the leader": s.leaders} {
		slices.Sort(took)
		if len(took) == 0 || took[len(took)-1] > takeoverBound {
			s.t.Errorf("failovers after kill -9 of %s took %v, want at most %s", what, took, takeoverBound)
		}
		if len(took) < failoversTold {
			continue
		}
		if median, p99 := rank(took, 0.5), rank(took, 0.99); median > failoverMedian || p99 > failoverP99 {
			s.t.Errorf("failovers after kill -9 of %s: median %s and 99th percentile %s, want at most %s and %s", what, median, p99, failoverMedian, failoverP99)
		}
	}
}

// print prints the tables of the run.
func (s *soak) print() {
	s.t.Helper()
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "seed %d, %d nodes, %d symbols, %.0f s\n\n", s.seed, len(s.names), len(s.c.symbols), time.Since(s.began).Seconds())
	total := 0
	for _, kind := range slices.SortedFunc(maps.Keys(s.faults), func(a, b faultKind) int { return cmp.Compare(a, b) }) {
		fmt.Fprintf(w, "%s\t%d\n", kind, s.faults[kind])
		total += s.faults[kind]
	}
	n := s.c.court.Counts()
	fmt.Fprintf(w, "faults in all\t%d\norders\t%d\ncycles\t%d\nchanges acknowledged\t%d\nchanges refused or unanswered\t%d\n\n",
		total, n.Orders, n.Cycles, s.operator.acknowledged, s.operator.unanswered)
	fmt.Fprintf(w, "seconds\tn\tmin\tmedian\tp99\tmax\n")
	for _, r := range []struct {
		what string
		took []time.Duration
	}{{"failover after kill -9 of a follower", s.followers}, {"failover after kill -9 of the leader", s.leaders}, {"a killed node has its share again", s.returns}, {"all traded after a storm", s.recoveries}} {
		slices.Sort(r.took)
		fmt.Fprintf(w, "%s\t%d", r.what, len(r.took))
		for _, share := range []float64{0, 0.5, 0.99, 1} {
			fmt.Fprintf(w, "\t%.2f", rank(r.took, share).Seconds())
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "\nmedians of first and last third\tMiB resident\tfiles\tgoroutines\tMiB database\trows\n")
	for _, name := range s.names {
		early, late := third(s.samples[name], 0), third(s.samples[name], 2)
		fmt.Fprintf(w, "%s\t%d → %d\t%d → %d\t%d → %d\t%.1f → %.1f\t%d → %d\n", name, early.memory>>20, late.memory>>20, early.files, late.files,
			early.goroutines, late.goroutines, float64(early.database)/(1<<20), float64(late.database)/(1<<20), early.rows, late.rows)
	}
	violations := "none"
	if s.t.Failed() {
		violations = "see above"
	}
	fmt.Fprintf(w, "\nviolations: %s\n", violations)
	if err := w.Flush(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Logf("\n%s", text.String())
}

// rank returns the value that a share of the sorted ones is not above.
func rank(sorted []time.Duration, share float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	i := int(math.Ceil(share*float64(len(sorted)))) - 1
	return sorted[max(0, i)]
}
