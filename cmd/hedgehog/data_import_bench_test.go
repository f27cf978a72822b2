package main

import (
	"archive/zip"
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"hedgehog/data/history"
	"hedgehog/storage"
)

// importRows is how many trades the benchmarks import.
const importRows = 1_000_000

// writeFile makes a file of what write writes.
func writeFile(tb testing.TB, path string, write func(io.Writer)) {
	tb.Helper()
	f, err := os.Create(path)
	if err != nil {
		tb.Fatal(err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	write(w)
	if err := w.Flush(); err != nil {
		tb.Fatal(err)
	}
	if err := f.Close(); err != nil {
		tb.Fatal(err)
	}
}

// madeTrade returns trade number i of those that the tests make up: its id, price,
// quantity, quote quantity and time.
func madeTrade(i int) (id int, price, quantity, quote string, time int64) {
	p, q := 141342+i*7919%1000, 1+i*104729%1000
	return 13519807 + i, fmt.Sprintf("0.%08d", p), fmt.Sprint(q), fmt.Sprintf("%d.%08d", p*q/100_000_000, p*q%100_000_000), 1570752011620 + int64(i)*15/10
}

// writeDump writes trades as the exchange's dumps have them.
func writeDump(w io.Writer, first, rows int) {
	for i := first; i < first+rows; i++ {
		id, price, quantity, quote, time := madeTrade(i)
		fmt.Fprintf(w, "%d,%s,%s.00000000,%s,%d,%s,True\n", id, price, quantity, quote, time, [2]string{"True", "False"}[i&1])
	}
}

// zipDump writes trades as the file in a zip.
func zipDump(tb testing.TB, path string, rows int) {
	tb.Helper()
	writeFile(tb, path, func(w io.Writer) {
		archive := zip.NewWriter(w)
		inside, err := archive.Create("XRPETH-trades-2019-10.csv")
		if err != nil {
			tb.Fatal(err)
		}
		writeDump(inside, 0, rows)
		if err := archive.Close(); err != nil {
			tb.Fatal(err)
		}
	})
}

// BenchmarkImport imports a dump into a new database, and reports the rate beside
// that of the sqlite3 tool's import of the same rows into a table like ours.
func BenchmarkImport(b *testing.B) {
	tool, err := exec.LookPath("sqlite3")
	if err != nil {
		b.Skipf("the sqlite3 tool, which the import is measured against, is not there: %v", err)
	}
	dir := b.TempDir()
	plain, zipped, rows := filepath.Join(dir, "XRPETH-trades-2019-10.csv"), filepath.Join(dir, "XRPETH-trades-2019-10.zip"), filepath.Join(dir, "rows.csv")
	writeFile(b, plain, func(w io.Writer) { writeDump(w, 0, importRows) })
	zipDump(b, zipped, importRows)
	writeFile(b, rows, func(w io.Writer) {
		for i := range importRows {
			id, price, quantity, _, time := madeTrade(i)
			fmt.Fprintf(w, "XRPETH,%d,%s,%s,%d,0,%d,0,0\n", id, price, quantity, time*1000, (i+1)&1)
		}
	})
	for _, c := range []struct{ name, file string }{{"plain", plain}, {"zip", zipped}} {
		b.Run(c.name, func(b *testing.B) {
			var ours, theirs time.Duration
			for b.Loop() {
				began := time.Now()
				importInto(b, filepath.Join(b.TempDir(), historyFile), c.file)
				between := time.Now()
				toolImport(b, tool, filepath.Join(b.TempDir(), "tool.db"), rows)
				ours, theirs = ours+between.Sub(began), theirs+time.Since(between)
			}
			b.ReportMetric(float64(b.N)*importRows/ours.Seconds(), "rows/s")
			b.ReportMetric(float64(b.N)*importRows/theirs.Seconds(), "tool-rows/s")
			b.ReportMetric(theirs.Seconds()/ours.Seconds(), "of-tool")
		})
	}
}

func importInto(tb testing.TB, path, file string) {
	tb.Helper()
	db, err := storage.Open(tb.Context(), path)
	if err != nil {
		tb.Fatal(err)
	}
	importer, err := history.NewImporter(history.DefaultImport(file), importStore{db})
	if err != nil {
		tb.Fatal(err)
	}
	if err := importer.Run(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	if n := importer.Results()[0].Written; n != importRows {
		tb.Fatalf("%d rows imported, want %d", n, importRows)
	}
	if err := db.Close(); err != nil {
		tb.Fatal(err)
	}
}

// toolImport imports the rows with the tool into the table that the database has.
func toolImport(tb testing.TB, tool, path, rows string) {
	tb.Helper()
	db, err := storage.Open(tb.Context(), path)
	if err != nil {
		tb.Fatal(err)
	}
	if err := db.Close(); err != nil {
		tb.Fatal(err)
	}
	out, err := exec.CommandContext(tb.Context(), tool, path, ".mode csv", fmt.Sprintf(".import %s trade_events", rows), "SELECT count(*) FROM trade_events").CombinedOutput()
	if want := fmt.Sprintf("%d\n", importRows); err != nil || string(out) != want {
		tb.Fatalf("the tool answers %q, %v; want %q", out, err, want)
	}
}
