package judge_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hedgehog/exchange"
	"hedgehog/node/judge"
	"hedgehog/storage"
)

// theOwner returns what the last owner has stored.
func (r *record) theOwner(tb testing.TB) *judge.Store {
	tb.Helper()
	last := ""
	for _, e := range r.events {
		if e.assigned != nil {
			last = e.assigned.node
		}
	}
	for i := range r.end.Stores {
		if r.end.Stores[i].Node == last {
			return &r.end.Stores[i]
		}
	}
	tb.Fatalf("node %q has stored nothing", last)
	return nil
}

// position returns a row of the state, wanted is of which kind, on every node.
func (r *record) position(tb testing.TB, wanted storage.PositionState, change func(*storage.Position)) {
	tb.Helper()
	for i := range r.end.Stores {
		rows := r.end.Stores[i].Positions
		at := slices.IndexFunc(rows, func(p storage.Position) bool { return p.State == wanted && p.SellClientID != "" })
		if at < 0 {
			tb.Fatalf("the good run has no position that is %s", wanted)
		}
		change(&rows[at])
	}
}

func TestEachBrokenRuleOfWhatIsStoredIsFound(t *testing.T) {
	tests := []struct {
		name  string
		rule  judge.Rule
		spoil func(t *testing.T, r *record)
	}{
		{"a balance that is off in the last digit", judge.BalancesAddUp, func(_ *testing.T, r *record) {
			r.final[0].Free = r.final[0].Free.Add(dec("0.00000001"))
		}},
		{"a lock that is off in the last digit", judge.BalancesAddUp, func(_ *testing.T, r *record) {
			r.final[0].Locked = r.final[0].Locked.Sub(dec("0.00000001"))
		}},
		{"an asset that is not reported", judge.BalancesAddUp, func(_ *testing.T, r *record) { r.final = r.final[1:] }},
		{"a hole", judge.NoGap, func(_ *testing.T, r *record) {
			for i := range r.end.Stores {
				s := &r.end.Stores[i]
				s.Trades[symbol] = slices.DeleteFunc(s.Trades[symbol], func(e exchange.TradeEvent) bool { return e.ID == 100 })
			}
		}},
		{"no first trade", judge.NoGap, func(_ *testing.T, r *record) {
			for i := range r.end.Stores {
				s := &r.end.Stores[i]
				s.Trades[symbol] = slices.DeleteFunc(s.Trades[symbol], func(e exchange.TradeEvent) bool { return e.ID == 1 })
			}
		}},
		{"no last trade", judge.NoGap, func(_ *testing.T, r *record) {
			r.end.Collected[symbol] = judge.Span{First: 1, Last: r.end.Collected[symbol].Last + 1}
		}},
		{"a watermark above what is stored", judge.NoGap, func(_ *testing.T, r *record) {
			r.end.Collected[symbol] = judge.Span{}
			r.end.Stores[0].Watermarks[symbol]++
		}},
		{"no trade at all", judge.NoGap, func(_ *testing.T, r *record) { r.end.Collected["XRPETH"] = judge.Span{} }},
		{"a trade that differs between nodes", judge.SameTrades, func(t *testing.T, r *record) {
			a, b := r.end.Stores[0].Trades[symbol], r.end.Stores[1].Trades[symbol]
			for i := range a {
				if slices.ContainsFunc(b, func(e exchange.TradeEvent) bool { return e.ID == a[i].ID }) {
					a[i].Price = a[i].Price.Add(dec("0.0001"))
					return
				}
			}
			t.Fatal("no trade is stored twice")
		}},
		{"an order that its owner does not know", judge.OrdersKnown, func(t *testing.T, r *record) {
			s := r.theOwner(t)
			s.Orders = s.Orders[1:]
		}},
		{"a fill that its owner does not know", judge.OrdersKnown, func(t *testing.T, r *record) {
			s := r.theOwner(t)
			s.Fills = s.Fills[1:]
		}},
		{"a status of yesterday", judge.OrdersExact, func(t *testing.T, r *record) {
			orders := r.theOwner(t).Orders
			orders[0].Status = exchange.PartiallyFilled
		}},
		{"an executed quantity that is off", judge.OrdersExact, func(t *testing.T, r *record) {
			orders := r.theOwner(t).Orders
			orders[0].ExecutedQuantity = orders[0].ExecutedQuantity.Add(dec("0.1"))
		}},
		{"a quote quantity that is off in the last digit", judge.OrdersExact, func(t *testing.T, r *record) {
			orders := r.theOwner(t).Orders
			orders[0].QuoteQuantity = orders[0].QuoteQuantity.Add(dec("0.00000001"))
		}},
		{"a commission that is off in the last digit", judge.OrdersExact, func(t *testing.T, r *record) {
			fills := r.theOwner(t).Fills
			fills[0].Commission = fills[0].Commission.Add(dec("0.00000001"))
		}},
		{"a fill that the exchange does not have", judge.OrdersExact, func(t *testing.T, r *record) {
			s := r.theOwner(t)
			f := s.Fills[0]
			f.TradeID = 999_999
			s.Fills = append(s.Fills, f)
		}},
		{"an order that the exchange does not have", judge.OrdersExact, func(_ *testing.T, r *record) {
			s := &r.end.Stores[0]
			o := s.Orders[0]
			o.ID = 999_999
			s.Orders = append(s.Orders, o)
		}},
		{"an order in no position", judge.PositionsKnown, func(t *testing.T, r *record) {
			r.position(t, storage.PositionFinished, func(p *storage.Position) { p.ID = "forgotten" })
		}},
		{"a sell that its position does not name", judge.PositionsKnown, func(t *testing.T, r *record) {
			r.position(t, storage.PositionFinished, func(p *storage.Position) { p.SellClientID = "" })
		}},
		{"a position dropped with its sell open", judge.PositionsKnown, func(t *testing.T, r *record) {
			r.position(t, storage.PositionOpen, func(p *storage.Position) { p.State = storage.PositionDropped })
		}},
		{"a cycle that is not recorded", judge.CyclesRecorded, func(t *testing.T, r *record) {
			r.position(t, storage.PositionFinished, func(p *storage.Position) { p.State = storage.PositionOpen })
		}},
		{"a profit that is off in the last digit", judge.ProfitsExact, func(t *testing.T, r *record) {
			r.position(t, storage.PositionFinished, func(p *storage.Position) { p.Profit = p.Profit.Add(dec("0.00000001")) })
		}},
		{"a state that differs between nodes", judge.SameState, func(_ *testing.T, r *record) {
			r.end.Stores[0].State[3] += "x"
		}},
		{"a state with a row more", judge.SameState, func(_ *testing.T, r *record) {
			r.end.Stores[0].State = append(r.end.Stores[0].State, "watermarks: XRPETH | 7")
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := goodRun(t)
			tt.spoil(t, &r)
			j := r.judged(t)
			if broken := rules(j.Violations()); len(broken) != 1 || broken[0] != tt.rule {
				t.Errorf("broken are %v, want %s alone\n%s", broken, tt.rule, lines(j.Violations()))
			}
		})
	}
}

func TestWhatIsNotSettledYetIsPassedOver(t *testing.T) {
	r := goodRun(t)
	r.theOwner(t).Orders, r.theOwner(t).Fills = nil, nil
	for i := range r.end.Stores {
		r.end.Stores[i].Positions = nil
	}
	r.end.Settled = 1
	if v := r.judged(t).Violations(); len(v) > 0 {
		t.Errorf("violations:\n%s", lines(v))
	}
}

func TestNodesThatAreBehindMayDiffer(t *testing.T) {
	r := goodRun(t)
	for i := range r.end.Stores {
		if s := &r.end.Stores[i]; s.Node != r.theOwner(t).Node {
			s.Index, s.State, s.Positions = s.Index-1, s.State[2:], nil
		}
	}
	if v := r.judged(t).Violations(); len(v) > 0 {
		t.Errorf("violations:\n%s", lines(v))
	}
}

func TestStoresOfKilledNodesAreReadAndStayAsTheyAre(t *testing.T) {
	c := newCluster(t, 3, true)
	c.openStores()
	c.handOver("a")
	for range 50 {
		c.pass()
	}
	c.flush()
	// The files as they are, with the write-ahead log: what kill -9 leaves behind.
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Dir(c.paths["a"]))); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "hedgehog.db")
	before := mustRead(t, path+"-wal")
	if before == "" {
		t.Fatal("nothing is in the write-ahead log")
	}
	s, err := judge.ReadStore(t.Context(), "a", path)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Trades[symbol]) != 50 || len(s.Orders) == 0 || len(s.Positions) == 0 || s.Index != uint64(len(c.log)) {
		t.Errorf("%d trades, %d orders, %d positions, index %d", len(s.Trades[symbol]), len(s.Orders), len(s.Positions), s.Index)
	}
	if mustRead(t, path+"-wal") != before {
		t.Error("reading has changed the write-ahead log")
	}
}

func TestAStoreThatCanNotBeReadIsAnErrorThatNamesIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none.db")
	_, err := judge.ReadStore(t.Context(), "a", path)
	if err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v, want one that names %s", err, path)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("reading has made a database")
	}
}

func mustRead(tb testing.TB, path string) string {
	tb.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return string(content)
}
