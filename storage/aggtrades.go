package storage

import (
	"context"
	"fmt"
	"strings"

	"hedgehog/exchange"
)

var insertAggTrade, insertManyAggTrades = insertAggTrades(1), insertAggTrades(tradesPerInsert)

func insertAggTrades(rows int) string {
	return `INSERT INTO agg_trades (symbol, agg_id, price, quantity, first_trade_id, last_trade_id, trade_time, buyer_is_maker) VALUES ` +
		strings.TrimSuffix(strings.Repeat("(?1, ?, ?, ?, ?, ?, ?, ?), ", rows), ", ") + " ON CONFLICT DO NOTHING"
}

// PutAggTrades stores aggregate trades of symbol in one transaction and returns how
// many of them were not there before. Where one is there with other values nothing
// is stored and the error is ErrContradiction.
func (db *DB) PutAggTrades(ctx context.Context, symbol string, trades []exchange.AggTrade) (written int64, err error) {
	err = db.update(ctx, untilPowerLoss, func(b batch) (err error) {
		written, err = putAggTrades(ctx, b, symbol, trades)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("write %d aggregate trades of %s: %w", len(trades), symbol, err)
	}
	return written, nil
}

func putAggTrades(ctx context.Context, b batch, symbol string, trades []exchange.AggTrade) (int64, error) {
	var written int64
	args := make([]any, 0, 1+7*tradesPerInsert)
	for len(trades) > 0 {
		insert, rows := insertAggTrade, 1
		if len(trades) >= tradesPerInsert {
			insert, rows = insertManyAggTrades, tradesPerInsert
		}
		args = append(args[:0], symbol)
		for i := range trades[:rows] {
			t := &trades[i]
			args = append(args, t.ID, unitsText(t.Price), unitsText(t.Quantity), t.FirstID, t.LastID, int64(t.Time), t.BuyerIsMaker)
		}
		n, err := b.exec(ctx, insert, args...)
		for i := 0; err == nil && n < int64(rows) && i < rows; i++ {
			err = aggTradeAgrees(ctx, b, symbol, trades[i])
		}
		if err != nil {
			return 0, fmt.Errorf("aggregate trades %d to %d: %w", trades[0].ID, trades[rows-1].ID, err)
		}
		written += n
		trades = trades[rows:]
	}
	return written, nil
}

// aggTradeAgrees returns ErrContradiction when the aggregate trade is stored with
// other values.
func aggTradeAgrees(ctx context.Context, b batch, symbol string, given exchange.AggTrade) error {
	var stored AggTrade
	err := b.on.each(context.WithoutCancel(ctx), func(row scanner) (err error) {
		stored, err = scanAggTrade(row)
		return err
	}, selectAggTrades+" AND agg_id = ?", symbol, given.ID)
	if err != nil {
		return err
	}
	sameIDs := stored.FirstID == given.FirstID && stored.LastID == given.LastID
	if !sameIDs || !sameTick(stored.Tick, given.Tick) {
		return fmt.Errorf("%w: aggregate trade %d of %s is stored as %s of trades %d to %d, given is %s of trades %d to %d", ErrContradiction,
			given.ID, symbol, tickText(stored.Tick), stored.FirstID, stored.LastID, tickText(given.Tick), given.FirstID, given.LastID)
	}
	return nil
}

const selectAggTrades = `SELECT symbol, agg_id, price, quantity, first_trade_id, last_trade_id, trade_time, buyer_is_maker FROM agg_trades
	WHERE symbol = ?`

// scanAggTrade reads a row of selectAggTrades.
func scanAggTrade(row scanner) (t AggTrade, err error) {
	var price, quantity string
	if err := row.Scan(&t.Symbol, &t.ID, &price, &quantity, &t.FirstID, &t.LastID, &t.Time, &t.BuyerIsMaker); err != nil {
		return AggTrade{}, err
	}
	if t.Price, err = exchange.ParseUnits(price); err != nil {
		return AggTrade{}, fmt.Errorf("aggregate trade %d: price %w", t.ID, err)
	}
	if t.Quantity, err = exchange.ParseUnits(quantity); err != nil {
		return AggTrade{}, fmt.Errorf("aggregate trade %d: quantity %w", t.ID, err)
	}
	return t, nil
}
