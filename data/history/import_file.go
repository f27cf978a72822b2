package history

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"hedgehog/exchange"
	"hedgehog/exchange/dump"
)

// rowsPerChunk is how many rows are stored in one transaction: as many as make its
// price not count.
const rowsPerChunk = 8192

// importFile is a dump on its way into the store. One goroutine reads it, sends what
// it has read in chunks and closes that; the fields behind are its own until then.
type importFile struct {
	path   string
	name   dump.Name
	size   int64
	left   chan struct{} // is closed when nobody takes chunks any more
	chunks chan chunk

	sum       [sha256.Size]byte
	firstTime exchange.Micros
	skipped   bool  // it had been imported before
	err       error // why it was not read to its end
}

// errLeft ends the reading of a file that nobody takes chunks of any more.
var errLeft = errors.New("nobody takes it")

// leave ends the reading of the file and waits for that.
func (f *importFile) leave() {
	close(f.left)
	for range f.chunks {
	}
}

// storeError is returned when the store failed, whatever the file.
type storeError struct{ err error }

func (e *storeError) Error() string { return e.err.Error() }
func (e *storeError) Unwrap() error { return e.err }

// notStored returns the store's error with the file; it is a *storeError unless the
// file is to blame.
func (f *importFile) notStored(err error) error {
	if err == nil {
		return nil
	}
	named := fmt.Errorf("import %s: %w", f.path, err)
	if errors.Is(err, ErrContradiction) {
		return named
	}
	return &storeError{named}
}

// read sends what is in the file.
func (f *importFile) read(ctx context.Context, store ImportStore) {
	defer close(f.chunks)
	if f.err == nil {
		f.err = f.readAll(ctx, store)
	}
}

func (f *importFile) readAll(ctx context.Context, store ImportStore) (err error) {
	if f.sum, err = dump.Verify(ctx, f.path); err != nil {
		return err
	}
	if f.skipped, err = store.Imported(ctx, filepath.Base(f.path), f.sum); err != nil || f.skipped {
		return f.notStored(err)
	}
	r, err := dump.Open(f.path, dump.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for rows := int64(0); ; {
		c, err := readChunk(r)
		if first, ok := c.firstTime(); ok && f.firstTime == 0 {
			f.firstTime = first
		}
		rows += c.rows() + c.empty
		switch {
		case err == io.EOF && rows == 0:
			return fmt.Errorf("dump %s: there are no %s in it", f.path, f.name.Kind)
		case err != nil && err != io.EOF && c.rows() == 0:
			return err
		}
		select {
		case f.chunks <- c:
		case <-f.left:
			return errLeft
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// chunk is some of a dump's rows, all of one kind.
type chunk struct {
	ticks   []exchange.Tick
	agg     []exchange.AggTrade
	candles []exchange.Candle
	empty   int64   // candles without a trade, which are not among them
	share   float64 // of the dump that has been read
}

// readChunk reads some rows; with an error those before it.
func readChunk(r *dump.Reader) (c chunk, err error) {
	switch r.Name().Kind {
	case dump.AggTrades:
		c.agg, err = collect(r.NextAggTrade)
	case dump.Klines:
		c.candles, err = collect(r.NextCandle)
		all := len(c.candles)
		c.candles = slices.DeleteFunc(c.candles, func(k exchange.Candle) bool { return k.Trades == 0 })
		c.empty = int64(all - len(c.candles))
	default:
		c.ticks = make([]exchange.Tick, rowsPerChunk)
		var n int
		n, err = r.ReadTicks(c.ticks)
		c.ticks = c.ticks[:n]
	}
	c.share = r.Share()
	return c, err
}

func collect[T any](next func() (T, error)) ([]T, error) {
	rows := make([]T, 0, rowsPerChunk)
	for len(rows) < rowsPerChunk {
		row, err := next()
		if err != nil {
			return rows, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func (c chunk) rows() int64 { return int64(len(c.ticks) + len(c.agg) + len(c.candles)) }

func (c chunk) firstTime() (t exchange.Micros, ok bool) {
	switch {
	case len(c.ticks) > 0:
		return c.ticks[0].Time, true
	case len(c.agg) > 0:
		return c.agg[0].Time, true
	case len(c.candles) > 0:
		return c.candles[0].StartTime, true
	}
	return 0, false
}

// store stores the rows and returns how many of them were not there before.
func (c chunk) store(ctx context.Context, store ImportStore, symbol string) (int64, error) {
	switch {
	case len(c.ticks) > 0:
		return store.PutTicks(ctx, symbol, c.ticks)
	case len(c.agg) > 0:
		return store.PutAggTrades(ctx, symbol, c.agg)
	case len(c.candles) > 0:
		return store.PutOldCandles(ctx, c.candles)
	}
	return 0, nil
}
