package main_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"hedgehog/node/api"
)

// The recorded days that lie beside the repository.
const (
	symbol     = "XRPETH"
	firstDay   = "XRPETH-trades-2019-10-11.csv"
	secondDay  = "XRPETH-trades-2019-10-12.csv"
	dayFirstID = 13519807
	dayLastID  = 13525735
	dayTrades  = 5929
)

// chunks is how many positions the node may have, by default.
const chunks = 5

// recording is a simulated exchange that replays recorded days, and a node that
// streams, collects, aggregates and trades them, each a process of its own.
type recording struct {
	t       testing.TB
	trades  []trade // of all days
	dir     string  // the node's data directory
	journal string
	agent   string   // what the node calls itself at the exchange
	args    []string // of the exchange
	market  market
	node    peer
	// survived are the positions that were open when the node was killed.
	survived []api.Position
}

// record starts the exchange and the node and switches everything on.
func record(t testing.TB, days []string, speed string, more ...string) *recording {
	t.Helper()
	r := &recording{t: t, dir: t.TempDir(), journal: filepath.Join(t.TempDir(), "journal.jsonl")}
	r.agent = "hedgehog/" + version(t) + " (e2e)"
	r.args = append([]string{"--speed", speed, "--journal", r.journal}, more...)
	for _, day := range days {
		path := recorded(t, day)
		r.trades = append(r.trades, readDump(t, path)...)
		r.args = append(r.args, "--replay", path)
	}
	r.market = launchExchange(t, append(r.args, "--listen", "127.0.0.1:0")...)
	r.node = launchNode(t, r.dir, r.market.url)
	for _, command := range [][]string{
		{"status", "--wait", "20s"},
		{"collect", "start", symbol},
		{"aggregate", "start", symbol},
		{"trade", "settings", symbol, "--budget", "10", "--profit-target", "0.001", "--buy-down-interval", "0.0005"},
		{"trade", "start", symbol},
		{"stream", "start", symbol},
	} {
		must(t, append(command, "--node", r.node.url)...)
	}
	return r
}

func (r *recording) database() string { return filepath.Join(r.dir, "hedgehog.db") }

// lastID is the id of the last trade of all days.
func (r *recording) lastID() int64 { return r.trades[len(r.trades)-1].id }

// passed says whether the node has seen the trade.
func (r *recording) passed(id int64) bool {
	s, ok := r.node.status()
	return ok && s.LastTradeID >= id
}

// finish waits until the days are over and all news of orders have arrived, looks
// for the positions that have to have gone on, ends the node, then the exchange,
// and judges what they left.
func (r *recording) finish() {
	r.t.Helper()
	eventually(r.t, "the last trade", func() bool { return r.passed(r.lastID()) })
	db := openDatabase(r.t, r.database())
	eventually(r.t, "the news of all orders", func() bool {
		return maps.Equal(storedOrders(r.t, db), r.readJournal().orders)
	})
	now := r.node.positions()
	for _, old := range r.survived {
		i := slices.IndexFunc(now, func(p api.Position) bool { return p.ID == old.ID })
		if i < 0 || now[i].State == "dropped" || now[i].StartTime != old.StartTime || now[i].Slot != old.Slot {
			r.t.Errorf("position %+v has not gone on", old)
		}
	}
	r.node.end(syscall.SIGTERM)
	r.market.end(syscall.SIGTERM)
	r.judge()
}

func TestARecordedDayThroughProcesses(t *testing.T) {
	r := record(t, []string{firstDay}, "max")
	if len(r.trades) != dayTrades || r.trades[0].id != dayFirstID || r.lastID() != dayLastID {
		t.Fatalf("the dump has %d trades from %d to %d", len(r.trades), r.trades[0].id, r.lastID())
	}
	r.finish()
}

// killNode kills the node once it has seen the trade and has an order at the
// exchange, and starts it again when it has missed some trades.
func (r *recording) killNode(after, missed int64) {
	t := r.t
	t.Helper()
	var before []api.Position
	eventually(t, fmt.Sprintf("an open order after trade %d", after), func() bool {
		if !r.passed(after) {
			return false
		}
		open, err := r.node.client.Orders(t.Context(), symbol, true, chunks)
		if err != nil || len(open) == 0 {
			return false
		}
		before, err = r.node.client.Positions(t.Context(), symbol, false)
		return err == nil && len(before) > 0
	})
	if r.passed(r.lastID()) {
		t.Fatal("the days were over before the node was killed")
	}
	r.node.kill()
	dead := r.market.newestTrade()
	// Seldom: the exchange counts requests.
	eventuallyEvery(t, 100*time.Millisecond, "trades without the node", func() bool { return r.market.newestTrade() >= dead+missed })
	r.node = launchNode(t, r.dir, r.market.url)
	r.node.await("positions restored")
	r.survived = append(r.survived, before...)
}

func TestKillingTheNodeLosesNothingAndSendsNothingTwice(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for receive windows to pass")
	}
	for _, test := range []struct {
		name, speed string
		days        []string
		kills       int
		missed      int64
		seed        uint64
	}{
		// As fast as the node takes it the market waits while the node is dead; two
		// days have a finished candle of 1440 minutes.
		{"at the fastest speed", "max", []string{firstDay, secondDay}, 3, 0, 1},
		// With a pace of its own the market goes on, for more trades than a trader's
		// queue holds; a day in 18 s.
		{"while the market goes on", "4800", []string{firstDay}, 2, 500, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := record(t, test.days, test.speed)
			// One kill in each equal part of the time, the second half left out.
			random := rand.New(rand.NewPCG(test.seed, 0))
			part := len(r.trades) / 2 / test.kills
			for i := range test.kills {
				after := r.trades[i*part+random.IntN(part)].id
				t.Logf("kill after trade %d", after)
				r.killNode(after, test.missed)
			}
			r.finish()
		})
	}
}

func TestKillingTheExchangeLosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for connections to be made anew")
	}
	t.Parallel()
	r := record(t, []string{firstDay}, "max", "--data-dir", t.TempDir())
	address, err := url.Parse(r.market.url)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(3, 0))
	for i := range 2 {
		after := r.trades[i*2000+random.IntN(2000)].id
		eventually(t, fmt.Sprintf("trade %d", after), func() bool { return r.passed(after) })
		t.Logf("kill after trade %d", after)
		r.market.kill()
		r.market = launchExchange(t, append(r.args, "--listen", address.Host)...)
	}
	r.finish()
}

func TestCtrlCDuringWorkEndsBothInOrder(t *testing.T) {
	for _, order := range []string{"node first", "exchange first"} {
		t.Run(order, func(t *testing.T) {
			r := record(t, []string{firstDay}, "2000")
			eventually(t, "trades", func() bool { return r.passed(r.trades[100].id) })
			processes := []*daemon{r.node.daemon, r.market.daemon}
			if order == "exchange first" {
				slices.Reverse(processes)
			}
			for _, p := range processes {
				p.end(os.Interrupt)
			}
			stored := storedTrades(t, openDatabase(t, r.database()))
			if len(stored) < 100 {
				t.Errorf("%d trades stored, want at least 100", len(stored))
			}
			checkSame(t, "trade", stored, r.trades[:len(stored)])
		})
	}
}

// A client may keep a connection at hand that it has asked nothing on yet.
func TestASilentClientDoesNotHoldUpTheEnd(t *testing.T) {
	x := launchExchange(t, "--listen", "127.0.0.1:0", "--symbols", symbol)
	n := launchNode(t, t.TempDir(), x.url)
	for _, p := range []struct {
		*daemon
		url string
	}{{n.daemon, n.url}, {x.daemon, x.url}} {
		connection, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(p.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close()
		p.end(os.Interrupt)
	}
}
