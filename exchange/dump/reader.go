package dump

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"hedgehog/exchange"
)

// Options say how a dump is read.
type Options struct {
	// SkipBad passes over lines that are not what the dump has instead of failing;
	// Skipped tells how many there were. What the file system or the zip refuses
	// fails all the same.
	SkipBad bool
}

// Reader reads one dump in the order of the file.
type Reader struct {
	source
	opts  Options
	file  string // for errors
	name  Name
	size  int64 // of the plain dump in bytes; 0 where that is not known
	close func() error

	line     int             // number of the line read last, from 1
	columns  int             // of the first line that was taken; 0 before it
	lastID   int64           // of the line taken last, of a candle its start
	lastTime exchange.Micros // likewise
	age      age
	skipped  int
	firstBad error
}

// NewReader returns a reader of the plain dump in r, which is what name says; file
// names it in errors.
func NewReader(r io.Reader, file string, name Name, opts Options) *Reader {
	return &Reader{source: newSource(r), opts: opts, file: file, name: name, close: func() error { return nil }}
}

// Close releases the file.
func (r *Reader) Close() error { return r.close() }

// Name returns what the dump is of.
func (r *Reader) Name() Name { return r.name }

// Share returns how much of the dump has been read, from 0 to 1, for a reader that
// Open returned.
func (r *Reader) Share() float64 {
	if r.size == 0 {
		return 0
	}
	return float64(r.taken+int64(r.at)) / float64(r.size)
}

// Skipped returns how many lines SkipBad has passed over, and what was wrong
// with the first of them.
func (r *Reader) Skipped() (lines int, first error) { return r.skipped, r.firstBad }

// Next returns the next trade, io.EOF after the last one. A line that is not a
// trade gives a *LineError, and the line after it can still be read. A dump of
// another kind is an error, here and in all that follows.
func (r *Reader) Next() (exchange.TradeEvent, error) {
	t, err := r.NextTick()
	if err != nil {
		return exchange.TradeEvent{}, err
	}
	event := t.Event(r.name.Symbol)
	event.Source = exchange.Live // whoever plays it says what it is
	return event, nil
}

// NextTick is Next for work on millions of trades.
func (r *Reader) NextTick() (t exchange.Tick, err error) {
	err = r.nextTick(&t)
	return t, err
}

// ReadTicks reads the next trades into the slice and returns how many there are:
// fewer than it holds only with an error, which is that of NextTick behind them.
func (r *Reader) ReadTicks(into []exchange.Tick) (n int, err error) {
	for n < len(into) {
		if err := r.nextTick(&into[n]); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

func (r *Reader) nextTick(t *exchange.Tick) error {
	for {
		if r.at == r.whole || r.name.Kind != Trades {
			if err := r.begin(Trades); err != nil {
				return err
			}
		}
		r.line++
		bad, reason := r.trade(t)
		if bad == noColumn {
			return nil
		}
		if err := r.pass(bad, reason); err != nil {
			*t = exchange.Tick{}
			return err
		}
	}
}

// NextAggTrade is Next for dumps of aggregate trades.
func (r *Reader) NextAggTrade() (t exchange.AggTrade, err error) {
	for {
		if err := r.begin(AggTrades); err != nil {
			return exchange.AggTrade{}, err
		}
		r.line++
		bad, reason := r.aggTrade(&t)
		if bad == noColumn {
			return t, nil
		}
		if err := r.pass(bad, reason); err != nil {
			return exchange.AggTrade{}, err
		}
	}
}

// NextCandle is Next for dumps of klines. A candle of a time without a trade has
// Trades 0, and its prices are those of the last trade before.
func (r *Reader) NextCandle() (c exchange.Candle, err error) {
	for {
		if err := r.begin(Klines); err != nil {
			return exchange.Candle{}, err
		}
		r.line++
		bad, reason := r.candle(&c)
		if bad == noColumn {
			return c, nil
		}
		if err := r.pass(bad, reason); err != nil {
			return exchange.Candle{}, err
		}
	}
}

// begin has the next line whole at r.at. What reads it moves that behind it, or
// returns which column is wrong, and why where that is more than what the column wants.
func (r *Reader) begin(kind Kind) error {
	if r.name.Kind != kind {
		return fmt.Errorf("dump %s: it holds %s, want %s", r.file, r.name.Kind, kind)
	}
	if r.at == r.whole {
		return r.unread(r.fill())
	}
	return nil
}

// unread names in an error of the source where the dump could not be read on.
func (r *Reader) unread(err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return fmt.Errorf("read dump %s after line %d: %w", r.file, r.line, err)
}

// noColumn is what a column is called that nothing is wrong with.
const noColumn = -1

// accept ends the reading of a line in which every field for itself is right: it
// checks the line against those before it and moves behind it.
func (r *Reader) accept(columns, end int, id int64, at exchange.Micros) (bad int, reason string) {
	timeColumn := 0
	switch r.name.Kind {
	case Trades:
		timeColumn = 4
	case AggTrades:
		timeColumn = 5
	}
	switch {
	case r.columns != columns && r.columns != 0, end-r.at > maxLine+2:
		return 0, "" // what is wrong, refuse sees
	case id <= r.lastID:
		return 0, fmt.Sprintf("must rise from line to line, the one before is %d", r.lastID)
	case at < r.lastTime:
		return timeColumn, fmt.Sprintf("times must not fall, the one before is %d µs", r.lastTime)
	}
	r.columns, r.at, r.lastID, r.lastTime = columns, end, id, at
	return noColumn, ""
}

// pass passes over a line that was not taken: the columns' names, or a bad line,
// of which it returns what is wrong unless such lines are skipped.
func (r *Reader) pass(bad int, reason string) error {
	line := r.skip()
	if r.line == 1 && isHeader(line) {
		return nil
	}
	err := r.refuse(line, bad, reason)
	if !r.opts.SkipBad {
		return err
	}
	r.skipped++
	if r.firstBad == nil {
		r.firstBad = err
	}
	return nil
}

// isHeader says whether the line holds the columns' names, as some dumps have
// them at the top.
func isHeader(line []byte) bool {
	first, _, _ := bytes.Cut(line, []byte{','})
	switch strings.NewReplacer("_", "", " ", "").Replace(strings.ToLower(string(first))) {
	case "id", "tradeid", "aggtradeid", "aggregatetradeid", "opentime":
		return true
	default:
		return false
	}
}
