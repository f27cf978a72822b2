package main_test

import (
	"bytes"
	"database/sql"
	"encoding/csv"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	_ "modernc.org/sqlite"
)

// What follows reads the dump, the journal and the database as a stranger would:
// by the documented names alone.

// trade is a trade as the dump and the database both have it.
type trade struct {
	id, timeUS      int64
	price, quantity string
	buyerIsMaker    bool
}

// candle is a candle as computed from the dump and as stored.
type candle struct {
	minutes, startUS               int64
	open, high, low, close, volume string
	trades                         int64
}

// order is the last state of an order as the journal and the database both have it.
type order struct {
	clientID, side, status    string
	price, quantity, executed string
}

// plain returns a number without needless zeros.
func plain(t testing.TB, number string) string {
	t.Helper()
	d, err := decimal.NewFromString(number)
	if err != nil {
		t.Fatal(err)
	}
	return d.String()
}

func readDump(t testing.TB, path string) []trade {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	trades := make([]trade, 0, len(rows))
	for _, row := range rows {
		id, err := strconv.ParseInt(row[0], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		ms, err := strconv.ParseInt(row[4], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		trades = append(trades, trade{id, ms * 1000, plain(t, row[1]), plain(t, row[2]), row[5] == "True"})
	}
	return trades
}

// candlesOf computes the finished candles of all lengths, in the plainest way:
// by length and start; the last of each length is not finished.
func candlesOf(trades []trade) []candle {
	var candles []candle
	for _, minutes := range []int64{1, 5, 15, 60, 240, 1440} {
		var all []candle
		for _, t := range trades {
			start := t.timeUS / 1_000_000 / (60 * minutes) * (60 * minutes) * 1_000_000
			if len(all) == 0 || all[len(all)-1].startUS != start {
				all = append(all, candle{minutes, start, t.price, t.price, t.price, t.price, "0", 0})
			}
			c := &all[len(all)-1]
			price := decimal.RequireFromString(t.price)
			c.high = decimal.Max(decimal.RequireFromString(c.high), price).String()
			c.low = decimal.Min(decimal.RequireFromString(c.low), price).String()
			c.close = t.price
			c.volume = decimal.RequireFromString(c.volume).Add(decimal.RequireFromString(t.quantity)).String()
			c.trades++
		}
		candles = append(candles, all[:max(0, len(all)-1)]...)
	}
	return candles
}

// orderName is what the client order id of an order of ours says of it.
type orderName struct{ position, side string }

// nameOf reads hh-POSITION-PARENT-SIDE+ATTEMPT. Nobody cancels here, so every
// order has to be the first attempt.
func nameOf(clientID string) (orderName, bool) {
	parts := strings.Split(clientID, "-")
	if len(parts) != 4 || parts[0] != "hh" {
		return orderName{}, false
	}
	side, ok := map[string]string{"B1": "BUY", "S1": "SELL"}[parts[3]]
	return orderName{parts[1], side}, ok
}

// journal is what the exchange wrote down.
type journal struct {
	orders map[int64]order
	faults []string // what a node must never do
	// open are the positions that have bought or want to and have not sold.
	open   map[string]bool
	cycles int // sells that were filled
}

// readJournal reads and judges the journal as far as it is written; half a last
// line does not count.
func (r *recording) readJournal() journal {
	t := r.t
	t.Helper()
	content, err := os.ReadFile(r.journal)
	if err != nil {
		t.Fatal(err)
	}
	j := journal{orders: make(map[int64]order), open: make(map[string]bool)}
	sent := make(map[orderName]bool)
	lines := bytes.Split(content, []byte("\n"))
	for _, line := range lines[:len(lines)-1] {
		var e struct {
			Event         string          `json:"event"`
			OrderID       int64           `json:"order_id"`
			ClientOrderID string          `json:"client_order_id"`
			Side          string          `json:"side"`
			Price         decimal.Decimal `json:"price"`
			Quantity      decimal.Decimal `json:"quantity"`
			Status        string          `json:"status"`
			UserAgent     string          `json:"user_agent"`
		}
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatalf("journal line %s: %v", line, err)
		}
		fault := func(what string) { j.faults = append(j.faults, what+": "+string(line)) }
		name, ours := nameOf(e.ClientOrderID)
		if !ours || name.side != e.Side {
			fault("not an order that a node would send")
		}
		if e.UserAgent != r.agent {
			fault("not from " + r.agent)
		}
		switch e.Event {
		case "order":
			if sent[name] {
				fault("sent twice")
			}
			sent[name] = true
			j.orders[e.OrderID] = order{e.ClientOrderID, e.Side, e.Status, e.Price.String(), e.Quantity.String(), "0"}
			j.open[name.position] = true
			if len(j.open) > chunks {
				fault("one position too many")
			}
		case "fill":
			o := j.orders[e.OrderID]
			o.executed = decimal.RequireFromString(o.executed).Add(e.Quantity).String()
			o.status = e.Status
			j.orders[e.OrderID] = o
			if e.Side == "SELL" && e.Status == "FILLED" {
				delete(j.open, name.position)
				j.cycles++
			}
		default:
			fault("neither order nor fill")
		}
	}
	return j
}

// version returns the version that the program says it has.
func version(t testing.TB) string {
	t.Helper()
	var v struct{ Version string }
	if err := json.Unmarshal([]byte(must(t, "version", "--json")), &v); err != nil {
		t.Fatal(err)
	}
	return v.Version
}

// openDatabase opens a node's database beside the node.
func openDatabase(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // it was only read
	return db
}

// query returns what scan makes of each row.
func query[T any](t testing.TB, db *sql.DB, statement string, scan func(row *sql.Rows, into *T) error) []T {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), statement)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		var one T
		if err := scan(rows, &one); err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func storedTrades(t testing.TB, db *sql.DB) []trade {
	t.Helper()
	return query(t, db, "SELECT trade_id, trade_time, price, quantity, buyer_is_maker FROM trade_events WHERE symbol = 'XRPETH' ORDER BY trade_id",
		func(row *sql.Rows, e *trade) error {
			return row.Scan(&e.id, &e.timeUS, &e.price, &e.quantity, &e.buyerIsMaker)
		})
}

func storedCandles(t testing.TB, db *sql.DB) []candle {
	t.Helper()
	return query(t, db, "SELECT minutes, start_time, open, high, low, close, volume, trades FROM candles WHERE symbol = 'XRPETH' ORDER BY minutes, start_time",
		func(row *sql.Rows, c *candle) error {
			return row.Scan(&c.minutes, &c.startUS, &c.open, &c.high, &c.low, &c.close, &c.volume, &c.trades)
		})
}

func storedOrders(t testing.TB, db *sql.DB) map[int64]order {
	t.Helper()
	type numbered struct {
		id int64
		order
	}
	orders := make(map[int64]order)
	for _, o := range query(t, db, "SELECT order_id, client_order_id, side, status, price, original_quantity, executed_quantity FROM orders WHERE symbol = 'XRPETH'",
		func(row *sql.Rows, o *numbered) error {
			return row.Scan(&o.id, &o.clientID, &o.side, &o.status, &o.price, &o.quantity, &o.executed)
		}) {
		orders[o.id] = o.order
	}
	return orders
}

// judge holds what is stored against the dumps and the journal.
func (r *recording) judge() {
	t := r.t
	t.Helper()
	db := openDatabase(t, r.database())
	checkSame(t, "trade", storedTrades(t, db), r.trades)
	checkSame(t, "candle", storedCandles(t, db), candlesOf(r.trades))

	j := r.readJournal()
	for _, fault := range j.faults {
		t.Error(fault)
	}
	stored := storedOrders(t, db)
	ids := maps.Clone(stored)
	maps.Copy(ids, j.orders)
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		if stored[id] != j.orders[id] {
			t.Errorf("order %d is stored as %+v, the exchange has %+v", id, stored[id], j.orders[id])
		}
	}
	r.judgePositions(db, j)
	if j.cycles < 3 {
		t.Errorf("%d full cycles, want at least 3", j.cycles)
	}
	t.Logf("%d trades, %d orders, %d cycles, %d positions open", len(r.trades), len(j.orders), j.cycles, len(j.open))
}

// judgePositions expects each order of the journal in the stored position that
// its name speaks of.
func (r *recording) judgePositions(db *sql.DB, j journal) {
	t := r.t
	t.Helper()
	type position struct{ id, state, buy, sell string }
	positions := make(map[string]position)
	for _, p := range query(t, db, "SELECT position_id, state, buy_client_id, sell_client_id FROM positions WHERE symbol = 'XRPETH'",
		func(row *sql.Rows, p *position) error { return row.Scan(&p.id, &p.state, &p.buy, &p.sell) }) {
		positions[p.id] = p
		if p.state == "dropped" {
			t.Errorf("position %s was given up", p.id)
		}
	}
	for id, o := range j.orders {
		name, _ := nameOf(o.clientID)
		p := positions[name.position]
		if o.clientID != p.buy && o.clientID != p.sell {
			t.Errorf("order %d, %s, is not in its position %+v", id, o.clientID, p)
		}
	}
}

// checkSame expects two lists to be equal and names the first place where they
// are not.
func checkSame[T comparable](t testing.TB, what string, got, want []T) {
	t.Helper()
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Errorf("%s %d of %d is %+v, want %+v", what, i+1, len(want), got[i], want[i])
			return
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d of %s, want %d", len(got), what, len(want))
	}
}
