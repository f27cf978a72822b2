package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"hedgehog/cluster/consensus"
	"hedgehog/storage"
)

// ErrNotRecoverable is returned for a data directory that no cluster can be
// rebuilt from.
var ErrNotRecoverable = errors.New("no cluster can be rebuilt from this data directory")

// Remains are what one node's data hold of a cluster.
type Remains struct {
	// Node is whose data they are.
	Node string
	// Others are the other members that the data know of, sorted.
	Others []string
	// Symbols is how many are assigned.
	Symbols int
	// Index is the latest change that has been applied: of several nodes' data,
	// those with the highest know most.
	Index uint64

	address string // Node's TLS address
}

// ReadRemains returns what the data directory of the node holds. The node must
// not be running; storage.ErrLocked is returned when it is.
func ReadRemains(ctx context.Context, dataDir, node string) (Remains, error) {
	db, remains, err := openRemains(ctx, dataDir, node)
	if err != nil {
		return Remains{}, err
	}
	return remains, db.Close()
}

// Recover makes the node the only member of its cluster, which goes on from what
// its data directory holds; every other node has to join it with an empty one.
// Changes that only the others knew are lost. The node must not be running.
func Recover(ctx context.Context, dataDir, node string) (Remains, error) {
	db, remains, err := openRemains(ctx, dataDir, node)
	if err != nil {
		return Remains{}, err
	}
	alone := []consensus.Server{{Name: remains.Node, Address: remains.address, Voter: true}}
	err = consensus.Recover(dataDir, stateMachine{db}, alone)
	return remains, errors.Join(err, db.Close())
}

func openRemains(ctx context.Context, dataDir, node string) (_ *storage.DB, _ Remains, err error) {
	path := Config{DataDir: dataDir}.databasePath()
	for _, needed := range []string{path, filepath.Join(dataDir, "raft")} {
		if _, err := os.Stat(needed); err != nil {
			return nil, Remains{}, fmt.Errorf("%w: %w", ErrNotRecoverable, err)
		}
	}
	db, err := storage.Open(ctx, path)
	if err != nil {
		return nil, Remains{}, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, db.Close())
		}
	}()
	state, err := db.ClusterState(ctx)
	if err != nil {
		return nil, Remains{}, fmt.Errorf("read the cluster's state: %w", err)
	}
	remains := Remains{Index: state.Index}
	for _, m := range state.Members {
		if m.Name == node {
			remains.Node, remains.address = node, m.Address
		} else {
			remains.Others = append(remains.Others, m.Name)
		}
	}
	slices.Sort(remains.Others)
	for _, s := range state.Symbols {
		if s.Assigned {
			remains.Symbols++
		}
	}
	if remains.Node == "" {
		return nil, Remains{}, fmt.Errorf("%w: %q is not one of its members %v", ErrNotRecoverable, node, remains.Others)
	}
	return db, remains, nil
}
