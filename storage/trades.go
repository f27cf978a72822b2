package storage

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"strings"

	"hedgehog/exchange"
)

const (
	// tradesPerInsert is how many rows one statement inserts; more bring nothing.
	tradesPerInsert = 100
	// tradesPerPage is how many trades one query of Trades reads.
	tradesPerPage = 1000
)

var insertTrade, insertManyTrades = insertTrades(1), insertTrades(tradesPerInsert)

// insertTrades returns the statement that inserts so many rows. The rows share
// the parameter for the symbol, because binding text is what costs.
func insertTrades(rows int) string {
	return `INSERT INTO trade_events (symbol, trade_id, price, quantity, trade_time, event_time,
		buyer_is_maker, buyer_order_id, seller_order_id) VALUES ` +
		strings.TrimSuffix(strings.Repeat("(?1, ?, ?, ?, ?, ?, ?, ?, ?), ", rows), ", ") +
		" ON CONFLICT DO NOTHING"
}

func putTrades(ctx context.Context, b batch, trades []*exchange.TradeEvent) (int64, error) {
	var written int64
	var args []any
	for len(trades) > 0 {
		insert, rows := insertTrade, 1
		if n := sameSymbol(trades, tradesPerInsert); n == tradesPerInsert {
			insert, rows = insertManyTrades, n
		}
		args = append(args[:0], trades[0].Symbol)
		for _, t := range trades[:rows] {
			args = append(args, t.ID, text(t.Price), text(t.Quantity), int64(t.TradeTime), int64(t.EventTime),
				t.BuyerIsMaker, t.BuyerOrderID, t.SellerOrderID)
		}
		n, err := b.exec(ctx, insert, args...)
		if err != nil {
			return 0, fmt.Errorf("trades %d to %d of %s: %w", trades[0].ID, trades[rows-1].ID, trades[0].Symbol, err)
		}
		written += n
		trades = trades[rows:]
	}
	return written, nil
}

// sameSymbol returns how many of the trades, up to limit, begin with one symbol.
func sameSymbol(trades []*exchange.TradeEvent, limit int) int {
	limit = min(limit, len(trades))
	for n, t := range trades[:limit] {
		if t.Symbol != trades[0].Symbol {
			return n
		}
	}
	return limit
}

// LastTradeID returns the highest trade id stored for symbol; ok is false when
// there is none.
func (db *DB) LastTradeID(ctx context.Context, symbol string) (id int64, ok bool, err error) {
	var last sql.NullInt64
	err = db.reader.row(ctx, "SELECT max(trade_id) FROM trade_events WHERE symbol = ?", symbol).Scan(&last)
	if err != nil {
		return 0, false, fmt.Errorf("last trade of %s: %w", symbol, err)
	}
	return last.Int64, last.Valid, nil
}

// LastTradeBefore returns the id of the last stored trade of symbol that was traded
// before the time; ok is false when there is none.
func (db *DB) LastTradeBefore(ctx context.Context, symbol string, at exchange.Micros) (id int64, ok bool, err error) {
	next, err := tradesOf(symbol).firstAt(ctx, db.reader, at)
	var last sql.NullInt64
	if err == nil {
		err = db.reader.row(ctx, "SELECT max(trade_id) FROM trade_events WHERE symbol = ? AND trade_id < ?", symbol, next).Scan(&last)
	}
	if err != nil {
		return 0, false, fmt.Errorf("last trade of %s before %d: %w", symbol, at, err)
	}
	return last.Int64, last.Valid, nil
}

// TradeStats tells how complete the stored trades of a symbol are.
type TradeStats struct {
	Count   int64
	FirstID int64 // 0 when Count is 0
	LastID  int64 // likewise
	// Missing is how many ids between first and last are not there.
	Missing int64
}

// TradeStats counts the stored trades of symbol. It reads all of them: about a
// second per ten million.
func (db *DB) TradeStats(ctx context.Context, symbol string) (TradeStats, error) {
	var s TradeStats
	err := db.reader.row(ctx,
		"SELECT count(*), coalesce(min(trade_id), 0), coalesce(max(trade_id), 0) FROM trade_events WHERE symbol = ?", symbol).
		Scan(&s.Count, &s.FirstID, &s.LastID)
	if err != nil {
		return TradeStats{}, fmt.Errorf("count trades of %s: %w", symbol, err)
	}
	if s.Count > 0 {
		s.Missing = s.LastID - s.FirstID + 1 - s.Count
	}
	return s, nil
}

// TradeRange chooses stored trades of a symbol. A zero field sets no bound.
type TradeRange struct {
	FromID int64           // from this id on
	From   exchange.Micros // traded at this time or later
	To     exchange.Micros // traded before this time
	Limit  int             // at most so many
}

// Trades yields the chosen trades of symbol in order of id, with Source Replay:
// what was stored is history. It reads a page at a time, so memory stays flat
// and a slow consumer holds no connection. After an error it yields nothing more.
//
// Trades of a symbol are in the same order by time as by id, so a time is
// found by halving the ids; no index over times slows collecting down.
func (db *DB) Trades(ctx context.Context, symbol string, r TradeRange) iter.Seq2[exchange.TradeEvent, error] {
	return func(yield func(exchange.TradeEvent, error) bool) {
		err := db.eachTrade(ctx, symbol, r, func(t exchange.TradeEvent) bool { return yield(t, nil) })
		if err != nil {
			yield(exchange.TradeEvent{}, fmt.Errorf("read trades of %s: %w", symbol, err))
		}
	}
}

// eachTrade hands the chosen trades to visit until that returns false.
func (db *DB) eachTrade(ctx context.Context, symbol string, r TradeRange, visit func(exchange.TradeEvent) bool) error {
	from := r.FromID
	if r.From > 0 {
		id, err := tradesOf(symbol).firstAt(ctx, db.reader, r.From)
		if err != nil {
			return err
		}
		from = max(from, id)
	}
	page := make([]exchange.TradeEvent, 0, tradesPerPage)
	for left := r.Limit; r.Limit == 0 || left > 0; left -= len(page) {
		size := tradesPerPage
		if r.Limit > 0 {
			size = min(size, left)
		}
		var err error
		if page, err = db.tradePage(ctx, page[:0], symbol, from, size); err != nil {
			return err
		}
		for _, t := range page {
			if r.To > 0 && t.TradeTime >= r.To || !visit(t) {
				return nil
			}
		}
		if len(page) < size {
			return nil
		}
		from = page[len(page)-1].ID + 1
	}
	return nil
}

// tradePage appends up to limit trades of symbol from an id on to page.
func (db *DB) tradePage(ctx context.Context, page []exchange.TradeEvent, symbol string, from int64, limit int) ([]exchange.TradeEvent, error) {
	err := db.reader.each(ctx, func(row scanner) error {
		t := exchange.TradeEvent{Symbol: symbol, Source: exchange.Replay}
		err := row.Scan(&t.ID, &t.Price, &t.Quantity, &t.TradeTime, &t.EventTime, &t.BuyerIsMaker, &t.BuyerOrderID, &t.SellerOrderID)
		page = append(page, t)
		return err
	}, `SELECT trade_id, price, quantity, trade_time, event_time, buyer_is_maker, buyer_order_id, seller_order_id
		FROM trade_events WHERE symbol = ? AND trade_id >= ? ORDER BY trade_id LIMIT ?`, symbol, from, limit)
	return page, err
}
