package node_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/shopspring/decimal"

	"hedgehog/node"
	"hedgehog/node/access"
	"hedgehog/node/api"
)

// fetch asks a node for one of the addresses that are not below /api.
func (r *running) fetch(t *testing.T, path, accept string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+r.node.Address().String()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", accept)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatalf("get %s: %v", path, err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("get %s: %v", path, err)
	}
	return response.StatusCode, string(content)
}

// scrape is what a node's metrics are at a moment, by name.
type scrape map[string]*dto.MetricFamily

func (r *running) scrape(t *testing.T) scrape {
	t.Helper()
	status, body := r.fetch(t, "/metrics", "")
	if status != http.StatusOK {
		t.Fatalf("metrics: status %d: %s", status, body)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(body))
	if err != nil {
		t.Fatalf("metrics: %v", err)
	}
	return families
}

// String is what a test shows that waits in vain.
func (s scrape) String() string { return fmt.Sprintf("%d metrics, of %v", len(s), s.symbols()) }

// value is a metric's, with labels as in XRPUSDT,collect in order of their names, the
// count of a histogram; -1 when there is none.
func (s scrape) value(name, labels string) float64 {
	for _, m := range s[name].GetMetric() {
		var values []string
		for _, l := range m.GetLabel() {
			values = append(values, l.GetValue())
		}
		if strings.Join(values, ",") != labels {
			continue
		}
		switch s[name].GetType() {
		case dto.MetricType_COUNTER:
			return m.GetCounter().GetValue()
		case dto.MetricType_HISTOGRAM:
			return float64(m.GetHistogram().GetSampleCount())
		default:
			return m.GetGauge().GetValue()
		}
	}
	return -1
}

// symbols are those that have metrics of their own.
func (s scrape) symbols() []string {
	var symbols []string
	for _, m := range s["hedgehog_trading"].GetMetric() {
		symbols = append(symbols, m.GetLabel()[0].GetValue())
	}
	slices.Sort(symbols)
	return symbols
}

func TestMetricsTellOfACycleFromItsTradesToItsProfit(t *testing.T) {
	m := quietMarket(t)
	n := startNode(t, func(c *node.Config) { c.Exchange = m.url })
	c := everything()
	c.Budget, c.Chunks = ptr(decimal.New(100, 0)), ptr(1)
	n.must(t, "XRPUSDT", c)
	waitForStream(t, n)
	m.pass(t, 1, "0.5")
	placed := func(side string, count float64) func() (scrape, bool) {
		return func() (scrape, bool) {
			s := n.scrape(t)
			return s, s.value("hedgehog_orders_total", "placed,"+side) == count
		}
	}
	waitFor(t, "the buy", placed("BUY", 1))
	m.pass(t, 2, "0.49")
	waitFor(t, "the sell", placed("SELL", 1))
	waitFor(t, "the end of the cycle", func() (scrape, bool) {
		m.pass(t, nextTrade(m), "0.6") // the first one fills the sell, one after the news of that ends the cycle
		s := n.scrape(t)
		return s, s.value("hedgehog_cycles_total", "XRPUSDT") == 1
	})
	passed := float64(nextTrade(m) - 1)
	s := waitFor(t, "all trades to be stored", func() (scrape, bool) {
		s := n.scrape(t)
		return s, s.value("hedgehog_trades_stored_total", "XRPUSDT") == passed
	})
	for _, want := range []struct {
		name, labels string
		value        float64
	}{
		{"hedgehog_ready", "", 1},
		{"hedgehog_symbols_owned", "", 1},
		{"hedgehog_symbols_covered", "", 1},
		{"hedgehog_symbols_left_off", "", 0},
		{"hedgehog_raft_leader", "", 1},
		{"hedgehog_raft_quorum", "", 1},
		{"hedgehog_raft_servers", "voter", 1},
		{"hedgehog_members", "alive", 1},
		{"hedgehog_members", "failed", 0},
		{"hedgehog_takeovers_total", "failed_over", 0},
		{"hedgehog_bus_dropped_events_total", "own", 0},
		{"hedgehog_database_failed_writes_total", "", 0},
		{"hedgehog_exchange_info_known", "", 1},
		{"hedgehog_exchange_limit", "1m,request_weight", 6000},
		{"hedgehog_orders_total", "no_lease,BUY", 0},
		{"hedgehog_trades_published_total", "XRPUSDT", passed},
		{"hedgehog_trades_missing_total", "XRPUSDT", 0},
		{"hedgehog_stream_connections_total", "XRPUSDT", 1},
		{"hedgehog_trading", "XRPUSDT", 1},
		{"hedgehog_trading_refused", "XRPUSDT", 0},
		{"hedgehog_market_data_lag_seconds", "", passed},
		{"hedgehog_part_restarts_total", "collect,XRPUSDT", 0},
	} {
		if got := s.value(want.name, want.labels); got != want.value {
			t.Errorf("%s{%s} is %v, want %v", want.name, want.labels, got, want.value)
		}
	}
	for _, name := range []string{"hedgehog_raft_term", "hedgehog_raft_applied_index", "hedgehog_lease_left_seconds",
		"hedgehog_database_size_bytes", "hedgehog_database_write_seconds", "hedgehog_database_write_wait_seconds",
		"hedgehog_exchange_requests_total", "hedgehog_exchange_clock_error_seconds", "process_resident_memory_bytes", "go_goroutines"} {
		if got := s.value(name, ""); got <= 0 {
			t.Errorf("%s is %v, want more than 0", name, got)
		}
	}
	// The buy and the end of the cycle, and the next buy if that was as quick.
	if got := s.value("hedgehog_decision_latency_seconds", ""); got < 2 || got > 3 {
		t.Errorf("%v decisions, want 2 or 3", got)
	}
	if got := s.value("hedgehog_order_latency_seconds", ""); got < 2 || got > 3 {
		t.Errorf("%v acknowledged orders, want 2 or 3", got)
	}
	if got := s.value("hedgehog_exchange_limit_used", "1m,request_weight"); got <= 0 {
		t.Errorf("request weight used is %v", got)
	}
	sent := time.UnixMicro(int64(1e6 * s.value("hedgehog_last_trade_timestamp_seconds", "XRPUSDT")))
	if age := time.Since(sent); age < 0 || age > time.Minute {
		t.Errorf("the last trade was sent at %s, %s ago", sent, age)
	}
	positions, err := n.Positions(t.Context(), "XRPUSDT", true)
	if err != nil || positions[0].State != "finished" {
		t.Fatalf("positions %+v, %v", positions, err)
	}
	if got, want := s.value("hedgehog_profit", "USDT,XRPUSDT"), positions[0].Profit.InexactFloat64(); got != want || got <= 0 {
		t.Errorf("profit %v, want %v", got, want)
	}
}

func TestMetricsOfASymbolAreThereWhereItIsOwnedAlone(t *testing.T) {
	c := newTeam(t, busyMarket(t, teamSymbols...), "n1", "n2")
	c.tradeAll(teamSymbols...)
	all := slices.Sorted(slices.Values(teamSymbols))
	// A busy machine may move symbols at any time, so these are the least.
	var moved, before float64
	takeovers := func(s scrape) float64 {
		return s.value("hedgehog_takeovers_total", "handed_over") + s.value("hedgehog_takeovers_total", "failed_over")
	}
	waitFor(t, "each symbol to have metrics at one node", func() ([]string, bool) {
		n1, n2 := c.members["n1"].scrape(t), c.members["n2"].scrape(t)
		before, moved = takeovers(n1), float64(len(n2.symbols()))
		both := append(n1.symbols(), n2.symbols()...)
		slices.Sort(both)
		return both, slices.Equal(both, all) && moved > 0
	})
	if _, err := c.any().ChangeNode(t.Context(), "drain", api.NodeRequest{Node: "n2"}); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "n1 to have all symbols", func() ([]string, bool) {
		s := c.members["n1"].scrape(t).symbols()
		return s, slices.Equal(s, all) && len(c.members["n2"].scrape(t).symbols()) == 0
	})
	s := c.members["n1"].scrape(t)
	if got := takeovers(s) - before; got < moved {
		t.Errorf("n1 has taken over %v symbols, %v were n2's", got, moved)
	}
	if got := s.value("hedgehog_forward_connected", "n2"); got < 0 {
		t.Errorf("n1 tells nothing of n2: %v", s["hedgehog_forward_connected"])
	}
	if got := s.value("hedgehog_members", "alive"); got != 2 {
		t.Errorf("n1 sees %v members", got)
	}
}

func TestReadinessSaysWhatIsMissing(t *testing.T) {
	config := node.DefaultConfig()
	config.HTTP, config.DataDir, config.Exchange, config.Profile = "127.0.0.1:0", t.TempDir(), "http://127.0.0.1:1", "local"
	n, err := node.New(config, quiet())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("node ended with: %v", err)
		}
	})
	waitFor(t, "the node to listen", func() (string, bool) { return "", n.Address() != nil })
	r := &running{node: n}
	if status, body := r.fetch(t, "/healthz", ""); status != http.StatusOK || body != "alive\n" {
		t.Errorf("health: %d %q", status, body)
	}
	waitFor(t, "the exchange to be all that is missing", func() (api.Readiness, bool) {
		var readiness api.Readiness
		status, body := r.fetch(t, "/readyz", "application/json")
		if err := json.Unmarshal([]byte(body), &readiness); err != nil || status != http.StatusServiceUnavailable || readiness.Ready {
			t.Fatalf("readiness: %d %s, %v", status, body, err)
		}
		return readiness, len(readiness.Reasons) == 1 && strings.Contains(readiness.Reasons[0], "connection refused")
	})
	if status, body := r.fetch(t, "/readyz", ""); status != http.StatusServiceUnavailable || !strings.HasPrefix(body, "not ready\n- the exchange's symbols are not known yet: ") {
		t.Errorf("readiness in words: %d %q", status, body)
	}
	if got := r.scrape(t).value("hedgehog_ready", ""); got != 0 {
		t.Errorf("hedgehog_ready is %v", got)
	}
}

func TestMetricsNeedTheRoleReadAndProfilesAdmin(t *testing.T) {
	n := startNode(t, func(c *node.Config) { c.Exchange = quietMarket(t).url })
	root := n.makeToken(t, "root", "admin")
	made, err := n.with(t, root).MakeToken(t.Context(), api.NewToken{Name: "eye", Role: "read"})
	if err != nil {
		t.Fatal(err)
	}
	eye := access.Secret(made.Secret)
	for _, tt := range []struct {
		path               string
		none, reads, admin int
	}{
		{"/healthz", 200, 200, 200},
		{"/readyz", 200, 200, 200},
		{"/metrics", 401, 200, 200},
		{"/debug/pprof/", 401, 403, 200},
		{"/debug/pprof/heap", 401, 403, 200},
		{"/debug/pprof/cmdline", 401, 403, 200},
		{"/debug/pprof/profile?seconds=1", 401, 403, 200},
		{"/debug/pprof/symbol", 401, 403, 200},
		{"/debug/pprof/trace?seconds=0.01", 401, 403, 200},
	} {
		for _, as := range []struct {
			token  access.Secret
			status int
		}{{"", tt.none}, {eye, tt.reads}, {root, tt.admin}} {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+n.node.Address().String()+tt.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if as.token != "" {
				request.Header.Set("Authorization", "Bearer "+as.token.Text())
			}
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if response.StatusCode != as.status {
				t.Errorf("%s: status %d, want %d", tt.path, response.StatusCode, as.status)
			}
		}
	}
}

func TestAReadyNodeSaysSoAndShowsItsProfile(t *testing.T) {
	m := quietMarket(t)
	n := startNode(t, func(c *node.Config) { c.Exchange = m.url })
	waitFor(t, "the node to be ready", func() (string, bool) {
		status, body := n.fetch(t, "/readyz", "")
		return body, status == http.StatusOK && body == "ready\n"
	})
	if status, body := n.fetch(t, "/readyz", "application/json"); status != http.StatusOK || body != `{"ready":true,"reasons":[]}`+"\n" {
		t.Errorf("readiness: %d %q", status, body)
	}
	for path, has := range map[string]string{
		"/debug/pprof/":                  "goroutine",
		"/debug/pprof/goroutine?debug=1": "hedgehog/node",
		"/debug/pprof/cmdline":           "node.test",
	} {
		if status, body := n.fetch(t, path, ""); status != http.StatusOK || !strings.Contains(body, has) {
			t.Errorf("%s: status %d, %d bytes, want %q in it", path, status, len(body), has)
		}
	}
}
