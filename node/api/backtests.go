package api

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/shopspring/decimal"

	"hedgehog/data/backtest"
	"hedgehog/exchange"
)

// The states of a backtest.
const (
	BacktestWaiting = "waiting" // for the one before it
	BacktestRunning = "running"
	BacktestDone    = "done"
	BacktestFailed  = "failed"
)

// BacktestRequest asks for settings to be tried on the trades that the node has
// stored: POST /backtests. The answer, of status 202, is a Backtest.
type BacktestRequest struct {
	Symbol string `json:"symbol"`
	// FromUS and ToUS bound the trade times: the former is in, the latter is not. 0
	// sets no bound.
	FromUS exchange.Micros `json:"from_us,omitempty"`
	ToUS   exchange.Micros `json:"to_us,omitempty"`
	// Settings are what differs from the symbol's trading settings.
	Settings BacktestChange `json:"settings"`
	// AllowHoles passes over missing trades; without it they end the backtest.
	AllowHoles bool `json:"allow_holes,omitempty"`
}

// BacktestChange says which settings to try instead of the symbol's. What is nil
// stays as it is.
type BacktestChange struct {
	Chunks          *int             `json:"chunks,omitempty"`
	Budget          *decimal.Decimal `json:"budget,omitempty"`
	BuyDownInterval *decimal.Decimal `json:"buy_down_interval,omitempty"`
	ProfitTarget    *decimal.Decimal `json:"profit_target,omitempty"`
	RebuyInterval   *decimal.Decimal `json:"rebuy_interval,omitempty"`
}

// BacktestSettings are the settings that a backtest tries.
type BacktestSettings struct {
	Chunks          int             `json:"chunks"`
	Budget          decimal.Decimal `json:"budget"` // quote asset
	BuyDownInterval decimal.Decimal `json:"buy_down_interval"`
	ProfitTarget    decimal.Decimal `json:"profit_target"`
	RebuyInterval   decimal.Decimal `json:"rebuy_interval"`
}

// Backtest is one backtest of a node: GET /backtests, newest first.
type Backtest struct {
	ID         string           `json:"id"`
	Symbol     string           `json:"symbol"`
	FromUS     exchange.Micros  `json:"from_us"` // as asked for; 0: no bound
	ToUS       exchange.Micros  `json:"to_us"`   // likewise
	Settings   BacktestSettings `json:"settings"`
	AllowHoles bool             `json:"allow_holes"`
	CreatedUS  exchange.Micros  `json:"created_us"`
	EndedUS    exchange.Micros  `json:"ended_us,omitempty"` // 0 before it has
	State      string           `json:"state"`              // waiting, running, done or failed
	// Progress is the share of the trades that have passed, 0 to 1.
	Progress float64 `json:"progress"`
	Error    string  `json:"error,omitempty"` // why it has failed
	// Summary is there when it is done.
	Summary *BacktestSummary `json:"summary,omitempty"`
}

// BacktestSummary is what came of a backtest. Amounts are in the quote asset, percents
// of the budget or, of the drawdown, of the highest worth before.
type BacktestSummary struct {
	Trades  int64 `json:"trades"`
	Missing int64 `json:"missing_trades"`
	Orders  int   `json:"orders"`
	Cycles  int   `json:"cycles"` // positions that bought and sold
	Won     int   `json:"won"`    // cycles that earned something
	// Profit is what the account is worth at the end above the budget, with what is
	// still held at the last price.
	Profit             decimal.Decimal `json:"profit"`
	ProfitPercent      decimal.Decimal `json:"profit_percent"`
	Realized           decimal.Decimal `json:"realized"` // what the finished cycles earned
	Fees               decimal.Decimal `json:"fees"`
	MaxDrawdown        decimal.Decimal `json:"max_drawdown"`
	MaxDrawdownPercent decimal.Decimal `json:"max_drawdown_percent"`
	// BuyAndHoldPercent is the profit of spending the budget at the first price.
	BuyAndHoldPercent decimal.Decimal `json:"buy_and_hold_percent"`
}

// BacktestResult is a backtest with all that came of it: GET /backtests/ID. There is a
// page with charts at GET /backtests/ID/report.
type BacktestResult struct {
	Backtest
	// Result is there when it is done.
	Result *backtest.Result `json:"result,omitempty"`
}

// StartBacktest has the node try settings on the trades that it has stored.
func (c *Client) StartBacktest(ctx context.Context, r BacktestRequest) (b Backtest, err error) {
	return b, c.call(ctx, http.MethodPost, "/backtests", nil, r, &b)
}

// Backtests returns the node's backtests, newest first.
func (c *Client) Backtests(ctx context.Context) (b []Backtest, err error) {
	return b, c.call(ctx, http.MethodGet, "/backtests", nil, nil, &b)
}

// Backtest returns one backtest of the node's.
func (c *Client) Backtest(ctx context.Context, id string) (b BacktestResult, err error) {
	return b, c.call(ctx, http.MethodGet, "/backtests/"+url.PathEscape(id), nil, nil, &b)
}

// BacktestReport returns the page of a backtest that is done.
func (c *Client) BacktestReport(ctx context.Context, id string) ([]byte, error) {
	response, err := c.send(ctx, http.MethodGet, "/backtests/"+url.PathEscape(id)+"/report", nil, nil)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	page, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("report of backtest %s: %w", id, err)
	}
	return page, nil
}

// DeleteBacktest ends a backtest where it waits or runs, and forgets it.
func (c *Client) DeleteBacktest(ctx context.Context, id string) error {
	response, err := c.send(ctx, http.MethodDelete, "/backtests/"+url.PathEscape(id), nil, nil)
	if err != nil {
		return err
	}
	return response.Body.Close()
}
