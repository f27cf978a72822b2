package history

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"hedgehog/exchange/dump"
)

// checksum returns the SHA-256 of the archive's file, as the archive says.
func (a *archive) checksum(ctx context.Context, f remote) (sum [sha256.Size]byte, err error) {
	var text []byte
	err = a.persist(ctx, func() (progress bool, err error) {
		ctx, cancel := context.WithTimeout(ctx, a.cfg.Stall)
		defer cancel()
		request, err := newRequest(ctx, a.address(f)+".CHECKSUM", a.cfg.UserAgent)
		if err != nil {
			return false, err
		}
		response, err := a.client.Do(request)
		if err != nil {
			return false, err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return false, statusError(response)
		}
		text, err = io.ReadAll(io.LimitReader(response.Body, dump.MaxChecksum+1))
		return false, err
	})
	if err != nil {
		return sum, fmt.Errorf("download %s.CHECKSUM: %w", f.name, err)
	}
	if sum, err = dump.ParseChecksum(text, f.name); err != nil {
		return sum, fmt.Errorf("download %s.CHECKSUM: %w", f.name, err)
	}
	return sum, nil
}

// fetch brings the file to path, unless it is there already with the sum. A file that
// comes with another sum is fetched once more.
func (a *archive) fetch(ctx context.Context, f remote, sum [sha256.Size]byte, path string, t transfer) (fetched bool, err error) {
	if same, err := hasSum(ctx, path, sum); same || err != nil {
		return false, err
	}
	t.url, t.partial, t.most, t.stall = a.address(f), path+".partial", a.cfg.MaxFile, a.cfg.Stall
	for range 2 {
		same, err := a.complete(ctx, sum, t)
		switch {
		case err != nil:
			return false, fmt.Errorf("download %s: %w", f.name, err)
		case same:
			return true, keep(f, sum, path, t)
		}
		if err := t.remove(); err != nil {
			return false, err
		}
	}
	return false, &ChecksumError{Name: f.name}
}

// complete fetches what is missing of the file and says whether it has the sum then.
func (a *archive) complete(ctx context.Context, sum [sha256.Size]byte, t transfer) (same bool, err error) {
	// An earlier run may have ended right after the last byte.
	if same, err := hasSum(ctx, t.partial, sum); same || err != nil {
		return same, err
	}
	most := t.have()
	err = a.persist(ctx, func() (progress bool, err error) {
		err = t.attempt(ctx, a.client, a.cfg.UserAgent)
		// What comes a second time, where the server knows no ranges, is no progress.
		progress = t.have() > most
		most = max(most, t.have())
		return progress, err
	})
	if err != nil {
		return false, err
	}
	return hasSum(ctx, t.partial, sum)
}

// keep gives a whole file its name, with the checksum beside it.
func keep(f remote, sum [sha256.Size]byte, path string, t transfer) error {
	line := fmt.Sprintf("%x  %s\n", sum, f.name)
	if err := os.WriteFile(path+".CHECKSUM", []byte(line), 0o600); err != nil {
		return &localError{err}
	}
	if err := os.Rename(t.partial, path); err != nil {
		return &localError{err}
	}
	return t.remove() // the version beside it
}

// hasSum says whether the file at path is there and has the sum.
func hasSum(ctx context.Context, path string, sum [sha256.Size]byte) (bool, error) {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, &localError{err}
	}
	defer file.Close()
	hash, buffer := sha256.New(), make([]byte, 1<<20)
	for ctx.Err() == nil {
		n, err := file.Read(buffer)
		hash.Write(buffer[:n])
		if err == io.EOF {
			return [sha256.Size]byte(hash.Sum(nil)) == sum, nil
		}
		if err != nil {
			return false, &localError{err}
		}
	}
	return false, context.Cause(ctx)
}

func (a *archive) address(f remote) string {
	return strings.TrimRight(a.cfg.BaseURL, "/") + "/" + f.path
}
