package dump

import (
	"archive/zip"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const (
	// maxUnpacked is the most bytes that a zip may unpack to: several times a month
	// of trades of the busiest symbol.
	maxUnpacked = 64 << 30
	// maxRatio is the most that a zip may grow by. Dumps grow five- to tenfold, text
	// of one byte alone a thousandfold.
	maxRatio = 100
	// freeRatio is up to where a zip may grow by more: what can do no harm.
	freeRatio = 1 << 20
)

// ErrTooLarge is returned when a zip unpacks to more than a dump can be.
var ErrTooLarge = errors.New("the zip is not a dump")

// Open opens the dump at path, a zip when its name ends so; NameOf says what it
// holds. The caller closes it.
func Open(path string, opts Options) (*Reader, error) {
	name, err := NameOf(path)
	if err != nil {
		return nil, err
	}
	if strings.EqualFold(filepath.Ext(path), ".zip") {
		return openZip(path, name, opts)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open dump: %w", err)
	}
	stat, err := f.Stat()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open dump: %w", err), f.Close())
	}
	r := NewReader(f, path, name, opts)
	r.size, r.close = stat.Size(), f.Close
	return r, nil
}

func openZip(path string, name Name, opts Options) (*Reader, error) {
	archive, err := zip.OpenReader(path)
	if err != nil {
		return nil, fmt.Errorf("open dump %s: %w", path, err)
	}
	r, err := zipped(path, &archive.Reader, name, opts)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open dump %s: %w", path, err), archive.Close())
	}
	closeFile := r.close
	r.close = func() error { return errors.Join(closeFile(), archive.Close()) }
	return r, nil
}

// zipped returns a reader of the one file in the archive at path.
func zipped(path string, archive *zip.Reader, name Name, opts Options) (*Reader, error) {
	if len(archive.File) != 1 || !strings.EqualFold(filepath.Ext(archive.File[0].Name), ".csv") {
		return nil, fmt.Errorf("want one .csv file in the zip, there are %d files", len(archive.File))
	}
	stat, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	// A file that unpacks to more than the zip says of it is refused where that ends.
	size, limit := archive.File[0].UncompressedSize64, min(maxUnpacked, max(freeRatio, maxRatio*stat.Size()))
	if size > uint64(limit) {
		return nil, fmt.Errorf("%w: it unpacks to %d bytes, want at most %d", ErrTooLarge, size, limit)
	}
	f, err := archive.File[0].Open()
	if err != nil {
		return nil, err
	}
	r := NewReader(f, path, name, opts)
	r.size, r.close = int64(size), f.Close
	return r, nil
}
