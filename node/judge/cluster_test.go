package judge_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
	"hedgehog/exchange/sim"
	"hedgehog/node/judge"
	"hedgehog/storage"
	"hedgehog/strategy/naive"
)

// cluster is two nodes that take turns in trading a symbol at a simulated
// exchange, step by step: the real formula, engine and databases, and in the
// place of a node the shortest way between them.
type cluster struct {
	tb      testing.TB
	record  record
	engine  *sim.Engine
	formula naive.Formula
	random  *rand.Rand
	now     time.Time
	price   int64 // ticks
	trade   int64 // id of the last one

	settings  naive.Settings
	positions []naive.Position
	lastID    naive.PositionID
	reports   []exchange.OrderUpdate // not yet dealt with

	node  string
	epoch int64
	dbs   map[string]*storage.DB
	paths map[string]string
	log   []storage.Entry
	heard map[string]storage.Batch // by node
	// written are the positions as they are in the log, by id.
	written map[string]storage.Position
}

func newCluster(tb testing.TB, seed uint64, partial bool) *cluster {
	tb.Helper()
	rules, err := sim.SymbolFor(symbol)
	if err != nil {
		tb.Fatal(err)
	}
	c := &cluster{
		tb: tb, random: rand.New(rand.NewPCG(seed, 0)), now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), price: 5000,
		formula: naive.Formula{Symbol: rules, Fee: naive.DefaultFee},
		settings: naive.Settings{
			Symbol: symbol, Status: naive.On, Chunks: 4, Budget: dec("200"),
			BuyDownInterval: dec("0.0005"), ProfitTarget: dec("0.001"), RebuyInterval: dec("0.001"),
		},
		dbs: make(map[string]*storage.DB), paths: make(map[string]string), heard: make(map[string]storage.Batch),
		written: make(map[string]storage.Position),
	}
	c.record.cfg = judge.DefaultConfig([]exchange.Symbol{rules})
	c.record.cfg.Chunks = c.settings.Chunks
	c.record.initial = map[string]decimal.Decimal{"USDT": dec("100000")}
	cfg := sim.DefaultConfig(sim.InfoFor([]exchange.Symbol{rules}))
	cfg.Balances, cfg.PartialFills = c.record.initial, partial
	cfg.Now = func() time.Time { return c.now }
	cfg.Journalled = func(e sim.JournalEntry) { c.record.events = append(c.record.events, event{entry: &e}) }
	if c.engine, err = sim.New(cfg); err != nil {
		tb.Fatal(err)
	}
	c.engine.SubscribeReports(account, func(r *sim.Report) { c.reports = append(c.reports, r.Update) })
	c.positions = []naive.Position{c.fresh(0)}
	return c
}

// openStores gives the nodes databases. Without, nothing is stored.
func (c *cluster) openStores() {
	c.tb.Helper()
	for _, node := range []string{"a", "b"} {
		c.paths[node] = filepath.Join(c.tb.TempDir(), "hedgehog.db")
		db, err := storage.Open(c.tb.Context(), c.paths[node])
		if err != nil {
			c.tb.Fatal(err)
		}
		c.tb.Cleanup(func() { _ = db.Close() }) // everything was written long ago
		c.dbs[node] = db
	}
	c.commit(storage.Command{Seed: []string{symbol}})
}

// commit puts a command into the log.
func (c *cluster) commit(command storage.Command) {
	c.tb.Helper()
	data, err := command.Encode()
	if err != nil {
		c.tb.Fatal(err)
	}
	c.log = append(c.log, storage.Entry{Index: uint64(len(c.log) + 1), Term: 1, Data: data})
}

// flush writes to the databases what was committed and heard.
func (c *cluster) flush() {
	c.tb.Helper()
	for name, db := range c.dbs {
		results, err := db.ApplyEntries(c.tb.Context(), c.log)
		if err != nil {
			c.tb.Fatalf("node %s: %v", name, err)
		}
		for i, r := range results {
			if r.Err != nil {
				c.tb.Fatalf("node %s: entry %d: %v", name, i+1, r.Err)
			}
		}
		if _, err := db.Write(c.tb.Context(), c.heard[name]); err != nil {
			c.tb.Fatalf("node %s: %v", name, err)
		}
	}
}

// handOver makes the node the owner, which adopts what the exchange has.
func (c *cluster) handOver(node string) {
	c.tb.Helper()
	c.pass()
	c.now = c.now.Add(time.Second)
	c.node, c.epoch = node, c.epoch+1
	at := exchange.MicrosOf(c.now)
	c.commit(storage.Command{Assign: []storage.Assignment{{Symbol: symbol, Node: node, Run: 1, Epoch: c.epoch, Since: at}}})
	c.record.events = append(c.record.events, event{assigned: &assignment{at, node, uint64(c.epoch)}})
	var updates []exchange.OrderUpdate
	for _, o := range c.engine.AllOrders(account, symbol, sim.OrderQuery{Limit: 1000}) {
		fills := c.engine.Fills(account, symbol, sim.FillQuery{OrderID: o.ID, Limit: 1000})
		updates = append(updates, exchange.OrderUpdate{Order: o, Fills: fills})
	}
	trades, err := c.engine.Trades(symbol, max(1, c.trade-5), 10) // some that the other one has too
	if err != nil {
		c.tb.Fatal(err)
	}
	c.store(trades, updates)
}

// store keeps what the owner writes to its database.
func (c *cluster) store(trades []exchange.TradeEvent, updates []exchange.OrderUpdate) {
	b := c.heard[c.node]
	for i := range trades {
		b.Trades = append(b.Trades, &trades[i])
	}
	for i := range updates {
		b.Orders = append(b.Orders, &updates[i])
	}
	c.heard[c.node] = b
}

// pass lets the price take a step, and the owner act on what follows from that.
func (c *cluster) pass() {
	c.tb.Helper()
	if c.node == "" {
		return
	}
	c.now = c.now.Add(time.Duration(1+c.random.IntN(400)) * time.Millisecond)
	c.trade++
	// Upwards on the whole: what was bought at a peak would wait for ever.
	c.price += c.random.Int64N(41) - 20 + (5000+c.trade/3-c.price)/10
	t := exchange.TradeEvent{
		Symbol: symbol, ID: c.trade, Price: decimal.New(c.price, -4), Quantity: decimal.New(1+c.random.Int64N(1000), -1),
		TradeTime: exchange.MicrosOf(c.now),
	}
	if err := c.engine.Trade(t); err != nil {
		c.tb.Fatal(err)
	}
	c.step(naive.Event{Price: t.Price, TradeID: t.ID})
	var heard []exchange.OrderUpdate
	for len(c.reports) > 0 {
		update := c.reports[0]
		c.reports = c.reports[1:]
		heard = append(heard, update)
		c.step(naive.Event{News: &update})
	}
	c.store([]exchange.TradeEvent{t}, heard)
	c.write(c.positions...)
}

// step asks the formula about every position and does what it says.
func (c *cluster) step(e naive.Event) {
	c.tb.Helper()
	for i := 0; i < len(c.positions); i++ {
		p, d := c.formula.Step(c.positions[i], e, c.settings, len(c.positions))
		switch d.Action {
		case naive.Nothing:
		case naive.PlaceBuy:
			p.Buy = c.place(p, exchange.Buy, d, 1)
		case naive.PlaceSell:
			attempt := 1
			if p.Sell != nil { // it was cancelled
				attempt = mustName(c.tb, p.Sell.ClientID).Attempt + 1
				p.Replaced = append(slices.Clone(p.Replaced), *p.Sell)
			}
			p.Sell = c.place(p, exchange.Sell, d, attempt)
		case naive.Renew:
			c.write(p)
			p = c.fresh(0)
		case naive.Rebuy:
			c.positions = append(c.positions, c.fresh(p.ID))
		default:
			c.tb.Fatalf("position %s: action %d is not known here", p.ID, d.Action)
		}
		c.positions[i] = p
	}
}

// fresh returns a new position.
func (c *cluster) fresh(parent naive.PositionID) naive.Position {
	c.lastID += 1 << 20
	return naive.Position{Symbol: symbol, ID: c.lastID, Parent: parent, State: naive.Open, StartTime: exchange.MicrosOf(c.now)}
}

func (c *cluster) place(p naive.Position, side exchange.Side, d naive.Decision, attempt int) *exchange.Order {
	c.tb.Helper()
	name := naive.OrderName{Position: p.ID, Parent: p.Parent, Side: side, Attempt: attempt}
	update, err := c.engine.Place(sim.PlaceRequest{
		Account: account, UserAgent: agent(c.node),
		Order: exchange.LimitOrder{Symbol: symbol, ClientID: name.String(), Side: side, Price: d.Price, Quantity: d.Quantity},
	})
	if err != nil {
		c.tb.Fatalf("place %s: %v", name, err)
	}
	return &update.Order
}

func mustName(tb testing.TB, clientID string) naive.OrderName {
	tb.Helper()
	name, err := naive.ParseOrderName(clientID)
	if err != nil {
		tb.Fatal(err)
	}
	return name
}

// cancel cancels one of the open orders, as people may do by hand.
func (c *cluster) cancel() {
	c.tb.Helper()
	open := c.engine.OpenOrders(account, symbol)
	if len(open) == 0 {
		return
	}
	o := open[c.random.IntN(len(open))]
	_, err := c.engine.Cancel(sim.CancelRequest{Account: account, UserAgent: "curl/8.0", Ref: exchange.OrderRef{Symbol: symbol, ID: o.ID}})
	if err != nil {
		c.tb.Fatal(err)
	}
}

func agent(node string) string { return fmt.Sprintf("hedgehog/1.0 (%s)", node) }

// write commits those of the positions that have changed.
func (c *cluster) write(positions ...naive.Position) {
	c.tb.Helper()
	change := &storage.PositionsChange{Node: c.node, Epochs: map[string]int64{symbol: c.epoch}}
	for _, p := range positions {
		row := storage.Position{
			Symbol: symbol, ID: p.ID.String(), State: storage.PositionState(p.State), StartTime: p.StartTime, Profit: p.Profit,
			RebuyTriggered: p.RebuyTriggered,
		}
		if p.Parent != 0 {
			row.Parent = p.Parent.String()
		}
		if p.Buy != nil {
			row.BuyClientID = p.Buy.ClientID
		}
		if p.Sell != nil {
			row.SellClientID = p.Sell.ClientID
		}
		if p.State != naive.Open {
			row.EndTime = exchange.MicrosOf(c.now)
		}
		if c.written[row.ID] != row {
			c.written[row.ID] = row
			change.Positions = append(change.Positions, row)
		}
	}
	if len(change.Positions) > 0 {
		c.commit(storage.Command{Positions: change})
	}
}

// finish reads what the run leaves behind.
func (c *cluster) finish() record {
	c.tb.Helper()
	c.commit(storage.Command{Watermarks: &storage.WatermarksChange{
		Node: c.node, Epochs: map[string]int64{symbol: c.epoch}, Watermarks: map[string]int64{symbol: c.trade},
	}})
	c.flush()
	r := &c.record
	r.final = c.engine.Account(account).Balances
	// What the last trade has sold finishes with the next one.
	r.end = judge.End{Settled: exchange.MicrosOf(c.now) - 1, Collected: map[string]judge.Span{symbol: {First: 1, Last: c.trade}}}
	for _, node := range slices.Sorted(maps.Keys(c.dbs)) {
		s, err := judge.ReadStore(c.tb.Context(), node, c.paths[node]) // beside the node that has it open
		if err != nil {
			c.tb.Fatal(err)
		}
		r.end.Stores = append(r.end.Stores, s)
	}
	return c.record
}

// trades lets so many trades pass, with changes of the owner and some cancelled
// orders in between.
func (c *cluster) trades(count int) {
	c.tb.Helper()
	for i := range count {
		if i%60 == 0 {
			c.handOver([]string{"a", "b"}[i/60%2])
		}
		if i%60 == 40 {
			c.cancel()
		}
		c.pass()
	}
}

// run trades with everything stored.
func run(tb testing.TB, seed uint64, partial bool, trades int) record {
	tb.Helper()
	c := newCluster(tb, seed, partial)
	c.openStores()
	c.trades(trades)
	return c.finish()
}
