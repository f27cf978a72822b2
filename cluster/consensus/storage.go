package consensus

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"
	"github.com/hashicorp/raft-wal/metadb"
	"go.etcd.io/bbolt"
)

const (
	segmentBytes  = 8 << 20 // of one file of the log, taken from the disk at once
	snapshotsKept = 2
)

// stores are the files of a node's raft directory.
type stores struct {
	dir       string
	log       *wal.WAL
	index     *metadb.BoltMetaDB // the log's; the log does not close it
	snapshots raft.SnapshotStore
}

// openStores opens Dir/raft, or makes it.
func openStores(dir string, logger hclog.Logger) (_ *stores, err error) {
	dir = filepath.Join(dir, "raft")
	index := &metadb.BoltMetaDB{}
	defer func() {
		if err != nil {
			err = damaged(dir, errors.Join(err, index.Close()))
		}
	}()
	defer recovered(&err)()
	logDir := filepath.Join(dir, "log")
	if err := os.MkdirAll(logDir, 0o700); err != nil {
		return nil, err
	}
	if err := probe(filepath.Join(logDir, metadb.FileName)); err != nil {
		return nil, err
	}
	snapshots, err := raft.NewFileSnapshotStoreWithLogger(dir, snapshotsKept, logger)
	if err != nil {
		return nil, err
	}
	log, err := wal.Open(logDir, wal.WithLogger(logger), wal.WithSegmentSize(segmentBytes), wal.WithMetaStore(index))
	if err != nil {
		return nil, err
	}
	return &stores{dir: dir, log: log, index: index, snapshots: snapshots}, nil
}

func (s *stores) close() error { return errors.Join(s.log.Close(), s.index.Close()) }

// probe tells whether the log's index file is free and sound: the library waits
// for ever where another process holds it.
func probe(path string) error {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: 100 * time.Millisecond})
	if errors.Is(err, bbolt.ErrTimeout) {
		return ErrInUse
	}
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	return db.Close()
}

// reach is the index of the last entry that the directory accounts for, and of
// its latest snapshot.
func (s *stores) reach() (last, snapshot uint64, err error) {
	last, err = s.log.LastIndex()
	if err != nil {
		return 0, 0, err
	}
	list, err := s.snapshots.List()
	if err != nil {
		return 0, 0, err
	}
	if len(list) > 0 {
		snapshot = list[0].Index
	}
	return max(last, snapshot), snapshot, nil
}

// match compares the directory with the state machine's index. restore tells that
// the state machine lacks what only the snapshot has.
func (s *stores) match(applied uint64) (restore bool, err error) {
	last, snapshot, err := s.reach()
	if err != nil {
		return false, damaged(s.dir, err)
	}
	if applied > last {
		return false, fmt.Errorf("%w: %s ends at entry %d, but the state beside it has entry %d: they do not belong together; "+
			"put back the directory that does, or empty the whole data directory and join again", ErrCorrupt, s.dir, last, applied)
	}
	return applied < snapshot, nil
}

// bootstrap makes self the only voter, if there is no raft state yet.
func (s *stores) bootstrap(conf *raft.Config, self Server, trans raft.Transport) error {
	err := raft.BootstrapCluster(conf, s.log, s.log, s.snapshots, trans, configuration([]Server{self}))
	if err != nil && !errors.Is(err, raft.ErrCantBootstrap) {
		return fmt.Errorf("bootstrap: %w", err)
	}
	return nil
}

// start has the library read the directory and begin its work.
func (s *stores) start(conf *raft.Config, fsm *applier, trans raft.Transport) (_ *raft.Raft, err error) {
	defer func() { err = damaged(s.dir, fsm.cause(err)) }()
	defer recovered(&err)()
	return raft.NewRaft(conf, fsm, s.log, s.log, s.snapshots, trans)
}

// recovered turns a panic, also one for a file that is shorter than its own
// header says, into an error: the libraries panic on what they can't read. The
// returned function is to be deferred.
func recovered(err *error) func() {
	before := debug.SetPanicOnFault(true)
	return func() {
		debug.SetPanicOnFault(before)
		if p := recover(); p != nil {
			*err = fmt.Errorf("read: %v", p)
		}
	}
}

// damaged makes an error of reading dir an ErrCorrupt that says what to do, except
// where something else is the matter.
func damaged(dir string, err error) error {
	if err == nil {
		return nil
	}
	for _, other := range []error{ErrInUse, ErrCorrupt, ErrApply, os.ErrPermission, syscall.ENOSPC, syscall.EROFS, syscall.EMFILE} {
		if errors.Is(err, other) {
			return fmt.Errorf("open %s: %w", dir, err)
		}
	}
	return fmt.Errorf("%w: %s: %w; move the whole data directory aside and join the cluster again, "+
		"or, where no other node has the state, put back a copy", ErrCorrupt, dir, err)
}

// Recover rebuilds the group from what this node has, for when quorum is lost for
// good: servers become its members, everything in this node's log counts as
// committed and is applied to fsm, and a snapshot takes the log's place. The node
// must not be running. To be run on one node, the one that has most; the others
// have to join again with empty data directories.
func Recover(dir string, fsm StateMachine, servers []Server) error {
	if err := validateServers(servers); err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	applier, err := newApplier(fsm)
	if err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "raft", "log", metadb.FileName)); err != nil {
		return fmt.Errorf("recover: no raft state in %s: %w", dir, err)
	}
	logger := hclog.NewNullLogger()
	stores, err := openStores(dir, logger)
	if err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	err = stores.recover(DefaultConfig(servers[0].Name, dir).raftConfig(logger), applier, servers)
	if err := errors.Join(err, stores.close()); err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	return nil
}

func (s *stores) recover(conf *raft.Config, fsm *applier, servers []Server) (err error) {
	if _, err := s.match(fsm.applied); err != nil {
		return err
	}
	defer func() { err = damaged(s.dir, fsm.cause(err)) }()
	defer recovered(&err)()
	_, trans := raft.NewInmemTransport("") // only to encode addresses
	return raft.RecoverCluster(conf, fsm, s.log, s.log, s.snapshots, trans, configuration(servers))
}
