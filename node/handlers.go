package node

import (
	"context"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"

	"hedgehog/exchange"
	"hedgehog/node/api"
	"hedgehog/storage"
)

const (
	// maxRows bounds the rows of one answer.
	maxRows = 10_000
	// defaultRows is how many there are where nobody says.
	defaultRows = 100
)

// statusHere is what this node knows by itself.
func (n *Node) statusHere(ctx context.Context, _ url.Values) (api.Status, error) {
	active, err := n.store.db.ActiveSettings(ctx)
	if err != nil {
		return api.Status{}, err
	}
	s := api.Status{
		Node:          n.config.Name,
		Version:       n.config.Version,
		UptimeSeconds: int64(n.now().Sub(n.started).Seconds()),
		DataDir:       n.config.DataDir,
		Access:        n.accessOf(),
		Goroutines:    runtime.NumGoroutine(),
		Exchange:      n.exchangeStatus(),
		ActiveSymbols: len(active),
		Symbols:       make([]api.SymbolStatus, 0, len(active)),
		Replays:       n.replays.progress(),
	}
	for _, settings := range active {
		s.Symbols = append(s.Symbols, n.symbolStatus(settings))
	}
	return s, nil
}

func (n *Node) exchangeStatus() api.ExchangeStatus {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := api.ExchangeStatus{Name: n.config.Exchange, URL: n.exchangeURL, Ready: n.ready, Symbols: len(n.symbols)}
	if n.infoError != nil {
		s.Error = n.infoError.Error()
	}
	return s
}

func (n *Node) symbolStatus(stored storage.Settings) api.SymbolStatus {
	s := api.SymbolStatus{Settings: settingsOf(stored), Parts: []api.PartStatus{}, Node: n.state.Load().Assignments[stored.Symbol].Node}
	if until, _, held := n.guard.Until(stored.Symbol); held {
		s.LeaseMS = until.Sub(n.now()).Milliseconds()
	}
	n.mu.Lock()
	g, v := n.groups[stored.Symbol], n.views[stored.Symbol]
	n.mu.Unlock()
	if g != nil {
		s.Parts = g.status()
	}
	if v == nil {
		return s
	}
	if streamer := v.streamer.Load(); streamer != nil {
		stats := streamer.Stats()
		s.StreamConnected = stats.Connections > 0
		s.LastTradeID, s.TradesPublished = stats.LastID, stats.Published
		s.TradesBackfilled, s.TradesMissing = stats.Backfilled, stats.Missing
		if latest := streamer.Latest(); latest != nil {
			s.LastPrice = &latest.Price
		}
	}
	if trader := v.trader.Load(); trader != nil {
		status := trader.Status()
		s.OpenPositions, s.TradingError = len(status.Positions), status.LastError
		base := n.rulesOf(stored.Symbol).BaseAsset
		for _, p := range status.Positions {
			s.Held, s.Invested = s.Held.Add(p.Held(base)), s.Invested.Add(p.Cost(base))
		}
	}
	return s
}

// status returns the running parts, sorted by name.
func (g *group) status() []api.PartStatus {
	g.mu.Lock()
	defer g.mu.Unlock()
	parts := make([]api.PartStatus, 0, len(g.running))
	for _, p := range g.running {
		s := api.PartStatus{Name: p.name, SinceUS: p.since, Restarts: p.restarts.Load()}
		if reason := p.lastError.Load(); reason != nil {
			s.LastError = *reason
		}
		parts = append(parts, s)
	}
	slices.SortFunc(parts, func(a, b api.PartStatus) int { return strings.Compare(a.Name, b.Name) })
	return parts
}

func (n *Node) getSymbols(w http.ResponseWriter, r *http.Request) error {
	activeOnly, err := boolParam(r, "active")
	if err != nil {
		return err
	}
	read := n.store.db.AllSettings
	if activeOnly {
		read = n.store.db.ActiveSettings
	}
	stored, err := read(r.Context())
	if err != nil {
		return err
	}
	settings := make([]api.Settings, 0, len(stored))
	for _, s := range stored {
		settings = append(settings, settingsOf(s))
	}
	return answer(w, settings)
}

func (n *Node) getSymbol(w http.ResponseWriter, r *http.Request) error {
	s, err := n.store.db.Settings(r.Context(), r.PathValue("symbol"))
	if err != nil {
		return err
	}
	return answer(w, settingsOf(s))
}

func (n *Node) patchSymbol(w http.ResponseWriter, r *http.Request) error {
	var c api.Change
	if err := readBody(w, r, &c, maxBody); err != nil {
		return err
	}
	s, err := n.change(r.Context(), r.PathValue("symbol"), c)
	if err != nil {
		return err
	}
	return answer(w, s)
}

// ordersHere are the orders that are stored on this node. An order that is open
// here may have ended elsewhere, so the limit applies to all states.
func (n *Node) ordersHere(ctx context.Context, query url.Values) ([]exchange.Order, error) {
	symbol, err := n.symbolParam(ctx, query, false)
	if err != nil {
		return nil, err
	}
	if _, err := boolOf(query, "open"); err != nil {
		return nil, err
	}
	limit, err := intOf(query, "limit", defaultRows, 1, maxRows)
	if err != nil {
		return nil, err
	}
	orders, err := n.store.db.Orders(ctx, storage.OrderFilter{Symbol: symbol, Limit: limit})
	if orders == nil {
		orders = []exchange.Order{}
	}
	return orders, err
}

// fillsHere are the newest fills that are stored on this node.
func (n *Node) fillsHere(ctx context.Context, query url.Values) ([]exchange.Fill, error) {
	symbol, err := n.symbolParam(ctx, query, true)
	if err != nil {
		return nil, err
	}
	limit, err := intOf(query, "limit", defaultRows, 1, maxRows)
	if err != nil {
		return nil, err
	}
	fills, err := n.store.db.LatestFills(ctx, symbol, limit)
	if fills == nil {
		fills = []exchange.Fill{}
	}
	return fills, err
}

// positionsHere are the cluster's positions with the orders that are stored on
// this node.
func (n *Node) positionsHere(ctx context.Context, query url.Values) ([]api.Position, error) {
	symbol, err := n.symbolParam(ctx, query, false)
	if err != nil {
		return nil, err
	}
	all, err := boolOf(query, "all")
	if err != nil {
		return nil, err
	}
	rows, err := n.store.db.Positions(ctx, symbol, !all)
	if err != nil {
		return nil, err
	}
	positions := make([]api.Position, 0, len(rows))
	for _, row := range rows {
		p, err := n.position(ctx, row)
		if err != nil {
			return nil, err
		}
		positions = append(positions, p)
	}
	return positions, nil
}

// position adds the stored states of its orders to a stored position.
func (n *Node) position(ctx context.Context, row storage.Position) (api.Position, error) {
	p := api.Position{
		Symbol: row.Symbol, ID: row.ID, Parent: row.Parent, Slot: row.Slot, State: string(row.State),
		RebuyTriggered: row.RebuyTriggered, StartTime: row.StartTime, EndTime: row.EndTime, Profit: row.Profit,
	}
	for clientID, order := range map[string]**exchange.Order{row.BuyClientID: &p.Buy, row.SellClientID: &p.Sell} {
		if clientID == "" {
			continue
		}
		orders, err := n.store.db.OrdersByClientID(ctx, row.Symbol, clientID)
		if err != nil {
			return p, err
		}
		if len(orders) > 0 {
			*order = &orders[0]
		}
	}
	return p, nil
}

// tradesHere are the newest trades that are stored on this node.
func (n *Node) tradesHere(ctx context.Context, query url.Values) ([]exchange.TradeEvent, error) {
	symbol, err := n.symbolParam(ctx, query, true)
	if err != nil {
		return nil, err
	}
	limit, err := intOf(query, "limit", defaultRows, 1, maxRows)
	if err != nil {
		return nil, err
	}
	last, ok, err := n.store.db.LastTradeID(ctx, symbol)
	if err != nil {
		return nil, err
	}
	trades := []exchange.TradeEvent{}
	if !ok {
		return trades, nil
	}
	for t, err := range n.store.db.Trades(ctx, symbol, storage.TradeRange{FromID: last - int64(limit) + 1}) {
		if err != nil {
			return nil, err
		}
		if len(trades) == limit {
			break // more were stored meanwhile
		}
		trades = append(trades, t)
	}
	return trades, nil
}

// candlesHere are the newest candles that are stored on this node.
func (n *Node) candlesHere(ctx context.Context, query url.Values) ([]exchange.Candle, error) {
	symbol, err := n.symbolParam(ctx, query, true)
	if err != nil {
		return nil, err
	}
	minutes, err := intOf(query, "minutes", 1, 1, 1440)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(exchange.CandleMinutes[:], minutes) {
		return nil, badRequest("minutes %d: want one of %v", minutes, exchange.CandleMinutes)
	}
	limit, err := intOf(query, "limit", defaultRows, 1, maxRows)
	if err != nil {
		return nil, err
	}
	candles, err := n.store.db.Candles(ctx, symbol, minutes, storage.CandleRange{Limit: limit})
	if candles == nil {
		candles = []exchange.Candle{}
	}
	return candles, err
}
