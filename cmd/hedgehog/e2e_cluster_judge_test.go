package main_test

import (
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
	"hedgehog/exchange/binance"
	"hedgehog/exchange/sim"
	"hedgehog/exchange/sim/server"
	"hedgehog/node/judge"
)

// court judges a cluster: by the exchange's journal, by what the nodes tell of who
// owned what, and by what they have stored.
type court struct {
	*judge.Judge
	client  *binance.Client            // of the nodes' account
	initial map[string]decimal.Decimal // its free balances before the first order
	heard   int                        // entries of the journal that the judge has
	told    int                        // violations that the test was told of
}

const (
	// commission is the share that the exchange takes.
	commission = "0.0001"
	// ownersBlur is how far apart the processes' clocks may be read.
	ownersBlur = time.Millisecond
	// storedWithin is how long the news of an order may take to be stored by its
	// owner and told to the cluster, on a busy machine.
	storedWithin = 3 * time.Second
)

// openCourt reads the rules and the balances of the exchange at the address.
func (c *cluster) openCourt(url string) {
	c.t.Helper()
	config := binance.At(url)
	config.APIKey, config.Secret = server.DefaultAPIKey, server.DefaultAPISecret
	client, err := binance.New(config, slog.New(slog.DiscardHandler))
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(client.Close)
	info, err := client.ExchangeInfo(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	rules := judge.DefaultConfig(info.Symbols)
	rules.Commission, rules.Chunks, rules.Blur = decimal.RequireFromString(commission), chunks, ownersBlur
	j, err := judge.New(rules)
	if err != nil {
		c.t.Fatal(err)
	}
	c.court = court{Judge: j, client: client, initial: make(map[string]decimal.Decimal)}
	for _, b := range c.balances() {
		c.court.initial[b.Asset] = b.Free
	}
}

func (c *cluster) balances() []exchange.Balance {
	c.t.Helper()
	account, err := c.court.client.Account(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	return account.Balances
}

// entries returns the journal as far as it is written.
func (c *cluster) entries() []sim.JournalEntry {
	c.t.Helper()
	f, err := os.Open(c.journal)
	if err != nil {
		c.t.Fatal(err)
	}
	defer f.Close()
	entries, err := judge.ReadJournal(f)
	if err != nil {
		c.t.Fatal(err)
	}
	return entries
}

// ordersOf returns the orders that the exchange accepted from the node after the
// time.
func (c *cluster) ordersOf(node string, after time.Time) []sim.JournalEntry {
	c.t.Helper()
	return slices.DeleteFunc(c.entries(), func(e sim.JournalEntry) bool {
		sender, _ := judge.Sender(e.UserAgent)
		return e.Event != sim.JournalOrder || sender != node || e.Time <= exchange.MicrosOf(after)
	})
}

// hear has the judge hear what the journal has to say that it has not heard yet.
func (c *cluster) hear() {
	c.t.Helper()
	entries := c.entries()
	c.listen() // after that the owners of all these entries are known
	for _, e := range entries[c.court.heard:] {
		c.court.Journal(e)
	}
	c.court.heard = len(entries)
	c.tell()
}

// toldOfARule is how many violations of one rule are told at once, before the rest
// is only counted.
const toldOfARule = 5

// tell has the test fail for what the judge has found.
func (c *cluster) tell() {
	c.t.Helper()
	found := c.court.Violations()
	count := make(map[judge.Rule]int)
	for _, v := range found[c.court.told:] {
		if count[v.Rule]++; count[v.Rule] <= toldOfARule {
			c.t.Errorf("violation: %s", v)
		}
	}
	for _, rule := range slices.Sorted(maps.Keys(count)) {
		if more := count[rule] - toldOfARule; more > 0 {
			c.t.Errorf("violation: %d more of %s", more, rule)
		}
	}
	c.court.told = len(found)
}

// stores reads what all nodes have stored, dead or alive.
func (c *cluster) stores() []judge.Store {
	c.t.Helper()
	var stores []judge.Store
	for _, name := range slices.Sorted(maps.Keys(c.members)) {
		s, err := judge.ReadStore(c.t.Context(), name, c.members[name].database())
		if err != nil {
			c.t.Fatal(err)
		}
		stores = append(stores, s)
	}
	return stores
}

func (m *member) database() string { return filepath.Join(m.dir, "hedgehog.db") }

// judgeOrders holds what the running nodes have stored of orders and positions
// against the journal.
func (c *cluster) judgeOrders() {
	c.t.Helper()
	settled := exchange.MicrosOf(time.Now().Add(-storedWithin))
	stores := c.stores()
	c.hear()
	c.court.Stored(judge.End{Stores: stores, Settled: settled})
	c.tell()
}

// judgeBalances holds the balances against the journal. The market goes on, so
// both are of one moment only where the balances are the same before and after.
func (c *cluster) judgeBalances() {
	c.t.Helper()
	eventuallyEvery(c.t, 50*time.Millisecond, "a moment without a fill", func() bool {
		before := c.balances()
		c.hear()
		after := c.balances()
		if !slices.EqualFunc(before, after, func(a, b exchange.Balance) bool {
			return a.Asset == b.Asset && a.Free.Equal(b.Free) && a.Locked.Equal(b.Locked)
		}) {
			return false
		}
		c.court.Balances(c.court.initial, after)
		return true
	})
	c.tell()
}

// judgeTrades expects the trades that all nodes together have stored to have no
// hole; those of the recorded symbol to be all that were recorded.
func (c *cluster) judgeTrades() {
	c.t.Helper()
	stores := c.stores()
	collected := make(map[string]judge.Span)
	for _, s := range c.symbols {
		collected[s] = judge.Span{}
	}
	c.court.Stored(judge.End{Stores: stores, Collected: collected})
	c.tell()
	if slices.Contains(c.symbols, symbol) {
		checkSame(c.t, "recorded trade", storedOf(symbol, stores), readDump(c.t, recorded(c.t, firstDay)))
	}
}

// storedOf returns the symbol's trades of all stores, in order, each once.
func storedOf(symbol string, stores []judge.Store) []trade {
	byID := make(map[int64]trade)
	for _, s := range stores {
		for _, e := range s.Trades[symbol] {
			byID[e.ID] = trade{e.ID, int64(e.TradeTime), e.Price.String(), e.Quantity.String(), e.BuyerIsMaker}
		}
	}
	trades := make([]trade, 0, len(byID))
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		trades = append(trades, byID[id])
	}
	return trades
}

// judgeAmount expects that something was traded at all.
func judgeAmount(t testing.TB, n judge.Counts) {
	t.Helper()
	if n.Orders == 0 || n.Cycles == 0 {
		t.Errorf("%d orders, %d full cycles: nothing was traded", n.Orders, n.Cycles)
	}
	t.Logf("%d orders, %d full cycles, %d refused", n.Orders, n.Cycles, n.Rejects)
}
