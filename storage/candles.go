package storage

import (
	"context"
	"fmt"

	"hedgehog/exchange"
)

const (
	selectCandles = "SELECT symbol, minutes, start_time, open, high, low, close, volume, trades FROM candles"

	upsertCandle = `INSERT INTO candles (symbol, minutes, start_time, open, high, low, close, volume, trades)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET open = excluded.open, high = excluded.high,
		low = excluded.low, close = excluded.close, volume = excluded.volume, trades = excluded.trades
		WHERE excluded.trades > candles.trades`
)

func putCandles(ctx context.Context, b batch, candles []*exchange.Candle) (int64, error) {
	var written int64
	for _, c := range candles {
		n, err := putCandle(ctx, b, upsertCandle, c)
		if err != nil {
			return 0, err
		}
		written += n
	}
	return written, nil
}

// putCandle runs the statement with the candle and returns how many rows it changed.
func putCandle(ctx context.Context, b batch, statement string, c *exchange.Candle) (int64, error) {
	n, err := b.exec(ctx, statement, c.Symbol, c.Minutes, int64(c.StartTime), text(c.Open), text(c.High),
		text(c.Low), text(c.Close), text(c.Volume), c.Trades)
	if err != nil {
		return 0, fmt.Errorf("%s candle of %d minutes at %d: %w", c.Symbol, c.Minutes, c.StartTime, err)
	}
	return n, nil
}

// LastCandle returns the newest stored candle of symbol of the given length;
// ok is false when there is none.
func (db *DB) LastCandle(ctx context.Context, symbol string, minutes int) (c exchange.Candle, ok bool, err error) {
	c, err = scanCandle(db.reader.row(ctx,
		selectCandles+" WHERE symbol = ? AND minutes = ? ORDER BY start_time DESC LIMIT 1", symbol, minutes))
	switch {
	case none(err):
		return exchange.Candle{}, false, nil
	case err != nil:
		return exchange.Candle{}, false, fmt.Errorf("last %s candle of %d minutes: %w", symbol, minutes, err)
	default:
		return c, true, nil
	}
}

// CandleRange chooses stored candles by their start. A zero field sets no bound.
type CandleRange struct {
	From  exchange.Micros // started at this time or later
	To    exchange.Micros // started before this time
	Limit int             // at most so many, the newest of the range
}

// Candles returns the chosen candles of symbol of the given length, in order of time.
func (db *DB) Candles(ctx context.Context, symbol string, minutes int, r CandleRange) ([]exchange.Candle, error) {
	where, args := " WHERE symbol = ? AND minutes = ? AND start_time >= ?", []any{symbol, minutes, int64(r.From)}
	if r.To > 0 {
		where, args = where+" AND start_time < ?", append(args, int64(r.To))
	}
	limit := -1 // SQLite's word for no limit
	if r.Limit > 0 {
		limit = r.Limit
	}
	candles, err := collect(ctx, db.reader, scanCandle,
		"SELECT * FROM ("+selectCandles+where+" ORDER BY start_time DESC LIMIT ?) ORDER BY start_time", append(args, limit)...)
	if err != nil {
		return nil, fmt.Errorf("read %s candles of %d minutes: %w", symbol, minutes, err)
	}
	return candles, nil
}

func scanCandle(row scanner) (c exchange.Candle, err error) {
	err = row.Scan(&c.Symbol, &c.Minutes, &c.StartTime, &c.Open, &c.High, &c.Low, &c.Close, &c.Volume, &c.Trades)
	return c, err
}
