package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"hedgehog/node"
	"hedgehog/storage"
)

const (
	// historyFile is the name of a node's database in its data directory.
	historyFile = "hedgehog.db"
	// studiesFile is the name of the database with what has been tried, beside that.
	// It is apart because a node that runs lets nobody else write to its own.
	studiesFile = "studies.db"
)

// dataDirFlag returns the flag of the commands that read a node's database
// themselves; openHistory reads it.
func dataDirFlag() cli.Flag { return dirFlag("read the database in `DIR`, on which a node may run") }

// changedDirFlag is dataDirFlag of the commands that write to the database, for
// changeHistory and makeHistory.
func changedDirFlag() cli.Flag {
	return dirFlag("work on the database in `DIR`, where no node may run meanwhile")
}

func dirFlag(usage string) cli.Flag {
	return &cli.StringFlag{Name: "data-dir", Usage: usage, Value: node.DefaultConfig().DataDir, EnvVars: []string{"HEDGEHOG_DATA_DIR"}}
}

// openHistory opens the database that is in the data directory for reading, also where
// a node runs on it. The caller closes it.
func openHistory(c *cli.Context) (*storage.DB, error) {
	return readIn(c, historyFile, noHistory(c))
}

// readIn opens the file in the data directory for reading, and brings its schema up to
// date where that is an older release's and nobody has it open. It returns missing where
// there is no such file.
func readIn(c *cli.Context, file string, missing error) (*storage.DB, error) {
	path, err := inDataDir(c, file)
	if err != nil {
		return nil, err
	}
	db, err := storage.OpenToRead(c.Context, path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, missing
	case errors.Is(err, storage.ErrOlderVersion):
		if updated, err := storage.Open(c.Context, path); err == nil {
			return updated, nil
		}
	}
	return inDir(c, db, err)
}

// changeHistory opens the database that is in the data directory, on which no node
// may run. The caller closes it.
func changeHistory(c *cli.Context) (*storage.DB, error) {
	path, err := inDataDir(c, historyFile)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, noHistory(c)
	}
	return makeHistory(c)
}

// makeHistory is changeHistory for what brings data: it makes the database where
// there is none.
func makeHistory(c *cli.Context) (*storage.DB, error) { return makeIn(c, historyFile) }

// makeIn opens the file in the data directory, which is made where there is none.
func makeIn(c *cli.Context, file string) (*storage.DB, error) {
	path, err := inDataDir(c, file)
	if err != nil {
		return nil, err
	}
	db, err := storage.Open(c.Context, path)
	return inDir(c, db, err)
}

var errNoHistory = errors.New("there is no database")

func noHistory(c *cli.Context) error {
	return fmt.Errorf("%w in %s: import trades with hedgehog data import, or name another directory with --data-dir", errNoHistory, c.String("data-dir"))
}

// inDataDir returns the path of a file in the data directory.
func inDataDir(c *cli.Context, file string) (string, error) {
	if c.String("data-dir") == "" {
		return "", wrongUsage(c, "--data-dir %q: want a directory", "")
	}
	return filepath.Join(c.String("data-dir"), file), nil
}

// inDir adds to an error of opening which flag chose the directory.
func inDir(c *cli.Context, db *storage.DB, err error) (*storage.DB, error) {
	if err != nil {
		return nil, fmt.Errorf("%w (the directory is that of --data-dir %s)", err, c.String("data-dir"))
	}
	return db, nil
}
