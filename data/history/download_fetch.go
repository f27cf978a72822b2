package history

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

// checksumLimit is the most bytes that a checksum file has.
const checksumLimit = 4 << 10

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
		text, err = io.ReadAll(io.LimitReader(response.Body, checksumLimit+1))
		return false, err
	})
	if err != nil {
		return sum, fmt.Errorf("download %s.CHECKSUM: %w", f.name, err)
	}
	return parseChecksum(text, f.name)
}

// parseChecksum reads one line of sha256sum about the file of that name.
func parseChecksum(text []byte, name string) (sum [sha256.Size]byte, err error) {
	fields := strings.Fields(string(text))
	if len(text) > checksumLimit || len(fields) != 2 {
		return sum, fmt.Errorf("%s.CHECKSUM: want a line with a SHA-256 and a name", name)
	}
	if of := strings.TrimPrefix(fields[1], "*"); of != name {
		return sum, fmt.Errorf("%s.CHECKSUM: is about %.100q", name, of)
	}
	if n, err := hex.Decode(sum[:], []byte(fields[0][:min(len(fields[0]), hex.EncodedLen(len(sum)))])); err != nil || n != len(sum) || len(fields[0]) != hex.EncodedLen(n) {
		return sum, fmt.Errorf("%s.CHECKSUM: %.100q is not a SHA-256", name, fields[0])
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
