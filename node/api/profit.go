package api

import (
	"context"
	"net/http"
	"net/url"

	"github.com/shopspring/decimal"
)

// Profit is what trading one symbol has brought: GET /profit. Amounts are in the quote
// asset where nothing else is said, less the known commissions.
type Profit struct {
	Symbol string `json:"symbol"`
	// BaseAsset and QuoteAsset are empty while the node does not know the symbol's rules.
	BaseAsset  string `json:"base_asset"`
	QuoteAsset string `json:"quote_asset"`
	// Cycles is how many positions have bought and sold, Profit what they earned in all,
	// ProfitDay and ProfitWeek what those that ended in the last 24 hours and in the last
	// seven times 24 hours did.
	Cycles     int             `json:"cycles"`
	Profit     decimal.Decimal `json:"profit"`
	ProfitDay  decimal.Decimal `json:"profit_day"`
	ProfitWeek decimal.Decimal `json:"profit_week"`

	OpenPositions int `json:"open_positions"`
	// Held is what the open positions have bought and not sold, in the base asset;
	// Invested is what that has cost.
	Held     decimal.Decimal `json:"held"`
	Invested decimal.Decimal `json:"invested"`
	// LastPrice is that of the latest trade that is known; nil where none is.
	LastPrice *decimal.Decimal `json:"last_price"`
	// Unrealized is what Held is worth at the last price, less Invested; nil where that
	// is not known.
	Unrealized *decimal.Decimal `json:"unrealized"`
}

// Profit returns what trading has brought, of one symbol, or where it is empty of all
// that have ever had a position, by name.
func (c *Client) Profit(ctx context.Context, symbol string) (p []Profit, err error) {
	return p, c.call(ctx, http.MethodGet, "/profit", url.Values{"symbol": {symbol}}, nil, &p)
}
