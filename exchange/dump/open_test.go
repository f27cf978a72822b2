package dump_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hedgehog/exchange/dump"
)

// mustWriteFile writes a file in a directory of the test and returns its path.
func mustWriteFile(tb testing.TB, name string, content []byte) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// mustZip returns a zip of one file, compressed.
func mustZip(tb testing.TB, text []byte) []byte {
	tb.Helper()
	var out bytes.Buffer
	archive := zip.NewWriter(&out)
	w, err := archive.Create("XRPETH-trades.csv")
	if err == nil {
		_, err = w.Write(text)
	}
	if err := errors.Join(err, archive.Close()); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// readFile opens the dump and reads it to its end or first error.
func readFile(tb testing.TB, path string) error {
	tb.Helper()
	r, err := dump.Open(path, dump.Options{SkipBad: true})
	if err != nil {
		return err
	}
	defer closeReader(tb, r)
	return readAll(r)
}

func TestATruncatedZipIsAnError(t *testing.T) {
	whole := mustZip(t, []byte(strings.Repeat(goodLine, 1000)))
	for _, size := range []int{0, 10, len(whole) / 2, len(whole) - 1} {
		path := mustWriteFile(t, "XRPETH-trades.zip", whole[:size])
		if err := readFile(t, path); !errors.Is(err, zip.ErrFormat) || !strings.Contains(err.Error(), path) {
			t.Errorf("the first %d of %d bytes: %v, want %v and the path", size, len(whole), err, zip.ErrFormat)
		}
	}
}

func TestAZipThatUnpacksToFarTooMuchIsRefused(t *testing.T) {
	zeros := []byte(strings.Repeat("0", 127) + "\n")
	bomb := mustZip(t, bytes.Repeat(zeros, 8<<13))
	if err := readFile(t, mustWriteFile(t, "XRPETH-trades.zip", bomb)); !errors.Is(err, dump.ErrTooLarge) {
		t.Errorf("one that says so: %v, want %v", err, dump.ErrTooLarge)
	}
	// The size that the directory gives for the file is 24 bytes behind its signature.
	at := bytes.Index(bomb, []byte("PK\x01\x02")) + 24
	binary.LittleEndian.PutUint32(bomb[at:], 100)
	if err := readFile(t, mustWriteFile(t, "XRPETH-trades.zip", bomb)); !errors.Is(err, zip.ErrFormat) {
		t.Errorf("one that lies: %v, want %v", err, zip.ErrFormat)
	}
	if err := readFile(t, mustWriteFile(t, "XRPETH-trades.zip", mustZip(t, bytes.Repeat(zeros, 1<<13)))); errors.Is(err, dump.ErrTooLarge) {
		t.Errorf("one of a megabyte is refused: %v", err)
	}
}

func TestAFileIsComparedWithTheChecksumBesideIt(t *testing.T) {
	content := []byte(goodLine)
	right := sha256.Sum256(content)
	other := sha256.Sum256([]byte("other"))
	name := "XRPETH-trades.csv"
	for title, c := range map[string]struct {
		checksum string // none where empty
		want     string // in the error
	}{
		"none":             {"", ""},
		"right":            {fmt.Sprintf("%x  %s\n", right, name), ""},
		"right, no end":    {fmt.Sprintf("%x  %s", right, name), ""},
		"right, binary":    {fmt.Sprintf("%X *%s\r\n", right, name), ""},
		"wrong":            {fmt.Sprintf("%x  %s\n", other, name), "wrong checksum: sha256 is"},
		"of another file":  {fmt.Sprintf("%x  XRPETH-trades.zip\n", right), `it is that of "XRPETH-trades.zip"`},
		"one space":        {fmt.Sprintf("%x %s\n", right, name), "want one line"},
		"no name":          {fmt.Sprintf("%x\n", right), "want one line"},
		"short sum":        {fmt.Sprintf("%x  %s\n", right[:31], name), "want one line"},
		"letters":          {strings.Repeat("xy", 32) + "  " + name, "want one line"},
		"two lines":        {fmt.Sprintf("%x  %s\n%[1]x  %[2]s\n", right, name), "want one line"},
		"a page":           {strings.Repeat("<html>", 10_000), "want one line"},
		"an empty file":    {"\n", "want one line"},
		"blank lines more": {fmt.Sprintf("%x  %s\n\n", right, name), ""},
	} {
		t.Run(title, func(t *testing.T) {
			path := mustWriteFile(t, name, content)
			if c.checksum != "" {
				if err := os.WriteFile(path+".CHECKSUM", []byte(c.checksum), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			sum, err := dump.Verify(t.Context(), path)
			if checked := dump.Check(t.Context(), path); fmt.Sprint(checked) != fmt.Sprint(err) {
				t.Errorf("Check returns %v, want %v as Verify", checked, err)
			}
			if c.want == "" {
				if err != nil || sum != right {
					t.Errorf("%x, %v; want %x", sum, err, right)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("error %v, want %q and the path", err, c.want)
			}
		})
	}
}

func TestVerifyEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := dump.Verify(ctx, mustWriteFile(t, "XRPETH-trades.csv", []byte(goodLine))); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}

func TestShareIsHowMuchOfTheFileHasBeenRead(t *testing.T) {
	lines := make([]byte, 0, 1000*len(goodLine))
	for id := range 1000 {
		lines = fmt.Appendf(lines, "%d%s", 1000+id, goodLine[1:])
	}
	for name, content := range map[string][]byte{"XRPETH-trades.csv": lines, "XRPETH-trades.zip": mustZip(t, lines)} {
		r := mustOpen(t, mustWriteFile(t, name, content))
		defer closeReader(t, r)
		for range 500 {
			if _, err := r.NextTick(); err != nil {
				t.Fatal(err)
			}
		}
		if share := r.Share(); share != 0.5 {
			t.Errorf("%s: %v, want half", name, share)
		}
	}
}

func FuzzChecksum(f *testing.F) {
	f.Add([]byte("9834876dcfb05cb167a5c24953eba58c4ac89b1adf57f28f2f9d09af107ee8f0  XRPETH-trades.csv\n"))
	f.Add([]byte(strings.Repeat("0", 64) + " *\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		path := mustWriteFile(t, "XRPETH-trades.csv", nil)
		if err := os.WriteFile(path+".CHECKSUM", text, 0o600); err != nil {
			t.Fatal(err)
		}
		// Of nothing, with whose sum hardly a text of the fuzzer begins.
		want := fmt.Sprintf("%x", sha256.Sum256(nil))
		if _, err := dump.Verify(t.Context(), path); err == nil && !strings.HasPrefix(strings.ToLower(string(text)), want) {
			t.Errorf("%q verifies", text)
		}
	})
}

func FuzzName(f *testing.F) {
	for _, name := range []string{"XRPETH-trades-2019-10-11.zip", "XRPETH-1m.csv", "X-", "-", "XRPETH-.csv", ".csv", ".0-"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, path string) {
		name, err := dump.NameOf(path)
		if err == nil && (name.Symbol == "" || !strings.HasPrefix(filepath.Base(path), name.Symbol+"-") || (name.Kind == dump.Klines) != (name.Minutes > 0)) {
			t.Errorf("%q: %+v", path, name)
		}
	})
}
