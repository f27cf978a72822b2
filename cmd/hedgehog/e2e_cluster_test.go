package main_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"hedgehog/exchange"
	"hedgehog/exchange/sim"
	"hedgehog/node/api"
)

// walking are the symbols whose prices walk at random.
var walking = []string{"BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT", "LTCUSDT"}

// takeoverBound is how long a takeover may take on whatever machine runs the
// tests; deploy/local/failover.sh measures what it takes on one that is idle.
const takeoverBound = 6 * time.Second

// handOverBound is how long the symbols of a node that stops in order may take to
// be traded elsewhere, on a busy machine.
const handOverBound = 3 * time.Second

// A day of trades goes by while nodes are killed and paused: each time their
// symbols are traded elsewhere, and what the exchange and the nodes have written
// in the end shows that nobody acted beside the owner and nothing is missing.
func TestKilledAndPausedNodesLoseNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("lasts about a minute")
	}
	c := openMarket(t, walking, "--replay", recorded(t, firstDay), "--speed", "2400")
	c.symbols = append([]string{symbol}, walking...)
	c.found("n1", "n2", "n3")
	c.trade()

	c.takeOver("owner of the recorded symbol", c.owners()[symbol])
	c.takeOver("leader", c.leader())

	owners := c.settled(3)
	paused := owners[symbol]
	theirs, since := of(owners, paused), time.Now()
	c.pause(paused)
	t.Logf("paused %s: its symbols were restored after %s", paused, c.restored(theirs, since))
	c.traded(theirs...)
	eventuallyEvery(t, 50*time.Millisecond, "the pause to be long", func() bool { return time.Since(since) > 10*time.Second })
	c.resume(paused)
	c.together(3)

	follower := c.others(c.leader())[0]
	c.takeOver("follower", follower)
	c.takeOver("leader", c.leader())

	eventually(t, "the last recorded trade", func() bool {
		status, err := c.any().client.Status(t.Context())
		return err == nil && slices.ContainsFunc(status.Symbols, c.overAt)
	})
	c.adopted(symbol)
	c.finish()
}

// takeOver kills a node that owns something, waits until its symbols are traded
// elsewhere, and starts it again.
func (c *cluster) takeOver(what, name string) {
	c.t.Helper()
	theirs := of(c.settled(len(c.members)), name)
	c.traded(c.symbols...)
	since := time.Now()
	c.kill(name)
	took := c.restored(theirs, since)
	c.t.Logf("killed %s, the %s: its %d symbols were restored after %s", name, what, len(theirs), took)
	if took > takeoverBound {
		c.t.Errorf("the takeover took %s, want at most %s", took, takeoverBound)
	}
	c.traded(c.symbols...)
	c.listen()
	c.start(name)
	c.together(len(c.members))
}

// adopted waits until each order of the symbol that rests at the exchange is in an
// open position. Orders that come and go meanwhile do not count.
func (c *cluster) adopted(symbol string) {
	c.t.Helper()
	eventuallyEvery(c.t, 50*time.Millisecond, "all resting orders of "+symbol+" to be in positions", func() bool {
		resting := c.resting(symbol)
		positions, err := c.any().client.Positions(c.t.Context(), symbol, false)
		if err != nil {
			return false
		}
		for _, p := range positions {
			for _, o := range []*exchange.Order{p.Buy, p.Sell} {
				if o != nil {
					delete(resting, o.ClientID)
				}
			}
		}
		now := c.resting(symbol)
		maps.DeleteFunc(resting, func(clientID string, _ bool) bool { return !now[clientID] })
		return len(resting) == 0
	})
}

// resting returns the client order ids of the symbol's orders that are open, as
// the journal has it.
func (c *cluster) resting(symbol string) map[string]bool {
	c.t.Helper()
	open := make(map[string]bool)
	for _, e := range c.entries() {
		switch {
		case e.Symbol != symbol || e.Event == sim.JournalReject:
		case e.Status.Done():
			delete(open, e.ClientOrderID)
		default:
			open[e.ClientOrderID] = true
		}
	}
	return open
}

func TestNewcomersTakeTheirShareAndNothingElseMoves(t *testing.T) {
	if testing.Short() {
		t.Skip("lasts half a minute")
	}
	t.Parallel() // it mostly waits, and is in no hurry
	c := openMarket(t, tenSymbols)
	c.profile = "wan" // no node is given up only because the machine is busy
	c.found("n1", "n2", "n3")
	c.trade()
	for i, newcomer := range []string{"n4", "n5"} {
		nodes := 4 + i
		before := c.settled(nodes - 1)
		c.start(newcomer)
		c.together(nodes)
		after := c.settled(nodes)
		moved := 0
		for symbol, owner := range after {
			if owner != before[symbol] {
				moved++
			}
			if owner != before[symbol] && owner != newcomer {
				t.Errorf("%s joined, and %s moved from %s to %s", newcomer, symbol, before[symbol], owner)
			}
		}
		fair := (len(c.symbols) + nodes - 1) / nodes
		if moved > fair {
			t.Errorf("%s joined, and %d symbols moved, its fair share is %d", newcomer, moved, fair)
		}
		t.Logf("%s joined: %d of %d symbols moved", newcomer, moved, len(after))
	}
	c.traded(c.symbols...)
	c.finish()
}

// tenSymbols are more than nodes.
var tenSymbols = append([]string{"XRPUSDT", "DOGEUSDT", "ADAUSDT", "DOTUSDT", "TRXUSDT"}, walking...)

func TestOfFiveNodesTwoMayDie(t *testing.T) {
	if testing.Short() {
		t.Skip("keeps the machine busy with five nodes")
	}
	c := openMarket(t, tenSymbols)
	c.found("n1", "n2", "n3", "n4", "n5")
	c.trade()
	owners, leader := c.settled(5), c.leader()
	other := c.others(leader)[0]
	theirs, since := append(of(owners, leader), of(owners, other)...), time.Now()
	c.kill(leader)
	c.kill(other)
	t.Logf("killed %s and %s of five: their %d symbols were restored after %s", leader, other, len(theirs), c.restored(theirs, since))
	c.traded(c.symbols...)
	eventuallyEvery(t, 50*time.Millisecond, "a quorum of three", func() bool { return clusterStatus(t, c.any()).Quorum })
	c.finish()
}

// settled waits until so many nodes own symbols, as evenly as can be, and nothing
// is on the move; it returns who owns what.
func (c *cluster) settled(nodes int) map[string]string {
	c.t.Helper()
	var owners map[string]string
	eventuallyEvery(c.t, 50*time.Millisecond, fmt.Sprintf("%d nodes to have their share", nodes), func() bool {
		owners = c.owners()
		return even(owners, nodes)
	})
	return owners
}

// even says whether so many nodes own all symbols, as evenly as can be.
func even(owners map[string]string, nodes int) bool {
	load := make(map[string]int)
	for _, owner := range owners {
		load[owner]++
	}
	loads := slices.Collect(maps.Values(load))
	return load[""] == 0 && len(load) == nodes && slices.Max(loads)-slices.Min(loads) <= 1
}

// A node that has lost its quorum does not act, but goes on with all else.
func TestTheLastOfThreeNodesStandsStillUntilAnotherReturns(t *testing.T) {
	if testing.Short() {
		t.Skip("kills and waits for a quarter of a minute")
	}
	t.Parallel() // it mostly waits
	c := openMarket(t, walking)
	c.found("n1", "n2", "n3")
	c.trade()
	last := c.leader()
	mine := of(c.settled(3), last)
	others := c.others(last)
	for _, name := range others {
		c.kill(name)
	}
	killed := time.Now()
	left := c.members[last]
	eventuallyEvery(t, 50*time.Millisecond, last+" to miss its quorum", func() bool { return !clusterStatus(t, left).Quorum })

	// It stores trades that happen well after its lease, and answers queries.
	const lease = 1200 * time.Millisecond // of the profile local
	for _, symbol := range mine {
		eventuallyEvery(t, 100*time.Millisecond, "trades of "+symbol+" to be stored without a quorum", func() bool {
			trades, err := left.client.Trades(t.Context(), symbol, 1)
			return err == nil && len(trades) == 1 && trades[0].TradeTime.Time().After(killed.Add(lease+2*time.Second))
		})
	}
	if positions, err := left.client.Positions(t.Context(), "", false); err != nil || len(positions) == 0 {
		t.Errorf("positions without a quorum: %d, %v", len(positions), err)
	}
	if o := run(t, "trade", "settings", mine[0], "--budget", "10", "--node", left.url); o.code != 1 {
		t.Errorf("a change without a quorum ended with code %d, %q", o.code, o.stdout)
	}
	if late := c.ordersOf(last, killed.Add(lease)); len(late) > 0 {
		t.Errorf("%d orders were accepted without a quorum, the first: %+v", len(late), late[0])
	}

	c.start(others[0])
	c.traded(c.symbols...)
	eventuallyEvery(t, 50*time.Millisecond, "a quorum of two", func() bool { return clusterStatus(t, left).Quorum })
	c.finish()
}

func TestARestartOfAllNodesAtOnceChangesNothing(t *testing.T) {
	c := openMarket(t, walking)
	c.found("n1", "n2", "n3")
	c.trade()
	owners, settings := c.owners(), c.settings()
	positions := make(map[string]api.Position)
	for _, p := range c.positions(false) {
		positions[p.ID] = p
	}
	for _, name := range []string{"n1", "n2", "n3"} {
		c.kill(name)
	}
	killed := time.Now()
	for _, name := range []string{"n1", "n2", "n3"} {
		c.start(name)
	}
	c.together(3)
	c.restored(c.symbols, killed)
	c.traded(c.symbols...)
	if now := c.owners(); !maps.Equal(now, owners) {
		t.Errorf("symbols are owned by %v, before by %v", now, owners)
	}
	if now := c.settings(); now != settings {
		t.Errorf("settings are %s, were %s", now, settings)
	}
	for _, p := range c.positions(true) {
		old, was := positions[p.ID]
		delete(positions, p.ID)
		if was && (p.State == "dropped" || p.StartTime != old.StartTime || p.Slot != old.Slot) {
			t.Errorf("position %+v has become %+v", old, p)
		}
	}
	for _, p := range positions {
		t.Errorf("position %+v is gone", p)
	}
	c.finish()
}

// settings returns all settings of the active symbols, as a command prints them.
func (c *cluster) settings() string {
	c.t.Helper()
	return c.command("trade", "list", "--json") + c.command("stream", "list", "--json") + c.command("collect", "list", "--json") +
		c.command("aggregate", "list", "--json")
}

func (c *cluster) positions(all bool) []api.Position {
	c.t.Helper()
	positions, err := c.any().client.Positions(c.t.Context(), "", all)
	if err != nil || len(positions) == 0 {
		c.t.Fatalf("%d positions, %v", len(positions), err)
	}
	return positions
}

func TestAStoppedNodeHandsItsSymbolsOverAtOnce(t *testing.T) {
	c := openMarket(t, walking)
	c.found("n1", "n2", "n3")
	c.trade()
	for _, stopped := range []string{"leader", "follower"} {
		owners, name := c.settled(3), c.leader()
		if stopped == "follower" {
			name = c.others(name)[0]
		}
		theirs, since := of(owners, name), time.Now()
		c.stop(name)
		took := c.restored(theirs, since)
		t.Logf("stopped %s, the %s: its %d symbols were restored after %s", name, stopped, len(theirs), took)
		if took > handOverBound {
			t.Errorf("the hand-over took %s, want at most %s", took, handOverBound)
		}
		c.traded(c.symbols...)
		c.start(name)
		c.together(3)
	}
	c.finish()
}
