package node

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"hedgehog/exchange"
	"hedgehog/node/api"
	"hedgehog/storage"
)

// maxRows bounds the rows of one answer.
const maxRows = 10_000

func (n *Node) getStatus(w http.ResponseWriter, r *http.Request) error {
	active, err := n.store.db.ActiveSettings(r.Context())
	if err != nil {
		return err
	}
	s := api.Status{
		Node:          n.config.Name,
		Version:       n.config.Version,
		UptimeSeconds: int64(n.now().Sub(n.started).Seconds()),
		DataDir:       n.config.DataDir,
		Exchange:      n.exchangeStatus(),
		ActiveSymbols: len(active),
		Symbols:       make([]api.SymbolStatus, 0, len(active)),
	}
	for _, settings := range active {
		s.Symbols = append(s.Symbols, n.symbolStatus(settings))
	}
	return answer(w, s)
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
	s := api.SymbolStatus{Settings: settingsOf(stored), Parts: []api.PartStatus{}}
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
	}
	if trader := v.trader.Load(); trader != nil && g != nil && g.part(partTrade) != nil {
		status := trader.Status()
		s.OpenPositions, s.TradingError = len(status.Positions), status.LastError
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
	if err := readBody(w, r, &c); err != nil {
		return err
	}
	// A change under way is carried through when its caller goes away: what was
	// stored has to run.
	s, err := n.change(context.WithoutCancel(r.Context()), r.PathValue("symbol"), c)
	if err != nil {
		return err
	}
	return answer(w, s)
}

func (n *Node) getOrders(w http.ResponseWriter, r *http.Request) error {
	symbol, err := n.symbolParam(r, false)
	if err != nil {
		return err
	}
	openOnly, err := boolParam(r, "open")
	if err != nil {
		return err
	}
	limit, err := intParam(r, "limit", 100, 1, maxRows)
	if err != nil {
		return err
	}
	orders, err := n.store.db.Orders(r.Context(), storage.OrderFilter{Symbol: symbol, OpenOnly: openOnly, Limit: limit})
	if err != nil {
		return err
	}
	if orders == nil {
		orders = []exchange.Order{}
	}
	return answer(w, orders)
}

func (n *Node) getPositions(w http.ResponseWriter, r *http.Request) error {
	symbol, err := n.symbolParam(r, false)
	if err != nil {
		return err
	}
	all, err := boolParam(r, "all")
	if err != nil {
		return err
	}
	rows, err := n.store.db.Positions(r.Context(), symbol, !all)
	if err != nil {
		return err
	}
	positions := make([]api.Position, 0, len(rows))
	for _, row := range rows {
		p, err := n.position(r.Context(), row)
		if err != nil {
			return err
		}
		positions = append(positions, p)
	}
	return answer(w, positions)
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

func (n *Node) getTrades(w http.ResponseWriter, r *http.Request) error {
	symbol, err := n.symbolParam(r, true)
	if err != nil {
		return err
	}
	limit, err := intParam(r, "limit", 100, 1, maxRows)
	if err != nil {
		return err
	}
	last, ok, err := n.store.db.LastTradeID(r.Context(), symbol)
	if err != nil {
		return err
	}
	trades := []exchange.TradeEvent{}
	if ok {
		for t, err := range n.store.db.Trades(r.Context(), symbol, storage.TradeRange{FromID: last - int64(limit) + 1}) {
			if err != nil {
				return err
			}
			if len(trades) == limit {
				break // more were stored meanwhile
			}
			trades = append(trades, t)
		}
	}
	return answer(w, trades)
}

func (n *Node) getCandles(w http.ResponseWriter, r *http.Request) error {
	symbol, err := n.symbolParam(r, true)
	if err != nil {
		return err
	}
	minutes, err := intParam(r, "minutes", 1, 1, 1440)
	if err != nil {
		return err
	}
	if !slices.Contains(exchange.CandleMinutes[:], minutes) {
		return badRequest("minutes %d: want one of %v", minutes, exchange.CandleMinutes)
	}
	limit, err := intParam(r, "limit", 100, 1, maxRows)
	if err != nil {
		return err
	}
	candles, err := n.store.db.Candles(r.Context(), symbol, minutes, storage.CandleRange{Limit: limit})
	if err != nil {
		return err
	}
	if candles == nil {
		candles = []exchange.Candle{}
	}
	return answer(w, candles)
}
