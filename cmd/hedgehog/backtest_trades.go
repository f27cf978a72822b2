package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"sort"

	"github.com/urfave/cli/v2"

	"hedgehog/data/backtest"
	"hedgehog/exchange"
	"hedgehog/exchange/dump"
	"hedgehog/storage"
)

// past is the trades that a command line chooses, of one symbol.
type past struct {
	symbol   string
	from, to exchange.Micros // as periodOf returns them
	files    []string        // dumps in the order of their trades; without any it is the database
	db       *storage.DB     // nil where it is dumps and no database is named
	agg      bool            // of the database it is the aggregate trades
	dir      string          // of the database

	read share // of the trades that ticks returns
}

// pastFlags returns the flags that openPast reads.
func pastFlags() []cli.Flag {
	return append(periodFlags(),
		&cli.StringSliceFlag{Name: "file", Usage: "take the trades of `DUMP`, a file of the exchange's trades or aggTrades, .csv or .zip; may be repeated",
			DefaultText: "those of the database"},
		dataDirFlag())
}

// openPast opens what the flags name: dumps, or the database. With dumps the database
// is opened only where --data-dir says so, for settings and rules. The caller closes it.
func openPast(c *cli.Context, symbol string) (*past, error) {
	h := &past{symbol: symbol, dir: c.String("data-dir")}
	var err error
	if h.from, h.to, err = periodOf(c); err != nil {
		return nil, err
	}
	if files := c.StringSlice("file"); len(files) > 0 {
		if h.files, err = inOrder(c, symbol, files); err != nil || !c.IsSet("data-dir") {
			return h, err
		}
	}
	if h.db, err = openHistory(c); err != nil || len(h.files) > 0 {
		return h, err
	}
	if err := h.chooseKind(c.Context); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

// chooseKind takes the aggregate trades where there are no trades in the period.
func (h *past) chooseKind(ctx context.Context) error {
	for _, h.agg = range []bool{false, true} {
		found := false
		err := h.stored(ctx, 1, func([]exchange.Tick) error {
			found = true
			return nil
		})
		if err != nil || found {
			return err
		}
	}
	h.agg = false
	return nil
}

// stored hands out the trades of the database in the period, up to limit of them, all
// for 0.
func (h *past) stored(ctx context.Context, limit int, batch func([]exchange.Tick) error) error {
	chosen := storage.TradeRange{From: h.from, To: h.to, Limit: limit}
	if h.agg {
		return h.db.AggTicks(ctx, h.symbol, chosen, batch)
	}
	return h.db.Ticks(ctx, h.symbol, chosen, batch)
}

// Close closes the database.
func (h *past) Close() error {
	if h.db == nil {
		return nil
	}
	return h.db.Close()
}

// ticks returns the trades, which are read ahead.
func (h *past) ticks(ctx context.Context) backtest.Ticks {
	if len(h.files) > 0 {
		return dumpTicks(h.files, h.from, h.to, h.read.set)
	}
	return ahead(func(yield func([]exchange.Tick, error) bool) {
		stopped := errors.New("stopped")
		first, last, err := h.ids(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		var own spaces // a page is the database's again when it has been handed out
		err = h.stored(ctx, 0, func(page []exchange.Tick) error {
			h.read.set(float64(page[len(page)-1].ID-first+1) / float64(last-first+1))
			for part := range slices.Chunk(page, ticksPerBatch) {
				space := own.take()
				if !yield(space[:copy(space, part)], nil) {
					return stopped
				}
			}
			return nil
		})
		if err != nil && !errors.Is(err, stopped) {
			yield(nil, err)
		}
	})
}

// ids returns the first and the last id of what stored hands out.
func (h *past) ids(ctx context.Context) (first, last int64, err error) {
	chosen := storage.TradeRange{From: h.from, To: h.to}
	if h.agg {
		return h.db.AggTickIDs(ctx, h.symbol, chosen)
	}
	return h.db.TickIDs(ctx, h.symbol, chosen)
}

// inOrder returns the dumps in the order of their first trades, those without any
// left out. All must be of the symbol and of one kind, and what their checksums are of
// where those are beside them.
func inOrder(c *cli.Context, symbol string, paths []string) ([]string, error) {
	type begun struct {
		path  string
		first exchange.Tick
	}
	var files []begun
	var kind dump.Kind
	for i, path := range paths {
		name, err := dump.NameOf(path)
		switch {
		case err != nil:
			return nil, wrongUsage(c, "--file: %v", err)
		case name.Symbol != symbol:
			return nil, wrongUsage(c, "--file %s: it is of %s, not of %s", path, name.Symbol, symbol)
		case name.Kind == dump.Klines:
			return nil, wrongUsage(c, "--file %s: it has candles, and a backtest takes trades or aggTrades", path)
		case i > 0 && name.Kind != kind:
			return nil, wrongUsage(c, "--file %s: it has %s, the one before has %s, and their ids are apart: give one kind", path, name.Kind, kind)
		}
		kind = name.Kind
		if err := dump.Check(c.Context, path); err != nil {
			return nil, err
		}
		first, ok, err := firstTick(path)
		if err != nil {
			return nil, err
		}
		if ok {
			files = append(files, begun{path, first})
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%w in the dumps", backtest.ErrNoTrades)
	}
	slices.SortStableFunc(files, func(a, b begun) int { return cmp.Compare(a.first.ID, b.first.ID) })
	ordered := make([]string, len(files))
	for i, f := range files {
		ordered[i] = f.path
	}
	return ordered, nil
}

// dumpTicks returns the trades of dumps that are in order; where dumps overlap, those
// that were there are passed over. Either bound is 0 for none, and to is left out. read
// is told the share of the files that has been read.
func dumpTicks(paths []string, from, to exchange.Micros, read func(share float64)) backtest.Ticks {
	if to == 0 {
		to = math.MaxInt64
	}
	return func(yield func([]exchange.Tick, error) bool) {
		last, over := int64(0), false
		var done, all float64
		for _, path := range paths {
			all += sizeOfFile(path)
		}
		for _, path := range paths {
			size := sizeOfFile(path)
			err := eachBatch(path, func(ticks []exchange.Tick, share float64) bool {
				read((done + share*size) / all)
				over = ticks[len(ticks)-1].Time >= to
				wanted := cut(ticks, last, from, to)
				if len(wanted) > 0 {
					last = wanted[len(wanted)-1].ID
					over = !yield(wanted, nil) || over
				}
				return !over
			})
			if err != nil && !over {
				yield(nil, err)
				return
			}
			if over {
				return
			}
			done += size
		}
	}
}

// sizeOfFile returns how many bytes the file has, and 1 where that is not known.
func sizeOfFile(path string) float64 {
	stat, err := os.Stat(path)
	if err != nil {
		return 1 // whoever opens it learns why
	}
	return float64(max(stat.Size(), 1))
}

// cut returns the ticks after the one with the id, from a time on and before another.
func cut(ticks []exchange.Tick, after int64, from, to exchange.Micros) []exchange.Tick {
	if t := ticks[0]; t.ID <= after || t.Time < from {
		ticks = ticks[sort.Search(len(ticks), func(i int) bool { return ticks[i].ID > after && ticks[i].Time >= from }):]
	}
	if n := len(ticks); n > 0 && ticks[n-1].Time >= to {
		ticks = ticks[:sort.Search(n, func(i int) bool { return ticks[i].Time >= to })]
	}
	return ticks
}

// eachBatch hands out the trades of a dump while next returns true, with the share of it
// that has been read. There is at least one in each batch.
func eachBatch(path string, next func(ticks []exchange.Tick, share float64) bool) (err error) {
	r, err := dump.Open(path, dump.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for ticks, err := range r.Batches() {
		if err != nil {
			return err
		}
		if !next(ticks, r.Share()) {
			return nil
		}
	}
	return nil
}

// firstTick returns the first trade of a dump; false where there is none.
func firstTick(path string) (first exchange.Tick, ok bool, err error) {
	r, err := dump.Open(path, dump.Options{})
	if err != nil {
		return first, false, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if r.Name().Kind == dump.AggTrades {
		var agg exchange.AggTrade
		agg, err = r.NextAggTrade()
		first = agg.Tick
	} else {
		first, err = r.NextTick()
	}
	if err == io.EOF {
		return first, false, nil
	}
	return first, err == nil, err
}

// advise adds to an error of a run what can be done about it.
func (h *past) advise(ctx context.Context, err error) error {
	var hole *backtest.HoleError
	switch {
	case errors.As(err, &hole) && len(h.files) > 0:
		return fmt.Errorf("%w: give the dump that has them with --file too, or go on with --allow-holes", err)
	case errors.As(err, &hole) && h.agg:
		return fmt.Errorf("%w, which are ids of aggregate trades: fetch them with hedgehog data download %s --kind aggTrades --from DATE --to DATE, or go on with --allow-holes", err, h.symbol)
	case errors.As(err, &hole):
		return fmt.Errorf("%w: fetch them with hedgehog data fill %s, or go on with --allow-holes", err, h.symbol)
	case errors.Is(err, backtest.ErrNoTrades):
		return h.nothing(ctx)
	default:
		return err
	}
}

// nothing says what there is where there are no trades in the period.
func (h *past) nothing(ctx context.Context) error {
	where, fetch := "in the dumps", "name further ones with --file"
	if len(h.files) == 0 {
		where = "in the database of " + h.dir
		fetch = fmt.Sprintf("fetch them with hedgehog data download %s --from DATE --to DATE, or name dumps with --file", h.symbol)
	}
	first, last, err := h.extent(ctx)
	switch {
	case err != nil:
		return err
	case first == 0:
		return fmt.Errorf("%w of %s %s: %s", backtest.ErrNoTrades, h.symbol, where, fetch)
	default:
		return fmt.Errorf("%w of %s in this period; those %s are from %s to %s: choose another with --from and --to, or %s", backtest.ErrNoTrades,
			h.symbol, where, iso(first), iso(last), fetch)
	}
}

// extent returns the times of the first and the last trade that there are in all,
// 0 where there are none.
func (h *past) extent(ctx context.Context) (first, last exchange.Micros, err error) {
	if len(h.files) == 0 {
		return h.db.Extent(ctx, h.symbol)
	}
	for ticks, err := range dumpTicks(h.files, 0, 0, func(float64) {}) {
		if err = cmp.Or(err, context.Cause(ctx)); err != nil {
			return 0, 0, err
		}
		first, last = cmp.Or(first, ticks[0].Time), ticks[len(ticks)-1].Time
	}
	return first, last, nil
}

// iso writes a time as --from and --to read it.
func iso(t exchange.Micros) string { return t.Time().Format("2006-01-02T15:04:05Z") }
