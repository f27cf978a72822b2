package dump

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// MaxChecksum is the size of the largest checksum file taken, in bytes.
const MaxChecksum = 4096

// ErrChecksum is returned when a dump is not the one that its checksum is of.
var ErrChecksum = errors.New("wrong checksum")

// Verify returns the SHA-256 of the file at path, which it reads as a whole, after
// comparing it with the checksum in the file path.CHECKSUM where there is one. The
// exchange publishes that beside each of its dumps: "<sha256 in hex>  <file name>".
func Verify(ctx context.Context, path string) (sum [sha256.Size]byte, err error) {
	if sum, err = verify(ctx, path); err != nil {
		return sum, fmt.Errorf("verify dump %s: %w", path, err)
	}
	return sum, nil
}

// Check is Verify where a checksum is beside the file, and reads nothing of it where
// there is none.
func Check(ctx context.Context, path string) error {
	if _, err := os.Stat(path + ".CHECKSUM"); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	_, err := Verify(ctx, path)
	return err
}

func verify(ctx context.Context, path string) (sum [sha256.Size]byte, err error) {
	text, err := readChecksum(path + ".CHECKSUM")
	if errors.Is(err, fs.ErrNotExist) {
		return sumOf(ctx, path)
	}
	if err != nil {
		return sum, err
	}
	want, err := ParseChecksum(text, filepath.Base(path))
	if err != nil {
		return sum, fmt.Errorf("%s.CHECKSUM: %w", path, err)
	}
	if sum, err = sumOf(ctx, path); err == nil && sum != want {
		err = fmt.Errorf("%w: sha256 is %x, want %x: fetch the file again", ErrChecksum, sum, want)
	}
	return sum, err
}

func readChecksum(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, MaxChecksum))
}

// ParseChecksum reads the one line of a checksum file, which has to be of the file
// of that name. The error is ErrChecksum where it is of another one.
func ParseChecksum(text []byte, name string) (sum [sha256.Size]byte, err error) {
	const want = "want one line, the sha256 in 64 hex digits, two spaces and the file's name"
	line, rest, _ := bytes.Cut(text, []byte{'\n'})
	digits, file, found := bytes.Cut(bytes.TrimRight(line, "\r"), []byte{' '})
	// The second space is a * where the sum was taken of a file read as binary.
	if !found || len(file) < 2 || file[0] != ' ' && file[0] != '*' || len(bytes.TrimSpace(rest)) > 0 ||
		len(digits) != hex.EncodedLen(len(sum)) {
		return sum, errors.New(want)
	}
	if _, err := hex.Decode(sum[:], digits); err != nil {
		return sum, errors.New(want)
	}
	if of := string(file[1:]); of != name {
		return sum, fmt.Errorf("%w: it is that of %.100q", ErrChecksum, of)
	}
	return sum, nil
}

func sumOf(ctx context.Context, path string) (sum [sha256.Size]byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return sum, err
	}
	defer f.Close()
	hash := sha256.New()
	for buf := make([]byte, 1<<20); ; {
		if ctx.Err() != nil {
			return sum, context.Cause(ctx)
		}
		n, err := f.Read(buf)
		hash.Write(buf[:n]) // never fails
		if err == io.EOF {
			return [sha256.Size]byte(hash.Sum(nil)), nil
		}
		if err != nil {
			return sum, err
		}
	}
}
