package storage

import (
	"context"
	"database/sql"
	"fmt"

	"hedgehog/exchange"
)

// series is one kind of history of one symbol. Its rows have a key that rises by
// step from row to row where none is missing, and with it the time.
type series struct {
	symbol  string
	kind    string
	minutes int // length of the candles, else 0
	table   string
	key     string // column
	time    string // column
	where   string // chooses the rows, by ?1 for the symbol and ?2 for minutes
	step    int64
}

func tradesOf(symbol string) series {
	return series{symbol, KindTrades, 0, "trade_events", "trade_id", "trade_time", "symbol = ?1", 1}
}

func aggTradesOf(symbol string) series {
	return series{symbol, KindAggTrades, 0, "agg_trades", "agg_id", "trade_time", "symbol = ?1", 1}
}

func candlesOf(symbol string, minutes int) series {
	return series{symbol, KindCandles, minutes, "candles", "start_time", "start_time", "symbol = ?1 AND minutes = ?2", int64(minutes) * 60_000_000}
}

// seriesOf returns all there may be of symbol, the candles last.
func seriesOf(symbol string) []series {
	all := []series{tradesOf(symbol), aggTradesOf(symbol)}
	for _, minutes := range exchange.CandleMinutes {
		all = append(all, candlesOf(symbol, minutes))
	}
	return all
}

// lowest is below every key.
const lowest = -1 << 63

// args returns the arguments of a query whose further ones are ?3 and so on.
func (s series) args(further ...any) []any { return append([]any{s.symbol, s.minutes}, further...) }

// bounds returns the first and the last key; ok is false when there are no rows.
func (s series) bounds(ctx context.Context, q queryer) (first, last int64, ok bool, err error) {
	var low, high sql.NullInt64
	// Two queries in one: each of min and max alone is a look-up, together they
	// would be a scan.
	err = q.row(ctx, fmt.Sprintf("SELECT (SELECT min(%[1]s) FROM %[2]s WHERE %[3]s AND %[1]s >= ?3), (SELECT max(%[1]s) FROM %[2]s WHERE %[3]s AND %[1]s >= ?3)",
		s.key, s.table, s.where), s.args(lowest)...).Scan(&low, &high)
	return low.Int64, high.Int64, low.Valid, err
}

// at returns the key and the time of the first row from a key on, which there is.
func (s series) at(ctx context.Context, q queryer, from int64) (key int64, time exchange.Micros, err error) {
	err = q.row(ctx, fmt.Sprintf("SELECT %[1]s, %[2]s FROM %[3]s WHERE %[4]s AND %[1]s >= ?3 ORDER BY %[1]s LIMIT 1", s.key, s.time, s.table, s.where),
		s.args(from)...).Scan(&key, &time)
	return key, time, err
}

// firstAt returns the key of the first row at or after the time, or one above the
// last key when all are older; 0 when there are none.
func (s series) firstAt(ctx context.Context, q queryer, time exchange.Micros) (int64, error) {
	low, high, ok, err := s.bounds(ctx, q)
	if err != nil || !ok {
		return 0, err
	}
	for high++; low < high; { // the answer is in low…high
		middle := low + (high-low)/2
		key, found, err := s.at(ctx, q, middle)
		if err != nil {
			return 0, err
		}
		if found >= time {
			high = middle
		} else {
			low = key + 1
		}
	}
	return low, nil
}
