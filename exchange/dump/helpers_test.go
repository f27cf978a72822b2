package dump_test

import (
	"archive/zip"
	"io"
	"iter"
	"os"
	"testing"

	"hedgehog/exchange"
	"hedgehog/exchange/dump"
)

// trades yields what r reads, up to its end or first error.
func trades(r *dump.Reader) iter.Seq2[exchange.TradeEvent, error] {
	return func(yield func(exchange.TradeEvent, error) bool) {
		for {
			event, err := r.Next()
			if err == io.EOF || !yield(event, err) || err != nil {
				return
			}
		}
	}
}

func closeReader(tb testing.TB, r *dump.Reader) {
	tb.Helper()
	if err := r.Close(); err != nil {
		tb.Errorf("close: %v", err)
	}
}

// writeZip writes the files uncompressed, so that a test can damage their bytes.
func writeZip(tb testing.TB, path string, files map[string]string) {
	tb.Helper()
	out, err := os.Create(path)
	if err != nil {
		tb.Fatal(err)
	}
	archive := zip.NewWriter(out)
	for name, text := range files {
		w, err := archive.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err != nil {
			tb.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil {
			tb.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		tb.Fatal(err)
	}
	if err := out.Close(); err != nil {
		tb.Fatal(err)
	}
}

// failing is a source that can't be read.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
