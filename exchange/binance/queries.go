package binance

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
)

// Order returns the state of one order, exchange.ErrUnknownOrder when the
// exchange has none by that id.
func (c *Client) Order(ctx context.Context, ref exchange.OrderRef) (exchange.Order, error) {
	params, err := refParams(ref)
	if err != nil {
		return exchange.Order{}, fmt.Errorf("query %s: %w", ref, err)
	}
	r := signedRead("/api/v3/order", params, cost{weight: 4, urgent: true})
	a, err := c.read(ctx, r)
	if err != nil {
		return exchange.Order{}, fmt.Errorf("query %s: %w", ref, err)
	}
	order, err := decodeOrder(a.body)
	if err != nil {
		return exchange.Order{}, badAnswer(r, err)
	}
	return order, nil
}

// withFills returns an order together with the fills that it had so far.
func (c *Client) withFills(ctx context.Context, ref exchange.OrderRef) (exchange.OrderUpdate, error) {
	order, err := c.Order(ctx, ref)
	if err != nil || order.ExecutedQuantity.IsZero() {
		return exchange.OrderUpdate{Order: order}, err
	}
	fills, err := c.Fills(ctx, order.Symbol, order.ID)
	return exchange.OrderUpdate{Order: order, Fills: fills}, err
}

// OpenOrders returns the orders of symbol that may still fill; of all symbols,
// at more than ten times the weight, when symbol is empty.
func (c *Client) OpenOrders(ctx context.Context, symbol string) ([]exchange.Order, error) {
	params, weight := url.Values{}, 80
	if symbol != "" {
		if !exchange.ValidSymbolName(symbol) {
			return nil, fmt.Errorf("open orders: %w: %q", exchange.ErrUnknownSymbol, symbol)
		}
		params.Set("symbol", symbol)
		weight = 6
	}
	return c.orders(ctx, signedRead("/api/v3/openOrders", params, cost{weight: weight, urgent: true}))
}

// AllOrders returns up to limit (1 to 1000) orders of symbol, in order of id, from
// fromID upwards; the most recent ones when fromID is zero.
func (c *Client) AllOrders(ctx context.Context, symbol string, fromID int64, limit int) ([]exchange.Order, error) {
	if err := checkPage(symbol, limit); err != nil {
		return nil, fmt.Errorf("all orders: %w", err)
	}
	params := url.Values{"symbol": {symbol}, "limit": {strconv.Itoa(limit)}}
	if fromID != 0 {
		params.Set("orderId", strconv.FormatInt(fromID, 10))
	}
	return c.orders(ctx, signedRead("/api/v3/allOrders", params, cost{weight: 20, urgent: true}))
}

// orders sends a request that is answered by a list of orders.
func (c *Client) orders(ctx context.Context, r request) ([]exchange.Order, error) {
	a, err := c.read(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", r.path, r.params.Get("symbol"), err)
	}
	var answers []orderAnswer
	if err := json.Unmarshal(a.body, &answers); err != nil {
		return nil, badAnswer(r, err)
	}
	orders := make([]exchange.Order, 0, len(answers))
	for _, answer := range answers {
		order, err := answer.order()
		if err != nil {
			return nil, badAnswer(r, err)
		}
		orders = append(orders, order)
	}
	slices.SortFunc(orders, func(a, b exchange.Order) int { return cmp.Compare(a.ID, b.ID) })
	return orders, nil
}

// Fills returns the fills of one order, in order of trade id. An order of more
// than 1000 fills is read in pages.
func (c *Client) Fills(ctx context.Context, symbol string, orderID int64) ([]exchange.Fill, error) {
	if !exchange.ValidSymbolName(symbol) {
		return nil, fmt.Errorf("fills: %w: %q", exchange.ErrUnknownSymbol, symbol)
	}
	const page = 1000
	var fills []exchange.Fill
	params := url.Values{"symbol": {symbol}, "orderId": {strconv.FormatInt(orderID, 10)}, "limit": {strconv.Itoa(page)}, "fromId": {"0"}}
	for {
		r := signedRead("/api/v3/myTrades", params, cost{weight: 5, urgent: true})
		a, err := c.read(ctx, r)
		if err != nil {
			return nil, fmt.Errorf("fills of %s order %d: %w", symbol, orderID, err)
		}
		more, err := decodeFills(a.body, orderID)
		if err != nil {
			return nil, badAnswer(r, err)
		}
		fills = append(fills, more...)
		if len(more) < page {
			return fills, nil
		}
		params.Set("fromId", strconv.FormatInt(more[len(more)-1].TradeID+1, 10))
	}
}

// RecentFills returns the account's most recent fills in symbol, up to limit (1 to
// 1000), in order of trade id. It costs as much as those of four orders.
func (c *Client) RecentFills(ctx context.Context, symbol string, limit int) ([]exchange.Fill, error) {
	if err := checkPage(symbol, limit); err != nil {
		return nil, fmt.Errorf("recent fills: %w", err)
	}
	r := signedRead("/api/v3/myTrades", url.Values{"symbol": {symbol}, "limit": {strconv.Itoa(limit)}}, cost{weight: 20})
	a, err := c.read(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("recent fills of %s: %w", symbol, err)
	}
	fills, err := decodeFills(a.body, 0)
	if err != nil {
		return nil, badAnswer(r, err)
	}
	return fills, nil
}

// Account returns the balances above zero and the commission rates.
func (c *Client) Account(ctx context.Context) (exchange.Account, error) {
	r := signedRead("/api/v3/account", url.Values{"omitZeroBalances": {"true"}}, cost{weight: 20, urgent: true})
	a, err := c.read(ctx, r)
	if err != nil {
		return exchange.Account{}, fmt.Errorf("account: %w", err)
	}
	var answer struct {
		CanTrade        bool `json:"canTrade"`
		CommissionRates struct {
			Maker amount `json:"maker"`
			Taker amount `json:"taker"`
		} `json:"commissionRates"`
		Balances []struct {
			Asset  string `json:"asset"`
			Free   amount `json:"free"`
			Locked amount `json:"locked"`
		} `json:"balances"`
	}
	if err := json.Unmarshal(a.body, &answer); err != nil {
		return exchange.Account{}, badAnswer(r, err)
	}
	account := exchange.Account{
		CanTrade:        answer.CanTrade,
		MakerCommission: answer.CommissionRates.Maker.Decimal,
		TakerCommission: answer.CommissionRates.Taker.Decimal,
	}
	one := decimal.NewFromInt(1)
	for _, share := range []decimal.Decimal{account.MakerCommission, account.TakerCommission} {
		if share.IsNegative() || !share.LessThan(one) {
			return exchange.Account{}, badAnswer(r, fmt.Errorf("commission rate %s: want 0 to less than 1", share))
		}
	}
	for _, b := range answer.Balances {
		if b.Asset == "" || b.Free.IsNegative() || b.Locked.IsNegative() {
			return exchange.Account{}, badAnswer(r, fmt.Errorf("balance of %q: free %s, locked %s: want 0 or more", b.Asset, b.Free, b.Locked))
		}
		account.Balances = append(account.Balances, exchange.Balance{Asset: b.Asset, Free: b.Free.Decimal, Locked: b.Locked.Decimal})
	}
	return account, nil
}

func signedRead(path string, params url.Values, c cost) request {
	return request{method: http.MethodGet, path: path, params: params, cost: c, signed: true}
}
