package simulation_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
	"hedgehog/exchange/sim"
	"hedgehog/node/judge"
	"hedgehog/storage"
)

// court tells the judge what happens, and what it rests on: who was made the owner
// of a symbol, by the committed log alone.
type court struct {
	w     *world
	judge *judge.Judge

	mu     sync.Mutex
	owners map[string]storage.Assignment
	waits  map[string][]func() // by node: what is to happen when its next order is accepted
	found  []string            // what is wrong beside the judge's rules
}

// account is whose orders are judged.
const account = "hedgehog"

func openCourt(w *world, symbols []exchange.Symbol) (*court, error) {
	config := judge.DefaultConfig(symbols)
	config.Commission = commission
	if *busy {
		config.Chunks = busyChunks
	}
	j, err := judge.New(config)
	return &court{w: w, judge: j, owners: make(map[string]storage.Assignment), waits: make(map[string][]func())}, err
}

// committed takes an entry of the replicated log. Of assignments it holds by
// itself which of them count, see storage.Command.
func (c *court) committed(index, term uint64, data []byte) {
	command, err := storage.DecodeCommand(data)
	if err != nil {
		c.violated("log", "entry %d can't be read: %v", index, err)
		return
	}
	if command.Term != 0 && command.Term != term {
		return
	}
	if s := command.Settings; s != nil && s.TradingStatus != nil {
		c.w.note("the trading of %s is to be %s, where it is %q, by %s", s.Symbol, *s.TradingStatus, s.ExpectTradingStatus, command.Proposal)
	}
	if p := command.Positions; p != nil {
		for _, position := range p.Positions {
			c.w.note("%s has %s of %s recorded as %s, revision %d", p.Node, position.ID, position.Symbol, position.State, p.Revision)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range command.Assign {
		owner := c.owners[a.Symbol]
		again := a.Epoch == owner.Epoch && a.Node == owner.Node && a.Run == owner.Run
		if a.Epoch != owner.Epoch+1 && !again {
			continue
		}
		c.owners[a.Symbol] = a
		if again {
			continue
		}
		c.w.note("%s is %q's from now on, epoch %d", a.Symbol, a.Node, a.Epoch)
		c.judge.Assigned(exchange.MicrosOf(c.w.venue.now()), a.Symbol, a.Node, a.Run, uint64(a.Epoch))
	}
}

func (c *court) journalled(e sim.JournalEntry) {
	c.judge.Journal(e)
	sender, ok := judge.Sender(e.UserAgent)
	if e.Event != sim.JournalOrder || !ok {
		return
	}
	c.mu.Lock()
	waiting := c.waits[sender]
	delete(c.waits, sender)
	c.mu.Unlock()
	for _, do := range waiting {
		do()
	}
}

// atOrder has something happen when the next order of the node is accepted.
func (c *court) atOrder(node string, do func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waits[node] = append(c.waits[node], do)
}

// forget has nothing happen at orders any more.
func (c *court) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.waits)
}

// violated notes what is wrong beside the judge's rules.
func (c *court) violated(rule, format string, args ...any) {
	text := rule + ": " + fmt.Sprintf(format, args...)
	c.w.note("violation: %s", text)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.found = append(c.found, text)
}

// ownerOf returns who has a symbol.
func (c *court) ownerOf(symbol string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.owners[symbol].Node
}

// violations returns all that was found.
func (c *court) violations() []string {
	c.mu.Lock()
	all := append([]string(nil), c.found...)
	c.mu.Unlock()
	for _, v := range c.judge.Violations() {
		all = append(all, fmt.Sprintf("%s: %s %s at %.6f", v.Rule, v.Symbol, v.Text, v.At.Time().Sub(c.w.began).Seconds()))
	}
	return all
}

// final judges what nodes and exchange have in the end. settled is when the last
// of it had come to rest.
func (c *court) final(settled exchange.Micros, last map[string]int64) error {
	c.judge.Balances(map[string]decimal.Decimal{"USDT": balance}, c.w.venue.engine.Account(account).Balances)
	end := judge.End{Settled: settled, Collected: make(map[string]judge.Span)}
	for _, name := range c.w.names {
		m := c.w.machines[name]
		store, err := judge.ReadStore(context.Background(), name, filepath.Join(m.disk, "hedgehog.db"))
		if err != nil {
			return err
		}
		end.Stores = append(end.Stores, store)
	}
	for symbol, id := range last {
		end.Collected[symbol] = judge.Span{Last: id}
	}
	c.judge.Stored(end)
	return nil
}

// The account at the beginning, and what the exchange takes of it.
var (
	balance    = decimal.RequireFromString("100000")
	commission = decimal.RequireFromString("0.0001")
)

// now is the exchange's clock.
func (v *venue) now() time.Time { return v.w.began.Add(v.w.now()) }
