package node_test

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
	"hedgehog/node"
	"hedgehog/node/api"
)

func TestANodeTriesSettingsOnWhatItHasStored(t *testing.T) {
	m := quietMarket(t)
	n := startNode(t, func(c *node.Config) { c.Exchange = m.url })
	collecting := api.Change{Streaming: ptr(true), CollectTrades: ptr(true), Budget: ptr(decimal.New(200, 0))}
	n.must(t, "XRPUSDT", collecting)
	waitForStream(t, n)
	prices := []string{"0.5", "0.49", "0.51", "0.51"}
	for id := range int64(40) {
		m.pass(t, id+1, prices[id%4])
	}
	stored := waitFor(t, "the trades to be stored", func() ([]exchange.TradeEvent, bool) {
		trades, err := n.Trades(t.Context(), "XRPUSDT", 100)
		return trades, err == nil && len(trades) > 0 && trades[len(trades)-1].ID == 40
	})
	request := api.BacktestRequest{Symbol: "XRPUSDT", FromUS: stored[0].TradeTime, Settings: api.BacktestChange{Chunks: ptr(1)}}
	added, err := n.StartBacktest(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	if s := added.Settings; s.Chunks != 1 || !s.Budget.Equal(decimal.New(200, 0)) || added.ID == "" {
		t.Errorf("asked for %+v, want the symbol's settings with 1 chunk", added)
	}
	b := waitFor(t, "the backtest to end", func() (api.BacktestResult, bool) {
		b, err := n.Backtest(t.Context(), added.ID)
		if err != nil {
			t.Fatal(err)
		}
		return b, b.EndedUS != 0
	})
	if b.State != api.BacktestDone || b.Summary.Trades != int64(len(stored)) || b.Summary.Cycles == 0 || b.Summary.Profit.Sign() <= 0 || b.Result.Cycles != b.Summary.Cycles {
		t.Fatalf("backtest %+v, %+v; want some profitable cycles", b.Backtest, b.Summary)
	}
	d := newDescribed(t, n)
	for _, path := range []string{"", "/" + b.ID, "/" + b.ID + "/report", "/none"} {
		d.ask(t, http.MethodGet, "/api/v1/backtests"+path, "")
	}
	d.ask(t, http.MethodPost, "/api/v1/backtests", `{"symbol":"XRPUSDT","settings":{"budget":"50"}}`)
	page, err := n.BacktestReport(t.Context(), b.ID)
	if err != nil || !strings.Contains(string(page), "the symbol&#39;s, but chunks") {
		t.Errorf("report %.200s, %v: does not say which settings it is of", page, err)
	}
	all, err := n.Backtests(t.Context())
	if err != nil || len(all) != 2 || all[1].ID != b.ID {
		t.Errorf("backtests %+v, %v", all, err)
	}
	if err := n.DeleteBacktest(t.Context(), b.ID); err != nil {
		t.Errorf("delete: %v", err)
	}
	if _, err := n.Backtest(t.Context(), b.ID); status(t, err) != http.StatusNotFound {
		t.Errorf("get what was deleted: %v", err)
	}
}

func TestAReportCanNeitherReachTheAPINorLoadAnything(t *testing.T) {
	m := quietMarket(t)
	n := startNode(t, func(c *node.Config) { c.Exchange = m.url })
	n.must(t, "XRPUSDT", api.Change{Streaming: ptr(true), CollectTrades: ptr(true)})
	waitForStream(t, n)
	m.pass(t, 1, "0.5")
	b := waitFor(t, "a backtest of what is stored", func() (api.Backtest, bool) {
		b, err := n.StartBacktest(t.Context(), api.BacktestRequest{Symbol: "XRPUSDT"})
		return b, err == nil
	})
	waitFor(t, "its end", func() (api.BacktestResult, bool) {
		b, err := n.Backtest(t.Context(), b.ID)
		return b, err == nil && b.State == api.BacktestDone
	})
	answer, err := http.Get("http://" + n.node.Address().String() + "/api/v1/backtests/" + b.ID + "/report")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	policy := strings.Split(answer.Header.Get("Content-Security-Policy"), "; ")
	for _, want := range []string{"sandbox allow-scripts", "default-src 'none'", "frame-ancestors 'self'"} {
		if !slices.Contains(policy, want) {
			t.Errorf("policy %q lacks %q", policy, want)
		}
	}
	if got := answer.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/html") {
		t.Errorf("content type %q", got)
	}
}

func TestABacktestThatCannotBeIsRefused(t *testing.T) {
	m := quietMarket(t)
	n := startNode(t, func(c *node.Config) { c.Exchange = m.url })
	for body, want := range map[string]int{
		``:                   http.StatusBadRequest,
		`{}`:                 http.StatusBadRequest,
		`{"symbol":"no/pe"}`: http.StatusBadRequest,
		`{"symbol":"XRPUSDT","from_us":5,"to_us":5}`:                        http.StatusBadRequest,
		`{"symbol":"XRPUSDT","from_us":-5}`:                                 http.StatusBadRequest,
		`{"symbol":"XRPUSDT","settings":{"chunks":0}}`:                      http.StatusBadRequest,
		`{"symbol":"XRPUSDT","settings":{"budget":"-1"}}`:                   http.StatusBadRequest,
		`{"symbol":"XRPUSDT","settings":{"budget":"1e1000000000"}}`:         http.StatusBadRequest,
		`{"symbol":"XRPUSDT","settings":{"profit_target":"1e-1000000000"}}`: http.StatusBadRequest,
		`{"symbol":"XRPUSDT","settings":{"spread":"1"}}`:                    http.StatusBadRequest,
		`{"symbol":"NOPE"}`:    http.StatusNotFound,
		`{"symbol":"XRPUSDT"}`: http.StatusNotFound, // it has no trades
		`{"symbol":"XRPUSDT","settings":{"chunks":1},"allow_holes":true,"from_us":100}`: http.StatusNotFound,
	} {
		answer, err := http.Post("http://"+n.node.Address().String()+"/api/v1/backtests", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		var p api.Problem
		if err != nil || answer.StatusCode != want || json.Unmarshal(content, &p) != nil || p.Error == "" || len(p.Error) > 1000 {
			t.Errorf("%s is answered with %d %.300s, want status %d and why", body, answer.StatusCode, content, want)
		}
	}
	for name, call := range map[string]func() error{
		"get":    func() error { _, err := n.Backtest(t.Context(), "nope"); return err },
		"report": func() error { _, err := n.BacktestReport(t.Context(), "nope"); return err },
		"delete": func() error { return n.DeleteBacktest(t.Context(), "nope") },
	} {
		if got := status(t, call()); got != http.StatusNotFound {
			t.Errorf("%s of an unknown one: status %d, want 404", name, got)
		}
	}
}
