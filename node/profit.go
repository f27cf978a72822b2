package node

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
	"golang.org/x/sync/errgroup"

	"hedgehog/exchange"
	"hedgehog/node/api"
	"hedgehog/storage"
	"hedgehog/strategy/naive"
)

// getProfit shows what trading has brought, symbol by symbol. What has ended is in the
// replicated state; what positions hold is known best where their trader runs.
func (n *Node) getProfit(w http.ResponseWriter, r *http.Request) error {
	symbol, err := n.symbolParam(r.Context(), r.URL.Query(), false)
	if err != nil {
		return err
	}
	day := n.now().Add(-24 * time.Hour)
	week := n.now().Add(-7 * 24 * time.Hour)
	earned, err := n.store.db.Earnings(r.Context(), symbol, exchange.MicrosOf(day), exchange.MicrosOf(week))
	if err != nil {
		return err
	}
	now, missing, err := n.holdings(r.Context(), symbol)
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		w.Header().Set(api.MissingHeader, strings.Join(missing, ","))
	}
	profits := make([]api.Profit, 0, len(earned))
	for _, e := range earned {
		p, err := n.profit(r.Context(), e, now[e.Symbol])
		if err != nil {
			return err
		}
		profits = append(profits, p)
	}
	return answer(w, profits)
}

// profit puts together what a symbol has earned and what is held of it now.
func (n *Node) profit(ctx context.Context, e storage.Earnings, now holdings) (api.Profit, error) {
	rules := n.rulesOf(e.Symbol)
	if rules.Name == "" {
		var err error
		if rules, _, err = n.store.db.Rules(ctx, e.Symbol); err != nil {
			return api.Profit{}, err
		}
	}
	p := api.Profit{
		Symbol: e.Symbol, BaseAsset: rules.BaseAsset, QuoteAsset: rules.QuoteAsset,
		Cycles: e.Finished, Profit: e.Profit, ProfitDay: e.ProfitOf[0], ProfitWeek: e.ProfitOf[1],
		OpenPositions: e.Open, Held: now.held, Invested: now.invested, LastPrice: now.price,
	}
	if p.LastPrice == nil {
		price, ok, err := n.lastStoredPrice(ctx, e.Symbol)
		if err != nil {
			return p, err
		}
		if ok {
			p.LastPrice = &price
		}
	}
	switch {
	case p.Held.IsZero():
		p.Unrealized = new(decimal.Decimal)
	case p.LastPrice != nil:
		worth := p.Held.Mul(*p.LastPrice).Sub(p.Invested)
		p.Unrealized = &worth
	}
	return p, nil
}

// holdings are what the open positions of a symbol have bought and not sold.
type holdings struct {
	held     decimal.Decimal // base asset
	invested decimal.Decimal // what that has cost, quote asset
	price    *decimal.Decimal
}

// holdings returns what is held by symbol, and the nodes that did not answer. Where a
// trader runs, it knows; else the stored orders tell, less the commissions that they do
// not have.
func (n *Node) holdings(ctx context.Context, symbol string) (now map[string]holdings, missing []string, err error) {
	var (
		asking            errgroup.Group
		statuses          []api.Status
		positions         [][]api.Position
		silent, silentToo []string
	)
	asking.Go(func() (err error) {
		statuses, silent, err = askAll(ctx, n, queryTimeout, &url.URL{Path: "/api/v1/status"}, n.statusHere)
		return err
	})
	asking.Go(func() (err error) {
		query := url.Values{"symbol": {symbol}}
		positions, silentToo, err = askAll(ctx, n, queryTimeout, &url.URL{Path: "/api/v1/positions", RawQuery: query.Encode()}, n.positionsHere)
		return err
	})
	if err := asking.Wait(); err != nil {
		return nil, nil, err
	}
	all := make(map[string]holdings)
	traded := make(map[string]bool)
	for _, s := range mergeStatus(statuses).Symbols {
		all[s.Symbol] = holdings{held: s.Held, invested: s.Invested, price: s.LastPrice}
		traded[s.Symbol] = slices.ContainsFunc(s.Parts, func(p api.PartStatus) bool { return p.Name == partTrade })
	}
	for _, p := range mergePositions(positions) {
		if traded[p.Symbol] {
			continue
		}
		h, orders := all[p.Symbol], naive.Position{Buy: p.Buy, Sell: p.Sell}
		h.held, h.invested = h.held.Add(orders.Held("")), h.invested.Add(orders.Cost(""))
		all[p.Symbol] = h
	}
	return all, slices.Compact(slices.Sorted(slices.Values(slices.Concat(silent, silentToo)))), nil
}

// lastStoredPrice returns the price of the newest trade that is stored here.
func (n *Node) lastStoredPrice(ctx context.Context, symbol string) (price decimal.Decimal, ok bool, err error) {
	last, ok, err := n.store.db.LastTradeID(ctx, symbol)
	if err != nil || !ok {
		return decimal.Zero, false, err
	}
	for t, err := range n.store.db.Trades(ctx, symbol, storage.TradeRange{FromID: last}) {
		return t.Price, err == nil, err
	}
	return decimal.Zero, false, nil
}

// rulesOf returns the exchange's rules of a symbol, none before they are known.
func (n *Node) rulesOf(symbol string) exchange.Symbol {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.symbols[symbol]
}
