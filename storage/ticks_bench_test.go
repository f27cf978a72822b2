package storage_test

import (
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"hedgehog/exchange"
	"hedgehog/storage"
)

// benchRows is how many trades the benchmarks read.
const benchRows = 500_000

// BenchmarkTicks reads trades, and reports the rate beside that at which the same
// columns of the same rows can be scanned with nothing done.
func BenchmarkTicks(b *testing.B) {
	path := filepath.Join(b.TempDir(), "hedgehog.db")
	db := mustOpen(b, path)
	batch := make([]exchange.Tick, 0, 10_000)
	for i := range int64(benchRows) {
		batch = append(batch, exchange.Tick{ID: i + 1, Time: exchange.Micros(1570752011620000 + i*1500), BuyerIsMaker: i&1 == 1,
			Price: exchange.Units(141342 + i*7919%1000), Quantity: exchange.Units(1+i*104729%1000) * 100_000_000})
		if len(batch) == cap(batch) {
			mustPutTicks(b, db, "XRPETH", batch)
			batch = batch[:0]
		}
	}
	bare, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		b.Fatal(err)
	}
	defer bare.Close()
	b.ReportAllocs()
	var scanning, reading time.Duration
	for b.Loop() {
		began := time.Now()
		scanBare(b, bare)
		scanned := time.Now()
		n := 0
		if err := db.Ticks(b.Context(), "XRPETH", storage.TradeRange{}, func(page []exchange.Tick) error {
			n += len(page)
			return nil
		}); err != nil || n != benchRows {
			b.Fatalf("%d trades, %v; want %d", n, err, benchRows)
		}
		scanning, reading = scanning+scanned.Sub(began), reading+time.Since(scanned)
	}
	b.ReportMetric(float64(b.N)*benchRows/reading.Seconds(), "trades/s")
	b.ReportMetric(float64(b.N)*benchRows/scanning.Seconds(), "bare-rows/s")
	b.ReportMetric(scanning.Seconds()/reading.Seconds(), "of-bare")
}

func scanBare(tb testing.TB, db *sql.DB) {
	tb.Helper()
	// Without a context that can end: watching one costs the scan a third.
	rows, err := db.Query("SELECT trade_id, price, quantity, trade_time, buyer_is_maker FROM trade_events WHERE symbol = 'XRPETH' ORDER BY trade_id")
	if err != nil {
		tb.Fatal(err)
	}
	defer rows.Close()
	var n, id, at, maker int64
	var price, quantity sql.RawBytes
	for ; rows.Next(); n++ {
		if err := rows.Scan(&id, &price, &quantity, &at, &maker); err != nil {
			tb.Fatal(err)
		}
	}
	if err := rows.Err(); err != nil || n != benchRows {
		tb.Fatalf("%d rows, %v; want %d", n, err, benchRows)
	}
}
