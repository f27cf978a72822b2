package naive_test

import (
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

func TestDecidedHearsOfTheTradesThatMakeAPositionActBeforeItDoes(t *testing.T) {
	d := inMemory(t, nil)
	type decision struct {
		trade   int64
		reports int64 // of orders that the exchange had sent before
	}
	var decided []decision
	d.configure = func(c *naive.Config) {
		c.Decided = func(id int64) { decided = append(decided, decision{id, d.engine.Counts().Reports}) }
	}
	d.startTrader(workedSettings(), nil)
	for _, price := range workedTrades {
		d.pass(price)
	}
	_ = d.stop()
	// The first buy, the end of the cycle, and the next buy; the sell followed the news
	// of the buy and not a trade.
	if want := []decision{{1, 0}, {9, 4}, {10, 4}}; !slices.Equal(decided, want) {
		t.Errorf("decided %v, want %v", decided, want)
	}
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
