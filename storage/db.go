package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
)

// readers is how many queries run beside each other; further ones wait.
const readers = 4

// DB is an open database. Its methods may be called by several goroutines at
// once; Close comes after the last of them.
type DB struct {
	path    string
	lock    *fileLock
	version int64
	writer  *sql.DB // one connection
	reader  *sql.DB // up to readers connections, which refuse to write
	insert  *inserts
}

// Open opens the database at path and makes it where there is none. It returns
// ErrLocked, ErrNewerVersion, ErrNotWritable or ErrCorrupt where one of them is
// the reason.
func Open(ctx context.Context, path string) (*DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	db := &DB{path: path}
	if err := db.open(ctx); err != nil {
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
	if db.writer, err = openPool(db.path, 1, "journal_mode(WAL)", "journal_size_limit(67108864)"); err != nil {
		return err
	}
	if db.version, err = migrate(ctx, db.writer); err != nil {
		return err
	}
	if db.reader, err = openPool(db.path, readers, "query_only(1)"); err != nil {
		return err
	}
	db.insert, err = prepareInserts(ctx, db.writer)
	return err
}

// openPool returns a pool of up to size connections, each with the pragmas.
func openPool(path string, size int, pragmas ...string) (*sql.DB, error) {
	query := url.Values{
		"_pragma": append([]string{"busy_timeout(5000)", "foreign_keys(1)"}, pragmas...),
		"_txlock": {"immediate"},
	}
	address := url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}
	pool, err := sql.Open("sqlite", address.String())
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(size)
	pool.SetMaxIdleConns(size)
	return pool, nil
}

// Close ends the connections, folds the write-ahead log into the file and lets
// other processes open it.
func (db *DB) Close() error {
	var errs []error
	if db.insert != nil {
		errs = append(errs, db.insert.close())
	}
	if db.reader != nil {
		errs = append(errs, db.reader.Close())
	}
	if db.writer != nil { // last: the connection that ends last folds the log
		errs = append(errs, db.writer.Close())
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
func (db *DB) update(ctx context.Context, d durability, do func(*sql.Tx) error) error {
	conn, err := db.writer.Conn(ctx)
	if err != nil {
		return classify(err)
	}
	defer conn.Close()
	// Each time anew: the connection remembers what the one before has set.
	if _, err := conn.ExecContext(ctx, "PRAGMA synchronous = "+string(d)); err != nil {
		return classify(err)
	}
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return classify(err)
	}
	if err := do(tx); err != nil {
		// A roll-back that fails has no news beside err: the transaction is gone.
		_ = tx.Rollback()
		return classify(err)
	}
	return classify(tx.Commit())
}

// Sync returns when what is stored survives the loss of power as well: all that any
// method had returned for before the call. One flush does for all of it, whoever
// wrote it; those who write meanwhile wait for that.
func (db *DB) Sync(ctx context.Context) error {
	err := db.update(ctx, onDisk, func(tx *sql.Tx) error {
		// A transaction that changes nothing flushes nothing: this number is there to
		// be changed.
		var number int32
		if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&number); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", number+1))
		return err
	})
	if err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	return nil
}
