package dump

import (
	"archive/zip"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"hedgehog/exchange"
)

// maxLine is the longest line taken, in bytes. A real one has about 80.
const maxLine = 4096

// Options say how a dump is read.
type Options struct {
	// SkipBad passes over lines that are not a trade instead of failing; Skipped
	// tells how many there were. What the file system or the zip refuses fails
	// all the same.
	SkipBad bool
}

// Reader reads the trades of one dump in the order of the file.
type Reader struct {
	opts   Options
	file   string // for errors
	symbol string
	lines  *bufio.Reader
	close  func() error

	line     int   // number of the line read last, from 1
	columns  int   // of the first trade; 0 before it
	lastID   int64 // of the last trade
	skipped  int
	firstBad error
}

// SymbolOf returns the symbol that a dump is of: its file name up to the first
// "-", as in XRPETH-trades-2019-10-11.zip.
func SymbolOf(path string) (string, error) {
	name := filepath.Base(path)
	symbol, _, found := strings.Cut(name, "-")
	if !found || !exchange.ValidSymbolName(symbol) {
		return "", fmt.Errorf("dump %s: the file name does not start with a symbol and a \"-\", as in XRPETH-trades-2019-10-11.csv", path)
	}
	return symbol, nil
}

// Open opens the dump at path, a zip when its name ends so. The caller closes it.
func Open(path string, opts Options) (*Reader, error) {
	symbol, err := SymbolOf(path)
	if err != nil {
		return nil, err
	}
	if strings.EqualFold(filepath.Ext(path), ".zip") {
		return openZip(path, symbol, opts)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open dump: %w", err)
	}
	r := NewReader(f, path, symbol, opts)
	r.close = f.Close
	return r, nil
}

func openZip(path, symbol string, opts Options) (*Reader, error) {
	archive, err := zip.OpenReader(path)
	if err != nil {
		return nil, fmt.Errorf("open dump %s: %w", path, err)
	}
	if len(archive.File) != 1 || !strings.EqualFold(filepath.Ext(archive.File[0].Name), ".csv") {
		return nil, errors.Join(fmt.Errorf("open dump %s: want one .csv file in the zip, there are %d files", path, len(archive.File)), archive.Close())
	}
	f, err := archive.File[0].Open()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open dump %s: %w", path, err), archive.Close())
	}
	r := NewReader(f, path, symbol, opts)
	r.close = func() error { return errors.Join(f.Close(), archive.Close()) }
	return r, nil
}

// NewReader returns a reader of the plain dump in r; file names it in errors.
func NewReader(r io.Reader, file, symbol string, opts Options) *Reader {
	return &Reader{
		opts:   opts,
		file:   file,
		symbol: symbol,
		lines:  bufio.NewReaderSize(r, maxLine),
		close:  func() error { return nil },
	}
}

// Close releases the file.
func (r *Reader) Close() error { return r.close() }

// Skipped returns how many lines SkipBad has passed over, and what was wrong
// with the first of them.
func (r *Reader) Skipped() (lines int, first error) { return r.skipped, r.firstBad }

// Next returns the next trade, io.EOF after the last one. A line that is not a
// trade gives a *LineError, and the line after it can still be read.
func (r *Reader) Next() (exchange.TradeEvent, error) {
	for {
		text, err := r.readLine()
		if err == nil {
			if r.line == 1 && isHeader(text) {
				continue
			}
			var t exchange.TradeEvent
			if t, err = r.parse(text); err == nil {
				r.lastID = t.ID
				return t, nil
			}
		}
		var bad *LineError
		if !errors.As(err, &bad) || !r.opts.SkipBad {
			return exchange.TradeEvent{}, err
		}
		r.skipped++
		if r.firstBad == nil {
			r.firstBad = err
		}
	}
}

// readLine returns the next line without its end. It is valid until the next call.
func (r *Reader) readLine() ([]byte, error) {
	text, err := r.lines.ReadSlice('\n')
	if len(text) > 0 || err == nil {
		r.line++
	}
	switch {
	case err == nil:
		return bytes.TrimSuffix(text[:len(text)-1], []byte{'\r'}), nil
	case errors.Is(err, bufio.ErrBufferFull):
		start := string(text[:40])
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = r.lines.ReadSlice('\n')
		}
		if err != nil && err != io.EOF {
			return nil, r.readError(err)
		}
		return nil, r.bad("", start+"…", fmt.Sprintf("the line is longer than %d bytes", maxLine))
	case err == io.EOF && len(text) > 0:
		return text, nil
	case err == io.EOF:
		return nil, io.EOF
	default:
		return nil, r.readError(err)
	}
}

func (r *Reader) readError(err error) error {
	return fmt.Errorf("read dump %s after line %d: %w", r.file, r.line, err)
}

// isHeader says whether the line holds the columns' names, as some dumps have
// them at the top.
func isHeader(line []byte) bool {
	first, _, _ := bytes.Cut(line, []byte{','})
	switch strings.ToLower(string(first)) {
	case "id", "trade_id", "tradeid":
		return true
	default:
		return false
	}
}
