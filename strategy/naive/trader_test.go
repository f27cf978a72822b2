package naive_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"hedgehog/data/bus"
	"hedgehog/exchange"
	"hedgehog/exchange/sim"
	"hedgehog/storage"
	"hedgehog/strategy/naive"
)

const account = "test"

// inMemory returns a desk at an exchange in the same process.
func inMemory(t *testing.T, change func(*sim.Config)) *desk {
	t.Helper()
	engine := newEngine(t, change)
	return newDesk(t, engine, sim.NewLocal(engine, account, "hedgehog/test (desk)"), nil)
}

func wantOrders(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("orders\n got %q\nwant %q", got, want)
	}
}

// The worked case of the design, and what has to stand at its end.
var (
	workedTrades = []string{"0.43183010", "0.43183020", "0.43183030", "0.4307", "0.43065", "0.43189", "0.4319", "0.43205", "0.43205", "0.43210"}
	workedOrders = []string{"BUY 0.4307 FILLED", "SELL 0.4319 FILLED", "BUY 0.4310 NEW"}
)

func TestTheWorkedCaseHoldsThroughEveryRealPart(t *testing.T) {
	engine := newEngine(t, nil)
	db := openDB(t)
	d := newDesk(t, engine, overHTTP(t, engine), db)
	d.startTrader(workedSettings(), nil)
	for _, price := range workedTrades {
		d.pass(price)
	}
	wantOrders(t, d.accepted(), workedOrders...)

	// A settled bus means that the collector has stored what it was given.
	stored, err := db.Orders(t.Context(), storage.OrderFilter{Symbol: "XRPUSDT"})
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(stored) // newest first
	wantOrders(t, lines(stored), workedOrders...)
	stats, err := db.TradeStats(t.Context(), "XRPUSDT")
	if err != nil || stats.Count != int64(len(workedTrades)) || stats.Missing != 0 {
		t.Errorf("stored trades %+v, %v: want %d without a hole", stats, err, len(workedTrades))
	}
	fills, err := db.Fills(t.Context(), "XRPUSDT", stored[0].ID)
	if err != nil || len(fills) != 1 || fills[0].CommissionAsset != "XRP" {
		t.Errorf("fills of the buy %+v, %v: want one, with a commission in XRP", fills, err)
	}
}

func TestTheWorkedCaseHoldsInMemory(t *testing.T) {
	d := inMemory(t, nil)
	d.startTrader(workedSettings(), nil)
	for _, price := range workedTrades {
		d.pass(price)
	}
	wantOrders(t, d.accepted(), workedOrders...)
}

func TestTheProfitOrderDoesNotWaitForTheNextTrade(t *testing.T) {
	d := inMemory(t, nil)
	d.startTrader(workedSettings(), nil)
	d.pass("0.4318")
	d.pass("0.4306") // fills the buy
	wantOrders(t, d.accepted(), "BUY 0.4307 FILLED", "SELL 0.4319 NEW")
}

func TestAFallingPriceStartsOnePositionAfterTheOtherUpToTheChunks(t *testing.T) {
	d := inMemory(t, nil)
	s := workedSettings()
	s.Chunks = 3
	d.startTrader(s, nil)
	for _, price := range []string{"0.4318", "0.4300", "0.4300", "0.4270", "0.4270", "0.4200", "0.4200", "0.4100"} {
		d.pass(price)
	}
	// Each chunk is a third of the budget; the third position buys and asks for
	// no fourth.
	wantOrders(t, d.accepted(),
		"BUY 0.4307 FILLED", "SELL 0.4319 NEW",
		"BUY 0.4289 FILLED", "SELL 0.4301 NEW",
		"BUY 0.4259 FILLED", "SELL 0.4271 NEW")
}

func TestPartialFillsSellWhatWasReallyReceived(t *testing.T) {
	d := inMemory(t, func(c *sim.Config) { c.PartialFills = true })
	d.startTrader(workedSettings(), nil)
	d.pass("0.4318")
	d.passes("0.4306", "20")
	wantOrders(t, d.accepted(), "BUY 0.4307 PARTIALLY_FILLED")
	d.passes("0.4306", "100")
	wantOrders(t, d.accepted(), "BUY 0.4307 FILLED", "SELL 0.4319 NEW")
	open, err := d.exchange.OpenOrders(t.Context(), "XRPUSDT")
	if err != nil || len(open) != 1 || open[0].OriginalQuantity.String() != "46.3" {
		t.Errorf("open orders %+v, %v: want a sell of 46.3, the 46.4 bought less 0.1 %% in whole steps", open, err)
	}
}

func TestShutdownSellsWhatIsHeldAndOpensNothingNew(t *testing.T) {
	d := inMemory(t, nil)
	d.startTrader(workedSettings(), nil)
	d.pass("0.4318")
	d.pass("0.4306")
	s := workedSettings()
	s.Status = naive.Shutdown
	d.change(s)
	d.pass("0.4250") // would ask for a further position
	d.pass("0.4330") // sells
	d.pass("0.4330") // ends the position
	if err := d.stop(); !errors.Is(err, naive.ErrShutDown) {
		t.Errorf("the trader ended with %v, want ErrShutDown", err)
	}
	wantOrders(t, d.accepted(), "BUY 0.4307 FILLED", "SELL 0.4319 FILLED")
}

func TestShutdownWithoutAnyOrderEndsAtOnce(t *testing.T) {
	d := inMemory(t, nil)
	d.startTrader(workedSettings(), nil)
	s := workedSettings()
	s.Status = naive.Shutdown
	d.change(s)
	if err := d.stop(); !errors.Is(err, naive.ErrShutDown) {
		t.Errorf("the trader ended with %v, want ErrShutDown", err)
	}
}

func TestChangedSettingsHoldFromTheNextTradeOn(t *testing.T) {
	d := inMemory(t, nil)
	d.startTrader(workedSettings(), nil)
	s := workedSettings()
	s.BuyDownInterval = decimal.RequireFromString("0.01")
	d.change(s)
	d.pass("0.4318")
	wantOrders(t, d.accepted(), "BUY 0.4274 NEW")
}

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

func TestASellCancelledByHandIsPlacedAgain(t *testing.T) {
	d := inMemory(t, nil)
	d.startTrader(workedSettings(), nil)
	d.pass("0.4318")
	d.pass("0.4306")
	open, err := d.exchange.OpenOrders(t.Context(), "XRPUSDT")
	if err != nil || len(open) != 1 {
		t.Fatalf("open orders %v, %v", open, err)
	}
	if _, err := d.exchange.CancelOrder(t.Context(), exchange.OrderRef{Symbol: "XRPUSDT", ID: open[0].ID}); err != nil {
		t.Fatal(err)
	}
	d.settle()
	d.pass("0.4306")
	wantOrders(t, d.accepted(), "BUY 0.4307 FILLED", "SELL 0.4319 CANCELED", "SELL 0.4319 NEW")
}

func TestAnOrderThatTheExchangeRefusesIsTriedAgainAfterAPause(t *testing.T) {
	d := inMemory(t, func(c *sim.Config) { c.Balances = map[string]decimal.Decimal{"USDT": decimal.New(1, 0)} })
	d.startTrader(workedSettings(), nil)
	d.pass("0.4318")
	if reason := d.trader.Status().LastError; !contains(reason, "insufficient balance") {
		t.Errorf("the status says %q, want the exchange's reason", reason)
	}
	s := workedSettings()
	s.Budget = decimal.New(1, 0) // a fifth of it is below the minimum notional
	d.change(s)
	d.pass("0.4318")
	if reason := d.trader.Status().LastError; !contains(reason, "NOTIONAL") {
		t.Errorf("the status says %q, want the filter", reason)
	}
	wantOrders(t, d.accepted())
	d.now.advance(time.Hour)
	d.pass("0.4318")
	wantOrders(t, d.accepted())
}

func TestOldTradesAreNotActedOn(t *testing.T) {
	d := inMemory(t, nil)
	d.startTrader(workedSettings(), nil)
	for _, source := range []exchange.Source{exchange.Backfill, exchange.Replay} {
		e := &exchange.TradeEvent{Symbol: "XRPUSDT", ID: 1, Price: decimal.RequireFromString("0.4318"), Source: source}
		if err := d.bus.Publish(t.Context(), bus.TradeEvents("XRPUSDT"), e); err != nil {
			t.Fatal(err)
		}
	}
	d.settle()
	wantOrders(t, d.accepted())
}

func TestEveryChangeOfAPositionIsPublished(t *testing.T) {
	d := inMemory(t, nil)
	d.startTrader(workedSettings(), nil)
	for _, price := range workedTrades {
		d.pass(price)
	}
	_ = d.stop()
	close(d.positions)
	var states []string
	for p := range d.positions {
		state := string(p.State)
		for _, o := range []*exchange.Order{p.Buy, p.Sell} {
			if o != nil {
				state += " " + string(o.Side) + " " + string(o.Status)
			}
		}
		states = append(states, state)
	}
	want := []string{
		"open BUY NEW", "open BUY FILLED", "open BUY FILLED SELL NEW", "open BUY FILLED SELL FILLED",
		"finished BUY FILLED SELL FILLED", "open BUY NEW",
	}
	if !slices.Equal(states, want) {
		t.Errorf("published\n got %q\nwant %q", states, want)
	}
}
