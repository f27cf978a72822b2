package server_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/shopspring/decimal"

	"hedgehog/exchange"
	"hedgehog/exchange/sim"
	"hedgehog/exchange/sim/server"
)

// patience is how long a test waits for what is sure to come.
const patience = 10 * time.Second

// noon is when the tests' clock starts.
var noon = time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)

// clock stands still until it is set.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}

func (c *clock) Advance(d time.Duration) { c.Set(c.Now().Add(d)) }

// fixture is a simulated exchange that is served on a loopback port.
type fixture struct {
	clock   *clock
	engine  *sim.Engine
	server  *server.Server
	address string // host:port
	journal string
	stop    func() error // ends Run and returns its error
}

type options struct {
	config func(*server.Config)
	engine func(*sim.Config)
}

// open starts an exchange for XRPETH and BTCUSDT whose clock stands at noon. It
// ends with the test, and has to end without an error.
func open(tb testing.TB, o options) *fixture {
	tb.Helper()
	f := &fixture{clock: &clock{now: noon}, journal: filepath.Join(tb.TempDir(), "journal.jsonl")}
	var symbols []exchange.Symbol
	for _, name := range []string{"XRPETH", "BTCUSDT"} {
		symbol, err := sim.SymbolFor(name)
		if err != nil {
			tb.Fatal(err)
		}
		symbols = append(symbols, symbol)
	}
	engineConfig := sim.DefaultConfig(sim.InfoFor(symbols))
	engineConfig.Now = f.clock.Now
	engineConfig.Journal = f.journal
	engineConfig.Balances = map[string]decimal.Decimal{"ETH": decimal.New(100, 0), "XRP": decimal.New(10_000, 0), "USDT": decimal.New(1000, 0)}
	if o.engine != nil {
		o.engine(&engineConfig)
	}
	engine, err := sim.New(engineConfig)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := engine.Close(); err != nil {
			tb.Error(err)
		}
	})
	f.engine = engine

	config := server.DefaultConfig()
	if o.config != nil {
		o.config(&config)
	}
	if f.server, err = server.New(config, engine, slog.New(slog.DiscardHandler)); err != nil {
		tb.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	f.address = listener.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f.server.Run(ctx, listener) }()
	f.stop = sync.OnceValue(func() error {
		cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(2 * patience):
			return fmt.Errorf("the server is still running %s after its context ended", 2*patience)
		}
	})
	tb.Cleanup(func() {
		if err := f.stop(); err != nil {
			tb.Error(err)
		}
	})
	return f
}

// trade lets a trade pass, as many seconds after noon as its id.
func (f *fixture) trade(tb testing.TB, id int64, price, quantity string, buyerIsMaker bool) {
	tb.Helper()
	f.tradeAt(tb, id, id, price, quantity, buyerIsMaker)
}

// tradeAt lets a trade of XRPETH pass, with a time so many seconds after noon.
func (f *fixture) tradeAt(tb testing.TB, id, second int64, price, quantity string, buyerIsMaker bool) {
	tb.Helper()
	err := f.engine.Trade(exchange.TradeEvent{
		Symbol: "XRPETH", ID: id, Price: decimal.RequireFromString(price), Quantity: decimal.RequireFromString(quantity),
		TradeTime: exchange.MicrosOf(noon) + exchange.Micros(second)*1_000_000, BuyerIsMaker: buyerIsMaker,
	})
	if err != nil {
		tb.Fatal(err)
	}
}

// answer is what came back for a request.
type answer struct {
	status int
	header http.Header
	body   string
}

// request sends a request with the key, as it stands.
func (f *fixture) request(tb testing.TB, method, path, query, body string, header ...string) answer {
	tb.Helper()
	request, err := http.NewRequest(method, "http://"+f.address+path, strings.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	request.URL.RawQuery = query
	request.Header.Set("User-Agent", "test/1 (one)")
	request.Header.Set("X-MBX-APIKEY", server.DefaultAPIKey)
	if body != "" {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		tb.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(content)}
}

// signed sends a request with a timestamp and a good signature in the query.
func (f *fixture) signed(tb testing.TB, method, path, query string) answer {
	tb.Helper()
	if query != "" {
		query += "&"
	}
	query += fmt.Sprintf("timestamp=%d", f.clock.Now().UnixMilli())
	return f.request(tb, method, path, query+"&signature="+sign(query), "")
}

// sign returns the default key's signature.
func sign(payload string) string {
	mac := hmac.New(sha256.New, []byte(server.DefaultAPISecret))
	mac.Write([]byte(payload))
	return hex.EncodeToString(mac.Sum(nil))
}

const goodOrder = "symbol=XRPETH&side=BUY&type=LIMIT&timeInForce=GTC&quantity=100&price=0.00140000"

// place places an order of 100 XRP and returns its id.
func (f *fixture) place(tb testing.TB, side, price, clientID string) int64 {
	tb.Helper()
	query := url.Values{
		"symbol": {"XRPETH"}, "side": {side}, "type": {"LIMIT"}, "timeInForce": {"GTC"},
		"quantity": {"100"}, "price": {price}, "newClientOrderId": {clientID},
	}.Encode()
	got := f.signed(tb, "POST", "/api/v3/order", query)
	if got.status != http.StatusOK {
		tb.Fatalf("place order: status %d: %s", got.status, got.body)
	}
	var order struct {
		OrderID int64 `json:"orderId"`
	}
	decode(tb, got.body, &order)
	return order.OrderID
}

func decode(tb testing.TB, document string, into any) {
	tb.Helper()
	if err := json.Unmarshal([]byte(document), into); err != nil {
		tb.Fatalf("%v in %s", err, document)
	}
}

// sameJSON compares two documents; times of the order are left to the caller.
func sameJSON(tb testing.TB, got, want string) {
	tb.Helper()
	var a, b any
	decode(tb, got, &a)
	decode(tb, want, &b)
	left, _ := json.Marshal(a)
	right, _ := json.Marshal(b)
	if string(left) != string(right) {
		tb.Errorf("got  %s\nwant %s", left, right)
	}
}

// client is a websocket client.
type client struct {
	*websocket.Conn
	tb testing.TB
}

// dial connects to a path of the exchange.
func (f *fixture) dial(tb testing.TB, path string) *client {
	tb.Helper()
	conn, response, err := websocket.DefaultDialer.Dial("ws://"+f.address+path, http.Header{"User-Agent": {"test/1 (one)"}})
	if err != nil {
		status := ""
		if response != nil {
			status = response.Status
		}
		tb.Fatalf("dial %s: %v %s", path, err, status)
	}
	tb.Cleanup(func() { conn.Close() })
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		tb.Fatal(err)
	}
	return &client{conn, tb}
}

// next returns the next message.
func (c *client) next() string {
	c.tb.Helper()
	_, message, err := c.ReadMessage()
	if err != nil {
		c.tb.Fatalf("read: %v", err)
	}
	return string(message)
}

func (c *client) write(message string) {
	c.tb.Helper()
	if err := c.WriteMessage(websocket.TextMessage, []byte(message)); err != nil {
		c.tb.Fatal(err)
	}
}

// closeCode reads to the end of the connection and returns the code of the close
// frame.
func (c *client) closeCode() int {
	c.tb.Helper()
	for {
		_, _, err := c.ReadMessage()
		if err == nil {
			continue
		}
		closed, isClose := err.(*websocket.CloseError)
		if !isClose {
			c.tb.Fatalf("connection ended without a close frame: %v", err)
		}
		return closed.Code
	}
}

// journalLines returns the journal's lines for an event.
func (f *fixture) journalLines(tb testing.TB, event string) []map[string]any {
	tb.Helper()
	content, err := os.ReadFile(f.journal)
	if err != nil {
		tb.Fatal(err)
	}
	var lines []map[string]any
	for line := range strings.Lines(string(content)) {
		var entry map[string]any
		decode(tb, line, &entry)
		if entry["event"] == event {
			lines = append(lines, entry)
		}
	}
	return lines
}

// eventually waits until holds says true.
func eventually(tb testing.TB, what string, holds func() bool) {
	tb.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline.C:
			tb.Fatalf("not within %s: %s", patience, what)
		}
	}
}
