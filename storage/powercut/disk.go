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

	mu    sync.Mutex
	files map[string]*file   // by path
	open  map[uintptr]opened // by SQLite's handle
}

// file is a file of a database.
type file struct {
	syncing sync.Mutex // held by whoever flushes it

	// The Disk's mutex guards these.
	flushed []byte // empty when it was never flushed
	written span   // since then
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
	d := &Disk{dir: dir, files: make(map[string]*file), open: make(map[uintptr]opened)}
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
		f, ok := d.files[path+suffix]
		if !ok {
			continue
		}
		if err := os.WriteFile(to+suffix, f.flushed, 0o600); err != nil {
			tb.Fatal(err)
		}
	}
}

func (d *Disk) watches(path string) bool {
	return strings.HasPrefix(path, d.dir+string(filepath.Separator))
}

// opening returns the file at path, which is about to be opened.
func (d *Disk) opening(path string) (*file, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f, known := d.files[path]; known {
		return f, nil
	}
	content, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	d.files[path] = &file{flushed: content}
	return d.files[path], nil
}

// wrote takes note of a part of the file that has been written, or may have been.
func (d *Disk) wrote(handle uintptr, part span) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open[handle].file.written.add(part)
}

// flush takes note of what the file has when sync begins, if that succeeds.
func (d *Disk) flush(handle uintptr, sync func() int32) int32 {
	d.mu.Lock()
	path, f := d.open[handle].path, d.open[handle].file
	d.mu.Unlock()
	// Another's sync may have taken what is written before this one, but not be over.
	f.syncing.Lock()
	defer f.syncing.Unlock()
	d.mu.Lock()
	part := f.written
	f.written = span{}
	d.mu.Unlock()

	code := int32(ioError)
	content, size, err := part.read(path)
	if err == nil {
		code = sync()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if code != ok {
		f.written.add(part)
		return code
	}
	f.flushed = part.put(f.flushed, content, size)
	return code
}

func (d *Disk) removed(path string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.files, path)
}
