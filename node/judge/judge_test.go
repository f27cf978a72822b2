package judge_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hedgehog/exchange"
	"hedgehog/exchange/sim"
	"hedgehog/exchange/wire"
	"hedgehog/node/judge"
	"hedgehog/strategy/naive"
)

// good is a run that breaks no rule, made once for all tests that spoil a copy.
var good = struct {
	sync.Once
	record
}{}

func goodRun(tb testing.TB) record {
	tb.Helper()
	good.Do(func() { good.record = run(tb, 1, true, 400) })
	if good.events == nil {
		tb.Fatal("the good run has failed in another test")
	}
	return good.clone()
}

func TestGoodRunsBreakNoRule(t *testing.T) {
	for _, partial := range []bool{false, true} {
		j := run(t, 2, partial, 400).judged(t)
		if v := j.Violations(); len(v) > 0 {
			t.Errorf("partial fills %t: %d violations:\n%s", partial, len(v), lines(v))
		}
		if c := j.Counts(); c.Orders < 20 || c.Cycles < 5 || c.Cancels < 2 {
			t.Errorf("partial fills %t: nothing much has happened: %+v", partial, c)
		}
	}
}

func TestAnyGoodJournalBreaksNoRule(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := newCluster(t, rapid.Uint64().Draw(rt, "seed"), rapid.Bool().Draw(rt, "partial fills"))
		c.trades(rapid.IntRange(1, 200).Draw(rt, "trades"))
		r := c.record
		r.final = c.engine.Account(account).Balances
		j := r.judgedJournal(t)
		if v := j.Violations(); len(v) > 0 {
			rt.Fatalf("%d violations:\n%s", len(v), lines(v))
		}
	})
}

// at returns the index of the first event that the test wants.
func (r *record) at(tb testing.TB, wanted func(event) bool) int {
	tb.Helper()
	i := slices.IndexFunc(r.events, wanted)
	if i < 0 {
		tb.Fatal("the good run has no such event")
	}
	return i
}

// first returns the first entry of the kind, side and status, to be changed.
func (r *record) first(tb testing.TB, kind sim.JournalEvent, side exchange.Side, status exchange.Status) *sim.JournalEntry {
	tb.Helper()
	return r.events[r.at(tb, func(e event) bool {
		return e.entry != nil && e.entry.Event == kind && e.entry.Side == side && e.entry.Status == status
	})].entry
}

// insert puts an entry behind another.
func (r *record) insert(tb testing.TB, behind *sim.JournalEntry, e sim.JournalEntry) {
	tb.Helper()
	i := r.at(tb, func(at event) bool { return at.entry == behind })
	r.events = slices.Insert(r.events, i+1, event{entry: &e})
}

func (r *record) drop(tb testing.TB, e *sim.JournalEntry) {
	tb.Helper()
	i := r.at(tb, func(at event) bool { return at.entry == e })
	r.events = slices.Delete(r.events, i, i+1)
}

// another returns an order like o under the name, which is placed a moment later.
func another(o sim.JournalEntry, name naive.OrderName) sim.JournalEntry {
	o.OrderID, o.ClientOrderID, o.Side, o.Status, o.Time = 999_999, name.String(), name.Side, exchange.New, o.Time+1
	o.Event, o.TradeID = sim.JournalOrder, 0
	return o
}

func otherNode(userAgent string) string {
	if userAgent == agent("a") {
		return agent("b")
	}
	return agent("a")
}

func TestEachBrokenRuleOfTheJournalIsFound(t *testing.T) {
	tests := []struct {
		name  string
		rule  judge.Rule
		spoil func(t *testing.T, r *record)
	}{
		{"an order of another node", judge.OneTrader, func(t *testing.T, r *record) {
			o := r.first(t, sim.JournalOrder, exchange.Sell, exchange.New)
			o.UserAgent = otherNode(o.UserAgent)
		}},
		{"a cancel of another node", judge.OneTrader, func(t *testing.T, r *record) {
			o := r.first(t, sim.JournalOrder, exchange.Sell, exchange.New)
			c := *o
			c.Event, c.Status, c.UserAgent = sim.JournalCancel, exchange.Canceled, otherNode(o.UserAgent)
			r.insert(t, o, c)
		}},
		{"an order before anybody owns the symbol", judge.OneTrader, func(t *testing.T, r *record) {
			r.events[0].assigned.at += exchange.Micros(time.Hour.Microseconds())
		}},
		{"an order after the symbol was given up", judge.OneTrader, func(t *testing.T, r *record) {
			i := r.at(t, func(e event) bool { return e.assigned != nil && e.assigned.epoch == 2 })
			r.events[i].assigned.node = ""
		}},
		{"an order a moment after the next owner's beginning", judge.OneTrader, func(t *testing.T, r *record) {
			i := r.at(t, func(e event) bool { return e.assigned != nil && e.assigned.epoch == 2 })
			before := slices.IndexFunc(r.events[:i], func(e event) bool { return e.entry != nil && e.entry.Event == sim.JournalOrder })
			late := *r.events[before].entry
			late.Time = r.events[i].assigned.at + 1
			r.events = slices.Insert(r.events, i+1, event{entry: &late})
		}},
		{"an epoch that names two owners", judge.Epochs, func(t *testing.T, r *record) {
			i := r.at(t, func(e event) bool { return e.assigned != nil && e.assigned.epoch == 2 })
			r.events = append(r.events, event{assigned: &assignment{r.events[i].assigned.at, "c", 2}})
		}},
		{"an epoch that falls", judge.Epochs, func(t *testing.T, r *record) {
			i := r.at(t, func(e event) bool { return e.assigned != nil && e.assigned.epoch == 2 })
			r.events[i].assigned.epoch = 99
		}},
		{"an order of a stranger", judge.OwnOrders, func(t *testing.T, r *record) {
			r.first(t, sim.JournalOrder, exchange.Buy, exchange.New).UserAgent = "curl/8.0"
		}},
		{"an order without a position's name", judge.OwnOrders, func(t *testing.T, r *record) {
			r.first(t, sim.JournalOrder, exchange.Buy, exchange.New).ClientOrderID = "by-hand"
		}},
		{"a sell under the name of a buy", judge.OwnOrders, func(t *testing.T, r *record) {
			r.first(t, sim.JournalOrder, exchange.Sell, exchange.New).Side = exchange.Buy
		}},
		{"an order of another symbol", judge.OwnOrders, func(t *testing.T, r *record) {
			r.first(t, sim.JournalOrder, exchange.Buy, exchange.New).Symbol = "XRPETH"
		}},
		{"an order sent again under the same id", judge.SentOnce, func(t *testing.T, r *record) {
			f := r.first(t, sim.JournalFill, exchange.Buy, exchange.Filled)
			r.insert(t, f, another(*f, mustName(t, f.ClientOrderID)))
		}},
		{"an order sent again under another id", judge.SentOnce, func(t *testing.T, r *record) {
			f := r.first(t, sim.JournalFill, exchange.Buy, exchange.Filled)
			name := mustName(t, f.ClientOrderID)
			name.Parent += 7
			r.insert(t, f, another(*f, name))
		}},
		{"an order sent again and refused as a duplicate", judge.SentOnce, func(t *testing.T, r *record) {
			o := r.first(t, sim.JournalOrder, exchange.Buy, exchange.New)
			e := *o
			e.Event, e.OrderID, e.Status, e.Code = sim.JournalReject, 0, exchange.Rejected, wire.CodeOrderRejected
			r.insert(t, o, e)
		}},
		{"a sell of the commission too", judge.SoldIsBought, func(t *testing.T, r *record) {
			o := r.first(t, sim.JournalOrder, exchange.Sell, exchange.New)
			o.Quantity = o.Quantity.Add(dec("0.1"))
		}},
		{"a second sell of what is being sold", judge.SoldIsBought, func(t *testing.T, r *record) {
			o := r.first(t, sim.JournalOrder, exchange.Sell, exchange.New)
			name := mustName(t, o.ClientOrderID)
			name.Attempt++
			r.insert(t, o, another(*o, name))
		}},
		{"a second buy of a position", judge.SoldIsBought, func(t *testing.T, r *record) {
			f := r.first(t, sim.JournalFill, exchange.Buy, exchange.Filled)
			name := mustName(t, f.ClientOrderID)
			name.Attempt++
			r.insert(t, f, another(*f, name))
		}},
		{"a position too many", judge.BoundedPositions, func(_ *testing.T, r *record) { r.cfg.Chunks = 1 }},
		{"a price off the tick", judge.Filters, func(t *testing.T, r *record) {
			o := r.first(t, sim.JournalOrder, exchange.Buy, exchange.New)
			o.Price = o.Price.Add(dec("0.00001"))
		}},
		{"a quantity off the step", judge.Filters, func(t *testing.T, r *record) {
			o := r.first(t, sim.JournalOrder, exchange.Buy, exchange.New)
			o.Quantity = o.Quantity.Sub(dec("0.01"))
		}},
		{"a fill that is missing", judge.FillsAddUp, func(t *testing.T, r *record) {
			r.drop(t, r.first(t, sim.JournalFill, exchange.Buy, exchange.PartiallyFilled))
		}},
		{"a fill that is there twice", judge.FillsAddUp, func(t *testing.T, r *record) {
			f := r.first(t, sim.JournalFill, exchange.Buy, exchange.PartiallyFilled)
			r.insert(t, f, *f)
		}},
		{"a fill of more than is left", judge.FillsAddUp, func(t *testing.T, r *record) {
			f := r.first(t, sim.JournalFill, exchange.Buy, exchange.Filled)
			f.Quantity = f.Quantity.Add(dec("0.1"))
		}},
		{"a fill of an unknown order", judge.FillsAddUp, func(t *testing.T, r *record) {
			r.first(t, sim.JournalFill, exchange.Buy, exchange.PartiallyFilled).OrderID = 999_999
		}},
		{"a fill of another price", judge.FillsAddUp, func(t *testing.T, r *record) {
			f := r.first(t, sim.JournalFill, exchange.Buy, exchange.Filled)
			f.Price = f.Price.Add(dec("0.0001"))
		}},
		{"a fill of a cancelled order", judge.FillsAddUp, func(t *testing.T, r *record) {
			i := r.at(t, func(e event) bool { return e.entry != nil && e.entry.Event == sim.JournalCancel })
			late := *r.events[i].entry
			late.Event, late.Status = sim.JournalFill, exchange.Filled
			r.insert(t, r.events[i].entry, late)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := goodRun(t)
			tt.spoil(t, &r)
			wantBroken(t, r.judged(t), tt.rule)
		})
	}
}

// wantBroken expects the rule to be broken, and shows what else was found.
func wantBroken(t *testing.T, j *judge.Judge, rule judge.Rule) {
	t.Helper()
	broken := rules(j.Violations())
	if !slices.Contains(broken, rule) {
		t.Errorf("broken are %v, want %s among them\n%s", broken, rule, lines(j.Violations()))
	}
}

func TestARequestThatComesTooLateWasNotSentTwice(t *testing.T) {
	r := goodRun(t)
	o := r.first(t, sim.JournalOrder, exchange.Buy, exchange.New)
	late := *o
	late.Event, late.OrderID, late.Status, late.Code = sim.JournalReject, 0, exchange.Rejected, wire.CodeTimestamp
	r.insert(t, o, late)
	if v := r.judged(t).Violations(); len(v) > 0 {
		t.Errorf("violations:\n%s", lines(v))
	}
}

func TestBlurredTimesOfOwnersAreGivenTheBenefitOfTheDoubt(t *testing.T) {
	r := goodRun(t)
	// Known two seconds late, and in the wrong order.
	var owners, entries []event
	for _, e := range r.events {
		if e.assigned != nil {
			e.assigned.at += 2_000_000
			owners = append(owners, e)
		} else {
			entries = append(entries, e)
		}
	}
	slices.Reverse(owners)
	r.events = append(owners, entries...)
	r.cfg.Blur = 2 * time.Second
	if v := r.judged(t).Violations(); len(v) > 0 {
		t.Errorf("violations within the blur:\n%s", lines(v))
	}
	r.cfg.Blur = time.Second / 2
	wantBroken(t, r.judged(t), judge.OneTrader)
}

func TestViolationsReadWell(t *testing.T) {
	r := goodRun(t)
	o := r.first(t, sim.JournalOrder, exchange.Sell, exchange.New)
	o.UserAgent = otherNode(o.UserAgent)
	v := r.judged(t).Violations()
	if len(v) != 1 {
		t.Fatalf("%d violations, want 1:\n%s", len(v), lines(v))
	}
	for _, part := range []string{o.Time.Time().Format("15:04:05.000000"), " one-trader XRPUSDT: order ", o.ClientOrderID, "SELL", `accepted from "b", owners are "a" from `} {
		if !strings.Contains(v[0].String(), part) {
			t.Errorf("%q does not say %q", v[0], part)
		}
	}
}

func TestSendersAreReadFromUserAgents(t *testing.T) {
	for userAgent, want := range map[string]string{
		"hedgehog/1.2.3 (node-a)": "node-a", "hedgehog/dev (b)": "b",
		"hedgehog/1 ()": "", "hedgehog/1": "", "curl/8 (a)": "", "hedgehog/1 (a": "", "": "",
	} {
		if node, ok := judge.Sender(userAgent); ok != (want != "") || ok && node != want {
			t.Errorf("%q names %q (%t), want %q", userAgent, node, ok, want)
		}
	}
}

func TestConfigErrorsNameTheField(t *testing.T) {
	for field, spoil := range map[string]func(*judge.Config){
		"Symbols":    func(c *judge.Config) { c.Symbols = nil },
		"Commission": func(c *judge.Config) { c.Commission = dec("1") },
		"Chunks":     func(c *judge.Config) { c.Chunks = 0 },
		"Blur":       func(c *judge.Config) { c.Blur = -1 },
		"Sender":     func(c *judge.Config) { c.Sender = nil },
	} {
		c := judge.DefaultConfig([]exchange.Symbol{{Name: symbol}})
		if err := c.Validate(); err != nil {
			t.Fatal(err)
		}
		spoil(&c)
		if _, err := judge.New(c); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("error %v, want one that names %s", err, field)
		}
	}
}
