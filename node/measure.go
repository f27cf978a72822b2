package node

import (
	"context"
	"errors"
	"slices"

	"hedgehog/cluster"
	"hedgehog/cluster/gossip"
	"hedgehog/cluster/lease"
	"hedgehog/exchange"
	"hedgehog/exchange/binance"
	"hedgehog/node/metrics"
	"hedgehog/storage"
)

// measuredSymbols bounds the symbols that have metrics of their own: each has some
// twenty, and whoever scrapes them keeps every one for weeks.
const measuredSymbols = 200

// figures are what the metrics tell of the node at this moment.
func (n *Node) figures(ctx context.Context) (metrics.Figures, error) {
	f := metrics.Figures{
		Version: n.config.Version, Node: n.config.Name, Zone: n.config.Zone, Profile: n.config.Profile, Venue: n.venue(),
		Ready:    len(n.unready(ctx)) == 0,
		Exchange: n.exchangeFigures(), Database: n.store.db.Stats(),
		Bus: n.bus.Stats(), Watched: n.watched.Stats(), Peers: n.forwarder.Stats(),
	}
	owned := n.owned()
	applied, _, appliedErr := n.store.db.Applied(ctx)
	f.Cluster = n.clusterFigures(owned, applied)
	if excess := len(owned) - measuredSymbols; excess > 0 {
		owned, f.LeftOff = owned[:measuredSymbols], excess
	}
	earned, earnedErr := n.store.db.Earnings(ctx, "")
	bySymbol := make(map[string]storage.Earnings, len(earned))
	for _, e := range earned {
		bySymbol[e.Symbol] = e
	}
	for _, symbol := range owned {
		s := n.symbolFigures(symbol)
		s.Earned = bySymbol[symbol]
		f.Symbols = append(f.Symbols, s)
	}
	return f, errors.Join(appliedErr, earnedErr)
}

// venue is the exchange's name, without the address of one that has none.
func (n *Node) venue() string {
	if slices.Contains([]string{ExchangeSim, ExchangeBinance, ExchangeBinanceTestnet}, n.config.Exchange) {
		return n.config.Exchange
	}
	return "url"
}

// owned are the symbols that this node owns, sorted.
func (n *Node) owned() []string {
	var symbols []string
	for symbol, a := range n.state.Load().Assignments {
		if a.Node == n.config.Name && a.Run == n.run {
			symbols = append(symbols, symbol)
		}
	}
	slices.Sort(symbols)
	return symbols
}

func (n *Node) clusterFigures(owned []string, applied uint64) metrics.Cluster {
	leader, _ := n.consensus.Leader()
	c := metrics.Cluster{
		Leads: leader.Name == n.config.Name, Quorum: n.consensus.HasQuorum(), Term: n.consensus.Term(), Applied: applied,
		Members:   map[string]int{string(gossip.Alive): 0, string(gossip.Failed): 0, string(gossip.Left): 0},
		LeaseLeft: n.guard.Left(), Owned: len(owned),
	}
	for _, s := range n.consensus.Servers() {
		if s.Voter {
			c.Voters++
		} else {
			c.NonVoters++
		}
	}
	for _, m := range n.gossip.Members() {
		c.Members[string(m.State)]++
	}
	for _, symbol := range owned {
		if _, _, covered := n.guard.Until(symbol); covered {
			c.Covered++
		}
	}
	return c
}

func (n *Node) exchangeFigures() metrics.Exchange {
	e := metrics.Exchange{InfoKnown: n.exchangeStatus().Ready, Client: n.client.Stats(), Limits: n.client.Limits(), ClockError: -1}
	if clock := n.client.Clock(); !clock.IsZero() {
		e.ClockError = clock.Error(n.now())
	}
	return e
}

func (n *Node) symbolFigures(symbol string) metrics.Symbol {
	s := metrics.Symbol{Name: symbol, Restarts: make(map[string]int64)}
	n.mu.Lock()
	g, v := n.groups[symbol], n.views[symbol]
	s.QuoteAsset = n.symbols[symbol].QuoteAsset
	n.mu.Unlock()
	if g == nil || v == nil {
		return s
	}
	for _, p := range g.status() {
		s.Restarts[p.Name] = p.Restarts
	}
	if streamer := v.streamer.Load(); streamer != nil {
		stats := streamer.Stats()
		s.Streamer = &stats
	}
	if _, collects := s.Restarts[partCollect]; collects {
		stats := v.collector.Load().Stats()
		s.Collector = &stats
	}
	if arrivals := v.arrivals.Load(); arrivals != nil {
		if last, ok := arrivals.Last(); ok {
			s.Last = &last
		}
	}
	if trader := v.trader.Load(); trader != nil {
		s.Trading, s.Refused = true, trader.Status().LastError != ""
	}
	return s
}

// arrived returns what notes the arrival of a symbol's trades.
func (n *Node) arrived(a *metrics.Arrivals) func(*exchange.TradeEvent) {
	return func(t *exchange.TradeEvent) { a.Add(t, n.client.Clock()) }
}

// decided returns what notes that a symbol's trader acts on a trade.
func (n *Node) decided(symbol string) func(tradeID int64) {
	v := n.view(symbol)
	return func(id int64) {
		if a := v.arrivals.Load(); a != nil {
			a.Decided(id)
		}
	}
}

// measured is the exchange as traders use it, with what became of their orders noted.
type measured struct {
	*binance.Client
	node *Node
}

// PlaceLimitOrder is the client's.
func (m measured) PlaceLimitOrder(ctx context.Context, o exchange.LimitOrder) (exchange.OrderUpdate, error) {
	sent := m.node.now()
	update, err := m.Client.PlaceLimitOrder(ctx, o)
	m.node.metrics.Ordered(string(o.Side), outcomeOf(err), m.node.now().Sub(sent))
	return update, err
}

// outcomeOf says what an order's error means, nil for one that was placed.
func outcomeOf(err error) metrics.Outcome {
	var filter *exchange.FilterError
	switch {
	case err == nil:
		return metrics.Placed
	case errors.Is(err, exchange.ErrUnknownOutcome): // whatever else is wrapped in it
		return metrics.Unknown
	case errors.Is(err, lease.ErrNoLease):
		return metrics.NoLease
	case errors.As(err, &filter):
		return metrics.Filtered
	case errors.Is(err, exchange.ErrOrderRejected), errors.Is(err, exchange.ErrDuplicateOrder):
		return metrics.Rejected
	case errors.Is(err, exchange.ErrRateLimited):
		return metrics.RateLimited
	case errors.Is(err, exchange.ErrUnavailable):
		return metrics.Unavailable
	default:
		return metrics.Failed
	}
}

// countTakeovers notes the symbols that have come to this node from another.
func (n *Node) countTakeovers(before, after *cluster.State) {
	if before == nil {
		return
	}
	for symbol, a := range after.Assignments {
		if how, ok := takeoverBy(n.config.Name, before.Assignments[symbol], a); ok {
			n.metrics.TookOver(how)
		}
	}
}

// takeoverBy says how a symbol came to the node from another one; false when it did not.
func takeoverBy(node string, before, after cluster.Assignment) (how metrics.Takeover, ok bool) {
	switch {
	case after.Epoch == before.Epoch, after.Node != node, before.Node == "", before.Node == node:
		return "", false
	case before.Next == node:
		return metrics.HandedOver, true
	default:
		return metrics.FailedOver, true
	}
}
