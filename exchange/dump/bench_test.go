package dump_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"hedgehog/exchange"
	"hedgehog/exchange/dump"
)

// benchLines is how many lines the file of the benchmarks has: about 68 MB.
const benchLines = 1_000_000

// mustDump writes a dump of so many trades that look like real ones.
func mustDump(tb testing.TB, path string, lines int) {
	tb.Helper()
	f, err := os.Create(path)
	if err != nil {
		tb.Fatal(err)
	}
	w := bufio.NewWriter(f)
	for i := range lines {
		price := 141342 + i*7919%1000
		quantity := 1 + i*104729%1000
		fmt.Fprintf(w, "%d,0.%08d,%d.00000000,0.%08d,%d,%s,True\n", 13519807+i, price, quantity,
			price*quantity%100_000_000, 1570752011620+i*15/10, [2]string{"True", "False"}[i&1])
	}
	if err := w.Flush(); err != nil {
		tb.Fatal(err)
	}
	if err := f.Close(); err != nil {
		tb.Fatal(err)
	}
}

// BenchmarkTicks reads trades from a plain file, and reports the rate beside that at
// which a bufio.Scanner finds the lines of it.
func BenchmarkTicks(b *testing.B) {
	path := filepath.Join(b.TempDir(), "XRPETH-trades-2019-10.csv")
	mustDump(b, path, benchLines)
	for name, read := range map[string]func(testing.TB, string) int{"one by one": readNext, "in bulk": readBulk} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var lines, ticks time.Duration
			for b.Loop() {
				began := time.Now()
				if n := scanLines(b, path); n != benchLines {
					b.Fatalf("%d lines, want %d", n, benchLines)
				}
				scanned := time.Now()
				if n := read(b, path); n != benchLines {
					b.Fatalf("%d trades, want %d", n, benchLines)
				}
				lines, ticks = lines+scanned.Sub(began), ticks+time.Since(scanned)
			}
			b.ReportMetric(float64(b.N)*benchLines/ticks.Seconds(), "trades/s")
			b.ReportMetric(float64(b.N)*benchLines/lines.Seconds(), "lines/s")
			b.ReportMetric(lines.Seconds()/ticks.Seconds(), "of-lines")
		})
	}
}

func scanLines(tb testing.TB, path string) (lines int) {
	tb.Helper()
	f, err := os.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	scanner := bufio.NewScanner(f)
	for scanner.Scan() {
		lines++
	}
	if err := scanner.Err(); err != nil {
		tb.Fatal(err)
	}
	return lines
}

func readNext(tb testing.TB, path string) (ticks int) {
	tb.Helper()
	r := mustOpen(tb, path)
	defer closeReader(tb, r)
	for {
		_, err := r.NextTick()
		if err == io.EOF {
			return ticks
		}
		if err != nil {
			tb.Fatal(err)
		}
		ticks++
	}
}

func readBulk(tb testing.TB, path string) (ticks int) {
	tb.Helper()
	r := mustOpen(tb, path)
	defer closeReader(tb, r)
	batch := make([]exchange.Tick, 4096)
	for {
		n, err := r.ReadTicks(batch)
		ticks += n
		if err == io.EOF {
			return ticks
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
}

func mustOpen(tb testing.TB, path string) *dump.Reader {
	tb.Helper()
	r, err := dump.Open(path, dump.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return r
}
