package storage

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strings"

	"hedgehog/exchange"
)

// ticksPerPage is how many trades one query of Ticks reads.
const ticksPerPage = 8192

var insertTick, insertManyTicks = insertTicks(1), insertTicks(tradesPerInsert)

// insertTicks is insertTrades for trades of which there is no more than a Tick.
func insertTicks(rows int) string {
	return `INSERT INTO trade_events (symbol, trade_id, price, quantity, trade_time, buyer_is_maker,
		event_time, buyer_order_id, seller_order_id) VALUES ` +
		strings.TrimSuffix(strings.Repeat("(?1, ?, ?, ?, ?, ?, 0, 0, 0), ", rows), ", ") +
		" ON CONFLICT DO NOTHING"
}

// PutTicks stores trades of symbol, whose ids rise, in one transaction and returns
// how many of them were not there before. Where one is there with another price,
// quantity, time or side nothing is stored and the error is ErrContradiction. A time
// of whole milliseconds is the same as one within that millisecond: the exchange's
// streams have the former, its dumps of the same trades the latter.
func (db *DB) PutTicks(ctx context.Context, symbol string, ticks []exchange.Tick) (written int64, err error) {
	err = rising(ticks)
	if err == nil {
		err = db.update(ctx, untilPowerLoss, func(b batch) (err error) {
			written, err = putTicks(ctx, b, symbol, ticks)
			return err
		})
	}
	if err != nil {
		return 0, fmt.Errorf("write %d trades of %s: %w", len(ticks), symbol, err)
	}
	return written, nil
}

func putTicks(ctx context.Context, b batch, symbol string, ticks []exchange.Tick) (int64, error) {
	var written int64
	args := make([]any, 0, 1+5*tradesPerInsert)
	for len(ticks) > 0 {
		insert, rows := insertTick, 1
		if len(ticks) >= tradesPerInsert {
			insert, rows = insertManyTicks, tradesPerInsert
		}
		args = append(args[:0], symbol)
		for i := range ticks[:rows] {
			t := &ticks[i]
			args = append(args, t.ID, unitsText(t.Price), unitsText(t.Quantity), int64(t.Time), t.BuyerIsMaker)
		}
		n, err := b.exec(ctx, insert, args...)
		if err == nil && n < int64(rows) {
			err = agree(ctx, b, symbol, ticks[:rows])
		}
		if err != nil {
			return 0, fmt.Errorf("trades %d to %d: %w", ticks[0].ID, ticks[rows-1].ID, err)
		}
		written += n
		ticks = ticks[rows:]
	}
	return written, nil
}

func rising(ticks []exchange.Tick) error {
	for i := 1; i < len(ticks); i++ {
		if ticks[i].ID <= ticks[i-1].ID {
			return fmt.Errorf("trade %d after %d: ids must rise", ticks[i].ID, ticks[i-1].ID)
		}
	}
	return nil
}

// agree returns ErrContradiction when one of the ticks is stored with other values.
// All of them are stored.
func agree(ctx context.Context, b batch, symbol string, ticks []exchange.Tick) error {
	first, last := ticks[0].ID, ticks[len(ticks)-1].ID
	return b.on.scan(ctx, func(row []driver.Value) error {
		stored, err := tickOfRow(row)
		if err != nil || stored.ID != ticks[0].ID {
			return err
		}
		given := ticks[0]
		ticks = ticks[1:]
		if !sameTick(stored, given) {
			return fmt.Errorf("%w: trade %d of %s is stored as %s, given is %s", ErrContradiction, given.ID, symbol, tickText(stored), tickText(given))
		}
		return nil
	}, selectTicks+" AND trade_id <= ? ORDER BY trade_id", symbol, first, last)
}

func sameTick(a, b exchange.Tick) bool {
	if a.Time%1000 == 0 || b.Time%1000 == 0 {
		a.Time, b.Time = a.Time/1000, b.Time/1000
	}
	return a == b
}

func tickText(t exchange.Tick) string {
	return fmt.Sprintf("%s of %s at %d (buyer is maker: %t)", t.Quantity, t.Price, t.Time, t.BuyerIsMaker)
}

var (
	selectTicks    = ticksIn(tradesOf(""))
	selectAggTicks = ticksIn(aggTradesOf(""))
)

// ticksIn returns the query for rows of the series from a key on.
func ticksIn(s series) string {
	return fmt.Sprintf("SELECT %[1]s, price, quantity, trade_time, buyer_is_maker FROM %[2]s WHERE symbol = ? AND %[1]s >= ?", s.key, s.table)
}

// tickOfRow reads a row of selectTicks or selectAggTicks.
func tickOfRow(row []driver.Value) (t exchange.Tick, err error) {
	id, _ := row[0].(int64)
	price, _ := row[1].(string)
	quantity, _ := row[2].(string)
	at, _ := row[3].(int64)
	maker, _ := row[4].(int64)
	t = exchange.Tick{ID: id, Time: exchange.Micros(at), BuyerIsMaker: maker != 0}
	if t.Price, err = exchange.ParseUnits(price); err != nil {
		return exchange.Tick{}, fmt.Errorf("trade %d: price %w", t.ID, err)
	}
	if t.Quantity, err = exchange.ParseUnits(quantity); err != nil {
		return exchange.Tick{}, fmt.Errorf("trade %d: quantity %w", t.ID, err)
	}
	return t, nil
}

// Ticks hands the chosen trades of symbol to batch, some thousand at a time, in order
// of id; the slice is batch's until it returns. An error of batch ends the reading
// and is returned as it is. Memory stays flat, and no connection is held meanwhile.
// It is many times as fast as Trades.
func (db *DB) Ticks(ctx context.Context, symbol string, r TradeRange, batch func([]exchange.Tick) error) error {
	return db.ticksOf(ctx, tradesOf(symbol), selectTicks, r, batch)
}

// AggTicks is Ticks for the aggregate trades of symbol. Their ids are apart from those
// of trades.
func (db *DB) AggTicks(ctx context.Context, symbol string, r TradeRange, batch func([]exchange.Tick) error) error {
	return db.ticksOf(ctx, aggTradesOf(symbol), selectAggTicks, r, batch)
}

// TickIDs returns the ids of the first and the last trade that Ticks would hand out, or
// about those: 0 and 0 where there is none. A Limit counts for nothing.
func (db *DB) TickIDs(ctx context.Context, symbol string, r TradeRange) (first, last int64, err error) {
	return db.idsOf(ctx, tradesOf(symbol), r)
}

// AggTickIDs is TickIDs for AggTicks.
func (db *DB) AggTickIDs(ctx context.Context, symbol string, r TradeRange) (first, last int64, err error) {
	return db.idsOf(ctx, aggTradesOf(symbol), r)
}

func (db *DB) idsOf(ctx context.Context, s series, r TradeRange) (first, last int64, err error) {
	low, high, _, err := s.bounds(ctx, db.reader)
	if err == nil {
		first, last, err = db.keysOf(ctx, s, r)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("ids of the %s of %s: %w", s.kind, s.symbol, err)
	}
	if first, last = max(first, low), min(last-1, high); first > last {
		return 0, 0, nil
	}
	return first, last, nil
}

func (db *DB) ticksOf(ctx context.Context, s series, query string, r TradeRange, batch func([]exchange.Tick) error) error {
	from, end, err := db.keysOf(ctx, s, r)
	if err != nil {
		return fmt.Errorf("read %s of %s: %w", s.kind, s.symbol, err)
	}
	page := make([]exchange.Tick, 0, ticksPerPage)
	for left := r.Limit; from < end && (r.Limit == 0 || left > 0); left -= len(page) {
		size := ticksPerPage
		if r.Limit > 0 {
			size = min(size, left)
		}
		if page, err = db.tickPage(ctx, page[:0], s, query, from, end, size); err != nil {
			return fmt.Errorf("read %s of %s: %w", s.kind, s.symbol, err)
		}
		if len(page) == 0 {
			return nil
		}
		if err := batch(page); err != nil {
			return err
		}
		if len(page) < size {
			return nil
		}
		from = page[len(page)-1].ID + 1
	}
	return nil
}

// keysOf returns the keys that the range is between; end is not in it.
func (db *DB) keysOf(ctx context.Context, s series, r TradeRange) (from, end int64, err error) {
	from, end = r.FromID, 1<<63-1
	if r.From > 0 {
		id, err := s.firstAt(ctx, db.reader, r.From)
		if err != nil {
			return 0, 0, err
		}
		from = max(from, id)
	}
	if r.To > 0 {
		end, err = s.firstAt(ctx, db.reader, r.To)
	}
	return from, end, err
}

// tickPage appends up to limit rows of the series with keys of from…end-1 to page.
func (db *DB) tickPage(ctx context.Context, page []exchange.Tick, s series, query string, from, end int64, limit int) ([]exchange.Tick, error) {
	c, err := db.reader.take(ctx)
	if err != nil {
		return page, err
	}
	defer db.reader.give(c)
	err = c.scan(ctx, func(row []driver.Value) error {
		t, err := tickOfRow(row)
		page = append(page, t)
		return err
	}, query+fmt.Sprintf(" AND %[1]s < ? ORDER BY %[1]s LIMIT ?", s.key), s.symbol, from, end, int64(limit))
	return page, err
}
