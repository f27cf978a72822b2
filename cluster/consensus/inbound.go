package consensus

import (
	"fmt"

	"github.com/hashicorp/raft"
)

// validate refuses what would make the library panic: it trusts the entries and
// configurations that come from a peer.
func validate(command any) error {
	switch req := command.(type) {
	case *raft.AppendEntriesRequest:
		for i, entry := range req.Entries {
			if err := validateEntry(entry, req.PrevLogEntry+1+uint64(i)); err != nil {
				return err
			}
		}
	case *raft.InstallSnapshotRequest:
		if req.SnapshotVersion != 1 {
			return fmt.Errorf("snapshot has version %d, this node knows 1", req.SnapshotVersion)
		}
		if req.Size < 0 {
			return fmt.Errorf("snapshot has size %d", req.Size)
		}
		return validateConfiguration(req.Configuration)
	}
	return nil
}

func validateEntry(entry *raft.Log, want uint64) error {
	if entry == nil {
		return fmt.Errorf("entry is missing")
	}
	if entry.Index == 0 || entry.Index != want {
		return fmt.Errorf("entry has index %d where %d belongs", entry.Index, want)
	}
	switch entry.Type {
	case raft.LogCommand, raft.LogNoop, raft.LogBarrier:
		return nil
	case raft.LogConfiguration:
		return validateConfiguration(entry.Data)
	}
	return fmt.Errorf("entry %d has the unknown type %d", entry.Index, entry.Type)
}

// validateConfiguration decodes as the library will, which panics on what it
// can't read.
func validateConfiguration(data []byte) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("configuration can't be decoded: %v", p)
		}
	}()
	return validateServers(servers(raft.DecodeConfiguration(data)))
}
