package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"hedgehog/exchange"
)

// Batch is what one Write stores. Within each slice later elements are later news.
type Batch struct {
	Trades  []*exchange.TradeEvent
	Orders  []*exchange.OrderUpdate
	Candles []*exchange.Candle
}

// Written counts the rows that a Write added or changed: what was stored before
// and stale news do not count.
type Written struct {
	Trades  int64
	Orders  int64
	Fills   int64
	Candles int64
}

// Write stores the batch in one transaction, so that nobody ever sees a candle
// without the trades beside it. A trade or fill that is there already stays as
// it is; an order's row changes when the news supersedes it
// (exchange.Order.Supersedes); of two candles for the same time the one of more
// trades is kept. Writing a batch again changes nothing.
func (db *DB) Write(ctx context.Context, b Batch) (Written, error) {
	var w Written
	err := db.update(ctx, untilPowerLoss, func(tx *sql.Tx) (err error) {
		if w.Trades, err = db.insert.putTrades(ctx, tx, b.Trades); err != nil {
			return err
		}
		if w.Orders, w.Fills, err = db.insert.putOrders(ctx, tx, b.Orders); err != nil {
			return err
		}
		w.Candles, err = db.insert.putCandles(ctx, tx, b.Candles)
		return err
	})
	if err != nil {
		return Written{}, fmt.Errorf("write %d trades, %d order updates, %d candles: %w", len(b.Trades), len(b.Orders), len(b.Candles), err)
	}
	return w, nil
}

// inserts are the writer's prepared statements.
type inserts struct {
	tradeRows *sql.Stmt // tradesPerInsert rows at once
	tradeRow  *sql.Stmt
	order     *sql.Stmt
	fill      *sql.Stmt
	candle    *sql.Stmt
	orderNow  *sql.Stmt // the stored state of one order
}

func prepareInserts(ctx context.Context, writer *sql.DB) (*inserts, error) {
	i := new(inserts)
	for _, s := range []struct {
		to   **sql.Stmt
		text string
	}{
		{&i.tradeRows, insertTrades(tradesPerInsert)},
		{&i.tradeRow, insertTrades(1)},
		{&i.order, upsertOrder},
		{&i.fill, insertFill},
		{&i.candle, upsertCandle},
		{&i.orderNow, selectOrder},
	} {
		stmt, err := writer.PrepareContext(ctx, s.text)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("prepare %q: %w", s.text, err), i.close())
		}
		*s.to = stmt
	}
	return i, nil
}

func (i *inserts) close() error {
	var errs []error
	for _, stmt := range []*sql.Stmt{i.tradeRows, i.tradeRow, i.order, i.fill, i.candle, i.orderNow} {
		if stmt != nil {
			errs = append(errs, stmt.Close())
		}
	}
	return errors.Join(errs...)
}

// exec runs the statement and returns how many rows it added or changed. The
// transaction holds the write lock already, so nothing here waits: ctx is looked
// at once instead of being watched by a goroutine for every statement.
func exec(ctx context.Context, tx *sql.Tx, stmt *sql.Stmt, args ...any) (int64, error) {
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	unwatched := context.WithoutCancel(ctx)
	result, err := tx.StmtContext(unwatched, stmt).ExecContext(unwatched, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}
