package judge_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
	"hedgehog/exchange/sim"
	"hedgehog/node/judge"
)

const (
	symbol  = "XRPUSDT" // tick 0.0001, step 0.1, at least 5 USDT an order
	account = "account"
)

func dec(s string) decimal.Decimal { return decimal.RequireFromString(s) }

// event is one thing that a judge is told of.
type event struct {
	assigned *assignment
	entry    *sim.JournalEntry
}

type assignment struct {
	at    exchange.Micros
	node  string
	epoch uint64
}

// record is all that a run leaves behind for the judge.
type record struct {
	cfg     judge.Config
	events  []event
	initial map[string]decimal.Decimal
	final   []exchange.Balance
	end     judge.End
}

// clone returns a copy of which everything that the tests change can be changed.
func (r record) clone() record {
	events := make([]event, len(r.events))
	for i, e := range r.events {
		if e.assigned != nil {
			a := *e.assigned
			events[i].assigned = &a
		} else {
			entry := *e.entry
			events[i].entry = &entry
		}
	}
	r.events = events
	r.initial, r.final = maps.Clone(r.initial), slices.Clone(r.final)
	r.end.Stores = slices.Clone(r.end.Stores)
	for i := range r.end.Stores {
		s := &r.end.Stores[i]
		s.Orders, s.Fills, s.Positions, s.State = slices.Clone(s.Orders), slices.Clone(s.Fills), slices.Clone(s.Positions), slices.Clone(s.State)
		s.Trades, s.Watermarks = maps.Clone(s.Trades), maps.Clone(s.Watermarks)
		for name := range s.Trades {
			s.Trades[name] = slices.Clone(s.Trades[name])
		}
	}
	r.end.Collected = maps.Clone(r.end.Collected)
	return r
}

// judged tells a judge of everything and returns it.
func (r record) judged(tb testing.TB) *judge.Judge {
	tb.Helper()
	j := r.judgedJournal(tb)
	j.Stored(r.end)
	return j
}

// judgedJournal tells a judge of everything but what is stored.
func (r record) judgedJournal(tb testing.TB) *judge.Judge {
	tb.Helper()
	j, err := judge.New(r.cfg)
	if err != nil {
		tb.Fatal(err)
	}
	for _, e := range r.events {
		if e.assigned != nil {
			j.Assigned(e.assigned.at, symbol, e.assigned.node, 1, e.assigned.epoch)
		} else {
			j.Journal(*e.entry)
		}
	}
	j.Balances(r.initial, r.final)
	return j
}

// rules returns the rules that were broken, each once, sorted.
func rules(violations []judge.Violation) []judge.Rule {
	var broken []judge.Rule
	for _, v := range violations {
		broken = append(broken, v.Rule)
	}
	slices.Sort(broken)
	return slices.Compact(broken)
}

func lines(violations []judge.Violation) string {
	text := make([]string, 0, len(violations))
	for _, v := range violations {
		text = append(text, v.String())
	}
	return strings.Join(text, "\n")
}
