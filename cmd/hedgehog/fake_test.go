package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
	"hedgehog/node/api"
)

// fakeNode answers as a node does, with what the test has put in it.
type fakeNode struct {
	url      string
	status   []api.Status // one for each time that it is asked, the last one for ever
	settings map[string]api.Settings
	answers  map[string]any  // by path with query
	lines    []string        // of a watch or a replay
	endless  bool            // it goes on after its lines
	changes  []string        // the bodies of the changes, each after its symbol, and of the replays
	refusal  string          // why it does not replay
	failing  map[string]bool // symbols whose settings can't be stored
	missing  string          // nodes that did not answer it
}

// newFakeNode returns a node with the symbols XRPETH and BNBBTC, on which
// nothing is on.
func newFakeNode(t testing.TB) *fakeNode {
	f := &fakeNode{settings: make(map[string]api.Settings), answers: make(map[string]any), failing: make(map[string]bool)}
	for _, symbol := range []string{"BNBBTC", "XRPETH"} {
		f.settings[symbol] = api.Settings{Symbol: symbol, Trading: api.Trading{
			Status: "off", Chunks: 5, Budget: dec("1000"), BuyDownInterval: dec("0.0001"), ProfitTarget: dec("0.002"), RebuyInterval: dec("0.001"),
		}}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/status", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, f.status[0])
		if len(f.status) > 1 {
			f.status = f.status[1:]
		}
	})
	mux.HandleFunc("GET /api/v1/symbols", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, []api.Settings{f.settings["BNBBTC"], f.settings["XRPETH"]})
	})
	mux.HandleFunc("GET /api/v1/symbols/{symbol}", f.symbol)
	mux.HandleFunc("PATCH /api/v1/symbols/{symbol}", f.symbol)
	mux.HandleFunc("GET /api/v1/watch", f.tell)
	mux.HandleFunc("POST /api/v1/replay", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		f.changes = append(f.changes, string(body))
		if f.refusal != "" {
			answer(w, http.StatusConflict, api.Problem{Error: f.refusal})
			return
		}
		f.tell(w, r)
	})
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		if found, ok := f.answers[r.URL.String()]; ok {
			if f.missing != "" {
				w.Header().Set(api.MissingHeader, f.missing)
			}
			answer(w, http.StatusOK, found)
			return
		}
		answer(w, http.StatusBadRequest, api.Problem{Error: "unexpected request " + r.URL.String()})
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	f.url = srv.URL
	return f
}

// tell sends the lines of a watch or a replay.
func (f *fakeNode) tell(w http.ResponseWriter, r *http.Request) {
	for _, line := range f.lines {
		fmt.Fprintln(w, line)
	}
	if f.endless {
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
}

// symbol answers with a symbol's settings, changed as far as the tests look at it.
func (f *fakeNode) symbol(w http.ResponseWriter, r *http.Request) {
	symbol := r.PathValue("symbol")
	s, known := f.settings[symbol]
	switch {
	case !known:
		answer(w, http.StatusNotFound, api.Problem{Error: `unknown symbol: "` + symbol + `" is not one of the 2 that the exchange lists`})
		return
	case f.failing[symbol]:
		answer(w, http.StatusServiceUnavailable, api.Problem{Error: "the disk is full"})
		return
	case r.Method == http.MethodPatch:
		var body json.RawMessage
		var change api.Change
		if json.NewDecoder(r.Body).Decode(&body) != nil || json.Unmarshal(body, &change) != nil {
			answer(w, http.StatusBadRequest, api.Problem{Error: "not a change"})
			return
		}
		f.changes = append(f.changes, symbol+" "+string(body))
		set(&s.Streaming, change.Streaming)
		set(&s.Aggregating, change.Aggregating)
		set(&s.Collecting.TradeEvents, change.CollectTrades)
		set(&s.Collecting.Orders, change.CollectOrders)
		set(&s.Collecting.OHLC, change.CollectOHLC)
		set(&s.Trading.Status, change.TradingStatus)
		set(&s.Trading.Budget, change.Budget)
		f.settings[symbol] = s
	}
	answer(w, http.StatusOK, s)
}

func set[T any](field *T, to *T) {
	if to != nil {
		*field = *to
	}
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client sees an answer that broke off
}

func dec(s string) decimal.Decimal { return decimal.RequireFromString(s) }

// noon is a time for everything that has one: 2019-10-11 12:00:00 UTC.
const noon = exchange.Micros(1570795200_000_000)

func order(id int64, side exchange.Side, status exchange.Status, price, quantity, executed string) exchange.Order {
	return exchange.Order{Symbol: "XRPETH", ID: id, ClientID: fmt.Sprintf("hh-k1m0zxts-0-%.1s1", side), Side: side, Status: status, Price: dec(price),
		OriginalQuantity: dec(quantity), ExecutedQuantity: dec(executed), Time: noon, UpdateTime: noon + 1_500_000}
}
