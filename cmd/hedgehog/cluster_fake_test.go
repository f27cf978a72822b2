package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"hedgehog/node/api"
)

// fakeCluster answers as a node of a cluster does, with what the test has put
// in it.
type fakeCluster struct {
	url string

	mu       sync.Mutex
	status   api.ClusterStatus   // guarded by mu
	events   []api.ClusterEvent  // guarded by mu
	plan     api.Plan            // the answer to every change; guarded by mu
	symbols  []api.ClusterSymbol // guarded by mu
	later    []func(*fakeCluster)
	requests []string // path and body of the changes; guarded by mu
	down     bool     // no request is answered properly; guarded by mu
}

// newFakeCluster returns a node of three that own two symbols.
func newFakeCluster(t testing.TB) *fakeCluster {
	f := &fakeCluster{status: threeNodes(), symbols: twoSymbols(), plan: api.Plan{
		Symbols: []string{"BNBBTC", "XRPETH"}, Moves: []api.Move{{Symbol: "BNBBTC", From: "n1", To: "n2"}, {Symbol: "XRPETH", To: "n3"}},
	}}
	mux := http.NewServeMux()
	get := func(path string, body func() any) {
		mux.HandleFunc("GET /api/v1"+path, func(w http.ResponseWriter, _ *http.Request) {
			f.mu.Lock()
			defer f.mu.Unlock()
			if f.down {
				answer(w, http.StatusServiceUnavailable, api.Problem{Error: "the disk is full"})
				return
			}
			answer(w, http.StatusOK, body())
		})
	}
	get("/cluster", func() any {
		// What happens meanwhile happens between two questions.
		status := f.status
		status.Nodes = slices.Clone(status.Nodes)
		if len(f.later) > 0 {
			f.later[0](f)
			f.later = f.later[1:]
		}
		return status
	})
	get("/cluster/symbols", func() any { return f.symbols })
	get("/cluster/events", func() any { return f.events })
	mux.HandleFunc("POST /api/v1/cluster/{what}", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			answer(w, http.StatusBadRequest, api.Problem{Error: err.Error()})
			return
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.down {
			answer(w, http.StatusConflict, api.Problem{Error: `unknown node "n9"`})
			return
		}
		address := strings.TrimPrefix(r.URL.String(), "/api/v1/cluster/")
		f.requests = append(f.requests, strings.TrimSpace(address+" "+string(body)))
		answer(w, http.StatusOK, f.plan)
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	f.url = srv.URL
	return f
}

func threeNodes() api.ClusterStatus {
	node := func(i string, role string, symbols int) api.ClusterNode {
		return api.ClusterNode{Name: "n" + i, State: "alive", Role: role, Version: "1.2.3", Weight: 1, Address: "127.0.0.1:794" + i,
			Peer: "127.0.0.1:795" + i, HTTP: "127.0.0.1:808" + i, SinceUS: noon, UptimeSeconds: 3725, ActiveSymbols: symbols}
	}
	return api.ClusterStatus{Node: "n2", Leader: "n1", Term: 4, Quorum: true,
		Nodes: []api.ClusterNode{node("1", "leader", 1), node("2", "voter", 1), node("3", "voter", 0)}}
}

func twoSymbols() []api.ClusterSymbol {
	return []api.ClusterSymbol{
		{Symbol: "BNBBTC", Node: "n1", Epoch: 3, SinceUS: noon, Weight: 1, Active: true},
		{Symbol: "XRPETH", Node: "n2", Epoch: 12, SinceUS: noon + 500_000, Weight: 5, Pin: "n2", Next: "n3", Active: true},
	}
}

// own makes the node the owner of the symbol.
func (f *fakeCluster) own(symbol, node string) {
	i := slices.IndexFunc(f.symbols, func(s api.ClusterSymbol) bool { return s.Symbol == symbol })
	f.symbols = slices.Clone(f.symbols)
	f.symbols[i].Node = node
}

// sent returns the changes that were asked for.
func (f *fakeCluster) sent() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.requests
}
