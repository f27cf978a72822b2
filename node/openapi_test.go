package node_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	"hedgehog/node"
	"hedgehog/node/access"
	"hedgehog/node/api"
)

// described compares answers of a node with the API's description.
type described struct {
	document *openapi3.T
	router   routers.Router
	base     string
	token    access.Secret
}

func newDescribed(t *testing.T, n *running) *described {
	t.Helper()
	document, err := openapi3.NewLoader().LoadFromData(api.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	for _, schema := range document.Components.Schemas { // a field that is not described is a fault here
		if schema.Value.Properties != nil {
			schema.Value.AdditionalProperties = openapi3.AdditionalProperties{Has: ptr(false)}
		}
	}
	base := "http://" + n.node.Address().String()
	document.Servers = openapi3.Servers{{URL: base}}
	router, err := legacy.NewRouter(document)
	if err != nil {
		t.Fatal(err)
	}
	return &described{document: document, router: router, base: base}
}

// ask sends a request and returns status and body of the answer, which has to be as it
// is described.
func (d *described) ask(t *testing.T, method, path, body string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, d.base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	if d.token != "" {
		request.Header.Set("Authorization", "Bearer "+d.token.Text())
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	request.Body = http.NoBody
	route, parameters, err := d.router.FindRoute(request)
	if err != nil {
		t.Errorf("%s %s: %v", method, path, err)
		return answer.StatusCode, string(content)
	}
	kind, _, _ := strings.Cut(answer.Header.Get("Content-Type"), ";")
	options := &openapi3filter.Options{IncludeResponseStatus: true, ExcludeResponseBody: kind != "application/json"}
	err = openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: request, PathParams: parameters, Route: route},
		Status:                 answer.StatusCode, Header: answer.Header, Body: io.NopCloser(bytes.NewReader(content)), Options: options,
	})
	if err != nil {
		t.Errorf("%s %s is answered with %d %.300s: %v", method, path, answer.StatusCode, content, err)
	}
	if response := route.Operation.Responses.Status(answer.StatusCode); response != nil && len(content) > 0 && response.Value.Content.Get(kind) == nil {
		t.Errorf("%s %s is answered with the type %s, which is not described", method, path, kind)
	}
	return answer.StatusCode, string(content)
}

// is says whether the JSON is of the schema.
func (d *described) is(t *testing.T, schema, text string) {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%s %q: %v", schema, text, err)
	}
	if err := d.document.Components.Schemas[schema].Value.VisitJSON(value); err != nil {
		t.Errorf("%s %.300s: %v", schema, text, err)
	}
}

func TestAnswersAreAsTheyAreDescribed(t *testing.T) {
	m := quietMarket(t)
	n := startNode(t, func(c *node.Config) { c.Exchange = m.url })
	n.must(t, "XRPUSDT", everything())
	waitForStream(t, n)
	for id, price := range []string{"0.5", "0.49", "0.51", "0.512", "0.45"} { // a whole cycle, and more
		m.pass(t, int64(id)+1, price)
	}
	waitFor(t, "trades, orders, fills and positions", func() (bool, bool) {
		p, err := n.Profit(t.Context(), "XRPUSDT")
		trades, tradesErr := n.Trades(t.Context(), "XRPUSDT", 10)
		orders, ordersErr := n.Orders(t.Context(), "XRPUSDT", false, 10)
		fills, fillsErr := n.Fills(t.Context(), "XRPUSDT", 10)
		if len(fills) == 0 { // the trades so far may have been too early for the order
			m.pass(t, nextTrade(m), "0.45")
		}
		return true, fillsErr == nil && len(fills) > 0 && err == nil && len(p) == 1 && tradesErr == nil && len(trades) >= 5 && ordersErr == nil && len(orders) > 1
	})
	d := newDescribed(t, n)
	root := n.makeToken(t, "root", "admin")
	d.token = root
	d.answers(t, root)
	d.backtest(t)
	d.refusals(t)
}

// answers asks for what is there.
func (d *described) answers(t *testing.T, root access.Secret) {
	t.Helper()
	for _, tt := range []struct {
		method, path, body string
		status             int
		has                string
	}{
		{"GET", "/api/v1/status", "", 200, "XRPUSDT"},
		{"GET", "/api/v1/symbols", "", 200, "XRPUSDT"},
		{"GET", "/api/v1/symbols/XRPUSDT", "", 200, "XRPUSDT"},
		{"PATCH", "/api/v1/symbols/XRPUSDT", `{"budget":"200.5","aggregating":true}`, 200, "200.5"},
		{"GET", "/api/v1/orders?symbol=XRPUSDT", "", 200, "BUY"},
		{"GET", "/api/v1/fills?symbol=XRPUSDT", "", 200, `"side":"BUY"`},
		{"GET", "/api/v1/positions?symbol=XRPUSDT&all=true", "", 200, `"buy":{`},
		{"GET", "/api/v1/profit", "", 200, "XRPUSDT"},
		{"GET", "/api/v1/trades?symbol=XRPUSDT", "", 200, `"trade_id":5`},
		{"GET", "/api/v1/candles?symbol=XRPUSDT&minutes=5", "", 200, "["},
		{"POST", "/api/v1/replay", `{"symbol":"XRPUSDT","speed":0}`, 200, `"done":true`},
		{"GET", "/api/v1/cluster", "", 200, "n1"},
		{"GET", "/api/v1/cluster/symbols", "", 200, "XRPUSDT"},
		{"GET", "/api/v1/cluster/events?limit=5", "", 200, "XRPUSDT"},
		{"POST", "/api/v1/cluster/assign", `{"symbols":["XRP*"],"weight":2}`, 200, "XRPUSDT"},
		{"POST", "/api/v1/cluster/assign", `{"all":true,"unassign":true,"dry_run":true}`, 200, `"from":"n1"`},
		{"POST", "/api/v1/cluster/pin", `{"symbols":["XRPUSDT"],"node":"n1"}`, 200, "XRPUSDT"},
		{"POST", "/api/v1/cluster/drain", `{"node":"n1","dry_run":true}`, 200, "moves"},
		{"POST", "/api/v1/cluster/undrain", `{"node":"n1"}`, 200, "moves"},
		{"POST", "/api/v1/cluster/rebalance?dry_run=true", "", 200, "moves"},
		{"POST", "/api/v1/cluster/transfer-leader", `{"node":"","dry_run":true}`, 200, "moves"},
		{"GET", "/api/v1/session", "", 200, "root"},
		{"POST", "/api/v1/session", fmt.Sprintf(`{"token":%q}`, root.Text()), 200, "session"},
		{"DELETE", "/api/v1/session", "", 204, ""},
		{"POST", "/api/v1/tokens", `{"name":"bot","role":"trade","expires_us":9000000000000000}`, 200, "hh_"},
		{"GET", "/api/v1/tokens", "", 200, "bot"},
		{"DELETE", "/api/v1/tokens/bot", "", 204, ""},
		{"GET", "/api/v1/openapi.yaml", "", 200, "openapi:"},
		{"GET", "/healthz", "", 200, "alive"},
		{"GET", "/readyz", "", 200, "ready"},
		{"GET", "/metrics", "", 200, "# TYPE"},
		{"GET", "/debug/pprof/", "", 200, "goroutine"},
		{"GET", "/debug/pprof/cmdline", "", 200, ""},
		{"GET", "/debug/pprof/symbol", "", 200, "num_symbols"},
		{"GET", "/api/v1/trials", "", 200, "jobs"},
		{"GET", "/api/v1/trials/trades/x?symbol=XRPUSDT&first=1&count=2", "", 404, "send them"},
	} {
		status, text := d.ask(t, tt.method, tt.path, tt.body)
		if status != tt.status || !strings.Contains(text, tt.has) {
			t.Errorf("%s %s: %d %.300s, want %d with %q", tt.method, tt.path, status, text, tt.status, tt.has)
		}
		if tt.path == "/api/v1/replay" {
			for line := range strings.Lines(text) {
				if strings.TrimSpace(line) != "" {
					d.is(t, "ReplayProgress", line)
				}
			}
		}
	}
}

// backtest has the node try settings on the trades that are stored.
func (d *described) backtest(t *testing.T) {
	t.Helper()
	status, text := d.ask(t, "POST", "/api/v1/backtests", `{"symbol":"XRPUSDT","settings":{"chunks":2}}`)
	var made api.Backtest
	if err := json.Unmarshal([]byte(text), &made); err != nil || status != http.StatusAccepted {
		t.Fatalf("backtest: %d %s, %v", status, text, err)
	}
	waitFor(t, "the backtest to end", func() (bool, bool) {
		_, text = d.ask(t, "GET", "/api/v1/backtests/"+made.ID, "")
		return true, !strings.Contains(text, `"state":"running"`) && !strings.Contains(text, `"state":"waiting"`)
	})
	if !strings.Contains(text, `"state":"done"`) {
		t.Errorf("the backtest has come to %s", text)
	}
	for _, tt := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/api/v1/backtests", 200},
		{"GET", "/api/v1/backtests/" + made.ID + "/report", 200},
		{"DELETE", "/api/v1/backtests/" + made.ID, 204},
		{"GET", "/api/v1/backtests/" + made.ID, 404},
		{"POST", "/api/v1/backtests", 400},
	} {
		if status, text := d.ask(t, tt.method, tt.path, ""); status != tt.status {
			t.Errorf("%s %s: %d %.300s, want %d", tt.method, tt.path, status, text, tt.status)
		}
	}
}

// refusals asks for what can't be.
func (d *described) refusals(t *testing.T) {
	t.Helper()
	for _, tt := range []struct {
		method, path, body string
		status             int
	}{
		{"PATCH", "/api/v1/symbols/XRPUSDT", `{"color":"red"}`, 400},
		{"PATCH", "/api/v1/symbols/NOPE", `{}`, 404},
		{"PATCH", "/api/v1/symbols/XRPUSDT", `{"trading_status":"off","chunks":0}`, 400},
		{"GET", "/api/v1/fills", "", 400},
		{"GET", "/api/v1/fills?symbol=NOPE", "", 404},
		{"GET", "/api/v1/trades", "", 400},
		{"GET", "/api/v1/orders?symbol=NOPE", "", 404},
		{"GET", "/api/v1/watch?topic=x", "", 400},
		{"GET", "/api/v1/live", "", 400},
		{"POST", "/api/v1/replay", `{"symbol":"NOPE"}`, 404},
		{"POST", "/api/v1/cluster/assign", `{}`, 400},
		{"POST", "/api/v1/cluster/remove", `{"node":"n1"}`, 409},
		{"POST", "/api/v1/cluster/drain", `{"node":"n9"}`, 404},
		{"POST", "/api/v1/session", `{"token":"x"}`, 401},
		{"POST", "/api/v1/tokens", `{"name":"root","role":"admin"}`, 409},
		{"DELETE", "/api/v1/tokens/none", "", 404},
		{"POST", "/api/v1/trials", `{}`, 400},
		{"GET", "/api/v1/trials?node=n9", "", 400},
	} {
		if status, text := d.ask(t, tt.method, tt.path, tt.body); status != tt.status {
			t.Errorf("%s %s %s: %d %s, want %d", tt.method, tt.path, tt.body, status, text, tt.status)
		}
	}
	d.token = "hh_wrong"
	if status, _ := d.ask(t, "GET", "/api/v1/status", ""); status != 401 {
		t.Errorf("status with a wrong token: %d, want 401", status)
	}
}

func TestWhatIsToldLiveIsAsItIsDescribed(t *testing.T) {
	m := quietMarket(t)
	n := startNode(t, func(c *node.Config) { c.Exchange = m.url })
	n.must(t, "XRPUSDT", everything())
	waitForStream(t, n)
	d := newDescribed(t, n)
	live, err := n.Live(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close()
	if err := live.Watch("TRADE_EVENTS:XRPUSDT"); err != nil {
		t.Fatal(err)
	}
	schemas := map[string]string{api.LiveCluster: "ClusterStatus", api.LiveStatus: "Status"}
	events := map[string]string{api.LiveSymbols: "ClusterSymbol", api.LiveEvents: "ClusterEvent"}
	for seen := make(map[string]bool); len(seen) < 7; {
		frame, err := live.Next()
		if err != nil {
			t.Fatal(err)
		}
		if frame.Kind == api.LiveWatching {
			m.pass(t, 1, "0.5")
		}
		seen[frame.Kind] = true
		text, err := json.Marshal(frame)
		if err != nil {
			t.Fatal(err)
		}
		d.is(t, "LiveFrame", string(text))
		switch {
		case schemas[frame.Kind] != "":
			d.is(t, schemas[frame.Kind], string(frame.Data))
		case frame.Kind == api.LiveMessage:
			d.is(t, "TradeEvent", string(frame.Data))
		case events[frame.Kind] != "":
			var list []json.RawMessage
			if err := json.Unmarshal(frame.Data, &list); err != nil {
				t.Fatal(err)
			}
			for _, one := range list {
				d.is(t, events[frame.Kind], string(one))
			}
		}
	}
}
