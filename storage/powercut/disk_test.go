package powercut_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
	"hedgehog/storage"
	"hedgehog/storage/powercut"
)

// Whatever way SQLite takes to the files, the Disk is in it: when all is flushed
// they are as it says, while the log grows, begins anew and is emptied.
func TestWhenAllIsFlushedNothingIsLost(t *testing.T) {
	dir := t.TempDir()
	disk := powercut.Watch(t, dir)
	path, left := filepath.Join(dir, "hedgehog.db"), filepath.Join(t.TempDir(), "left.db")
	same := func(when string, id int64) {
		t.Helper()
		disk.Copy(t, path, left)
		for _, suffix := range []string{"", "-wal"} {
			want, wantErr := os.ReadFile(path + suffix)
			got, gotErr := os.ReadFile(left + suffix)
			if errors.Is(wantErr, fs.ErrNotExist) && errors.Is(gotErr, fs.ErrNotExist) {
				continue
			}
			if err := errors.Join(wantErr, gotErr); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Fatalf("%s trade %d: hedgehog.db%s has %d bytes, %d others are left of it", when, id, suffix, len(want), len(got))
			}
		}
	}
	id := int64(0)
	for range 3 { // lives
		db, err := storage.Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		for range 700 {
			id++
			_, err := db.Write(t.Context(), storage.Batch{Trades: []*exchange.TradeEvent{{Symbol: strings.Repeat("S", int(id%19)+1), ID: id,
				Price: decimal.New(id, 0), Quantity: decimal.New(1, 0), TradeTime: exchange.Micros(id)}}})
			if err != nil {
				t.Fatal(err)
			}
			if id%10 != 0 {
				continue
			}
			if err := db.Sync(t.Context()); err != nil {
				t.Fatal(err)
			}
			same("synced after", id)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(left + "-wal"); err != nil {
			t.Fatal(err)
		}
		same("closed after", id)
	}
}
