package storage

import (
	"context"
	"fmt"
)

// settingsTables has one table for each kind of setting.
var settingsTables = [...]string{"streaming_settings", "trading_settings", "collecting_settings", "aggregating_settings"}

// seed gives each symbol that has none its settings and returns how many
// symbols got a row in any of the tables.
func seed(ctx context.Context, b batch, symbols []string) (int, error) {
	isNew := make(map[string]bool)
	for _, table := range settingsTables {
		for _, s := range symbols {
			n, err := b.exec(ctx, "INSERT INTO "+table+" (symbol) VALUES (?) ON CONFLICT DO NOTHING", s)
			if err != nil {
				return 0, fmt.Errorf("%s of %s: %w", table, s, err)
			}
			if n > 0 {
				isNew[s] = true
			}
		}
	}
	return len(isNew), nil
}
