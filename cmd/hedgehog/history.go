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

// historyFile is the name of a node's database in its data directory.
const historyFile = "hedgehog.db"

// dataDirFlag returns the flag of the commands that open a node's database
// themselves; openHistory reads it.
func dataDirFlag() cli.Flag {
	return &cli.StringFlag{Name: "data-dir", Usage: "work on the database in `DIR`, where no node may run meanwhile",
		Value: node.DefaultConfig().DataDir, EnvVars: []string{"HEDGEHOG_DATA_DIR"}}
}

// openHistory opens the database that is in the data directory. The caller closes it.
func openHistory(c *cli.Context) (*storage.DB, error) {
	path, err := historyPath(c)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no database in %s: import trades with hedgehog data import, or name another directory with --data-dir", c.String("data-dir"))
	}
	return openHistoryAt(c, path)
}

// makeHistory is openHistory for what brings data: it makes the database where
// there is none.
func makeHistory(c *cli.Context) (*storage.DB, error) {
	path, err := historyPath(c)
	if err != nil {
		return nil, err
	}
	return openHistoryAt(c, path)
}

func historyPath(c *cli.Context) (string, error) {
	if c.String("data-dir") == "" {
		return "", wrongUsage(c, "--data-dir %q: want a directory", "")
	}
	return filepath.Join(c.String("data-dir"), historyFile), nil
}

func openHistoryAt(c *cli.Context, path string) (*storage.DB, error) {
	db, err := storage.Open(c.Context, path)
	if err != nil {
		return nil, fmt.Errorf("%w (the directory is that of --data-dir %s)", err, c.String("data-dir"))
	}
	return db, nil
}
