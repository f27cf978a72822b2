package main_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/shopspring/decimal"
)

// accepted is something that the exchange wrote down.
type accepted struct {
	TimeUS        int64           `json:"time_us"`
	Event         string          `json:"event"`
	Symbol        string          `json:"symbol"`
	OrderID       int64           `json:"order_id"`
	ClientOrderID string          `json:"client_order_id"`
	Side          string          `json:"side"`
	Price         decimal.Decimal `json:"price"`
	Quantity      decimal.Decimal `json:"quantity"`
	Status        string          `json:"status"`
	Code          int             `json:"code"`
	UserAgent     string          `json:"user_agent"`
}

var agent = regexp.MustCompile(`^hedgehog/\S+ \((\S+)\)$`)

// node returns whose request it was.
func (e accepted) node() string {
	if match := agent.FindStringSubmatch(e.UserAgent); match != nil {
		return match[1]
	}
	return ""
}

// entries returns the journal as far as it is written; half a last line does not
// count.
func (c *cluster) entries() []accepted {
	c.t.Helper()
	content, err := os.ReadFile(c.journal)
	if err != nil {
		c.t.Fatal(err)
	}
	var all []accepted
	lines := bytes.Split(content, []byte("\n"))
	for _, line := range lines[:len(lines)-1] {
		var e accepted
		if err := json.Unmarshal(line, &e); err != nil {
			c.t.Fatalf("journal line %s: %v", line, err)
		}
		all = append(all, e)
	}
	return all
}

// ordersOf returns the orders that the exchange accepted from the node after the
// time.
func (c *cluster) ordersOf(node string, after time.Time) []accepted {
	c.t.Helper()
	return slices.DeleteFunc(c.entries(), func(e accepted) bool {
		return e.Event != "order" || e.node() != node || e.TimeUS <= after.UnixMicro()
	})
}

// judge holds the journal against who owned what, and against what all nodes,
// dead or alive, have stored.
func (c *cluster) judge() {
	c.t.Helper()
	entries := c.entries()
	c.judgeOrders(entries)
	c.judgeOwners(entries)
	for _, s := range c.symbols {
		c.judgeTrades(s)
	}
	c.judgeKnown(entries)
}

// judgeOrders expects that no order was sent twice, under whichever id, and that
// no symbol had more positions than it may have.
func (c *cluster) judgeOrders(entries []accepted) {
	c.t.Helper()
	type named struct {
		symbol string
		orderName
	}
	sent := make(map[named]bool)
	ids := make(map[string]bool)
	open := make(map[string]map[string]bool) // by symbol: positions that have not sold
	orders, cycles, late := 0, 0, 0
	for _, e := range entries {
		name, ours := nameOf(e.ClientOrderID)
		if !ours || name.side != e.Side || c.members[e.node()] == nil {
			c.t.Errorf("not an order that a node would send: %+v", e)
			continue
		}
		switch {
		case e.Event == "order":
			if key := (named{e.Symbol, name}); sent[key] || ids[e.ClientOrderID] {
				c.t.Errorf("sent twice: %+v", e)
			} else {
				sent[key], ids[e.ClientOrderID] = true, true
			}
			if open[e.Symbol] == nil {
				open[e.Symbol] = make(map[string]bool)
			}
			if open[e.Symbol][name.position] = true; len(open[e.Symbol]) > chunks {
				c.t.Errorf("one position too many: %+v", e)
			}
			orders++
		case e.Event == "fill" && e.Side == "SELL" && e.Status == "FILLED":
			delete(open[e.Symbol], name.position)
			cycles++
		case e.Event == "fill":
		case e.Event == "reject" && e.Code == tooLate:
			late++ // what comes late is refused, as it shall be
		default:
			c.t.Errorf("neither order nor fill: %+v", e)
		}
	}
	if orders == 0 || cycles == 0 {
		c.t.Errorf("%d orders, %d full cycles: nothing was traded", orders, cycles)
	}
	c.t.Logf("%d orders, %d full cycles, %d refused as too late", orders, cycles, late)
}

// tooLate is the exchange's code for a timestamp outside of the receive window.
const tooLate = -1021

// judgeOwners expects each order to have been accepted while its sender owned the
// symbol: after some node knew that, and before any node knew of a next owner.
func (c *cluster) judgeOwners(entries []accepted) {
	c.t.Helper()
	for _, e := range entries {
		if e.Event != "order" && e.Event != "cancel" {
			continue
		}
		tenures := c.tenures[e.Symbol]
		epochs := slices.Sorted(maps.Keys(tenures))
		owned := false
		for i, epoch := range epochs {
			if tenures[epoch].node != e.node() || e.TimeUS < tenures[epoch].fromUS {
				continue
			}
			owned = owned || i+1 == len(epochs) || e.TimeUS <= tenures[epochs[i+1]].fromUS
		}
		if !owned {
			c.t.Errorf("accepted from one that was not the owner: %+v; owners were %s", e, describe(tenures))
		}
	}
}

func describe(tenures map[uint64]tenure) string {
	var text bytes.Buffer
	for _, epoch := range slices.Sorted(maps.Keys(tenures)) {
		fmt.Fprintf(&text, "%d: %q from %d; ", epoch, tenures[epoch].node, tenures[epoch].fromUS)
	}
	return text.String()
}

// judgeTrades expects the trades that all nodes together have stored of a symbol
// to have no hole; those of the recorded one to be all that were recorded.
func (c *cluster) judgeTrades(of string) {
	c.t.Helper()
	stored := make(map[int64]trade)
	for _, name := range slices.Sorted(maps.Keys(c.members)) {
		for _, e := range storedTradesOf(c.t, c.members[name].database(), of) {
			if known, there := stored[e.id]; there && known != e {
				c.t.Errorf("%s: trade %d is stored as %+v and as %+v", of, e.id, known, e)
			}
			stored[e.id] = e
		}
	}
	ids := slices.Sorted(maps.Keys(stored))
	if len(ids) == 0 {
		c.t.Errorf("%s: no trade is stored", of)
	}
	for i := 1; i < len(ids); i++ {
		if ids[i] != ids[i-1]+1 {
			c.t.Errorf("%s: a hole between the stored trades %d and %d", of, ids[i-1], ids[i])
		}
	}
	if of != symbol {
		return
	}
	all := make([]trade, 0, len(ids))
	for _, id := range ids {
		all = append(all, stored[id])
	}
	checkSame(c.t, "recorded trade", all, readDump(c.t, recorded(c.t, firstDay)))
}

func storedTradesOf(t testing.TB, database, symbol string) []trade {
	t.Helper()
	statement := fmt.Sprintf("SELECT trade_id, trade_time, price, quantity, buyer_is_maker FROM trade_events WHERE symbol = '%s'", symbol)
	return query(t, openDatabase(t, database), statement, func(row *sql.Rows, e *trade) error {
		return row.Scan(&e.id, &e.timeUS, &e.price, &e.quantity, &e.buyerIsMaker)
	})
}

// judgeKnown expects some node to have stored each order that was accepted.
func (c *cluster) judgeKnown(entries []accepted) {
	c.t.Helper()
	known := make(map[int64]string)
	for _, m := range c.members {
		maps.Copy(known, clientIDs(c.t, m.database()))
	}
	for _, e := range entries {
		if e.Event == "order" && known[e.OrderID] != e.ClientOrderID {
			c.t.Errorf("no node knows of %+v; order %d is %q", e, e.OrderID, known[e.OrderID])
		}
	}
}

func (m *member) database() string { return filepath.Join(m.dir, "hedgehog.db") }

// clientIDs returns the client order ids of all stored orders.
func clientIDs(t testing.TB, database string) map[int64]string {
	t.Helper()
	type numbered struct {
		id       int64
		clientID string
	}
	ids := make(map[int64]string)
	for _, o := range query(t, openDatabase(t, database), "SELECT order_id, client_order_id FROM orders",
		func(row *sql.Rows, o *numbered) error { return row.Scan(&o.id, &o.clientID) }) {
		ids[o.id] = o.clientID
	}
	return ids
}
