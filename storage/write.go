package storage

import (
	"context"
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
func (db *DB) Write(ctx context.Context, news Batch) (Written, error) {
	var w Written
	err := db.update(ctx, untilPowerLoss, func(b batch) (err error) {
		if w.Trades, err = putTrades(ctx, b, news.Trades); err != nil {
			return err
		}
		if w.Orders, w.Fills, err = putOrders(ctx, b, news.Orders); err != nil {
			return err
		}
		w.Candles, err = putCandles(ctx, b, news.Candles)
		return err
	})
	if err != nil {
		return Written{}, fmt.Errorf("write %d trades, %d order updates, %d candles: %w", len(news.Trades), len(news.Orders), len(news.Candles), err)
	}
	return w, nil
}
