package backtest

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"hedgehog/exchange"
)

// Ticks are trades of one symbol in the order of their ids, in batches of any
// size. A batch is valid until the next one. After an error there is none.
type Ticks = iter.Seq2[[]exchange.Tick, error]

// Memory returns trades that are in memory as Ticks.
func Memory(ticks []exchange.Tick) Ticks {
	return func(yield func([]exchange.Tick, error) bool) { yield(ticks, nil) }
}

// ErrNoTrades is returned when there is nothing to try the settings on.
var ErrNoTrades = errors.New("there are no trades")

// HoleError is returned where trades are missing.
type HoleError struct {
	Symbol      string
	First, Last int64 // the missing ids
}

// Error names the missing ids.
func (e *HoleError) Error() string {
	return fmt.Sprintf("trades %d to %d of %s are missing (%d)", e.First, e.Last, e.Symbol, e.Last-e.First+1)
}

// feed hands out the ticks of a source one by one or many at a time.
type feed struct {
	symbol string
	holes  bool // are allowed
	pull   func() ([]exchange.Tick, error, bool)

	batch   []exchange.Tick
	at      int           // next of the batch
	last    exchange.Tick // handed out last
	trades  int64         // handed out
	missing int64         // ids between them
}

// rest returns the ticks that are there, waiting for none; more has to be called
// when it is empty.
func (f *feed) rest() []exchange.Tick { return f.batch[f.at:] }

// more gets the next batch; false when there is none.
func (f *feed) more(ctx context.Context) (bool, error) {
	for f.at == len(f.batch) {
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		batch, err, ok := f.pull()
		if !ok || err != nil {
			return false, err
		}
		f.batch, f.at = batch, 0
	}
	return true, nil
}

// take hands out the first n ticks of the rest. Only the first of them may be
// behind a hole.
func (f *feed) take(n int) ([]exchange.Tick, error) {
	taken := f.batch[f.at : f.at+n]
	if err := f.check(taken[0]); err != nil {
		return nil, err
	}
	f.at += n
	f.last = taken[n-1]
	f.trades += int64(n)
	return taken, nil
}

// check looks at the tick that follows the last one.
func (f *feed) check(t exchange.Tick) error {
	switch {
	case f.trades == 0:
	case t.ID <= f.last.ID:
		return fmt.Errorf("trade %d of %s comes after trade %d: ids must rise", t.ID, f.symbol, f.last.ID)
	case t.Time < f.last.Time:
		return fmt.Errorf("trade %d of %s is of %s, the one before of %s: times must not go backwards",
			t.ID, f.symbol, stamp(t.Time), stamp(f.last.Time))
	case t.ID > f.last.ID+1:
		if !f.holes {
			return &HoleError{Symbol: f.symbol, First: f.last.ID + 1, Last: t.ID - 1}
		}
		f.missing += t.ID - f.last.ID - 1
	}
	if t.Price <= 0 || t.Quantity <= 0 {
		return fmt.Errorf("trade %d of %s: price %s and quantity %s must be above 0", t.ID, f.symbol, t.Price, t.Quantity)
	}
	return nil
}

func stamp(t exchange.Micros) string { return t.Time().Format("2006-01-02T15:04:05.999999Z") }
