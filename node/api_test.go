package node_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
	"hedgehog/exchange/sim"
	"hedgehog/node"
	"hedgehog/node/api"
)

// quietMarket serves an exchange with XRPUSDT on which nothing happens by itself.
func quietMarket(t testing.TB) *market {
	t.Helper()
	rules, err := sim.SymbolFor("XRPUSDT")
	if err != nil {
		t.Fatal(err)
	}
	return openMarket(t, sim.DefaultConfig(sim.InfoFor([]exchange.Symbol{rules})))
}

// pass lets a trade happen.
func (m *market) pass(t testing.TB, id int64, price string) {
	t.Helper()
	err := m.engine.Trade(exchange.TradeEvent{
		Symbol: "XRPUSDT", ID: id, Price: decimal.RequireFromString(price), Quantity: decimal.New(1000, 0),
		TradeTime: exchange.MicrosOf(m.engine.Now()),
	})
	if err != nil {
		t.Fatalf("trade %d: %v", id, err)
	}
}

func status(t *testing.T, err error) int {
	t.Helper()
	var s *api.StatusError
	if !errors.As(err, &s) {
		t.Fatalf("error %v, want an answer of the node", err)
	}
	return s.Status
}

func TestWrongRequestsAreRefusedAndSayWhatIsWrong(t *testing.T) {
	m := quietMarket(t)
	n := startNode(t, func(c *node.Config) { c.Exchange = m.url })
	tests := []struct {
		name   string
		ask    func(context.Context) error
		status int
		says   string
	}{
		{"unknown symbol", func(ctx context.Context) error { _, err := n.Change(ctx, "NOPE", everything()); return err }, 404, "NOPE"},
		{"orders of an unknown symbol", func(ctx context.Context) error { _, err := n.Orders(ctx, "NOPE", false, 10); return err }, 404, "NOPE"},
		{"not a symbol", func(ctx context.Context) error { _, err := n.Orders(ctx, "no/pe", false, 10); return err }, 400, "no/pe"},
		{"chunks", func(ctx context.Context) error {
			_, err := n.Change(ctx, "XRPUSDT", api.Change{Chunks: ptr(0)})
			return err
		}, 400, "chunks 0"},
		{"budget", func(ctx context.Context) error {
			_, err := n.Change(ctx, "XRPUSDT", api.Change{Budget: ptr(decimal.New(-5, 0))})
			return err
		}, 400, "budget -5"},
		{"status", func(ctx context.Context) error {
			_, err := n.Change(ctx, "XRPUSDT", api.Change{TradingStatus: ptr("maybe")})
			return err
		}, 400, `"maybe"`},
		{"shutdown of what is off", func(ctx context.Context) error {
			_, err := n.Change(ctx, "XRPUSDT", api.Change{TradingStatus: ptr("shutdown")})
			return err
		}, 409, "nothing to shut down"},
		{"limit", func(ctx context.Context) error { _, err := n.Trades(ctx, "XRPUSDT", 0); return err }, 400, "limit"},
		{"minutes", func(ctx context.Context) error { _, err := n.Candles(ctx, "XRPUSDT", 7, 10); return err }, 400, "minutes 7"},
		{"topic", func(ctx context.Context) error { return n.Watch(ctx, "TRADES:XRPUSDT", nil) }, 400, "TRADE_EVENTS"},
		{"topic of an unknown symbol", func(ctx context.Context) error { return n.Watch(ctx, "ORDERS:NOPE", nil) }, 404, "NOPE"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.ask(t.Context())
			if got := status(t, err); got != tt.status || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("status %d %q, want %d naming %q", got, err, tt.status, tt.says)
			}
		})
	}
	s, err := n.Symbol(t.Context(), "XRPUSDT")
	if err != nil || s.Trading.Chunks != 5 || s.Trading.Status != "off" {
		t.Errorf("settings after refused changes: %+v, %v", s, err)
	}
}

func TestOtherSitesCannotReachTheAPI(t *testing.T) {
	m := quietMarket(t)
	n := startNode(t, func(c *node.Config) { c.Exchange = m.url })
	address := "http://" + n.node.Address().String() + "/api/v1/symbols/XRPUSDT"
	for name, change := range map[string]func(*http.Request){
		"a page of another origin":  func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") },
		"a name made to point here": func(r *http.Request) { r.Host = "evil.example:8080" },
	} {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, address, strings.NewReader(`{"streaming":true}`))
			if err != nil {
				t.Fatal(err)
			}
			change(r)
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if answer.StatusCode != http.StatusForbidden {
				t.Errorf("status %d, want 403", answer.StatusCode)
			}
		})
	}
}

func TestAWatcherSeesEventsAsTheyPass(t *testing.T) {
	m := quietMarket(t)
	n := startNode(t, func(c *node.Config) { c.Exchange = m.url })
	n.must(t, "XRPUSDT", api.Change{Streaming: ptr(true)})
	waitForStream(t, n)
	seen := make(chan string, 10)
	ctx, cancel := context.WithCancel(t.Context())
	watched := make(chan error, 1)
	go func() {
		watched <- n.Watch(ctx, "TRADE_EVENTS:XRPUSDT", func(line []byte) error { seen <- string(line); return nil })
	}()
	// Trades pass until the watcher, who comes at some time, has seen one.
	id := int64(0)
	line := waitFor(t, "the watcher to see a trade", func() (string, bool) {
		id++
		m.pass(t, id, "0.5")
		select {
		case line := <-seen:
			return line, true
		default:
			return "", false
		}
	})
	if !strings.Contains(line, `"topic":"TRADE_EVENTS:XRPUSDT"`) || !strings.Contains(line, `"price":"0.5"`) {
		t.Errorf("line %s", line)
	}
	cancel()
	if err := <-watched; !errors.Is(err, context.Canceled) {
		t.Errorf("watch ended with %v", err)
	}
}

func waitForStream(t testing.TB, n *running) {
	t.Helper()
	waitFor(t, "the exchange to have a subscriber", func() (api.Status, bool) {
		s, err := n.Status(t.Context())
		return s, err == nil && len(s.Symbols) == 1 && s.Symbols[0].StreamConnected
	})
}

func TestWhatWasOnStartsAgainWithItsPositions(t *testing.T) {
	m := quietMarket(t)
	dir := t.TempDir()
	start := func() *running {
		n := startNode(t, func(c *node.Config) { c.Exchange, c.DataDir = m.url, dir })
		return n
	}
	n := start()
	c := everything()
	c.Budget = ptr(decimal.New(100, 0))
	n.must(t, "XRPUSDT", c)
	waitForStream(t, n)
	m.pass(t, 1, "0.5")
	before := waitFor(t, "a position", func() ([]api.Position, bool) {
		p, err := n.Positions(t.Context(), "XRPUSDT", false)
		return p, err == nil && len(p) == 1 && p[0].Buy != nil
	})
	if err := n.stop(); err != nil {
		t.Fatalf("stop: %v", err)
	}
	m.pass(t, 2, "0.49") // fills the buy while nobody looks

	n = start()
	after := waitFor(t, "the position to sell", func() ([]api.Position, bool) {
		m.pass(t, nextTrade(m), "0.498")
		// The news of the buy and the position's sell are stored each on its own way.
		p, err := n.Positions(t.Context(), "XRPUSDT", false)
		return p, err == nil && len(p) > 0 && p[0].Sell != nil && p[0].Buy != nil && p[0].Buy.Status == exchange.Filled
	})
	if after[0].ID != before[0].ID {
		t.Errorf("position %+v, was %+v", after[0], before[0])
	}
	trades := waitFor(t, "the missed trades", func() ([]exchange.TradeEvent, bool) {
		trades, err := n.Trades(t.Context(), "XRPUSDT", 3)
		return trades, err == nil && len(trades) == 3
	})
	for i := 1; i < len(trades); i++ {
		if trades[i].ID != trades[i-1].ID+1 {
			t.Errorf("trade %d follows %d", trades[i].ID, trades[i-1].ID)
		}
	}
}

func nextTrade(m *market) int64 {
	trades, err := m.engine.Trades("XRPUSDT", 0, 1)
	if err != nil || len(trades) == 0 {
		return 1
	}
	return trades[0].ID + 1
}

func TestAShutdownThatIsCompleteTurnsTradingOff(t *testing.T) {
	m := quietMarket(t)
	n := startNode(t, func(c *node.Config) { c.Exchange = m.url })
	n.must(t, "XRPUSDT", everything())
	n.must(t, "XRPUSDT", api.Change{TradingStatus: ptr("shutdown")})
	s := waitFor(t, "trading to be off", func() (api.Settings, bool) {
		s, err := n.Symbol(t.Context(), "XRPUSDT")
		return s, err == nil && s.Trading.Status == "off"
	})
	if !s.Streaming || !s.Collecting.Orders {
		t.Errorf("settings %+v: the shutdown changed more than trading", s)
	}
}

func TestANodeThatCannotStartSaysWhy(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	m := quietMarket(t)
	other := t.TempDir()
	startNode(t, func(c *node.Config) { c.Exchange, c.DataDir = m.url, other })
	for _, tt := range []struct {
		name   string
		change func(*node.Config)
		says   string
	}{
		{"the port is in use", func(c *node.Config) { c.HTTP = taken.Addr().String() }, "--http"},
		{"the data directory can't be made", func(c *node.Config) { c.DataDir = filepath.Join(file, "data") }, "--data-dir"},
		{"another node has the database", func(c *node.Config) { c.DataDir = other }, "in use"},
		{"an address without a port", func(c *node.Config) { c.HTTP = "127.0.0.1" }, "HOST:PORT"},
		{"a certificate without its key", func(c *node.Config) { c.HTTPCert = "cert.pem" }, "HTTP key"},
		{"an exchange that is none", func(c *node.Config) { c.Exchange = "bitfinex" }, "bitfinex"},
		{"a key without its secret", func(c *node.Config) { c.APIKey = "key" }, "API secret"},
		{"a bad name", func(c *node.Config) { c.Name = "a b" }, `"a b"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			config := node.DefaultConfig()
			config.HTTP, config.DataDir, config.Exchange = "127.0.0.1:0", t.TempDir(), m.url
			tt.change(&config)
			n, err := node.New(config, quiet())
			if err == nil {
				err = n.Run(t.Context())
			}
			if err == nil || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want one line that says %q", err, tt.says)
			}
		})
	}
}

func TestANodeWaitsForAnExchangeThatDoesNotAnswer(t *testing.T) {
	config := node.DefaultConfig()
	config.HTTP, config.DataDir, config.Exchange = "127.0.0.1:0", t.TempDir(), "http://127.0.0.1:1"
	n, err := node.New(config, quiet())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	address := waitFor(t, "the node to listen", func() (*net.TCPAddr, bool) { return n.Address(), n.Address() != nil })
	client, err := api.NewClient(address.String())
	if err != nil {
		t.Fatal(err)
	}
	s := waitFor(t, "the status to say why", func() (api.Status, bool) {
		s, err := client.Status(t.Context())
		return s, err == nil && s.Exchange.Error != ""
	})
	if s.Exchange.Ready {
		t.Errorf("status %+v: ready without an exchange", s)
	}
	_, err = client.Change(t.Context(), "XRPUSDT", everything())
	if got := status(t, err); got != http.StatusServiceUnavailable {
		t.Errorf("a change is answered with %d, want 503", got)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("node ended with: %v", err)
	}
}
