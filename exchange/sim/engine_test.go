package sim_test

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"hedgehog/exchange"
	"hedgehog/exchange/sim"
	"hedgehog/exchange/wire"
)

func TestOrderRestsUntilATradeGoesStrictlyThroughItsPrice(t *testing.T) {
	cases := map[string]struct {
		side   exchange.Side
		trade  string
		status exchange.Status
	}{
		"buy above the limit":  {exchange.Buy, "0.5001", exchange.New},
		"buy at the limit":     {exchange.Buy, "0.5000", exchange.New},
		"buy below the limit":  {exchange.Buy, "0.4999", exchange.Filled},
		"sell below the limit": {exchange.Sell, "0.4999", exchange.New},
		"sell at the limit":    {exchange.Sell, "0.5", exchange.New},
		"sell above the limit": {exchange.Sell, "0.5001", exchange.Filled},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			e := mustOpen(t, testConfig(t))
			o := mustPlace(t, e, request(alice, "a", c.side, "0.5", "100"))
			mustTrade(t, e, c.trade)
			if got := mustOrder(t, e, alice, o.ID); got.Status != c.status {
				t.Errorf("status %s after a trade at %s, want %s", got.Status, c.trade, c.status)
			}
		})
	}
}

func TestOrderPricedThroughTheMarketWaitsForTheNextTrade(t *testing.T) {
	e := mustOpen(t, testConfig(t))
	mustTrade(t, e, "0.5")
	o := mustPlace(t, e, request(alice, "a", exchange.Buy, "0.6", "100"))
	wantOrder(t, e, alice, o.ID, exchange.New, "0")
	mustTrade(t, e, "0.5")
	wantOrder(t, e, alice, o.ID, exchange.Filled, "100")
}

func TestBuyFillsAtItsLimitAndPaysCommissionInTheBaseAsset(t *testing.T) {
	e := mustOpen(t, testConfig(t))
	o := mustPlace(t, e, request(alice, "a", exchange.Buy, "0.5", "100"))
	wantBalance(t, e, alice, "USDT", "950", "50")
	mustTrade(t, e, "0.4")
	wantBalance(t, e, alice, "USDT", "950", "0")
	wantBalance(t, e, alice, "XRP", "1099.9", "0")
	fills := e.Fills(alice, symbol, sim.FillQuery{OrderID: o.ID})
	if len(fills) != 1 {
		t.Fatalf("%d fills, want 1", len(fills))
	}
	f := fills[0]
	if f.TradeID != 1 || !f.Price.Equal(dec("0.5")) || !f.Commission.Equal(dec("0.1")) || f.CommissionAsset != "XRP" || !f.Maker {
		t.Errorf("fill %+v", f)
	}
	if o := mustOrder(t, e, alice, o.ID); !o.QuoteQuantity.Equal(dec("50")) {
		t.Errorf("quote quantity %s, want 50", o.QuoteQuantity)
	}
}

func TestSellFillsAtItsLimitAndPaysCommissionInTheQuoteAsset(t *testing.T) {
	e := mustOpen(t, testConfig(t))
	mustPlace(t, e, request(alice, "a", exchange.Sell, "0.5", "100"))
	wantBalance(t, e, alice, "XRP", "900", "100")
	mustTrade(t, e, "0.6")
	wantBalance(t, e, alice, "XRP", "900", "0")
	wantBalance(t, e, alice, "USDT", "1049.95", "0")
}

func TestCommissionIsCutOffAfterTheEighthPlace(t *testing.T) {
	cfg := testConfig(t)
	cfg.Commission = dec("0.00123456789")
	e := mustOpen(t, cfg)
	o := mustPlace(t, e, request(alice, "a", exchange.Buy, "0.5", "10.1"))
	mustTrade(t, e, "0.4")
	f := e.Fills(alice, symbol, sim.FillQuery{OrderID: o.ID})
	if len(f) != 1 || !f[0].Commission.Equal(dec("0.01246913")) {
		t.Errorf("fills %+v, want a commission of 0.01246913", f)
	}
}

func TestPartialFillsShareATradeInPriceTimePriority(t *testing.T) {
	cfg := testConfig(t)
	cfg.PartialFills = true
	e := mustOpen(t, cfg)
	first := mustPlace(t, e, request(alice, "a", exchange.Buy, "0.5", "20"))
	second := mustPlace(t, e, request(bob, "b", exchange.Buy, "0.5", "20"))
	best := mustPlace(t, e, request(bob, "c", exchange.Buy, "0.51", "20"))
	mustTradeOf(t, e, "0.49", "25.05")
	wantOrder(t, e, bob, best.ID, exchange.Filled, "20")
	wantOrder(t, e, alice, first.ID, exchange.PartiallyFilled, "5") // whole steps of 0.1
	wantOrder(t, e, bob, second.ID, exchange.New, "0")
	mustTradeOf(t, e, "0.49", "0.09")
	wantOrder(t, e, alice, first.ID, exchange.PartiallyFilled, "5")
	mustTradeOf(t, e, "0.49", "16")
	wantOrder(t, e, alice, first.ID, exchange.Filled, "20")
	wantOrder(t, e, bob, second.ID, exchange.PartiallyFilled, "1")
}

func TestCancelFreesWhatIsLeftOfAnOrder(t *testing.T) {
	cfg := testConfig(t)
	cfg.PartialFills = true
	e := mustOpen(t, cfg)
	o := mustPlace(t, e, request(alice, "a", exchange.Buy, "0.5", "100"))
	mustTradeOf(t, e, "0.4", "40")
	wantBalance(t, e, alice, "USDT", "950", "30")
	got, err := e.Cancel(sim.CancelRequest{Account: alice, Ref: exchange.OrderRef{Symbol: symbol, ClientID: "a"}})
	if err != nil || got.ID != o.ID || got.Status != exchange.Canceled || !got.ExecutedQuantity.Equal(dec("40")) {
		t.Errorf("cancelled %+v, %v", got, err)
	}
	wantBalance(t, e, alice, "USDT", "980", "0")
	mustTrade(t, e, "0.3")
	wantOrder(t, e, alice, o.ID, exchange.Canceled, "40")
}

func TestTradeReachesListenersBeforeTheReportsItCauses(t *testing.T) {
	e := mustOpen(t, testConfig(t))
	var seen []string
	cancelReports := e.SubscribeReports(alice, func(r *sim.Report) { seen = append(seen, r.Execution) })
	cancelTrades, err := e.SubscribeTrades(symbol, &recorder{onTrade: func(*exchange.TradeEvent) { seen = append(seen, "trade") }})
	if err != nil {
		t.Fatal(err)
	}
	mustPlace(t, e, request(alice, "a", exchange.Buy, "0.5", "100"))
	mustPlace(t, e, request(bob, "b", exchange.Buy, "0.5", "100"))
	mustTrade(t, e, "0.4")
	want := []string{"NEW", "trade", "TRADE"}
	if len(seen) != len(want) || seen[0] != want[0] || seen[1] != want[1] || seen[2] != want[2] {
		t.Errorf("seen %v, want %v", seen, want)
	}
	if got := e.Counts(); got != (sim.Counts{Trades: 1, Reports: 4}) {
		t.Errorf("counts %+v", got)
	}
	for range 2 {
		cancelReports()
		cancelTrades()
	}
	mustPlace(t, e, request(alice, "c", exchange.Buy, "0.5", "100"))
	mustTrade(t, e, "0.4")
	if len(seen) != len(want) {
		t.Errorf("seen %v after the end of the subscriptions", seen[len(want):])
	}
}

func TestReportsTellWhatTheUserDataStreamNeeds(t *testing.T) {
	e := mustOpen(t, testConfig(t))
	var reports []*sim.Report
	defer e.SubscribeReports(alice, func(r *sim.Report) { reports = append(reports, r) })()
	mustPlace(t, e, request(alice, "a", exchange.Buy, "0.5", "100"))
	if _, err := e.Cancel(sim.CancelRequest{Account: alice, Ref: exchange.OrderRef{Symbol: symbol, ClientID: "a"}, ClientID: "end-a"}); err != nil {
		t.Fatal(err)
	}
	mustPlace(t, e, request(alice, "b", exchange.Sell, "0.5", "100"))
	mustTrade(t, e, "0.6")
	if len(reports) != 4 {
		t.Fatalf("%d reports, want 4", len(reports))
	}
	for i, r := range reports {
		if r.ExecutionID != int64(i+1) || r.Account != alice || r.Time != exchange.MicrosOf(e.Now()) {
			t.Errorf("report %d: %+v", i, r)
		}
	}
	canceled, traded := reports[1], reports[3]
	if canceled.CancelID != "end-a" || canceled.Update.ClientID != "a" || canceled.Update.Status != exchange.Canceled {
		t.Errorf("cancel report %+v", canceled)
	}
	if len(traded.Update.Fills) != 1 || traded.Update.Status != exchange.Filled || traded.Update.Fills[0].TradeID != 1 {
		t.Errorf("trade report %+v", traded)
	}
	if len(traded.Balances) != 2 || traded.Balances[0].Asset != "XRP" || !traded.Balances[0].Free.Equal(dec("900")) || !traded.Balances[0].Locked.IsZero() {
		t.Errorf("balances after the trade %+v", traded.Balances)
	}
}

func TestWhatIsNoTradeIsRefused(t *testing.T) {
	e := mustOpen(t, testConfig(t))
	mustTrade(t, e, "0.5")
	good := exchange.TradeEvent{Symbol: symbol, ID: 2, Price: dec("1"), Quantity: dec("1")}
	cases := map[string]func(*exchange.TradeEvent){
		"unknown symbol": func(t *exchange.TradeEvent) { t.Symbol = "ETHUSDT" },
		"id of before":   func(t *exchange.TradeEvent) { t.ID = 1 },
		"no price":       func(t *exchange.TradeEvent) { t.Price = dec("0") },
		"no quantity":    func(t *exchange.TradeEvent) { t.Quantity = dec("-1") },
	}
	for name, spoil := range cases {
		t.Run(name, func(t *testing.T) {
			trade := good
			spoil(&trade)
			if err := e.Trade(trade); err == nil {
				t.Error("passed, want an error")
			}
			if n := e.Counts().Trades; n != 1 {
				t.Errorf("%d trades counted, want 1", n)
			}
		})
	}
	if err := e.Trade(good); err != nil {
		t.Error(err)
	}
}

func TestAveragePriceIsOfTheMinutesBeforeTheNewestTrade(t *testing.T) {
	cfg := testConfig(t)
	now := newClock()
	cfg.Now = now.Now
	e := mustOpen(t, cfg)
	want := func(price string) {
		t.Helper()
		minutes, got, _, err := e.AveragePrice(symbol)
		if err != nil || minutes != 5 || !got.Equal(dec(price)) {
			t.Errorf("average %s over %d minutes, %v; want %s over 5", got, minutes, err, price)
		}
	}
	want("0")
	mustTradeOf(t, e, "0.5", "30")
	now.advance(4 * time.Minute)
	mustTradeOf(t, e, "0.6", "10")
	want("0.525")
	now.advance(time.Minute + time.Microsecond)
	mustTradeOf(t, e, "0.8", "10")
	want("0.7")
}

func TestAveragePriceIsRoundedAsDecimalsAre(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		e := mustOpen(t, testConfig(t))
		quote, base := decimal.Zero, decimal.Zero
		for i, trade := range rapid.SliceOfN(rapid.Custom(func(t *rapid.T) [2]int64 {
			most := rapid.SampledFrom([]int64{9, 1e9, 1e18}).Draw(t, "most") // the sums of the last fit no 64 bits
			return [2]int64{rapid.Int64Range(1, most).Draw(t, "price"), rapid.Int64Range(1, most).Draw(t, "quantity")}
		}), 1, 30).Draw(rt, "trades") {
			price, quantity := exchange.Units(trade[0]).Decimal(), exchange.Units(trade[1]).Decimal()
			err := e.Trade(exchange.TradeEvent{Symbol: symbol, ID: int64(i) + 1, Price: price, Quantity: quantity, TradeTime: 1})
			if err != nil {
				rt.Fatal(err)
			}
			quote, base = quote.Add(price.Mul(quantity)), base.Add(quantity)
			want := quote.DivRound(base, 8)
			if _, got, _, err := e.AveragePrice(symbol); err != nil || !got.Equal(want) || got.Exponent() != want.Exponent() {
				rt.Fatalf("average %s after %d trades, %v; want %s", got.StringFixed(8), i+1, err, want)
			}
		}
	})
}

func TestAveragePriceOutlivesTheTradesThatAreForgotten(t *testing.T) {
	cfg := testConfig(t)
	now := newClock()
	cfg.Now = now.Now
	cfg.KeepTrades = 8
	e := mustOpen(t, cfg)
	for i := range 100 {
		mustTrade(t, e, decimal.New(int64(5000+i), -4).String())
		now.advance(time.Minute)
	}
	// Six trades lie within the five minutes before the newest, at 0.5094…0.5099.
	if _, got, _, err := e.AveragePrice(symbol); err != nil || !got.Equal(dec("0.50965")) {
		t.Errorf("average %s, %v; want 0.50965", got, err)
	}
}

func TestHistoryIsBoundedAndPaged(t *testing.T) {
	cfg := testConfig(t)
	cfg.KeepTrades = 10
	e := mustOpen(t, cfg)
	for range 35 {
		mustTrade(t, e, "0.5")
	}
	cases := map[string]struct {
		from        int64
		limit       int
		first, last int64
	}{
		"newest":              {0, 3, 33, 35},
		"all that is kept":    {0, 0, 26, 35},
		"from an old id":      {1, 4, 26, 29},
		"from a kept id":      {30, 3, 30, 32},
		"to the end":          {34, 100, 34, 35},
		"beyond the last one": {36, 10, 0, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			trades, err := e.Trades(symbol, c.from, c.limit)
			if err != nil {
				t.Fatal(err)
			}
			var first, last int64
			if len(trades) > 0 {
				first, last = trades[0].ID, trades[len(trades)-1].ID
			}
			if first != c.first || last != c.last {
				t.Errorf("trades %d to %d, want %d to %d", first, last, c.first, c.last)
			}
		})
	}
	_, err := e.Trades("ETHUSDT", 0, 0)
	wantRefused(t, err, wire.CodeInvalidSymbol, "Invalid symbol.")
}

// recorder is a listener that takes everything at once.
type recorder struct {
	waiting
	onTrade func(*exchange.TradeEvent)
}

func (r *recorder) Trade(t *exchange.TradeEvent) { r.onTrade(t) }
