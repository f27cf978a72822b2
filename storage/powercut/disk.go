package powercut

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Disk knows what has been flushed of the databases in a directory.
type Disk struct {
	dir string

	mu      sync.Mutex
	flushed map[string][]byte  // by path; a file that was never flushed is empty
	open    map[uintptr]opened // by SQLite's handle
}

// Watch watches the databases in dir, and in the directories in it, that are
// opened until the test ends; what is in a file before counts as flushed. The test
// closes them before. Only one Disk at a time watches a process: SQLite has one
// way to the disk.
func Watch(tb testing.TB, dir string) *Disk {
	tb.Helper()
	dir, err := filepath.EvalSymlinks(dir) // as SQLite names files
	if err != nil {
		tb.Fatal(err)
	}
	d := &Disk{dir: dir, flushed: make(map[string][]byte), open: make(map[uintptr]opened)}
	stop, err := d.interpose()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(stop)
	return d
}

// Copy writes to the path to what a loss of power now would leave of the database
// at path.
func (d *Disk) Copy(tb testing.TB, path, to string) {
	tb.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, suffix := range []string{"", "-wal"} {
		content, ok := d.flushed[path+suffix]
		if !ok {
			continue
		}
		if err := os.WriteFile(to+suffix, content, 0o600); err != nil {
			tb.Fatal(err)
		}
	}
}

func (d *Disk) watches(path string) bool {
	return strings.HasPrefix(path, d.dir+string(filepath.Separator))
}

// opening takes note of a file before it is opened for the first time.
func (d *Disk) opening(path string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, known := d.flushed[path]; known {
		return nil
	}
	content, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	d.flushed[path] = content
	return nil
}

// flush takes note of what the file has when sync begins, if that succeeds.
func (d *Disk) flush(file uintptr, sync func() int32) int32 {
	d.mu.Lock()
	path := d.open[file].path
	d.mu.Unlock()
	// Closing the file drops the locks that SQLite holds on it for other processes.
	// There are none: a database of package storage belongs to one.
	content, err := os.ReadFile(path)
	if err != nil {
		return ioError
	}
	code := sync()
	if code == ok {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.flushed[path] = content
	}
	return code
}

func (d *Disk) removed(path string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.flushed, path)
}
