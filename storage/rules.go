package storage

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"hedgehog/exchange"
)

// PutRules stores what the exchange says of its symbols. Others that are stored
// stay: there may be trades of them.
func (db *DB) PutRules(ctx context.Context, symbols []exchange.Symbol) error {
	err := db.update(ctx, untilPowerLoss, func(b batch) error {
		for _, s := range symbols {
			rules, err := json.Marshal(s)
			if err != nil {
				return fmt.Errorf("%s: %w", s.Name, err)
			}
			_, err = b.exec(ctx, `INSERT INTO symbol_rules (symbol, rules) VALUES (?, ?)
				ON CONFLICT DO UPDATE SET rules = excluded.rules WHERE rules <> excluded.rules`, s.Name, string(rules))
			if err != nil {
				return fmt.Errorf("%s: %w", s.Name, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("store the rules of symbols: %w", err)
	}
	return nil
}

// Rules returns what the exchange last said of the symbol; ok is false when this
// node has never heard of it.
func (db *DB) Rules(ctx context.Context, symbol string) (s exchange.Symbol, ok bool, err error) {
	var rules string
	err = db.reader.row(ctx, "SELECT rules FROM symbol_rules WHERE symbol = ?", symbol).Scan(&rules)
	if errors.Is(err, sql.ErrNoRows) {
		return exchange.Symbol{}, false, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(rules), &s)
	}
	if err != nil {
		return exchange.Symbol{}, false, fmt.Errorf("rules of %s: %w", symbol, err)
	}
	return s, true, nil
}
