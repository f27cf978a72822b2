package storage

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"hedgehog/exchange"
)

const (
	// holesListed is how many holes of a series are listed.
	holesListed = 100
	// keysPerBlock is how many rows are looked at in one query for holes.
	keysPerBlock = 1 << 16
)

// Range is what is stored of one kind of history of one symbol.
type Range struct {
	Symbol    string          `json:"symbol"`
	Kind      string          `json:"kind"`              // KindTrades, KindAggTrades or KindCandles
	Minutes   int             `json:"minutes,omitempty"` // length of the candles
	Count     int64           `json:"count"`
	FirstID   int64           `json:"first_id,omitempty"` // of candles 0
	LastID    int64           `json:"last_id,omitempty"`  // likewise
	FirstTime exchange.Micros `json:"first_time"`         // of candles their start
	LastTime  exchange.Micros `json:"last_time"`          // likewise
	Missing   int64           `json:"missing"`            // how many are not there between the first and the last
	HoleCount int64           `json:"hole_count"`
	Holes     []Hole          `json:"holes"` // the first 100
}

// Hole is a run of rows that are not stored, between two that are. Of candles it may
// be a time without a trade.
type Hole struct {
	FirstID int64           `json:"first_id,omitempty"` // the first that is missing; of candles 0
	LastID  int64           `json:"last_id,omitempty"`  // the last that is missing; of candles 0
	Missing int64           `json:"missing"`
	After   exchange.Micros `json:"after"`  // time of the row before the hole
	Before  exchange.Micros `json:"before"` // time of the row behind it
}

// Ranges tells what is stored of symbol: trades, aggregate trades and the candles of
// each length, as far as there are any. It reads the ids of all rows, about five
// million a second, and holds no more than the holes that it lists. passed is told how
// many rows more it has passed, those in holes included: those of Span in all.
func (db *DB) Ranges(ctx context.Context, symbol string, passed func(rows int64)) ([]Range, error) {
	var all []Range
	for _, s := range seriesOf(symbol) {
		r, err := db.rangeOf(ctx, s, passed)
		if err != nil {
			return nil, fmt.Errorf("what is stored of %s: %s: %w", symbol, s.kind, err)
		}
		if r.Count > 0 {
			all = append(all, r)
		}
	}
	return all, nil
}

// Span returns how many rows there would be of symbol without holes: trades, aggregate
// trades and candles of each length from the first to the last that is stored.
func (db *DB) Span(ctx context.Context, symbol string) (rows int64, err error) {
	for _, s := range seriesOf(symbol) {
		first, last, ok, err := s.bounds(ctx, db.reader)
		if err != nil {
			return 0, fmt.Errorf("span of what is stored of %s: %s: %w", symbol, s.kind, err)
		}
		if ok {
			rows += (last-first)/s.step + 1
		}
	}
	return rows, nil
}

// Extent returns the times of the first and the last trade of symbol that are stored, or
// of the first and the last aggregate trade where there is no trade; 0 where there is
// neither.
func (db *DB) Extent(ctx context.Context, symbol string) (first, last exchange.Micros, err error) {
	for _, s := range []series{tradesOf(symbol), aggTradesOf(symbol)} {
		low, high, ok, err := s.bounds(ctx, db.reader)
		if err == nil && !ok {
			continue
		}
		if err == nil {
			_, first, err = s.at(ctx, db.reader, low)
		}
		if err == nil {
			_, last, err = s.at(ctx, db.reader, high)
		}
		if err != nil {
			return 0, 0, fmt.Errorf("extent of the %s of %s: %w", s.kind, symbol, err)
		}
		return first, last, nil
	}
	return 0, 0, nil
}

// HistorySymbols returns the symbols of which there are trades, aggregate trades or
// candles, sorted.
func (db *DB) HistorySymbols(ctx context.Context) ([]string, error) {
	all := make(map[string]bool)
	for _, table := range []string{"trade_events", "agg_trades", "candles"} {
		symbols, err := db.symbolsIn(ctx, table)
		if err != nil {
			return nil, fmt.Errorf("symbols with history: %w", err)
		}
		for _, symbol := range symbols {
			all[symbol] = true
		}
	}
	return slices.Sorted(maps.Keys(all)), nil
}

// symbolsIn returns the symbols of the table, sorted. It looks up one after the
// other: a DISTINCT would read all rows.
func (db *DB) symbolsIn(ctx context.Context, table string) ([]string, error) {
	return collect(ctx, db.reader, func(row scanner) (symbol string, err error) { return symbol, row.Scan(&symbol) },
		fmt.Sprintf(`WITH RECURSIVE found(symbol) AS (
			SELECT min(symbol) FROM %[1]s
			UNION ALL
			SELECT (SELECT min(symbol) FROM %[1]s WHERE symbol > found.symbol) FROM found WHERE symbol IS NOT NULL
		) SELECT symbol FROM found WHERE symbol IS NOT NULL`, table))
}

func (db *DB) rangeOf(ctx context.Context, s series, passed func(rows int64)) (Range, error) {
	r := Range{Symbol: s.symbol, Kind: s.kind, Minutes: s.minutes, Holes: []Hole{}}
	first, last, ok, err := s.bounds(ctx, db.reader)
	if err != nil || !ok {
		return r, err
	}
	if s.kind != KindCandles {
		r.FirstID, r.LastID = first, last
	}
	if _, r.FirstTime, err = s.at(ctx, db.reader, first); err != nil {
		return r, err
	}
	if _, r.LastTime, err = s.at(ctx, db.reader, last); err != nil {
		return r, err
	}
	for next := first; ; {
		count, low, high, err := db.block(ctx, s, next)
		if err != nil || count == 0 {
			return r, err
		}
		r.Count += count
		if low > next {
			r.Holes, err = db.addHole(ctx, s, &r, next, low-s.step)
		}
		if err == nil && (high-low)/s.step+1 != count {
			err = db.holesWithin(ctx, s, &r, low, high)
		}
		if err != nil {
			return r, err
		}
		passed((high-next)/s.step + 1)
		next = high + s.step
	}
}

// block counts the rows from a key on, up to keysPerBlock of them, and returns the
// lowest and the highest of their keys.
func (db *DB) block(ctx context.Context, s series, from int64) (count, low, high int64, err error) {
	err = db.reader.row(ctx, fmt.Sprintf(`SELECT count(*), coalesce(min(k), 0), coalesce(max(k), 0)
		FROM (SELECT %[1]s AS k FROM %[2]s WHERE %[3]s AND %[1]s >= ?3 ORDER BY %[1]s LIMIT ?4)`, s.key, s.table, s.where),
		s.args(from, keysPerBlock)...).Scan(&count, &low, &high)
	return count, low, high, err
}

// holesWithin adds the holes between two keys that there are.
func (db *DB) holesWithin(ctx context.Context, s series, r *Range, low, high int64) error {
	var holes [][2]int64
	next := low
	err := db.reader.each(ctx, func(row scanner) error {
		var key int64
		if err := row.Scan(&key); err != nil {
			return err
		}
		if key > next {
			holes = append(holes, [2]int64{next, key - s.step})
		}
		next = key + s.step
		return nil
	}, fmt.Sprintf("SELECT %[1]s FROM %[2]s WHERE %[3]s AND %[1]s BETWEEN ?3 AND ?4 ORDER BY %[1]s", s.key, s.table, s.where), s.args(low, high)...)
	for _, h := range holes {
		if err == nil {
			r.Holes, err = db.addHole(ctx, s, r, h[0], h[1])
		}
	}
	return err
}

// addHole counts a hole and returns the list with it, while that is short.
func (db *DB) addHole(ctx context.Context, s series, r *Range, first, last int64) (list []Hole, err error) {
	h := Hole{Missing: (last-first)/s.step + 1}
	r.HoleCount++
	r.Missing += h.Missing
	if len(r.Holes) == holesListed {
		return r.Holes, nil
	}
	if s.kind != KindCandles {
		h.FirstID, h.LastID = first, last
	}
	if _, h.After, err = s.at(ctx, db.reader, first-s.step); err != nil {
		return nil, err
	}
	if _, h.Before, err = s.at(ctx, db.reader, last+s.step); err != nil {
		return nil, err
	}
	return append(r.Holes, h), nil
}
