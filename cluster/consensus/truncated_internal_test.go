package consensus

import (
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// A follower drops the end of its log when a new leader has other entries there.
// raft-wal 0.4.0 could not read what was left after a restart.
func TestALogWhoseEndWasDroppedIsReadAfterARestart(t *testing.T) {
	dir := t.TempDir()
	s, err := openStores(dir, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	for index := range uint64(10) {
		if err := s.log.StoreLog(&raft.Log{Index: index + 1, Term: 1, Data: []byte("entry")}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.log.DeleteRange(8, 10); err != nil {
		t.Fatal(err)
	}
	if err := s.log.StoreLog(&raft.Log{Index: 8, Term: 2, Data: []byte("other")}); err != nil {
		t.Fatal(err)
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}

	if s, err = openStores(dir, hclog.NewNullLogger()); err != nil {
		t.Fatal(err)
	}
	defer s.close()
	for index := uint64(1); index <= 8; index++ {
		var entry raft.Log
		if err := s.log.GetLog(index, &entry); err != nil {
			t.Fatalf("entry %d: %v", index, err)
		}
		if want := uint64(1 + index/8); entry.Term != want {
			t.Errorf("entry %d is of term %d, want %d", index, entry.Term, want)
		}
	}
}
