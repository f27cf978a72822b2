package storage

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/shopspring/decimal"
)

// TradingStatus says whether a symbol is traded.
type TradingStatus string

// The states of trading.
const (
	TradingOff      TradingStatus = "off"
	TradingOn       TradingStatus = "on"
	TradingShutdown TradingStatus = "shutdown" // open positions end, no new ones start
)

// Collectable is a kind of event that collecting can be switched on for.
type Collectable string

// What can be collected.
const (
	CollectTradeEvents Collectable = "trade_events"
	CollectOrders      Collectable = "orders"
	CollectOHLC        Collectable = "ohlc"
)

// Settings are all settings of one symbol.
type Settings struct {
	Symbol      string
	Streaming   bool
	Aggregating bool
	Collecting  Collecting
	Trading     Trading
}

// Collecting says which events of a symbol are stored.
type Collecting struct {
	TradeEvents bool
	Orders      bool
	OHLC        bool
}

// Trading says whether and how a symbol is traded.
type Trading struct {
	Status          TradingStatus
	Chunks          int             // positions at most, 1 to 100
	Budget          decimal.Decimal // quote asset over all chunks, above 0
	BuyDownInterval decimal.Decimal // share of the price that a buy is placed below it, 0 up to 1
	ProfitTarget    decimal.Decimal // share of the buy price to gain, above 0
	RebuyInterval   decimal.Decimal // share of the buy price to fall before a rebuy, 0 up to 1
}

const (
	selectSettings = `SELECT symbol, s.enabled, a.enabled, c.trade_events, c.orders, c.ohlc, t.status, t.chunks,
		t.budget, t.buy_down_interval, t.profit_target, t.rebuy_interval
		FROM streaming_settings s JOIN aggregating_settings a USING (symbol)
		JOIN collecting_settings c USING (symbol) JOIN trading_settings t USING (symbol)`

	whereActive = " WHERE s.enabled OR a.enabled OR c.trade_events OR c.orders OR c.ohlc OR t.status <> 'off'"
)

// Settings returns the settings of symbol, or ErrUnknownSymbol.
func (db *DB) Settings(ctx context.Context, symbol string) (Settings, error) {
	s, err := scanSettings(db.reader.QueryRowContext(ctx, selectSettings+" WHERE symbol = ?", symbol))
	switch {
	case none(err):
		return Settings{}, unknownSymbol(symbol)
	case err != nil:
		return Settings{}, fmt.Errorf("read settings of %s: %w", symbol, err)
	default:
		return s, nil
	}
}

// AllSettings returns the settings of every symbol, in order of symbol.
func (db *DB) AllSettings(ctx context.Context) ([]Settings, error) {
	return db.listSettings(ctx, "")
}

// ActiveSettings returns the settings of the symbols for which anything is on,
// in order of symbol.
func (db *DB) ActiveSettings(ctx context.Context) ([]Settings, error) {
	return db.listSettings(ctx, whereActive)
}

func (db *DB) listSettings(ctx context.Context, where string) ([]Settings, error) {
	list, err := collect(ctx, db.reader, scanSettings, selectSettings+where+" ORDER BY symbol")
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	return list, nil
}

func scanSettings(row scanner) (s Settings, err error) {
	err = row.Scan(&s.Symbol, &s.Streaming, &s.Aggregating, &s.Collecting.TradeEvents, &s.Collecting.Orders,
		&s.Collecting.OHLC, &s.Trading.Status, &s.Trading.Chunks, &s.Trading.Budget, &s.Trading.BuyDownInterval,
		&s.Trading.ProfitTarget, &s.Trading.RebuyInterval)
	return s, err
}

// SetStreaming switches the streaming of symbol, or returns ErrUnknownSymbol.
// Like all setters it returns once the setting is on the disk.
func (db *DB) SetStreaming(ctx context.Context, symbol string, on bool) error {
	return db.set(ctx, symbol, "UPDATE streaming_settings SET enabled = ? WHERE symbol = ?", on)
}

// SetAggregating switches the building of candles of symbol, or returns
// ErrUnknownSymbol.
func (db *DB) SetAggregating(ctx context.Context, symbol string, on bool) error {
	return db.set(ctx, symbol, "UPDATE aggregating_settings SET enabled = ? WHERE symbol = ?", on)
}

// SetCollecting switches the storing of one kind of event of symbol, or returns
// ErrUnknownSymbol.
func (db *DB) SetCollecting(ctx context.Context, symbol string, what Collectable, on bool) error {
	switch what {
	case CollectTradeEvents, CollectOrders, CollectOHLC:
	default:
		return fmt.Errorf("collecting %q: want %s, %s or %s", what, CollectTradeEvents, CollectOrders, CollectOHLC)
	}
	return db.set(ctx, symbol, "UPDATE collecting_settings SET "+string(what)+" = ? WHERE symbol = ?", on)
}

// SetTradingStatus switches the trading of symbol, or returns ErrUnknownSymbol.
func (db *DB) SetTradingStatus(ctx context.Context, symbol string, status TradingStatus) error {
	return db.set(ctx, symbol, "UPDATE trading_settings SET status = ? WHERE symbol = ?", status)
}

// UpdateTrading hands the trading settings of symbol to change and stores what
// it made of them, with no other change in between; an error of change leaves
// them as they are and is returned. It returns ErrUnknownSymbol too.
func (db *DB) UpdateTrading(ctx context.Context, symbol string, change func(*Trading) error) (Trading, error) {
	var t Trading
	err := db.update(ctx, onDisk, func(tx *sql.Tx) error {
		s, err := scanSettings(tx.QueryRowContext(ctx, selectSettings+" WHERE symbol = ?", symbol))
		if none(err) {
			return unknownSymbol(symbol)
		}
		if err != nil {
			return err
		}
		t = s.Trading
		if err := change(&t); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE trading_settings SET status = ?, chunks = ?, budget = ?, buy_down_interval = ?,
			profit_target = ?, rebuy_interval = ? WHERE symbol = ?`, t.Status, t.Chunks, text(t.Budget),
			text(t.BuyDownInterval), text(t.ProfitTarget), text(t.RebuyInterval), symbol)
		return err
	})
	if err != nil {
		return Trading{}, fmt.Errorf("change trading settings of %s: %w", symbol, err)
	}
	return t, nil
}

// set runs an update of one value of one symbol's row.
func (db *DB) set(ctx context.Context, symbol, update string, value any) error {
	err := db.update(ctx, onDisk, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, update, value, symbol)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		if err == nil && n == 0 {
			return unknownSymbol(symbol)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("change settings of %s: %w", symbol, err)
	}
	return nil
}

func unknownSymbol(symbol string) error {
	return fmt.Errorf("%w: %q is not in the exchange info that the settings were seeded from: check the spelling", ErrUnknownSymbol, symbol)
}
