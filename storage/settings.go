package storage

import (
	"context"
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
	s, err := scanSettings(db.reader.row(ctx, selectSettings+" WHERE symbol = ?", symbol))
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

// change puts the settings that c changes into s.
func (c *SettingsChange) change(s *Settings) {
	put(&s.Streaming, c.Streaming)
	put(&s.Aggregating, c.Aggregating)
	put(&s.Collecting.TradeEvents, c.CollectTrades)
	put(&s.Collecting.Orders, c.CollectOrders)
	put(&s.Collecting.OHLC, c.CollectOHLC)
	put(&s.Trading.Status, (*TradingStatus)(c.TradingStatus))
	put(&s.Trading.Chunks, c.Chunks)
	put(&s.Trading.Budget, c.Budget)
	put(&s.Trading.BuyDownInterval, c.BuyDownInterval)
	put(&s.Trading.ProfitTarget, c.ProfitTarget)
	put(&s.Trading.RebuyInterval, c.RebuyInterval)
}

// put sets to unless value is nil.
func put[T any](to, value *T) {
	if value != nil {
		*to = *value
	}
}

// switchesOn says whether c asks for something to run.
func (c *SettingsChange) switchesOn() bool {
	for _, on := range []*bool{c.Streaming, c.Aggregating, c.CollectTrades, c.CollectOrders, c.CollectOHLC} {
		if on != nil && *on {
			return true
		}
	}
	return c.TradingStatus != nil && TradingStatus(*c.TradingStatus) != TradingOff
}

func changeSettings(ctx context.Context, b batch, c *SettingsChange) (Settings, error) {
	s, err := storedSettings(ctx, b, c.Symbol)
	if err != nil {
		return Settings{}, err
	}
	if want := TradingStatus(c.ExpectTradingStatus); want != "" && s.Trading.Status != want {
		return Settings{}, fmt.Errorf("%w: trading of %s is %s, not %s", ErrConflict, c.Symbol, s.Trading.Status, want)
	}
	c.change(&s)
	if err := putSettings(ctx, b, s); err != nil {
		return Settings{}, err
	}
	if c.switchesOn() {
		if err := putAssigned(ctx, b, c.Symbol, true, 0); err != nil {
			return Settings{}, err
		}
	}
	return s, nil
}

// storedSettings returns the settings of symbol, or ErrUnknownSymbol.
func storedSettings(ctx context.Context, b batch, symbol string) (Settings, error) {
	s, err := scanSettings(b.row(ctx, selectSettings+" WHERE symbol = ?", symbol))
	if none(err) {
		return Settings{}, unknownSymbol(symbol)
	}
	return s, err
}

// putSettings stores s for a symbol that has settings.
func putSettings(ctx context.Context, b batch, s Settings) error {
	t := s.Trading
	for _, update := range []struct {
		text string
		args []any
	}{
		{"UPDATE streaming_settings SET enabled = ? WHERE symbol = ?", []any{s.Streaming, s.Symbol}},
		{"UPDATE aggregating_settings SET enabled = ? WHERE symbol = ?", []any{s.Aggregating, s.Symbol}},
		{"UPDATE collecting_settings SET trade_events = ?, orders = ?, ohlc = ? WHERE symbol = ?",
			[]any{s.Collecting.TradeEvents, s.Collecting.Orders, s.Collecting.OHLC, s.Symbol}},
		{`UPDATE trading_settings SET status = ?, chunks = ?, budget = ?, buy_down_interval = ?, profit_target = ?,
			rebuy_interval = ? WHERE symbol = ?`, []any{t.Status, t.Chunks, text(t.Budget), text(t.BuyDownInterval),
			text(t.ProfitTarget), text(t.RebuyInterval), s.Symbol}},
	} {
		if _, err := b.exec(ctx, update.text, update.args...); err != nil {
			return err
		}
	}
	return nil
}

func unknownSymbol(symbol string) error {
	return fmt.Errorf("%w: %q is not in the exchange info that the settings were seeded from: check the spelling", ErrUnknownSymbol, symbol)
}
