package export_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hedgehog/data/export"
)

func writing(text string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}
}

// checkDirectory expects the directory to have these files, as "name: content".
func checkDirectory(tb testing.TB, dir string, want ...string) {
	tb.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		tb.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			tb.Fatal(err)
		}
		got = append(got, e.Name()+": "+string(content))
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		tb.Errorf("the directory has %q, want %q", got, want)
	}
}

func TestAFileAppearsWhenItIsWhole(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "trades.csv")
	err := export.ToFile(path, false, func(w io.Writer) error {
		if err := writing("half")(w); err != nil {
			return err
		}
		checkDirectory(t, dir, "trades.csv.partial: half")
		return writing(" and whole")(w)
	})
	if err != nil {
		t.Fatal(err)
	}
	checkDirectory(t, dir, "trades.csv: half and whole")
}

func TestAnExistingFileIsReplacedOnlyWhenThatIsAskedFor(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "trades.csv")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := export.ToFile(path, false, writing("new")); !errors.Is(err, export.ErrExists) || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v, want ErrExists with the path", err)
	}
	checkDirectory(t, dir, "trades.csv: old")
	if err := export.ToFile(path, true, writing("new")); err != nil {
		t.Fatal(err)
	}
	checkDirectory(t, dir, "trades.csv: new")
}

func TestAFailedExportLeavesWhatWasThere(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "trades.csv")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("disk is broken")
	err := export.ToFile(path, true, func(w io.Writer) error { return errors.Join(writing("half")(w), broken) })
	if !errors.Is(err, broken) {
		t.Errorf("error %v, want the writer's", err)
	}
	checkDirectory(t, dir, "trades.csv: old")
}

func TestADirectoryOrADeviceIsNotReplaced(t *testing.T) {
	for _, path := range []string{t.TempDir(), os.DevNull} {
		if err := export.ToFile(path, true, writing("new")); err == nil || !strings.Contains(err.Error(), "is not a regular file") {
			t.Errorf("%s: %v", path, err)
		}
	}
	if err := export.ToFile(filepath.Join(t.TempDir(), "no", "trades.csv"), false, writing("new")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("in a directory that is not there: %v", err)
	}
}
