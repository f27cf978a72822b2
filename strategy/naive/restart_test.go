package naive_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
	"hedgehog/exchange/sim"
	"hedgehog/strategy/naive"
)

func TestATraderThatStartsAgainGoesOnWithItsPositions(t *testing.T) {
	for _, recorded := range []bool{true, false} {
		name := map[bool]string{true: "recorded", false: "known to the exchange alone"}[recorded]
		t.Run(name, func(t *testing.T) {
			d := inMemory(t, nil)
			d.startTrader(workedSettings(), nil)
			d.pass("0.4318")
			d.pass("0.4300") // fills the buy
			d.pass("0.4300") // asks for a further position
			d.pass("0.4300") // which buys
			before := d.trader.Status().Positions
			if err := d.stop(); err == nil || errors.Is(err, naive.ErrShutDown) {
				t.Fatalf("the trader ended with %v", err)
			}
			var restore []naive.Position
			if recorded {
				restore = before
			}
			d.startTrader(workedSettings(), restore)
			after := d.trader.Status().Positions
			if len(before) != 2 || len(after) != 2 {
				t.Fatalf("%d positions before, %d after, want 2", len(before), len(after))
			}
			for i := range before {
				b, a := before[i], after[i]
				if a.ID != b.ID || a.Parent != b.Parent || a.RebuyTriggered != b.RebuyTriggered || a.Buy.ClientID != b.Buy.ClientID || (a.Sell == nil) != (b.Sell == nil) {
					t.Errorf("position %d is %+v, was %+v", i, a, b)
				}
			}
			d.pass("0.4330") // sells the first
			d.pass("0.4330") // a fresh one takes its place
			d.pass("0.4330") // and buys
			wantOrders(t, d.accepted(), "BUY 0.4307 FILLED", "SELL 0.4319 FILLED", "BUY 0.4289 NEW", "BUY 0.4319 NEW")
		})
	}
}

func TestAFillThatHappenedWhileNobodyTradedIsFound(t *testing.T) {
	d := inMemory(t, nil)
	d.startTrader(workedSettings(), nil)
	d.pass("0.4318")
	positions := d.trader.Status().Positions
	_ = d.stop()
	d.pass("0.4300") // fills the buy
	d.startTrader(workedSettings(), positions)
	d.pass("0.4310")
	wantOrders(t, d.accepted(), "BUY 0.4307 FILLED", "SELL 0.4319 NEW")
}

// What a sell cost is known from its fills alone, and nobody has heard of those.
func TestTheProfitOfASellThatFilledWhileNobodyTradedIsExact(t *testing.T) {
	d := inMemory(t, nil)
	d.startTrader(workedSettings(), nil)
	d.pass("0.4318")
	d.pass("0.4306") // fills the buy; the sell is placed
	positions := d.trader.Status().Positions
	_ = d.stop()
	d.pass("0.4330") // fills the sell
	for i := range positions {
		positions[i].Fills = nil // as they are stored
	}
	d.startTrader(workedSettings(), positions)
	d.pass("0.4330") // closes the cycle
	_ = d.stop()
	finished := d.finished()
	// Bought 46.4 at 0.4307, sold 46.3 at 0.4319, of which a thousandth was kept.
	if want := decimal.RequireFromString("-0.00750697"); len(finished) != 1 || !finished[0].Profit.Equal(want) {
		t.Errorf("recorded are %+v, want one with a profit of %s", finished, want)
	}
}

// finished returns the finished positions that were published, once the trader has
// stopped.
func (d *desk) finished() []naive.Position {
	close(d.positions)
	var all []naive.Position
	for p := range d.positions {
		if p.State == naive.Finished {
			all = append(all, *p)
		}
	}
	return all
}

// Two cycles have sold, and the record of the second never got through.
func TestACycleThatNobodyRecordedIsRecordedUnlessItIsOfATimeBefore(t *testing.T) {
	d := inMemory(t, nil)
	d.startTrader(workedSettings(), nil)
	var cycles []naive.Position
	for range 2 {
		d.pass("0.4318")
		d.pass("0.4306") // fills the buy
		d.pass("0.4330") // fills the sell
		cycles = append(cycles, d.trader.Status().Positions[0])
		d.now.advance(time.Second)
		d.pass("0.4330") // a fresh position
	}
	_ = d.stop()
	_ = d.finished()
	openLater := cycles[1]
	openLater.ID, openLater.Buy, openLater.Sell = cycles[1].ID+1, nil, nil
	for _, tt := range []struct {
		name    string
		restore []naive.Position
		over    []naive.Position
		want    []naive.Position
	}{
		{name: "nothing is recorded: all is of a time before"},
		{name: "the first is recorded as ended", over: cycles[:1], want: cycles[1:]},
		{name: "the first is recorded as open", restore: cycles[:1], want: cycles[1:]},
		{name: "both are recorded", over: cycles},
		{name: "only a later one is recorded", restore: []naive.Position{openLater}},
		{name: "only the second is recorded", over: cycles[1:]},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d.t, d.positions = t, make(chan *naive.Position, 1000)
			d.configure = func(c *naive.Config) {
				c.Over = make(map[naive.PositionID]bool)
				for _, p := range tt.over {
					c.Over[p.ID] = true
				}
			}
			d.startTrader(workedSettings(), tt.restore)
			_ = d.stop()
			var got, want []naive.PositionID
			for _, p := range d.finished() {
				got = append(got, p.ID)
			}
			for _, p := range tt.want {
				want = append(want, p.ID)
			}
			if !slices.Equal(got, want) {
				t.Errorf("recorded are %v, want %v", got, want)
			}
		})
	}
}

func TestTheFirstPositionIsRecordedBeforeItsOrderIsSent(t *testing.T) {
	d := inMemory(t, nil)
	var recorded []naive.PositionID
	fail := errors.New("no majority")
	d.configure = func(c *naive.Config) {
		c.Begin = func(_ context.Context, p naive.Position) error {
			if n := len(d.accepted()); n != 0 {
				t.Errorf("%d orders are sent before the first position is recorded", n)
			}
			recorded = append(recorded, p.ID)
			return fail
		}
	}
	d.startTrader(workedSettings(), nil)
	d.pass("0.4318")
	if reason := d.trader.Status().LastError; !contains(reason, "no majority") {
		t.Errorf("the status says %q, want why nothing is bought", reason)
	}
	wantOrders(t, d.accepted())
	fail = nil
	d.now.advance(time.Minute)
	d.pass("0.4318")
	wantOrders(t, d.accepted(), "BUY 0.4307 NEW")
	d.pass("0.4300") // fills the buy
	d.pass("0.4300") // asks for a further position
	d.pass("0.4300") // which buys
	positions := d.trader.Status().Positions
	if len(recorded) != 2 || recorded[1] != positions[0].ID || len(positions) != 2 {
		t.Errorf("recorded are %v of %+v, want the first, twice", recorded, positions)
	}
	_ = d.stop()

	d.startTrader(workedSettings(), positions) // of these something is recorded
	d.pass("0.4250")
	d.pass("0.4250")
	if len(recorded) != 2 || len(d.accepted()) != 5 {
		t.Errorf("recorded are %v, orders are %v; want no more records and a third position's buy", recorded, d.accepted())
	}
}

// earned is what all the sells at the exchange have brought less what the buys have
// cost, after the commissions in the quote asset.
func (d *desk) earned() decimal.Decimal {
	d.t.Helper()
	orders, err := d.exchange.AllOrders(d.t.Context(), d.symbol.Name, 0, 1000)
	if err != nil {
		d.t.Fatal(err)
	}
	sum := decimal.Zero
	for _, o := range orders {
		fills, err := d.exchange.Fills(d.t.Context(), d.symbol.Name, o.ID)
		if err != nil {
			d.t.Fatal(err)
		}
		for _, f := range fills {
			if o.Side == exchange.Buy {
				sum = sum.Sub(f.Price.Mul(f.Quantity))
				continue
			}
			sum = sum.Add(f.Price.Mul(f.Quantity)).Sub(f.Commission)
		}
	}
	return sum
}

// The first sell is filled in part and cancelled, the second takes the rest.
func TestTheProfitOfTwoSellsIsExactWhoeverOwnedThem(t *testing.T) {
	for _, recorded := range []string{"open", "not at all", "by who placed them"} {
		t.Run(recorded, func(t *testing.T) {
			d := inMemory(t, func(c *sim.Config) { c.PartialFills = true })
			s := workedSettings()
			s.Budget = decimal.New(500, 0)
			d.startTrader(s, nil)
			d.pass("0.4318")
			d.pass("0.4306")         // fills the buy; the sell is placed
			d.passes("0.4330", "50") // fills a part of it
			sell := d.trader.Status().Positions[0].Sell
			if _, err := d.exchange.CancelOrder(t.Context(), exchange.OrderRef{Symbol: "XRPUSDT", ID: sell.ID}); err != nil {
				t.Fatal(err)
			}
			d.settle()
			d.pass("0.4306") // the second sell is placed
			if recorded != "by who placed them" {
				known := d.trader.Status().Positions
				known[0].Fills, known[0].Replaced = nil, nil // as they are stored
				_ = d.stop()
				d.pass("0.4330") // fills the second sell
				if recorded == "not at all" {
					before := known[0].ID - 1
					d.configure = func(c *naive.Config) { c.Over = map[naive.PositionID]bool{before: true} }
					known = nil
				}
				d.startTrader(s, known)
			} else {
				d.pass("0.4330")
			}
			d.pass("0.4330") // closes the cycle
			_ = d.stop()
			wantOrders(t, d.accepted()[:3], "BUY 0.4307 FILLED", "SELL 0.4319 CANCELED", "SELL 0.4319 FILLED")
			if got, want := d.finished(), d.earned(); len(got) != 1 || !got[0].Profit.Equal(want) {
				t.Errorf("recorded are %+v, want one with a profit of %s", got, want)
			}
		})
	}
}
