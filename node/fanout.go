package node

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"hedgehog/exchange"
	"hedgehog/node/access"
	"hedgehog/node/api"
)

// localQueries are the queries that other nodes ask of this one: each answers
// with what is here.
func (n *Node) localQueries() []endpoint {
	return []endpoint{
		{"GET /api/v1/status", access.None, alone(n.statusHere)},
		{"GET /api/v1/orders", access.None, alone(n.ordersHere)},
		{"GET /api/v1/fills", access.None, alone(n.fillsHere)},
		{"GET /api/v1/positions", access.None, alone(n.positionsHere)},
		{"GET /api/v1/trades", access.None, alone(n.tradesHere)},
		{"GET /api/v1/candles", access.None, alone(n.candlesHere)},
		{"POST /api/v1/cluster/transfer-leader", access.None, n.postTransferLeader},
	}
}

// alone answers a query with what is here.
func alone[T any](here func(context.Context, url.Values) (T, error)) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		v, err := here(r.Context(), r.URL.Query())
		if err != nil {
			return err
		}
		return answer(w, v)
	}
}

// ask asks all living nodes and returns their answers, this node's first. The names of
// those that do not answer go into the header.
func ask[T any](n *Node, w http.ResponseWriter, r *http.Request, here func(context.Context, url.Values) (T, error)) ([]T, error) {
	answers, missing, err := askAll(r.Context(), n, queryTimeout, r.URL, here)
	if len(missing) > 0 {
		w.Header().Set(api.MissingHeader, strings.Join(missing, ","))
	}
	return answers, err
}

// askAll asks all living nodes in parallel and returns their answers, this node's
// first, and the names of those that have not answered within patience, sorted.
func askAll[T any](ctx context.Context, n *Node, patience time.Duration, what *url.URL, here func(context.Context, url.Values) (T, error)) (answers []T, missing []string, err error) {
	mine, err := here(ctx, what.Query())
	if err != nil {
		return nil, nil, err
	}
	answers = []T{mine}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var mu sync.Mutex // guards the results
	var asking sync.WaitGroup
	for _, p := range n.peers() {
		if p.Name == n.config.Name {
			continue
		}
		asking.Go(func() {
			var theirs T
			err := n.calls.get(ctx, p.Name, what.RequestURI(), &theirs)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				n.log.Debug("node did not answer a query", "peer", p.Name, "path", what.Path, "error", err)
				missing = append(missing, p.Name)
				return
			}
			answers = append(answers, theirs)
		})
	}
	asking.Wait()
	slices.Sort(missing)
	return answers, missing, nil
}

func (n *Node) getOrders(w http.ResponseWriter, r *http.Request) error {
	answers, err := ask(n, w, r, n.ordersHere)
	if err != nil {
		return err
	}
	limit, err := intParam(r, "limit", defaultRows, 1, maxRows)
	if err != nil {
		return err
	}
	type key struct {
		symbol string
		id     int64
	}
	latest := make(map[key]exchange.Order)
	for _, orders := range answers {
		for _, o := range orders {
			k := key{o.Symbol, o.ID}
			if known, ok := latest[k]; !ok || o.Supersedes(known) {
				latest[k] = o
			}
		}
	}
	openOnly, err := boolParam(r, "open")
	if err != nil {
		return err
	}
	merged := []exchange.Order{}
	for _, o := range latest {
		if !openOnly || !o.Status.Done() {
			merged = append(merged, o)
		}
	}
	slices.SortFunc(merged, func(a, b exchange.Order) int {
		return cmp.Or(cmp.Compare(b.Time, a.Time), cmp.Compare(b.ID, a.ID), cmp.Compare(a.Symbol, b.Symbol))
	})
	return answer(w, merged[:min(limit, len(merged))])
}

// getFills merges what the nodes have stored: a fill is where its symbol was traded.
func (n *Node) getFills(w http.ResponseWriter, r *http.Request) error {
	answers, err := ask(n, w, r, n.fillsHere)
	if err != nil {
		return err
	}
	limit, err := intParam(r, "limit", defaultRows, 1, maxRows)
	if err != nil {
		return err
	}
	type key struct{ order, trade int64 }
	seen := make(map[key]bool)
	merged := []exchange.Fill{}
	for _, f := range slices.Concat(answers...) {
		if k := (key{f.OrderID, f.TradeID}); !seen[k] {
			seen[k] = true
			merged = append(merged, f)
		}
	}
	slices.SortFunc(merged, func(a, b exchange.Fill) int {
		return cmp.Or(cmp.Compare(b.Time, a.Time), cmp.Compare(b.OrderID, a.OrderID), cmp.Compare(b.TradeID, a.TradeID))
	})
	return answer(w, merged[:min(limit, len(merged))])
}

// getPositions shows the positions as this node has them, with the latest states
// of their orders, which are stored where they were traded.
func (n *Node) getPositions(w http.ResponseWriter, r *http.Request) error {
	answers, err := ask(n, w, r, n.positionsHere)
	if err != nil {
		return err
	}
	return answer(w, mergePositions(answers))
}

// mergePositions returns the first node's positions with the latest states of their
// orders, whoever has them.
func mergePositions(answers [][]api.Position) []api.Position {
	type key struct{ symbol, id string }
	index := make(map[key]int)
	merged := answers[0]
	for i, p := range merged {
		index[key{p.Symbol, p.ID}] = i
	}
	for _, positions := range answers[1:] {
		for _, theirs := range positions {
			if i, ok := index[key{theirs.Symbol, theirs.ID}]; ok {
				merged[i].Buy = later(merged[i].Buy, theirs.Buy)
				merged[i].Sell = later(merged[i].Sell, theirs.Sell)
			}
		}
	}
	return merged
}

// later returns the later order, or the later state of one.
func later(a, b *exchange.Order) *exchange.Order {
	switch {
	case a == nil:
		return b
	case b == nil || b.ID < a.ID:
		return a
	case b.ID > a.ID || b.Supersedes(*a):
		return b
	default:
		return a
	}
}

func (n *Node) getTrades(w http.ResponseWriter, r *http.Request) error {
	answers, err := ask(n, w, r, n.tradesHere)
	if err != nil {
		return err
	}
	limit, err := intParam(r, "limit", defaultRows, 1, maxRows)
	if err != nil {
		return err
	}
	return answer(w, newest(answers, limit, func(t exchange.TradeEvent) int64 { return t.ID }))
}

func (n *Node) getCandles(w http.ResponseWriter, r *http.Request) error {
	answers, err := ask(n, w, r, n.candlesHere)
	if err != nil {
		return err
	}
	limit, err := intParam(r, "limit", defaultRows, 1, maxRows)
	if err != nil {
		return err
	}
	// Of two candles for one time the one of more trades is the whole one.
	for _, candles := range answers {
		slices.SortStableFunc(candles, func(a, b exchange.Candle) int { return cmp.Compare(b.Trades, a.Trades) })
	}
	return answer(w, newest(answers, limit, func(c exchange.Candle) int64 { return int64(c.StartTime) }))
}

// newest merges rows by key and returns the highest keys, in rising order.
func newest[T any](answers [][]T, limit int, key func(T) int64) []T {
	merged := []T{}
	seen := make(map[int64]bool)
	for _, rows := range answers {
		for _, row := range rows {
			if k := key(row); !seen[k] {
				seen[k] = true
				merged = append(merged, row)
			}
		}
	}
	slices.SortFunc(merged, func(a, b T) int { return cmp.Compare(key(a), key(b)) })
	return merged[max(0, len(merged)-limit):]
}

func (n *Node) getStatus(w http.ResponseWriter, r *http.Request) error {
	answers, err := ask(n, w, r, n.statusHere)
	if err != nil {
		return err
	}
	return answer(w, mergeStatus(answers))
}

// mergeStatus is the first node's status with the symbols of all: each as its owner
// sees it.
func mergeStatus(answers []api.Status) api.Status {
	status := answers[0]
	bySymbol := make(map[string]api.SymbolStatus)
	for _, a := range answers {
		for _, s := range a.Symbols {
			if known, ok := bySymbol[s.Symbol]; !ok || len(s.Parts) > len(known.Parts) {
				bySymbol[s.Symbol] = s
			}
		}
	}
	for i, s := range status.Symbols {
		status.Symbols[i] = bySymbol[s.Symbol]
	}
	return status
}
