package storage

import (
	"context"
	"fmt"

	"hedgehog/exchange"
)

// rowsPerPrune is how many rows one transaction of Prune deletes: what takes a
// fraction of a second, so that others may write in between.
const rowsPerPrune = 20_000

// PruneOptions say what Prune deletes.
type PruneOptions struct {
	Before  exchange.Micros  // all that is older
	Candles bool             // candles too, and not only trades and aggregate trades
	DryRun  bool             // delete nothing
	Deleted func(rows int64) // is called after each transaction; nil for nobody
}

// Pruned is what Prune deleted of one kind of history, or would have.
type Pruned struct {
	Symbol  string          `json:"symbol"`
	Kind    string          `json:"kind"`              // KindTrades, KindAggTrades or KindCandles
	Minutes int             `json:"minutes,omitempty"` // length of the candles
	Rows    int64           `json:"rows"`
	From    exchange.Micros `json:"from"` // time of the oldest
}

// Prune deletes the history of symbol that is older than a time, in many transactions:
// when it is interrupted, the oldest rows are gone. The newest row of each kind
// stays, whatever its age: collecting goes on from there. The file does not
// become smaller; what comes next takes the room.
func (db *DB) Prune(ctx context.Context, symbol string, o PruneOptions) ([]Pruned, error) {
	var all []Pruned
	for _, s := range seriesOf(symbol) {
		if s.kind == KindCandles && !o.Candles {
			continue
		}
		p, err := db.prune(ctx, s, o)
		if p.Rows > 0 {
			all = append(all, p)
		}
		if err != nil {
			return all, fmt.Errorf("prune %s of %s: %w", s.kind, symbol, err)
		}
	}
	return all, nil
}

func (db *DB) prune(ctx context.Context, s series, o PruneOptions) (Pruned, error) {
	p := Pruned{Symbol: s.symbol, Kind: s.kind, Minutes: s.minutes}
	first, last, ok, err := s.bounds(ctx, db.reader)
	if err != nil || !ok {
		return p, err
	}
	if _, p.From, err = s.at(ctx, db.reader, first); err != nil {
		return p, err
	}
	end, err := s.firstAt(ctx, db.reader, o.Before)
	if err != nil {
		return p, err
	}
	end = min(end, last)
	if o.DryRun {
		err := db.reader.row(ctx, fmt.Sprintf("SELECT count(*) FROM %s WHERE %s AND %s < ?3", s.table, s.where, s.key), s.args(end)...).Scan(&p.Rows)
		return p, err
	}
	if end > first {
		err = db.forgetDumps(ctx, s, o.Before)
	}
	for n := int64(rowsPerPrune); err == nil && n == rowsPerPrune; {
		if n, err = db.deleteBefore(ctx, s, end); err == nil && n > 0 {
			p.Rows += n
			if o.Deleted != nil {
				o.Deleted(n)
			}
		}
	}
	return p, err
}

// forgetDumps lets the dumps be imported again that hold what is older than a time.
func (db *DB) forgetDumps(ctx context.Context, s series, before exchange.Micros) error {
	return db.update(ctx, untilPowerLoss, func(b batch) error {
		_, err := b.exec(ctx, "DELETE FROM imported_dumps WHERE symbol = ? AND kind = ? AND minutes = ? AND first_time < ?",
			s.symbol, s.kind, s.minutes, int64(before))
		return err
	})
}

// deleteBefore deletes the first rows with a key below end, up to rowsPerPrune of
// them, and returns how many there were.
func (db *DB) deleteBefore(ctx context.Context, s series, end int64) (n int64, err error) {
	err = db.update(ctx, untilPowerLoss, func(b batch) error {
		n, err = b.exec(ctx, fmt.Sprintf(`DELETE FROM %[1]s WHERE %[2]s AND %[3]s <= (SELECT max(k) FROM
			(SELECT %[3]s AS k FROM %[1]s WHERE %[2]s AND %[3]s < ?3 ORDER BY %[3]s LIMIT ?4))`, s.table, s.where, s.key),
			s.args(end, rowsPerPrune)...)
		return err
	})
	return n, err
}
