package storage_test

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hedgehog/storage"
)

func TestOpenMakesFilesThatOnlyTheirOwnerCanRead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	path := filepath.Join(dir, "hedgehog.db")
	db := mustOpen(t, path)
	mustWrite(t, db, storage.Batch{Trades: trades(1)})
	for name, want := range map[string]os.FileMode{
		dir: 0o700, path: 0o600, path + "-wal": 0o600, path + "-shm": 0o600, path + ".lock": 0o600,
	} {
		info, err := os.Stat(name)
		if err != nil {
			t.Error(err)
		} else if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", name, got, want)
		}
	}
}

func TestOpenTakesTheRightsOfOthersAway(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hedgehog.db")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, path)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o600 {
		t.Errorf("mode %o, want 600", got)
	}
}

func TestWhatWasWrittenIsThereAfterReopening(t *testing.T) {
	path := filepath.Join(t.TempDir(), "with space, a ?, a # and 100%41", "hedgehog.db")
	db, err := storage.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	mustWrite(t, db, storage.Batch{Trades: trades(7)})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + "-wal"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the log is still beside the file after Close: %v", err)
	}
	db = mustOpen(t, path)
	if id, ok, err := db.LastTradeID(t.Context(), "A"); err != nil || !ok || id != 7 {
		t.Errorf("last trade %d, %v, %v; want 7", id, ok, err)
	}
	if db.Version() < 1 {
		t.Errorf("version %d, want 1 or more", db.Version())
	}
}

func TestASecondOpenIsRefusedUntilTheFirstIsClosed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hedgehog.db")
	db, err := storage.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := storage.Open(t.Context(), path); !errors.Is(err, storage.ErrLocked) {
		t.Errorf("second open: %v, want ErrLocked", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, path)
}

func TestOpenSaysWhatIsWrongInOneLine(t *testing.T) {
	tests := []struct {
		name    string
		prepare func(t *testing.T, path string)
		want    error
	}{
		{"a newer release's schema", addMigration, storage.ErrNewerVersion},
		{"no database", func(t *testing.T, path string) {
			mustWriteFile(t, path, strings.Repeat("this is not a database. ", 1000))
		}, storage.ErrCorrupt},
		{"a damaged database", damage, storage.ErrCorrupt},
		{"a directory in its place", func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, storage.ErrNotWritable},
		{"a directory that can't be written", func(t *testing.T, path string) {
			if os.Geteuid() == 0 {
				t.Skip("root may write everywhere")
			}
			if err := os.Chmod(filepath.Dir(path), 0o500); err != nil {
				t.Fatal(err)
			}
		}, storage.ErrNotWritable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "hedgehog.db")
			tt.prepare(t, path)
			_, err := storage.Open(t.Context(), path)
			if !errors.Is(err, tt.want) {
				t.Fatalf("open: %v, want %v", err, tt.want)
			}
			if text := err.Error(); strings.Contains(text, "\n") || !strings.Contains(text, path) {
				t.Errorf("not one line with the path: %q", text)
			}
		})
	}
}

func TestOpenBelowAFileIsNotWritable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	mustWriteFile(t, file, "")
	if _, err := storage.Open(t.Context(), filepath.Join(file, "hedgehog.db")); !errors.Is(err, storage.ErrNotWritable) {
		t.Errorf("open: %v, want ErrNotWritable", err)
	}
}

func TestAFailedOpenLeavesNoLockBehind(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hedgehog.db")
	mustWriteFile(t, path, strings.Repeat("x", 4096))
	if _, err := storage.Open(t.Context(), path); err == nil {
		t.Fatal("opened a file that is no database")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, path)
}

func mustWriteFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func mustExec(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

// makeDB leaves a good, closed database at path.
func makeDB(t *testing.T, path string) {
	t.Helper()
	db, err := storage.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func addMigration(t *testing.T, path string) {
	makeDB(t, path)
	mustExec(t, path, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)")
}

// damage overwrites the database behind its header.
func damage(t *testing.T, path string) {
	makeDB(t, path)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte(strings.Repeat("damage! ", 1000)), 100); err != nil {
		t.Fatal(err)
	}
}

// dropTablesBut leaves of the database at path the tables of an earlier release.
func dropTablesBut(t *testing.T, path string, kept ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var later []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(kept, name) {
			later = append(later, name)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for _, name := range later {
		mustExec(t, path, "DROP TABLE "+name)
	}
}

func TestADatabaseOfTheReleaseBeforeTheClusterKeepsWhatItHas(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hedgehog.db")
	makeDB(t, path)
	dropTablesBut(t, path, "trade_events", "orders", "fills", "candles", "positions", "streaming_settings", "trading_settings",
		"collecting_settings", "aggregating_settings", "goose_db_version")
	mustExec(t, path, `DROP INDEX fills_by_time; DELETE FROM goose_db_version WHERE version_id >= 2;
		INSERT INTO streaming_settings VALUES ('A', 1); INSERT INTO trading_settings (symbol) VALUES ('A');
		INSERT INTO collecting_settings (symbol) VALUES ('A'); INSERT INTO aggregating_settings (symbol) VALUES ('A')`)
	db := mustOpen(t, path)
	if s := mustSettings(t, db, "A"); !s.Streaming {
		t.Errorf("settings %+v, want streaming on", s)
	}
	if r := mustApply(t, db, assign("n1", 1, 1, "")); r.Applied != 1 {
		t.Errorf("applying to it: %+v", r)
	}
}
