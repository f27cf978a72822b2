package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Errors that callers tell apart with errors.Is.
var (
	// ErrLocked is returned by Open when another process has the database open.
	ErrLocked = errors.New("database is in use")

	// ErrNewerVersion is returned by Open when a newer release has changed the
	// schema of the database.
	ErrNewerVersion = errors.New("database is from a newer version")

	// ErrOlderVersion is returned by OpenToRead when Open would bring the schema of the
	// database up to date first.
	ErrOlderVersion = errors.New("database is from an older version")

	// ErrReadOnly is returned by methods that write when OpenToRead opened the database.
	ErrReadOnly = errors.New("database is open for reading alone")

	// ErrNotWritable is returned by Open when the directory or a file of the
	// database can't be made or written.
	ErrNotWritable = errors.New("database is not writable")

	// ErrCorrupt is returned when the file is no database or is damaged.
	ErrCorrupt = errors.New("database is corrupt")

	// ErrFull is returned when the disk has no room for what is to be written. Nothing
	// of the transaction has been kept, all before it has.
	ErrFull = errors.New("the disk is full")

	// ErrRefused is returned when a value breaks a rule of the schema; writing it
	// again will not mend that. Nothing of the transaction has been kept.
	ErrRefused = errors.New("refused by the database")

	// ErrContradiction is returned when history to be stored differs from what is
	// stored of the same. Nothing of the transaction has been kept.
	ErrContradiction = errors.New("contradicts what is stored")

	// ErrUnknownSymbol is returned when a symbol has no settings.
	ErrUnknownSymbol = errors.New("symbol has no settings")

	// ErrUnknownStudy is returned when there is no study of that name.
	ErrUnknownStudy = errors.New("no such study")

	// ErrUnknownNode is returned when a node is no member of the cluster.
	ErrUnknownNode = errors.New("node is no member of the cluster")

	// ErrUnknownToken is returned when there is no token of that name.
	ErrUnknownToken = errors.New("no such token")

	// ErrConflict is returned when the state is not as the command expects it.
	ErrConflict = errors.New("not possible now")

	// ErrNewerPeer is returned when a command or snapshot comes from a newer
	// release than this one.
	ErrNewerPeer = errors.New("from a newer version")

	// ErrCorruptSnapshot is returned when a snapshot is cut short or damaged.
	ErrCorruptSnapshot = errors.New("snapshot is corrupt")
)

// classify adds the sentinel to an error of SQLite or of the file system for
// which there is one.
func classify(err error) error {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		switch e.Code() & 0xff { // the primary code: extended ones have more above
		case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
			return fmt.Errorf("%w: restore a backup, or move the file away to start afresh: %w", ErrCorrupt, err)
		case sqlite3.SQLITE_CONSTRAINT:
			return fmt.Errorf("%w: %w", ErrRefused, err)
		case sqlite3.SQLITE_FULL:
			return fmt.Errorf("%w: make room for the database: %w", ErrFull, err)
		case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
			return fmt.Errorf("%w: check owner and mode of its directory: %w", ErrNotWritable, err)
		}
		return err
	}
	for _, cause := range []error{fs.ErrPermission, fs.ErrExist, syscall.EROFS, syscall.ENOTDIR, syscall.EISDIR} {
		if errors.Is(err, cause) {
			return fmt.Errorf("%w: check owner and mode of its directory, or choose another: %w", ErrNotWritable, err)
		}
	}
	return err
}
