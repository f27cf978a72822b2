package sim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
	"hedgehog/exchange/sim"
	"hedgehog/exchange/wire"
)

const (
	symbol = "XRPUSDT" // tick 0.0001, step 0.1, at least 5 USDT an order
	alice  = "alice"
	bob    = "bob"
)

// clock is an exchange's clock that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.UnixMilli(1_700_000_000_000)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func dec(s string) decimal.Decimal { return decimal.RequireFromString(s) }

func mustSymbol(tb testing.TB, name string) exchange.Symbol {
	tb.Helper()
	s, err := sim.SymbolFor(name)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// testConfig returns a configuration for XRPUSDT and XRPETH, with 1,000 of each
// of their assets and a clock that stands still.
func testConfig(tb testing.TB) sim.Config {
	tb.Helper()
	cfg := sim.DefaultConfig(sim.InfoFor([]exchange.Symbol{mustSymbol(tb, symbol), mustSymbol(tb, "XRPETH")}))
	cfg.Balances = map[string]decimal.Decimal{"XRP": dec("1000"), "USDT": dec("1000"), "ETH": dec("1000")}
	cfg.Now = newClock().Now
	return cfg
}

func mustOpen(tb testing.TB, cfg sim.Config) *sim.Engine {
	tb.Helper()
	e, err := sim.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		// A test may have closed it already.
		if err := e.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
			tb.Errorf("close: %v", err)
		}
	})
	return e
}

func request(account, clientID string, side exchange.Side, price, quantity string) sim.PlaceRequest {
	return sim.PlaceRequest{
		Account:   account,
		UserAgent: "test/1",
		Order:     exchange.LimitOrder{Symbol: symbol, ClientID: clientID, Side: side, Price: dec(price), Quantity: dec(quantity)},
	}
}

func mustPlace(tb testing.TB, e *sim.Engine, r sim.PlaceRequest) exchange.Order {
	tb.Helper()
	update, err := e.Place(r)
	if err != nil {
		tb.Fatalf("place %+v: %v", r.Order, err)
	}
	return update.Order
}

// mustTrade passes trades of quantity 10 at the prices, with the ids that follow.
func mustTrade(tb testing.TB, e *sim.Engine, prices ...string) {
	tb.Helper()
	for _, price := range prices {
		mustTradeOf(tb, e, price, "10")
	}
}

func mustTradeOf(tb testing.TB, e *sim.Engine, price, quantity string) {
	tb.Helper()
	last, err := e.Trades(symbol, 0, 1)
	if err != nil {
		tb.Fatal(err)
	}
	t := exchange.TradeEvent{Symbol: symbol, ID: 1, Price: dec(price), Quantity: dec(quantity), TradeTime: exchange.MicrosOf(e.Now())}
	if len(last) > 0 {
		t.ID = last[0].ID + 1
	}
	if err := e.Trade(t); err != nil {
		tb.Fatal(err)
	}
}

func mustOrder(tb testing.TB, e *sim.Engine, account string, id int64) exchange.Order {
	tb.Helper()
	o, err := e.Order(account, exchange.OrderRef{Symbol: symbol, ID: id})
	if err != nil {
		tb.Fatal(err)
	}
	return o
}

func wantOrder(tb testing.TB, e *sim.Engine, account string, id int64, status exchange.Status, executed string) {
	tb.Helper()
	o := mustOrder(tb, e, account, id)
	if o.Status != status || !o.ExecutedQuantity.Equal(dec(executed)) {
		tb.Errorf("order %d is %s with %s executed, want %s with %s", id, o.Status, o.ExecutedQuantity, status, executed)
	}
}

func wantBalance(tb testing.TB, e *sim.Engine, account, asset, free, locked string) {
	tb.Helper()
	for _, b := range e.Account(account).Balances {
		if b.Asset == asset {
			if !b.Free.Equal(dec(free)) || !b.Locked.Equal(dec(locked)) {
				tb.Errorf("%s has %s %s free and %s locked, want %s and %s", account, b.Free, asset, b.Locked, free, locked)
			}
			return
		}
	}
	tb.Errorf("%s has no balance of %s", account, asset)
}

func wantRefused(tb testing.TB, err error, code wire.Code, message string) {
	tb.Helper()
	var refused *wire.Error
	if !errors.As(err, &refused) {
		tb.Fatalf("error %v, want code %d", err, code)
	}
	if refused.Code != code || message != "" && refused.Message != message {
		tb.Errorf("refused with code %d %q, want %d %q", refused.Code, refused.Message, code, message)
	}
}

// journalLine is what tests read of a line of the journal.
type journalLine struct {
	Time     int64  `json:"time_us"`
	Event    string `json:"event"`
	Symbol   string `json:"symbol"`
	OrderID  int64  `json:"order_id"`
	ClientID string `json:"client_order_id"`
	Side     string `json:"side"`
	Price    string `json:"price"`
	Quantity string `json:"quantity"`
	Status   string `json:"status"`
	TradeID  int64  `json:"trade_id"`
	Code     int    `json:"code"`
	Agent    string `json:"user_agent"`
}

func readJournal(tb testing.TB, path string) []journalLine {
	tb.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	var lines []journalLine
	for line := range bytes.Lines(text) {
		var l journalLine
		if err := json.Unmarshal(line, &l); err != nil {
			tb.Fatalf("journal line %q: %v", line, err)
		}
		lines = append(lines, l)
	}
	return lines
}

// copyDir copies the files of dir as they are on disk, which is what is left
// after the end of a process that had no time to say so.
func copyDir(tb testing.TB, dir string) string {
	tb.Helper()
	to := filepath.Join(tb.TempDir(), "copy")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		tb.Fatal(err)
	}
	return to
}

// waiting gives a listener an Await: nil for one that is never behind.
type waiting struct{ onAwait func(context.Context) error }

func (w waiting) Await(ctx context.Context) error {
	if w.onAwait == nil {
		return nil
	}
	return w.onAwait(ctx)
}
