package storage

import (
	"context"
	"crypto/sha256"
	"fmt"

	"hedgehog/exchange"
)

// The kinds of history, as Range and ImportedDump name them.
const (
	KindTrades    = "trades"
	KindAggTrades = "aggTrades"
	KindCandles   = "candles"
)

const insertCandle = `INSERT INTO candles (symbol, minutes, start_time, open, high, low, close, volume, trades)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`

// PutOldCandles stores candles that come from elsewhere in one transaction and
// returns how many of them were not there before: one that is there stays.
func (db *DB) PutOldCandles(ctx context.Context, candles []exchange.Candle) (written int64, err error) {
	err = db.update(ctx, untilPowerLoss, func(b batch) (err error) {
		for i := range candles {
			n, err := putCandle(ctx, b, insertCandle, &candles[i])
			if err != nil {
				return err
			}
			written += n
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("write %d candles: %w", len(candles), err)
	}
	return written, nil
}

// ImportedDump is a file of history that has been imported whole.
type ImportedDump struct {
	Name      string            // of the file, without its directory
	Sum       [sha256.Size]byte // of the file
	Symbol    string
	Kind      string // KindTrades, KindAggTrades or KindCandles
	Minutes   int    // length of the candles, else 0
	FirstTime exchange.Micros
}

// PutImported notes that a dump has been imported whole.
func (db *DB) PutImported(ctx context.Context, d ImportedDump) error {
	err := db.update(ctx, untilPowerLoss, func(b batch) error {
		_, err := b.exec(ctx, `INSERT INTO imported_dumps (sha256, name, symbol, kind, minutes, first_time) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT DO NOTHING`, d.Sum[:], d.Name, d.Symbol, d.Kind, d.Minutes, int64(d.FirstTime))
		return err
	})
	if err != nil {
		return fmt.Errorf("note that %s is imported: %w", d.Name, err)
	}
	return nil
}

// Imported says whether the dump of this name and SHA-256 has been imported whole,
// and nothing of it has been pruned since.
func (db *DB) Imported(ctx context.Context, name string, sum [sha256.Size]byte) (bool, error) {
	var there bool
	err := db.reader.row(ctx, "SELECT EXISTS (SELECT 1 FROM imported_dumps WHERE sha256 = ? AND name = ?)", sum[:], name).Scan(&there)
	if err != nil {
		return false, fmt.Errorf("whether %s is imported: %w", name, err)
	}
	return there, nil
}
