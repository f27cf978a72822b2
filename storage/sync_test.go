package storage_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"testing"

	"hedgehog/storage"
	"hedgehog/storage/powercut"
)

// watched returns a database on a disk that can lose its power, and what opens
// what is left of it then.
func watched(tb testing.TB) (db *storage.DB, afterPowerCut func() *storage.DB) {
	dir := tb.TempDir()
	disk := powercut.Watch(tb, dir)
	path, cuts := filepath.Join(dir, "hedgehog.db"), 0
	return mustOpen(tb, path), func() *storage.DB {
		cuts++
		left := filepath.Join(tb.TempDir(), "hedgehog.db")
		disk.Copy(tb, path, left)
		return mustOpen(tb, left)
	}
}

func mustSync(tb testing.TB, db *storage.DB) {
	tb.Helper()
	if err := db.Sync(tb.Context()); err != nil {
		tb.Fatal(err)
	}
}

func mustTradeStats(tb testing.TB, db *storage.DB) storage.TradeStats {
	tb.Helper()
	stats, err := db.TradeStats(tb.Context(), "A")
	if err != nil {
		tb.Fatal(err)
	}
	return stats
}

func TestALossOfPowerTakesAwayWhatWasNotSynced(t *testing.T) {
	db, afterPowerCut := watched(t)
	mustWrite(t, db, storage.Batch{Trades: trades(1, 2, 3)})
	if stats := mustTradeStats(t, afterPowerCut()); stats.Count != 0 {
		t.Errorf("%+v are left without Sync: the test's disk loses nothing", stats)
	}
}

func TestWhatWasSyncedSurvivesALossOfPower(t *testing.T) {
	db, afterPowerCut := watched(t)
	mustApply(t, db, assign("n1", 1, 1, ""))
	// More commits than SQLite's log takes before it is emptied and begins anew.
	for id := int64(1); id <= 1500; id++ {
		mustWrite(t, db, storage.Batch{Trades: trades(id)})
		if id%20 != 0 {
			continue
		}
		mustSync(t, db)
		mustWrite(t, db, storage.Batch{Trades: trades(id + 1)}) // a write of which nothing need be left
		if id%100 != 0 {
			continue
		}
		left := afterPowerCut()
		if stats := mustTradeStats(t, left); stats.FirstID != 1 || stats.LastID < id || stats.Missing != 0 {
			t.Fatalf("%+v are left, synced were 1 to %d", stats, id)
		}
		if got := mustState(t, left).Assignments; len(got) != 1 {
			t.Fatalf("assignments %+v are left, synced was one", got)
		}
	}
}

func TestARestoredSnapshotSurvivesALossOfPower(t *testing.T) {
	from := newDB(t)
	mustApply(t, from, assign("n1", 1, 1, ""))
	db, afterPowerCut := watched(t)
	if err := db.RestoreState(t.Context(), bytes.NewReader(mustSnapshot(t, from))); err != nil {
		t.Fatal(err)
	}
	if got, want := mustHash(t, afterPowerCut()), mustHash(t, from); got != want {
		t.Errorf("state %s is left, want %s", got, want)
	}
}

// BenchmarkSync shows what the writers of a node wait for once a second.
func BenchmarkSync(b *testing.B) {
	for _, size := range []int64{1, 1000} {
		b.Run(fmt.Sprint("after ", size, " trades"), func(b *testing.B) {
			db, last := newDB(b), int64(0)
			for b.Loop() {
				b.StopTimer()
				batch := storage.Batch{}
				for range size {
					last++
					batch.Trades = append(batch.Trades, trade(last))
				}
				mustWrite(b, db, batch)
				b.StartTimer()
				mustSync(b, db)
			}
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)*100, "%-of-a-second")
		})
	}
}
