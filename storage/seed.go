package storage

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"hedgehog/exchange"
)

// symbolsPerSeed is how many symbols one transaction seeds, so that other
// writers get their turn in between.
const symbolsPerSeed = 500

// settingsTables has one table for each kind of setting.
var settingsTables = [...]string{"streaming_settings", "trading_settings", "collecting_settings", "aggregating_settings"}

// SeedSettings gives each symbol that has none its settings of each kind, all
// off, with the schema's defaults. What is there stays untouched. It returns
// how many symbols were new; after an error some may be seeded and a repeat
// does the rest.
func (db *DB) SeedSettings(ctx context.Context, symbols []string) (added int, err error) {
	for _, s := range symbols {
		if !exchange.ValidSymbolName(s) {
			return 0, fmt.Errorf("seed settings: %q is not a symbol's name", s)
		}
	}
	for batch := range slices.Chunk(symbols, symbolsPerSeed) {
		var inBatch int
		err := db.update(ctx, onDisk, func(tx *sql.Tx) (err error) {
			inBatch, err = seed(ctx, tx, batch)
			return err
		})
		if err != nil {
			return added, fmt.Errorf("seed settings: %w", err)
		}
		added += inBatch
	}
	return added, nil
}

// seed returns how many of the symbols got a row in any of the tables.
func seed(ctx context.Context, tx *sql.Tx, symbols []string) (int, error) {
	isNew := make(map[string]bool)
	for _, table := range settingsTables {
		stmt, err := tx.PrepareContext(ctx, "INSERT INTO "+table+" (symbol) VALUES (?) ON CONFLICT DO NOTHING")
		if err != nil {
			return 0, err
		}
		defer stmt.Close()
		for _, s := range symbols {
			result, err := stmt.ExecContext(ctx, s)
			if err != nil {
				return 0, fmt.Errorf("%s of %s: %w", table, s, err)
			}
			if n, err := result.RowsAffected(); err != nil {
				return 0, err
			} else if n > 0 {
				isNew[s] = true
			}
		}
	}
	return len(isNew), nil
}
