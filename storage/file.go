package storage

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const (
	dirMode  = 0o700
	fileMode = 0o600
)

// prepareFiles makes the directory and the database file where they are missing
// and takes the rights of others away from files that are there. SQLite gives
// its further files the mode of the first.
func prepareFiles(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), dirMode); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, fileMode)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Chmod(path+suffix, fileMode); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// fileLock is an advisory lock of the operating system: it ends with the
// process, however that ends.
type fileLock struct{ file *os.File }

// lockFile takes the lock, or returns ErrLocked with the holder's process id.
// The file stays where it is: removing it would let a third process lock a new
// file of the same name while a second still waits on the old one.
func lockFile(path string) (*fileLock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, fileMode)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%w by process %s: wait for it, stop it, or take another data directory", ErrLocked, holder(f))
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	l := &fileLock{file: f}
	if err := l.sign(); err != nil {
		return nil, errors.Join(fmt.Errorf("write %s: %w", path, err), l.release())
	}
	return l, nil
}

// sign writes who holds the lock, for the error that another process gives.
func (l *fileLock) sign() error {
	if err := l.file.Truncate(0); err != nil {
		return err
	}
	_, err := fmt.Fprintln(l.file, os.Getpid())
	return err
}

// release ends the lock.
func (l *fileLock) release() error { return l.file.Close() }

// holder returns what the lock's holder has signed with.
func holder(f *os.File) string {
	id, err := io.ReadAll(io.LimitReader(f, 20))
	if err != nil || len(id) == 0 {
		return "unknown"
	}
	return strings.TrimSpace(string(id))
}
