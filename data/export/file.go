package export

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// ErrExists is returned by ToFile when there is such a file and it may not replace it.
var ErrExists = errors.New("the file exists")

// ToFile has write fill the file at path, by way of path.partial, which takes the
// file's place when it is whole and on the disk. When anything fails no partial file
// is left and what was at path stays.
func ToFile(path string, replace bool, write func(io.Writer) error) (err error) {
	switch info, err := os.Stat(path); {
	case err == nil && !info.Mode().IsRegular():
		return fmt.Errorf("%s: is not a regular file, which alone can be replaced", path)
	case err == nil && !replace:
		return fmt.Errorf("%s: %w", path, ErrExists)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	partial := path + ".partial"
	f, err := os.Create(partial)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(partial))
		}
	}()
	if err := errors.Join(fill(f, write), f.Close()); err != nil {
		return err
	}
	return os.Rename(partial, path)
}

func fill(f *os.File, write func(io.Writer) error) error {
	if err := write(f); err != nil {
		return err
	}
	return f.Sync()
}
