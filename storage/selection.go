package storage

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"hedgehog/exchange"
)

// Selection chooses rows of all that is stored. A zero field sets no bound.
type Selection struct {
	Symbol string
	From   exchange.Micros // at this time or later
	To     exchange.Micros // before this time
}

// where returns the condition that chooses the rows by the column with their time.
func (s Selection) where(column string) (condition string, args []any) {
	conditions := []string{"true"}
	if s.Symbol != "" {
		conditions, args = append(conditions, "symbol = ?"), append(args, s.Symbol)
	}
	if s.From != 0 {
		conditions, args = append(conditions, column+" >= ?"), append(args, int64(s.From))
	}
	if s.To != 0 {
		conditions, args = append(conditions, column+" < ?"), append(args, int64(s.To))
	}
	return " WHERE " + strings.Join(conditions, " AND "), args
}

// SelectTrades yields the chosen trades by symbol and id, as Trades does.
func (db *DB) SelectTrades(ctx context.Context, s Selection) iter.Seq2[exchange.TradeEvent, error] {
	return func(yield func(exchange.TradeEvent, error) bool) {
		symbols := []string{s.Symbol}
		if s.Symbol == "" {
			var err error
			if symbols, err = db.symbolsIn(ctx, "trade_events"); err != nil {
				yield(exchange.TradeEvent{}, fmt.Errorf("symbols with trades: %w", err))
				return
			}
		}
		for _, symbol := range symbols {
			for t, err := range db.Trades(ctx, symbol, TradeRange{From: s.From, To: s.To}) {
				if !yield(t, err) || err != nil {
					return
				}
			}
		}
	}
}

// AggTrade is an aggregate trade with its symbol.
type AggTrade struct {
	Symbol string
	exchange.AggTrade
}

// SelectAggTrades yields the chosen aggregate trades by symbol and id. It reads row by
// row: memory stays flat, and the connection is held until the loop ends.
func (db *DB) SelectAggTrades(ctx context.Context, s Selection) iter.Seq2[AggTrade, error] {
	return func(yield func(AggTrade, error) bool) {
		symbols := []string{s.Symbol}
		if s.Symbol == "" {
			var err error
			if symbols, err = db.symbolsIn(ctx, "agg_trades"); err != nil {
				yield(AggTrade{}, fmt.Errorf("symbols with aggregate trades: %w", err))
				return
			}
		}
		for _, symbol := range symbols {
			from, end, err := db.keysOf(ctx, aggTradesOf(symbol), TradeRange{From: s.From, To: s.To})
			if err != nil {
				yield(AggTrade{}, fmt.Errorf("read aggregate trades of %s: %w", symbol, err))
				return
			}
			for t, err := range stream(ctx, db, "aggregate trades", scanAggTrade, selectAggTrades+" AND agg_id >= ? AND agg_id < ? ORDER BY agg_id", symbol, from, end) {
				if !yield(t, err) || err != nil {
					return
				}
			}
		}
	}
}

// SelectOrders yields the chosen orders by symbol and id. The time of an order is
// that of its acceptance. Like SelectAggTrades and the Selects that follow it reads row
// by row.
func (db *DB) SelectOrders(ctx context.Context, s Selection) iter.Seq2[exchange.Order, error] {
	where, args := s.where("order_time")
	return stream(ctx, db, "orders", scanOrder, selectOrders+where+" ORDER BY symbol, order_id", args...)
}

// SelectFills yields the chosen fills by symbol, order and trade.
func (db *DB) SelectFills(ctx context.Context, s Selection) iter.Seq2[exchange.Fill, error] {
	where, args := s.where("fill_time")
	return stream(ctx, db, "fills", scanFill, selectFills+where+" ORDER BY symbol, order_id, trade_id", args...)
}

// SelectCandles yields the chosen candles of a length, of all lengths for 0, by
// symbol, length and start.
func (db *DB) SelectCandles(ctx context.Context, s Selection, minutes int) iter.Seq2[exchange.Candle, error] {
	where, args := s.where("start_time")
	if minutes != 0 {
		where, args = where+" AND minutes = ?", append(args, minutes)
	}
	return stream(ctx, db, "candles", scanCandle, selectCandles+where+" ORDER BY symbol, minutes, start_time", args...)
}

// SelectFinished yields the chosen positions that are finished, by symbol and end.
// The time of a position is that of its end.
func (db *DB) SelectFinished(ctx context.Context, s Selection) iter.Seq2[Position, error] {
	where, args := s.where("end_time")
	return stream(ctx, db, "positions", scanPosition, selectPositions+where+" AND state = 'finished' ORDER BY symbol, end_time, position_id", args...)
}

// errEnough ends a query whose rows nobody wants any more.
var errEnough = errors.New("enough rows")

// stream yields the rows of the query's answer as they are read.
func stream[T any](ctx context.Context, db *DB, what string, scan func(scanner) (T, error), text string, args ...any) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		err := db.reader.each(ctx, func(row scanner) error {
			v, err := scan(row)
			if err == nil && !yield(v, nil) {
				err = errEnough
			}
			return err
		}, text, args...)
		if err != nil && !errors.Is(err, errEnough) {
			var none T
			yield(none, fmt.Errorf("read %s: %w", what, classify(err)))
		}
	}
}
