package storage_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hedgehog/storage"
)

func mustOpenToRead(tb testing.TB, path string) *storage.DB {
	tb.Helper()
	return mustOpenWith(tb, storage.OpenToRead, path)
}

func TestWhatANodeWritesIsReadBesideIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hedgehog.db")
	writer := mustOpen(t, path)
	mustWrite(t, writer, storage.Batch{Trades: trades(3)})
	reader := mustOpenToRead(t, path)
	for _, want := range []int64{3, 5} {
		mustWrite(t, writer, storage.Batch{Trades: trades(want)})
		if id, ok, err := reader.LastTradeID(t.Context(), "A"); err != nil || !ok || id != want {
			t.Errorf("last trade %d, %t, %v; want %d", id, ok, err, want)
		}
	}
	if reader.Version() != writer.Version() {
		t.Errorf("version %d, want %d", reader.Version(), writer.Version())
	}
}

func TestAReaderKeepsNobodyFromOpening(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hedgehog.db")
	makeDB(t, path)
	reader := mustOpenToRead(t, path)
	mustOpenToRead(t, path)
	mustWrite(t, mustOpen(t, path), storage.Batch{Trades: trades(2)})
	if id, _, err := reader.LastTradeID(t.Context(), "A"); err != nil || id != 2 {
		t.Errorf("last trade %d, %v; want 2", id, err)
	}
}

func TestAReaderWritesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hedgehog.db")
	makeDB(t, path)
	db := mustOpenToRead(t, path)
	_, written := db.Write(t.Context(), storage.Batch{Trades: trades(1)})
	_, put := db.PutTicks(t.Context(), "A", nil)
	for name, err := range map[string]error{"Write": written, "PutTicks": put, "Sync": db.Sync(t.Context()), "Probe": db.Probe(t.Context())} {
		if !errors.Is(err, storage.ErrReadOnly) {
			t.Errorf("%s: %v, want ErrReadOnly", name, err)
		}
	}
	if _, ok, err := db.LastTradeID(t.Context(), "A"); err != nil || ok {
		t.Errorf("a trade is there, %v", err)
	}
}

// What a killed node has left in the log beside the file counts.
func TestAReaderReadsWhatAKilledNodeHasLeft(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hedgehog.db")
	mustWrite(t, mustOpen(t, path), storage.Batch{Trades: trades(4)})
	left := filepath.Join(t.TempDir(), "hedgehog.db")
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		mustWriteFile(t, left+suffix, string(content))
	}
	if id, _, err := mustOpenToRead(t, left).LastTradeID(t.Context(), "A"); err != nil || id != 4 {
		t.Errorf("last trade %d, %v; want 4", id, err)
	}
}

func TestOpenToReadSaysWhatIsWrongInOneLine(t *testing.T) {
	tests := []struct {
		name    string
		prepare func(t *testing.T, path string)
		want    error
	}{
		{"nothing there", func(*testing.T, string) {}, fs.ErrNotExist},
		{"an empty file", func(t *testing.T, path string) { mustWriteFile(t, path, "") }, storage.ErrOlderVersion},
		{"an older release's schema", func(t *testing.T, path string) {
			makeDB(t, path)
			mustExec(t, path, "DELETE FROM goose_db_version WHERE version_id >= 2")
		}, storage.ErrOlderVersion},
		{"a newer release's schema", addMigration, storage.ErrNewerVersion},
		{"no database", func(t *testing.T, path string) {
			mustWriteFile(t, path, strings.Repeat("this is not a database. ", 1000))
		}, storage.ErrCorrupt},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "hedgehog.db")
			tt.prepare(t, path)
			before, _ := os.ReadFile(path)
			_, err := storage.OpenToRead(t.Context(), path)
			if !errors.Is(err, tt.want) {
				t.Fatalf("open: %v, want %v", err, tt.want)
			}
			if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
				t.Error("the file has changed")
			}
			if _, err := os.Stat(path); tt.want == fs.ErrNotExist && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a file has been made: %v", err)
			}
			if text := err.Error(); strings.Contains(text, "\n") || !strings.Contains(text, path) {
				t.Errorf("not one line with the path: %q", text)
			}
		})
	}
}
