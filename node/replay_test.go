package node_test

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
	"hedgehog/exchange/sim"
	"hedgehog/exchange/sim/server"
	"hedgehog/node"
	"hedgehog/node/api"
	"hedgehog/storage"
)

// The recorded day that lies beside the repository.
const (
	dumpPath    = "../../shared/data/XRPETH-trades-2019-10-11.csv"
	dumpFirstID = 13519807
	dumpLastID  = 13525735
	dumpTrades  = dumpLastID - dumpFirstID + 1
	dumpSymbol  = "XRPETH"
	// fewestCycles is what the day gives at the very least, however far the trader
	// lags behind the replay.
	fewestCycles = 3
)

// openRecordedMarket serves an exchange that plays the recorded day as fast as
// its subscribers take it.
func openRecordedMarket(t *testing.T) *market {
	t.Helper()
	if _, err := os.Stat(dumpPath); err != nil {
		t.Skipf("recorded trades are missing: %v", err)
	}
	rules, err := sim.SymbolOfDump(dumpPath)
	if err != nil {
		t.Fatal(err)
	}
	config := sim.DefaultConfig(sim.InfoFor([]exchange.Symbol{rules}))
	config.Journal = filepath.Join(t.TempDir(), "journal.jsonl")
	m := openMarket(t, config)
	replay, err := sim.NewReplay(sim.DefaultReplay(dumpSymbol, dumpPath), m.engine, quiet())
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- replay.Run(t.Context()) }()
	t.Cleanup(func() {
		if err := <-ended; err != nil && t.Context().Err() == nil {
			t.Errorf("replay: %v", err)
		}
	})
	return m
}

// journalEntry is a line of the exchange's journal.
type journalEntry struct {
	Event         string          `json:"event"`
	OrderID       int64           `json:"order_id"`
	ClientOrderID string          `json:"client_order_id"`
	Side          exchange.Side   `json:"side"`
	Price         decimal.Decimal `json:"price"`
	Quantity      decimal.Decimal `json:"quantity"`
	Status        exchange.Status `json:"status"`
	UserAgent     string          `json:"user_agent"`
}

// readJournal returns the orders as the exchange saw them last, by id.
func readJournal(t *testing.T, path string) map[int64]exchange.Order {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	orders := make(map[int64]exchange.Order)
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var e journalEntry
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatalf("journal line %s: %v", lines.Text(), err)
		}
		o := orders[e.OrderID]
		switch e.Event {
		case "order":
			o = exchange.Order{ID: e.OrderID, ClientID: e.ClientOrderID, Side: e.Side, Price: e.Price, OriginalQuantity: e.Quantity, Status: e.Status}
			if e.UserAgent != "hedgehog/dev (n1)" {
				t.Errorf("order %d came from %q", e.OrderID, e.UserAgent)
			}
		case "fill":
			o.ExecutedQuantity = o.ExecutedQuantity.Add(e.Quantity)
			o.Status = e.Status
		case "reject":
			t.Errorf("the exchange refused an order: %s", lines.Text())
			continue
		}
		orders[e.OrderID] = o
	}
	return orders
}

// candlesOf computes the finished candles of a length from trades, in the
// plainest way: group by start, leave out the last group.
func candlesOf(trades []exchange.TradeEvent, minutes int) []exchange.Candle {
	var candles []exchange.Candle
	for _, t := range trades {
		seconds := int64(t.TradeTime) / 1_000_000
		length := int64(60 * minutes)
		start := exchange.Micros(seconds / length * length * 1_000_000)
		if len(candles) == 0 || candles[len(candles)-1].StartTime != start {
			candles = append(candles, exchange.Candle{
				Symbol: t.Symbol, Minutes: minutes, StartTime: start, Open: t.Price, High: t.Price, Low: t.Price,
			})
		}
		c := &candles[len(candles)-1]
		c.High, c.Low = decimal.Max(c.High, t.Price), decimal.Min(c.Low, t.Price)
		c.Close = t.Price
		c.Volume = c.Volume.Add(t.Quantity)
		c.Trades++
	}
	if len(candles) == 0 {
		return nil
	}
	return candles[:len(candles)-1]
}

func TestARecordedDayIsStoredAndTradedWhole(t *testing.T) {
	m := openRecordedMarket(t)
	dir := t.TempDir()
	n := startNode(t, func(c *node.Config) { c.Exchange, c.DataDir = m.url, dir })
	c := everything()
	c.Budget, c.ProfitTarget, c.BuyDownInterval = ptr(decimal.New(10, 0)), ptr(decimal.New(1, -3)), ptr(decimal.New(5, -4))
	n.must(t, dumpSymbol, c)
	waitFor(t, "the day to pass", func() (api.SymbolStatus, bool) {
		s, err := n.Status(t.Context())
		if err != nil || len(s.Symbols) == 0 {
			return api.SymbolStatus{}, false
		}
		return s.Symbols[0], s.Symbols[0].LastTradeID == dumpLastID
	})
	waitForOrders(t, n, m)
	if err := n.stop(); err != nil {
		t.Fatalf("stop: %v", err)
	}
	checkStored(t, m, dir)
}

// waitForOrders waits until the node has heard of everything that the exchange
// has to tell: news of the last fills may still be under way.
func waitForOrders(t *testing.T, n *running, m *market) {
	t.Helper()
	waitFor(t, "the last news of the orders", func() ([]exchange.Order, bool) {
		stored, err := n.Orders(t.Context(), dumpSymbol, false, 10_000)
		if err != nil {
			return nil, false
		}
		for _, o := range stored {
			at, err := m.engine.Order(server.DefaultConfig().Keys[0].Account, exchange.OrderRef{Symbol: dumpSymbol, ID: o.ID})
			if err != nil || at.Status != o.Status {
				return stored, false
			}
		}
		return stored, len(stored) == len(readJournal(t, m.journal))
	})
}

// checkStored holds what the node stored against the dump and the journal.
func checkStored(t *testing.T, m *market, dir string) {
	t.Helper()
	db, err := storage.Open(t.Context(), filepath.Join(dir, "hedgehog.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var trades []exchange.TradeEvent
	for trade, err := range db.Trades(t.Context(), dumpSymbol, storage.TradeRange{}) {
		if err != nil {
			t.Fatal(err)
		}
		if want := int64(dumpFirstID + len(trades)); trade.ID != want {
			t.Fatalf("trade %d is stored where %d belongs", trade.ID, want)
		}
		trades = append(trades, trade)
	}
	if len(trades) != dumpTrades {
		t.Fatalf("%d trades stored, want %d", len(trades), dumpTrades)
	}
	for _, minutes := range exchange.CandleMinutes {
		got, err := db.Candles(t.Context(), dumpSymbol, minutes, storage.CandleRange{})
		if err != nil {
			t.Fatal(err)
		}
		want := candlesOf(trades, minutes)
		if len(got) != len(want) {
			t.Errorf("%d candles of %d minutes, want %d", len(got), minutes, len(want))
			continue
		}
		for i := range want {
			g, w := got[i], want[i]
			if g.StartTime != w.StartTime || !g.Open.Equal(w.Open) || !g.High.Equal(w.High) || !g.Low.Equal(w.Low) ||
				!g.Close.Equal(w.Close) || !g.Volume.Equal(w.Volume) || g.Trades != w.Trades {
				t.Errorf("candle of %d minutes: %+v, want %+v", minutes, g, w)
			}
		}
	}
	accepted := readJournal(t, m.journal)
	stored, err := db.Orders(t.Context(), storage.OrderFilter{Symbol: dumpSymbol})
	if err != nil {
		t.Fatal(err)
	}
	if len(stored) != len(accepted) {
		t.Errorf("%d orders stored, the exchange accepted %d", len(stored), len(accepted))
	}
	names := make(map[string]bool)
	cycles := 0
	for _, o := range stored {
		a := accepted[o.ID]
		if o.ClientID != a.ClientID || o.Side != a.Side || !o.Price.Equal(a.Price) || o.Status != a.Status ||
			!o.OriginalQuantity.Equal(a.OriginalQuantity) || !o.ExecutedQuantity.Equal(a.ExecutedQuantity) {
			t.Errorf("order %+v, the exchange has %+v", o, a)
		}
		if names[o.ClientID] {
			t.Errorf("client order id %s was sent twice", o.ClientID)
		}
		names[o.ClientID] = true
		if o.Side == exchange.Sell && o.Status == exchange.Filled {
			cycles++
		}
	}
	if cycles < fewestCycles {
		t.Errorf("%d full cycles, want at least %d", cycles, fewestCycles)
	}
	t.Logf("%d trades, %d orders, %d cycles", len(trades), len(stored), cycles)
}
