package storage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// readers is how many queries run beside each other; further ones wait.
const readers = 4

// DB is an open database. Its methods may be called by several goroutines at
// once; Close comes after the last of them.
type DB struct {
	path    string
	lock    *fileLock // nil with OpenToRead
	version int64
	writer  *pool // one connection; nil with OpenToRead
	reader  *pool // up to readers connections, which refuse to write
	writes  writes
}

// Open opens the database at path and makes it where there is none. It returns
// ErrLocked, ErrNewerVersion, ErrNotWritable or ErrCorrupt where one of them is
// the reason.
func Open(ctx context.Context, path string) (*DB, error) {
	return opened(ctx, path, (*DB).open)
}

// OpenToRead opens the database at path for queries alone. Another process may have it
// open, also to write; a query sees what was committed before it. Nothing is made or
// changed: methods that write return ErrReadOnly. It returns fs.ErrNotExist where there
// is no database, ErrOlderVersion where Open is needed first, and ErrNewerVersion,
// ErrNotWritable (SQLite's readers write to a file beside it) or ErrCorrupt.
func OpenToRead(ctx context.Context, path string) (*DB, error) {
	return opened(ctx, path, (*DB).openToRead)
}

// opened returns the database at path, which open opens.
func opened(ctx context.Context, path string, open func(*DB, context.Context) error) (*DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	db := &DB{path: path}
	if err := open(db, ctx); err != nil {
		// The reason to give is why it could not be opened; closing what there is
		// so far has no news beside that.
		_ = db.Close()
		return nil, fmt.Errorf("open database %s: %w", path, classify(err))
	}
	return db, nil
}

func (db *DB) open(ctx context.Context) (err error) {
	if err := prepareFiles(db.path); err != nil {
		return err
	}
	if db.lock, err = lockFile(db.path + ".lock"); err != nil {
		return err
	}
	if db.writer, err = newPool(db.path, 1, "journal_mode(WAL)", "journal_size_limit(67108864)"); err != nil {
		return err
	}
	if db.version, err = migrate(ctx, db.writer.db); err != nil {
		return err
	}
	db.reader, err = newReader(db.path)
	return err
}

func (db *DB) openToRead(ctx context.Context) (err error) {
	if _, err := os.Stat(db.path); err != nil {
		return err // SQLite would make it
	}
	if db.reader, err = newReader(db.path); err != nil {
		return err
	}
	var made bool
	if err := db.reader.row(ctx, "SELECT EXISTS (SELECT 1 FROM sqlite_schema)").Scan(&made); err != nil {
		return err
	}
	if !made {
		return fmt.Errorf("%w: nothing has been stored in it yet", ErrOlderVersion)
	}
	db.version, err = current(ctx, db.reader.db)
	return err
}

func newReader(path string) (*pool, error) { return newPool(path, readers, "query_only(1)") }

// Close ends the connections, folds the write-ahead log into the file and lets
// other processes open it.
func (db *DB) Close() error {
	var errs []error
	if db.reader != nil {
		errs = append(errs, db.reader.close())
	}
	if db.writer != nil { // last: the connection that ends last folds the log
		errs = append(errs, db.writer.close())
	}
	if db.lock != nil {
		errs = append(errs, db.lock.release())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close database %s: %w", db.path, err)
	}
	return nil
}

// Version returns the version of the schema: the number of its newest migration.
func (db *DB) Version() int64 { return db.version }

// durability is what a transaction survives, as SQLite names it.
type durability string

const (
	// untilPowerLoss survives the end of the process, however that comes.
	untilPowerLoss durability = "NORMAL"
	// onDisk survives the loss of power as well.
	onDisk durability = "FULL"
)

// update runs do in a transaction of the writer.
func (db *DB) update(ctx context.Context, d durability, do func(batch) error) error {
	if db.writer == nil {
		return ErrReadOnly
	}
	asked := time.Now()
	db.writes.waiting.Add(1)
	c, err := db.writer.take(ctx)
	db.writes.waiting.Add(-1)
	if err != nil {
		return classify(err)
	}
	defer db.writer.give(c)
	begun := time.Now()
	err = classify(db.transact(ctx, c, d, do))
	db.writes.ended(ctx, begun.Sub(asked), time.Since(begun), err)
	return err
}

func (db *DB) transact(ctx context.Context, c *connection, d durability, do func(batch) error) error {
	if err := c.survive(ctx, d); err != nil {
		return err
	}
	return c.transaction(ctx, "BEGIN IMMEDIATE", func() error { return do(batch{c}) })
}

// Sync returns when what is stored survives the loss of power as well: all that any
// method had returned for before the call. One flush does for all of it, whoever
// wrote it; those who write meanwhile wait for that.
func (db *DB) Sync(ctx context.Context) error {
	if err := db.touch(ctx, onDisk); err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	return nil
}

// Probe writes something that nobody reads, and returns why that can't be done.
func (db *DB) Probe(ctx context.Context) error {
	if err := db.touch(ctx, untilPowerLoss); err != nil {
		return fmt.Errorf("probe: %w", err)
	}
	return nil
}

// touch commits a transaction that changes nothing that anybody reads.
func (db *DB) touch(ctx context.Context, d durability) error {
	return db.update(ctx, d, func(b batch) error {
		// A transaction that changes nothing writes nothing: this number is there to be
		// changed.
		var number int32
		if err := b.row(ctx, "PRAGMA user_version").Scan(&number); err != nil {
			return err
		}
		other := "PRAGMA user_version = 1"
		if number == 1 {
			other = "PRAGMA user_version = 2"
		}
		_, err := b.exec(ctx, other)
		return err
	})
}
