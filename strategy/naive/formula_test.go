package naive_test

import (
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"hedgehog/exchange"
	"hedgehog/strategy/naive"
)

func d(s string) decimal.Decimal { return decimal.RequireFromString(s) }

// xrpusdt has the rules of the worked case.
func xrpusdt() exchange.Symbol {
	return exchange.Symbol{
		Name: "XRPUSDT", Status: "TRADING", BaseAsset: "XRP", QuoteAsset: "USDT",
		BaseAssetPrecision: 8, QuoteAssetPrecision: 8,
		Filters: exchange.Filters{
			TickSize: d("0.0001"), StepSize: d("0.1"), MinQuantity: d("0.1"), NotionalFilter: "NOTIONAL", MinNotional: d("5"),
		},
	}
}

func workedSettings() naive.Settings {
	return naive.Settings{
		Symbol: "XRPUSDT", Status: naive.On, Chunks: 5, Budget: d("100"),
		BuyDownInterval: d("0.0025"), ProfitTarget: d("0.001"), RebuyInterval: d("0.001"),
	}
}

func formula() naive.Formula { return naive.Formula{Symbol: xrpusdt(), Fee: naive.DefaultFee} }

func order(side exchange.Side, price, quantity, executed string, status exchange.Status) *exchange.Order {
	name := naive.OrderName{Position: 7, Side: side, Attempt: 1}
	id := int64(1)
	if side == exchange.Sell {
		id = 2
	}
	return &exchange.Order{
		Symbol: "XRPUSDT", ID: id, ClientID: name.String(), Side: side, Status: status,
		Price: d(price), OriginalQuantity: d(quantity), ExecutedQuantity: d(executed), QuoteQuantity: d(price).Mul(d(executed)),
	}
}

func fill(o *exchange.Order, commission, asset string) exchange.Fill {
	return exchange.Fill{
		Symbol: o.Symbol, OrderID: o.ID, TradeID: 100 + o.ID, Side: o.Side, Price: o.Price,
		Quantity: o.ExecutedQuantity, Commission: d(commission), CommissionAsset: asset,
	}
}

func TestEachRuleOfTheFormula(t *testing.T) {
	buyNew := order(exchange.Buy, "0.4307", "46.4", "0", exchange.New)
	buyPart := order(exchange.Buy, "0.4307", "46.4", "20", exchange.PartiallyFilled)
	buyFilled := order(exchange.Buy, "0.4307", "46.4", "46.4", exchange.Filled)
	buyCanceled := order(exchange.Buy, "0.4307", "46.4", "0", exchange.Canceled)
	buyCutShort := order(exchange.Buy, "0.4307", "46.4", "20", exchange.Canceled)
	buyDust := order(exchange.Buy, "0.4307", "46.4", "0.2", exchange.Canceled)
	sellNew := order(exchange.Sell, "0.4319", "46.3", "0", exchange.New)
	sellFilled := order(exchange.Sell, "0.4319", "46.3", "46.3", exchange.Filled)
	sellCanceled := order(exchange.Sell, "0.4319", "46.3", "40", exchange.Canceled)
	sellCanceledLate := order(exchange.Sell, "0.4319", "46.3", "46.2", exchange.Canceled)
	bought := []exchange.Fill{fill(buyFilled, "0.0464", "XRP")}
	boughtForBNB := []exchange.Fill{fill(buyFilled, "0.00001", "BNB")}
	// all are the fills of the orders, which cost nothing.
	all := func(orders ...*exchange.Order) (fills []exchange.Fill) {
		for _, o := range orders {
			fills = append(fills, fill(o, "0", "USDT"))
		}
		return fills
	}
	trade := func(price string) naive.Event { return naive.Event{Price: d(price), TradeID: 1000} }
	news := func(o *exchange.Order, fills ...exchange.Fill) naive.Event {
		return naive.Event{News: &exchange.OrderUpdate{Order: *o, Fills: fills}}
	}
	sell := naive.Decision{Action: naive.PlaceSell, Price: d("0.4319"), Quantity: d("46.3")}

	tests := []struct {
		name     string
		position naive.Position
		event    naive.Event
		change   func(*naive.Settings)
		open     int
		rules    func(*exchange.Filters)
		want     naive.Decision
		state    naive.State
	}{
		{name: "1: a fresh position buys below the price", event: trade("0.43183010"),
			want: naive.Decision{Action: naive.PlaceBuy, Price: d("0.4307"), Quantity: d("46.4")}},
		{name: "1: not in shutdown", event: trade("0.43183010"), change: func(s *naive.Settings) { s.Status = naive.Shutdown },
			want: naive.Decision{Action: naive.End}, state: naive.Dropped},
		{name: "2: late news of the buy", position: naive.Position{Buy: buyFilled, Sell: sellNew}, event: news(buyFilled)},
		{name: "3: the buy is filled in part", position: naive.Position{Buy: buyNew}, event: news(buyPart)},
		{name: "3 and 4: the buy is filled", position: naive.Position{Buy: buyNew}, event: news(buyFilled, bought...), want: sell},
		{name: "3: filled, but the fills are not known", position: naive.Position{Buy: buyNew}, event: news(buyFilled),
			want: naive.Decision{Action: naive.FetchFills}},
		{name: "3: news that are older than what is known", position: naive.Position{Buy: buyFilled, Fills: bought}, event: news(buyNew)},
		{name: "3: the buy was cancelled by somebody else", position: naive.Position{Buy: buyNew}, event: news(buyCanceled)},
		{name: "4: the sell could not be placed before", position: naive.Position{Buy: buyFilled, Fills: bought}, event: trade("0.43"), want: sell},
		{name: "4: a commission in another asset takes nothing from what is sold",
			position: naive.Position{Buy: buyFilled, Fills: boughtForBNB}, event: trade("0.43"),
			want: naive.Decision{Action: naive.PlaceSell, Price: d("0.4319"), Quantity: d("46.4")}},
		{name: "4: a buy that was cut short sells what it got", position: naive.Position{Buy: buyCutShort, Fills: []exchange.Fill{fill(buyCutShort, "0.02", "XRP")}},
			event: trade("0.43"), want: naive.Decision{Action: naive.PlaceSell, Price: d("0.4319"), Quantity: d("19.9")}},
		{name: "4: what is too little to sell ends the position", position: naive.Position{Buy: buyDust, Fills: []exchange.Fill{fill(buyDust, "0", "XRP")}},
			event: trade("0.43"), want: naive.Decision{Action: naive.Renew}, state: naive.Dropped},
		{name: "4: a sell that was cancelled is placed again for the rest", position: naive.Position{Buy: buyFilled, Sell: sellCanceled, Fills: append(all(sellCanceled), bought...)},
			event: trade("0.43"), want: naive.Decision{Action: naive.PlaceSell, Price: d("0.4319"), Quantity: d("6.3")},
			rules: func(f *exchange.Filters) { f.MinNotional = d("1") }},
		{name: "4: unless the rest is too little", position: naive.Position{Buy: buyFilled, Sell: sellCanceledLate, Fills: append(all(sellCanceledLate), bought...)},
			event: trade("0.43"), want: naive.Decision{Action: naive.Renew}, state: naive.Finished},
		{name: "4: but not before its fills are known", position: naive.Position{Buy: buyFilled, Sell: sellCanceledLate, Fills: bought},
			event: trade("0.43"), want: naive.Decision{Action: naive.FetchFills}},
		{name: "5: a finished cycle is replaced", position: naive.Position{Buy: buyFilled, Sell: sellFilled, Fills: all(sellFilled)}, event: trade("0.43205"),
			want: naive.Decision{Action: naive.Renew}, state: naive.Finished},
		{name: "5: but not by the trade that filled the sell", position: naive.Position{Buy: buyFilled, Sell: sellFilled, Fills: []exchange.Fill{fill(sellFilled, "0", "USDT")}},
			event: naive.Event{Price: d("0.43205"), TradeID: 102}},
		{name: "5: but not before its fills are known", position: naive.Position{Buy: buyFilled, Sell: sellFilled, Fills: bought}, event: trade("0.43205"),
			want: naive.Decision{Action: naive.FetchFills}},
		{name: "5: but not in shutdown", position: naive.Position{Buy: buyFilled, Sell: sellFilled, Fills: all(sellFilled)}, event: trade("0.43205"),
			change: func(s *naive.Settings) { s.Status = naive.Shutdown }, want: naive.Decision{Action: naive.End}, state: naive.Finished},
		{name: "5: nor when fewer chunks are wanted now", position: naive.Position{Buy: buyFilled, Sell: sellFilled, Fills: all(sellFilled)}, event: trade("0.43205"),
			change: func(s *naive.Settings) { s.Chunks = 2 }, open: 3, want: naive.Decision{Action: naive.End}, state: naive.Finished},
		{name: "6: news of the sell", position: naive.Position{Buy: buyFilled, Sell: sellNew}, event: news(sellFilled)},
		{name: "7: the price fell by the interval", position: naive.Position{Buy: buyNew}, event: trade("0.4302"), want: naive.Decision{Action: naive.Rebuy}},
		{name: "7: not by less", position: naive.Position{Buy: buyNew}, event: trade("0.43027")},
		{name: "7: not at the exact threshold", position: naive.Position{Buy: buyNew}, event: trade("0.4302693")},
		{name: "7: not twice", position: naive.Position{Buy: buyNew, RebuyTriggered: true}, event: trade("0.42")},
		{name: "7: not in shutdown", position: naive.Position{Buy: buyNew}, event: trade("0.42"), change: func(s *naive.Settings) { s.Status = naive.Shutdown }},
		{name: "7: not beyond the chunks", position: naive.Position{Buy: buyNew}, event: trade("0.42"), open: 5},
		{name: "a buy cancelled before any fill makes way", position: naive.Position{Buy: buyCanceled}, event: trade("0.43"),
			want: naive.Decision{Action: naive.Renew}, state: naive.Dropped},
		{name: "8: otherwise nothing", position: naive.Position{Buy: buyFilled, Sell: sellNew}, event: trade("0.4306")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			settings := workedSettings()
			if tt.change != nil {
				tt.change(&settings)
			}
			tt.position.ID, tt.position.Symbol, tt.position.State = 7, "XRPUSDT", naive.Open
			if tt.state == "" {
				tt.state = naive.Open
			}
			f := formula()
			if tt.rules != nil {
				tt.rules(&f.Symbol.Filters)
			}
			p, got := f.Step(tt.position, tt.event, settings, max(tt.open, 1))
			if got.Action != tt.want.Action || !got.Price.Equal(tt.want.Price) || !got.Quantity.Equal(tt.want.Quantity) {
				t.Errorf("decision %+v, want %+v", got, tt.want)
			}
			if p.State != tt.state {
				t.Errorf("state %s, want %s", p.State, tt.state)
			}
		})
	}
}

func TestNewsOfTheBuyIsKept(t *testing.T) {
	p := naive.Position{Buy: order(exchange.Buy, "0.4307", "46.4", "0", exchange.New)}
	part := order(exchange.Buy, "0.4307", "46.4", "20", exchange.PartiallyFilled)
	p, _ = formula().Step(p, naive.Event{News: &exchange.OrderUpdate{Order: *part, Fills: []exchange.Fill{fill(part, "0.02", "XRP")}}}, workedSettings(), 1)
	if p.Buy.Status != exchange.PartiallyFilled || len(p.Fills) != 1 {
		t.Errorf("buy %s with %d fills, want PARTIALLY_FILLED with 1", p.Buy.Status, len(p.Fills))
	}
}

func TestProfitIsWhatIsLeftAfterCommissions(t *testing.T) {
	buy := order(exchange.Buy, "0.4307", "46.4", "46.4", exchange.Filled)
	sell := order(exchange.Sell, "0.4319", "46.3", "46.3", exchange.Filled)
	p := naive.Position{Buy: buy, Sell: sell, Fills: []exchange.Fill{fill(buy, "0.0464", "XRP"), fill(sell, "0.01999697", "USDT")}}
	p, _ = formula().Step(p, naive.Event{Price: d("0.432"), TradeID: 1000}, workedSettings(), 1)
	if want := d("0.4319").Mul(d("46.3")).Sub(d("0.4307").Mul(d("46.4"))).Sub(d("0.01999697")); !p.Profit.Equal(want) {
		t.Errorf("profit %s, want %s", p.Profit, want)
	}
}

// The prices and quantities of the formula hold for any settings: never above
// what the rule gives, and less than one unit below.
func TestRoundingLosesLessThanOneUnit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tick := decimal.New(1, -rapid.Int32Range(0, 8).Draw(t, "tick places"))
		step := decimal.New(1, -rapid.Int32Range(0, 8).Draw(t, "step places"))
		f := naive.Formula{Symbol: exchange.Symbol{Filters: exchange.Filters{TickSize: tick, StepSize: step}}, Fee: naive.DefaultFee}
		price := decimal.New(rapid.Int64Range(1e8, 1e15).Draw(t, "price"), -8)
		interval := decimal.New(rapid.Int64Range(0, 9999).Draw(t, "interval"), -5)
		s := workedSettings()
		s.Budget = decimal.New(rapid.Int64Range(1, 1e12).Draw(t, "budget"), -2)
		s.Chunks = rapid.IntRange(1, naive.MaxChunks).Draw(t, "chunks")

		exact := price.Sub(price.Mul(interval))
		buy := f.BuyPrice(price, interval)
		if buy.GreaterThan(exact) || exact.Sub(buy).Cmp(tick) >= 0 || !buy.Mod(tick).IsZero() {
			t.Fatalf("buy price %s for %s with tick %s", buy, exact, tick)
		}
		quantity := f.BuyQuantity(buy, s)
		chunks := decimal.NewFromInt(int64(s.Chunks))
		if quantity.Mul(buy).Mul(chunks).GreaterThan(s.Budget) {
			t.Fatalf("%d × %s × %s is more than the budget %s", s.Chunks, quantity, buy, s.Budget)
		}
		if buy.Sign() > 0 && quantity.Add(step).Mul(buy).Mul(chunks).LessThanOrEqual(s.Budget) {
			t.Fatalf("one step more than %s would fit the budget %s", quantity, s.Budget)
		}
	})
}

func TestOrderNamesReadBackAsTheyWereWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := naive.OrderName{
			Position: naive.PositionID(rapid.Int64Range(1, 1<<52).Draw(t, "position")),
			Parent:   naive.PositionID(rapid.Int64Range(0, 1<<52).Draw(t, "parent")),
			Side:     rapid.SampledFrom([]exchange.Side{exchange.Buy, exchange.Sell}).Draw(t, "side"),
			Attempt:  rapid.IntRange(1, 1000).Draw(t, "attempt"),
		}
		id := name.String()
		if len(id) > 36 {
			t.Fatalf("%q has %d characters, the exchange takes 36", id, len(id))
		}
		if back, err := naive.ParseOrderName(id); err != nil || back != name {
			t.Fatalf("%q reads as %+v, %v; want %+v", id, back, err, name)
		}
	})
}

func FuzzParseOrderName(f *testing.F) {
	for _, id := range []string{"hh-1jy9dvk3-0-B1", "hh-1-zz-S2", "web_12345", "hh---", "hh-1-0-X1", "hh--1-0-B1", "hh-01-0-B1"} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		if name, err := naive.ParseOrderName(id); err == nil && name.String() != id {
			t.Errorf("%q is read as %+v, which is written %q", id, name, name.String())
		}
	})
}

func TestSettingsOutOfRangeAreNamed(t *testing.T) {
	for field, change := range map[string]func(*naive.Settings){
		"status":            func(s *naive.Settings) { s.Status = "paused" },
		"chunks":            func(s *naive.Settings) { s.Chunks = 0 },
		"budget":            func(s *naive.Settings) { s.Budget = d("0") },
		"buy_down_interval": func(s *naive.Settings) { s.BuyDownInterval = d("1") },
		"profit_target":     func(s *naive.Settings) { s.ProfitTarget = d("0") },
		"rebuy_interval":    func(s *naive.Settings) { s.RebuyInterval = d("-0.1") },
	} {
		s := naive.DefaultSettings("XRPETH")
		if err := s.Validate(); err != nil {
			t.Fatalf("the defaults are refused: %v", err)
		}
		change(&s)
		if err := s.Validate(); err == nil || !contains(err.Error(), field) {
			t.Errorf("%s out of range: error %v does not name it", field, err)
		}
	}
}
