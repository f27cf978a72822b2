package sim

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// appendFile is a file of lines that grows at its end. Each append is one write
// call, so whole lines reach the operating system or none: what was appended is
// there after the end of the process, however sudden.
type appendFile struct {
	file *os.File
	size int64 // bytes, all of whole lines
}

// openAppendFile opens or creates the file at path with mode 0600 and cuts off a
// last line that has no end.
func openAppendFile(path string) (*appendFile, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	f := &appendFile{file: file}
	if err := f.cutTornLine(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return f, nil
}

func (f *appendFile) cutTornLine() error {
	stat, err := f.file.Stat()
	if err != nil {
		return err
	}
	if !stat.Mode().IsRegular() {
		return nil
	}
	chunk := make([]byte, 64<<10)
	for f.size = stat.Size(); f.size > 0; {
		start := max(0, f.size-int64(len(chunk)))
		n, err := f.file.ReadAt(chunk[:f.size-start], start)
		if err != nil && err != io.EOF {
			return err
		}
		if end := bytes.LastIndexByte(chunk[:n], '\n'); end >= 0 {
			f.size = start + int64(end) + 1
			break
		}
		f.size = start
	}
	if f.size == stat.Size() {
		return nil
	}
	return f.file.Truncate(f.size)
}

// append writes whole lines. When it fails the file is as it was before.
func (f *appendFile) append(lines []byte) error {
	n, err := f.file.Write(lines)
	if err == nil {
		f.size += int64(n)
		return nil
	}
	err = fmt.Errorf("append to %s: %w", f.file.Name(), err)
	if n > 0 {
		err = errors.Join(err, f.file.Truncate(f.size))
	}
	return err
}

// cutTo takes back what was appended beyond size.
func (f *appendFile) cutTo(size int64) error {
	if err := f.file.Truncate(size); err != nil {
		return fmt.Errorf("take back what was appended to %s: %w", f.file.Name(), err)
	}
	f.size = size
	return nil
}

func (f *appendFile) close() error { return f.file.Close() }
