package api

import (
	"github.com/shopspring/decimal"

	"hedgehog/exchange"
)

// Status is what a node says of itself: GET /status.
type Status struct {
	Node          string         `json:"node"`
	Version       string         `json:"version"`
	UptimeSeconds int64          `json:"uptime_seconds"`
	DataDir       string         `json:"data_dir"`
	Access        string         `json:"access"`     // AccessOpen or AccessTokens
	Goroutines    int            `json:"goroutines"` // of the process
	Exchange      ExchangeStatus `json:"exchange"`
	ActiveSymbols int            `json:"active_symbols"`
	// Symbols are those with anything switched on, sorted.
	Symbols []SymbolStatus `json:"symbols"`
	// Replays are those under way on this node, by symbol.
	Replays []ReplayProgress `json:"replays,omitempty"`
}

// ExchangeStatus is how the node sees its exchange.
type ExchangeStatus struct {
	Name string `json:"name"` // sim, binance, binance-testnet or the URL
	URL  string `json:"url"`
	// Ready says that the exchange info is known and the symbols can run.
	Ready bool   `json:"ready"`
	Error string `json:"error,omitempty"` // why it is not ready
	// Symbols is how many the exchange lists.
	Symbols int `json:"symbols"`
}

// SymbolStatus is one symbol's settings, with what runs for it.
type SymbolStatus struct {
	Settings
	// Node is the one that owns the symbol; empty: none yet.
	Node string `json:"node"`
	// LeaseMS is how many milliseconds the owner's lease for it lasts yet; without one,
	// 0, the owner does not act.
	LeaseMS int64        `json:"lease_ms,omitempty"`
	Parts   []PartStatus `json:"parts"`
	// StreamConnected says that the stream of trades has been connected.
	StreamConnected bool `json:"stream_connected"`
	// LastTradeID is the latest trade published since the node started.
	LastTradeID int64 `json:"last_trade_id,omitempty"`
	// TradesPublished and TradesBackfilled count since the streamer was started.
	TradesPublished  int64 `json:"trades_published"`
	TradesBackfilled int64 `json:"trades_backfilled"`
	TradesMissing    int64 `json:"trades_missing"` // that the exchange no longer has
	OpenPositions    int   `json:"open_positions"`
	// LastPrice is that of the latest trade published; nil before the first.
	LastPrice *decimal.Decimal `json:"last_price,omitempty"`
	// Held is what the open positions have of the base asset, Invested what that has
	// cost in the quote asset. Both are 0 where no trader runs.
	Held     decimal.Decimal `json:"held"`
	Invested decimal.Decimal `json:"invested"`
	// TradingError says why the latest order could not be placed.
	TradingError string `json:"trading_error,omitempty"`
}

// PartStatus is one running part of a symbol.
type PartStatus struct {
	Name      string          `json:"name"` // stream, trade, journal, collect or aggregate
	SinceUS   exchange.Micros `json:"since_us"`
	Restarts  int64           `json:"restarts"`
	LastError string          `json:"last_error,omitempty"` // of the latest restart
}

// Settings are what is switched on for one symbol: GET /symbols and
// GET /symbols/SYMBOL.
type Settings struct {
	Symbol      string     `json:"symbol"`
	Streaming   bool       `json:"streaming"`
	Aggregating bool       `json:"aggregating"`
	Collecting  Collecting `json:"collecting"`
	Trading     Trading    `json:"trading"`
}

// Collecting says which events of a symbol are stored.
type Collecting struct {
	TradeEvents bool `json:"trade_events"`
	Orders      bool `json:"orders"`
	OHLC        bool `json:"ohlc"`
}

// Any says whether anything is stored.
func (c Collecting) Any() bool { return c.TradeEvents || c.Orders || c.OHLC }

// Trading are a symbol's trading settings; see naive.Settings for the meaning
// and the ranges.
type Trading struct {
	Status          string          `json:"status"` // off, on or shutdown
	Chunks          int             `json:"chunks"`
	Budget          decimal.Decimal `json:"budget"` // quote asset
	BuyDownInterval decimal.Decimal `json:"buy_down_interval"`
	ProfitTarget    decimal.Decimal `json:"profit_target"`
	RebuyInterval   decimal.Decimal `json:"rebuy_interval"`
}

// Change says what to change of a symbol's settings: PATCH /symbols/SYMBOL. What
// is nil stays as it is.
type Change struct {
	Streaming       *bool            `json:"streaming,omitempty"`
	Aggregating     *bool            `json:"aggregating,omitempty"`
	CollectTrades   *bool            `json:"collect_trade_events,omitempty"`
	CollectOrders   *bool            `json:"collect_orders,omitempty"`
	CollectOHLC     *bool            `json:"collect_ohlc,omitempty"`
	TradingStatus   *string          `json:"trading_status,omitempty"`
	Chunks          *int             `json:"chunks,omitempty"`
	Budget          *decimal.Decimal `json:"budget,omitempty"`
	BuyDownInterval *decimal.Decimal `json:"buy_down_interval,omitempty"`
	ProfitTarget    *decimal.Decimal `json:"profit_target,omitempty"`
	RebuyInterval   *decimal.Decimal `json:"rebuy_interval,omitempty"`
}

// Position is one position: GET /positions.
type Position struct {
	Symbol         string          `json:"symbol"`
	ID             string          `json:"position_id"`
	Parent         string          `json:"parent_id,omitempty"` // whose rebuy started it
	Slot           int             `json:"slot"`
	State          string          `json:"state"` // open, finished or dropped
	RebuyTriggered bool            `json:"rebuy_triggered"`
	StartTime      exchange.Micros `json:"start_time"`
	EndTime        exchange.Micros `json:"end_time,omitempty"`
	Profit         decimal.Decimal `json:"profit"` // quote asset
	Buy            *exchange.Order `json:"buy,omitempty"`
	Sell           *exchange.Order `json:"sell,omitempty"`
}

// Message is one line of GET /watch: an event with its topic. A line with
// Dropped says how many events the line before it could not wait for.
type Message struct {
	Topic   string `json:"topic,omitempty"`
	Event   any    `json:"event,omitempty"`
	Dropped uint64 `json:"dropped,omitempty"`
}

// Replay asks for stored trades to be played again: POST /replay. The answer has a
// ReplayProgress a line; its end, whoever brings it about, ends the replay.
type Replay struct {
	Symbol string `json:"symbol"`
	// FromUS and ToUS bound the trade times: the former is in, the latter is not. 0
	// sets no bound.
	FromUS exchange.Micros `json:"from_us,omitempty"`
	ToUS   exchange.Micros `json:"to_us,omitempty"`
	// Speed is how many times faster than they happened the trades are played, 0.001
	// to 1,000,000; 0 is as fast as the node's parts take them.
	Speed float64 `json:"speed"`
	// Lockstep has every trade wait until the node's parts have dealt with the one before.
	Lockstep bool `json:"lockstep,omitempty"`
}

// ReplayProgress is how far a replay has come.
type ReplayProgress struct {
	Symbol    string          `json:"symbol"`
	Published int64           `json:"published"`       // trades so far
	AtUS      exchange.Micros `json:"at_us,omitempty"` // trade time of the last of them
	Done      bool            `json:"done"`            // all of the period has been played
	Error     string          `json:"error,omitempty"` // why it has ended before
}

// Readiness says whether a node can do its work: GET /readyz, which is not below /api,
// with status 200 when it can and 503 otherwise.
type Readiness struct {
	Ready   bool     `json:"ready"`
	Reasons []string `json:"reasons"` // why not, for people to read; empty when it is ready
}

// Problem is the body of every answer that is not a success.
type Problem struct {
	Error string `json:"error"`
}
