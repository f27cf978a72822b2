package collector_test

import (
	"bufio"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"hedgehog/data/bus"
	"hedgehog/data/collector"
	"hedgehog/exchange"
	"hedgehog/storage"
)

// benchRows is how many trades each round stores into a fresh database.
const benchRows = 100_000

// openFresh opens a database in a directory of its own.
func openFresh(b *testing.B) (path string, db *storage.DB) {
	b.Helper()
	path = filepath.Join(b.TempDir(), "hedgehog.db")
	db, err := storage.Open(b.Context(), path)
	if err != nil {
		b.Fatal(err)
	}
	return path, db
}

func closeDB(b *testing.B, db *storage.DB) {
	b.Helper()
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
}

func benchTrades() []*exchange.TradeEvent {
	trades := make([]*exchange.TradeEvent, benchRows)
	for i := range trades {
		trades[i] = trade(int64(i + 1))
	}
	return trades
}

// BenchmarkCollect measures the way from the bus to the database;
// BenchmarkImport the same rows with SQLite's own command-line tool.
func BenchmarkCollect(b *testing.B) {
	trades := benchTrades()
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		_, db := openFresh(b)
		events := bus.New()
		sub := subscribe(events, 4096)
		stop := start(collector.New(collector.DefaultConfig(), sub, database{db}, slog.New(slog.DiscardHandler)))
		publisher := events.Publisher(bus.TradeEvents("XRPETH"))
		b.StartTimer()
		for _, t := range trades {
			if err := publisher.Publish(b.Context(), t); err != nil {
				b.Fatal(err)
			}
		}
		settle(b, events)
		b.StopTimer()
		if err := stop(); err != nil {
			b.Fatal(err)
		}
		sub.Close()
		closeDB(b, db)
		b.StartTimer()
	}
	b.ReportMetric(float64(benchRows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkImport(b *testing.B) {
	tool, err := exec.LookPath("sqlite3")
	if err != nil {
		b.Skip("the sqlite3 tool is not installed")
	}
	rows := filepath.Join(b.TempDir(), "trades.csv")
	writeRows(b, rows)
	for b.Loop() {
		b.StopTimer()
		path, db := openFresh(b)
		closeDB(b, db)
		b.StartTimer()
		output, err := exec.CommandContext(b.Context(), tool, path, "PRAGMA synchronous = NORMAL", ".mode csv", ".import "+rows+" trade_events").CombinedOutput()
		if err != nil || len(output) > 0 {
			b.Fatalf("%v: %s", err, output)
		}
		b.StopTimer()
		if db, err = storage.Open(b.Context(), path); err != nil {
			b.Fatal(err)
		}
		if stats, err := db.TradeStats(b.Context(), "XRPETH"); err != nil || stats.Count != benchRows {
			b.Fatalf("imported %+v, %v", stats, err)
		}
		closeDB(b, db)
		b.StartTimer()
	}
	b.ReportMetric(float64(benchRows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// writeRows writes the trades in the order of the table's columns.
func writeRows(b *testing.B, path string) {
	b.Helper()
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	for _, t := range benchTrades() {
		fmt.Fprintf(w, "%s,%d,%s,%s,%d,0,0,0,0\n", t.Symbol, t.ID, t.Price, t.Quantity, t.TradeTime)
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
}
