package storage

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
)

// symbolsPerSeed is how many symbols one transaction seeds, so that other
// writers get their turn in between.
const symbolsPerSeed = 500

// Collectable is a kind of event that collecting can be switched on for.
type Collectable string

// What can be collected.
const (
	CollectTradeEvents Collectable = "trade_events"
	CollectOrders      Collectable = "orders"
	CollectOHLC        Collectable = "ohlc"
)

// SeedSettings is a Command's Seed, beside the cluster's log. After an error
// some symbols may be seeded and a repeat does the rest.
func (db *DB) SeedSettings(ctx context.Context, symbols []string) (added int, err error) {
	if err := symbolList(symbols).validate(); err != nil {
		return 0, fmt.Errorf("seed settings: %w", err)
	}
	for some := range slices.Chunk(symbols, symbolsPerSeed) {
		var inSome int
		err := db.updateBatch(ctx, func(b *batch) (err error) {
			inSome, err = seed(ctx, b, some)
			return err
		})
		if err != nil {
			return added, fmt.Errorf("seed settings: %w", err)
		}
		added += inSome
	}
	return added, nil
}

// SetStreaming switches the streaming of symbol, or returns ErrUnknownSymbol.
// Like all setters it returns once the setting is on the disk.
func (db *DB) SetStreaming(ctx context.Context, symbol string, on bool) error {
	return db.set(ctx, &SettingsChange{Symbol: symbol, Streaming: &on})
}

// SetAggregating switches the building of candles of symbol, or returns
// ErrUnknownSymbol.
func (db *DB) SetAggregating(ctx context.Context, symbol string, on bool) error {
	return db.set(ctx, &SettingsChange{Symbol: symbol, Aggregating: &on})
}

// SetCollecting switches the storing of one kind of event of symbol, or returns
// ErrUnknownSymbol.
func (db *DB) SetCollecting(ctx context.Context, symbol string, what Collectable, on bool) error {
	c := &SettingsChange{Symbol: symbol}
	switch what {
	case CollectTradeEvents:
		c.CollectTrades = &on
	case CollectOrders:
		c.CollectOrders = &on
	case CollectOHLC:
		c.CollectOHLC = &on
	default:
		return refused("collecting", what, "trade_events, orders or ohlc")
	}
	return db.set(ctx, c)
}

// SetTradingStatus switches the trading of symbol, or returns ErrUnknownSymbol.
func (db *DB) SetTradingStatus(ctx context.Context, symbol string, status TradingStatus) error {
	return db.set(ctx, &SettingsChange{Symbol: symbol, TradingStatus: (*string)(&status)})
}

// UpdateTrading hands the trading settings of symbol to change and stores what
// it made of them, with no other change in between; an error of change leaves
// them as they are and is returned. It returns ErrUnknownSymbol too.
func (db *DB) UpdateTrading(ctx context.Context, symbol string, change func(*Trading) error) (Trading, error) {
	var t Trading
	err := db.updateBatch(ctx, func(b *batch) error {
		s, err := storedSettings(ctx, b, symbol)
		if err != nil {
			return err
		}
		if err := firstError(change(&s.Trading), s.Trading.validate()); err != nil {
			return err
		}
		t = s.Trading
		return putSettings(ctx, b, s)
	})
	if err != nil {
		return Trading{}, fmt.Errorf("change trading settings of %s: %w", symbol, err)
	}
	return t, nil
}

// set is a Command's Settings, beside the cluster's log.
func (db *DB) set(ctx context.Context, c *SettingsChange) error {
	if err := c.validate(); err != nil {
		return err
	}
	err := db.updateBatch(ctx, func(b *batch) error {
		_, err := changeSettings(ctx, b, c)
		return err
	})
	if err != nil {
		return fmt.Errorf("change settings of %s: %w", c.Symbol, err)
	}
	return nil
}

// UpsertPositions stores the positions as they are now, all or none. It returns
// once they are on the disk.
func (db *DB) UpsertPositions(ctx context.Context, positions []Position) error {
	err := db.updateBatch(ctx, func(b *batch) error {
		for _, p := range positions {
			if _, err := putPosition(ctx, b, p); err != nil {
				return fmt.Errorf("%s position %s: %w", p.Symbol, p.ID, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("store %d positions: %w", len(positions), err)
	}
	return nil
}

func (db *DB) updateBatch(ctx context.Context, do func(*batch) error) error {
	return db.update(ctx, onDisk, func(tx *sql.Tx) error { return do(newBatch(tx)) })
}
