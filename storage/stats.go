package storage

import (
	"context"
	"errors"
	"os"
	"sync/atomic"
	"time"

	"modernc.org/sqlite"
)

// Stats are the figures of a database.
type Stats struct {
	// Waiting counts the writes that wait for the one before them to end.
	Waiting int64
	// Writes counts the transactions that have ended since Open, Failed those of them
	// that the disk or the file did not take.
	Writes, Failed int64
	// Size is that of the file and Log that of the write-ahead log beside it, in
	// bytes; 0 where it can't be told.
	Size, Log int64
}

// Stats returns the figures of this moment.
func (db *DB) Stats() Stats {
	return Stats{
		Waiting: db.writes.waiting.Load(), Writes: db.writes.count.Load(), Failed: db.writes.failed.Load(),
		Size: sizeOf(db.path), Log: sizeOf(db.path + "-wal"),
	}
}

func sizeOf(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// OnWrite has seen called after every write: how long that waited for its turn, and
// how long its transaction took. It is for before the database is used by several
// goroutines; seen is called by one at a time, and the next write waits for it.
func (db *DB) OnWrite(seen func(waited, took time.Duration)) { db.writes.seen = seen }

// writes counts transactions of the writer.
type writes struct {
	waiting, count, failed atomic.Int64
	seen                   func(waited, took time.Duration)
}

func (w *writes) ended(ctx context.Context, waited, took time.Duration, err error) {
	w.count.Add(1)
	if _, ok := errors.AsType[*sqlite.Error](err); ok && ctx.Err() == nil && !errors.Is(err, ErrRefused) {
		w.failed.Add(1)
	}
	if w.seen != nil {
		w.seen(waited, took)
	}
}
