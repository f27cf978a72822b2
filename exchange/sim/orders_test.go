package sim_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
	"hedgehog/exchange/sim"
	"hedgehog/exchange/wire"
)

func TestRefusedOrdersHaveTheExchangesCodesAndChangeNothing(t *testing.T) {
	cases := map[string]struct {
		spoil   func(*sim.PlaceRequest)
		code    wire.Code
		message string
	}{
		"unknown symbol":      {func(r *sim.PlaceRequest) { r.Order.Symbol = "NOUSDT" }, -1121, "Invalid symbol."},
		"no side":             {func(r *sim.PlaceRequest) { r.Order.Side = "HOLD" }, -1117, "Invalid side."},
		"illegal client id":   {func(r *sim.PlaceRequest) { r.Order.ClientID = "a b" }, -1100, ""},
		"long client id":      {func(r *sim.PlaceRequest) { r.Order.ClientID = fmt.Sprintf("%037d", 1) }, -1100, ""},
		"price off the tick":  {func(r *sim.PlaceRequest) { r.Order.Price = dec("0.50001") }, -1013, "Filter failure: PRICE_FILTER"},
		"negative price":      {func(r *sim.PlaceRequest) { r.Order.Price = dec("-0.5") }, -1013, "Filter failure: PRICE_FILTER"},
		"quantity off step":   {func(r *sim.PlaceRequest) { r.Order.Quantity = dec("10.05") }, -1013, "Filter failure: LOT_SIZE"},
		"too little worth":    {func(r *sim.PlaceRequest) { r.Order.Quantity = dec("9.9") }, -1013, "Filter failure: NOTIONAL"},
		"far from the market": {func(r *sim.PlaceRequest) { r.Order.Price = dec("2.5001") }, -1013, "Filter failure: PERCENT_PRICE"},
		"huge exponent":       {func(r *sim.PlaceRequest) { r.Order.Price = decimal.New(1, 1_000_000_000) }, -1111, ""},
		"tiny exponent":       {func(r *sim.PlaceRequest) { r.Order.Quantity = decimal.New(1, -1_000_000_000) }, -1111, ""},
		"same id as an open":  {func(r *sim.PlaceRequest) { r.Order.ClientID = "open" }, -2010, "Duplicate order sent."},
		"more than there is":  {func(r *sim.PlaceRequest) { r.Order.Quantity = dec("1980.1") }, -2010, "Account has insufficient balance for requested action."},
		"past its deadline":   {func(r *sim.PlaceRequest) { r.Deadline-- }, -1021, ""},
		"market closed":       {func(r *sim.PlaceRequest) { r.Order.Symbol = "XRPETH" }, -2010, "Market is closed."},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			cfg := testConfig(t)
			cfg.Info.Symbols[1].Status = "BREAK"
			e := mustOpen(t, cfg)
			mustTrade(t, e, "0.5")
			mustPlace(t, e, request(alice, "open", exchange.Buy, "0.5", "20"))
			r := request(alice, "new", exchange.Buy, "0.5", "1980")
			r.Deadline = exchange.MicrosOf(e.Now())
			spoiled := r
			c.spoil(&spoiled)
			_, err := e.Place(spoiled)
			wantRefused(t, err, c.code, c.message)
			wantBalance(t, e, alice, "USDT", "990", "10")
			// As it was before it was spoiled, the order is good to the last USDT.
			mustPlace(t, e, r)
			wantBalance(t, e, alice, "USDT", "0", "1000")
		})
	}
}

func TestClientIDCanBeUsedAgainOnceItsOrderIsClosed(t *testing.T) {
	e := mustOpen(t, testConfig(t))
	first := mustPlace(t, e, request(alice, "a", exchange.Buy, "0.5", "100"))
	mustPlace(t, e, request(bob, "a", exchange.Buy, "0.4", "100"))
	mustTrade(t, e, "0.45")
	second := mustPlace(t, e, request(alice, "a", exchange.Buy, "0.4", "100"))
	if second.ID == first.ID {
		t.Fatalf("both orders have the id %d", first.ID)
	}
	got, err := e.Order(alice, exchange.OrderRef{Symbol: symbol, ClientID: "a"})
	if err != nil || got.ID != second.ID {
		t.Errorf("the client id names order %d, %v; want the newer one, %d", got.ID, err, second.ID)
	}
}

func TestOrderWithoutClientIDGetsOneOfItsOwn(t *testing.T) {
	e := mustOpen(t, testConfig(t))
	taken := mustPlace(t, e, request(alice, "sim-2", exchange.Buy, "0.5", "10"))
	made := mustPlace(t, e, request(alice, "", exchange.Buy, "0.5", "10"))
	if made.ClientID == "" || made.ClientID == taken.ClientID {
		t.Errorf("client id %q", made.ClientID)
	}
}

func TestUnknownOrdersHaveTheExchangesCodes(t *testing.T) {
	e := mustOpen(t, testConfig(t))
	o := mustPlace(t, e, request(alice, "a", exchange.Buy, "0.5", "100"))
	cases := map[string]struct {
		account string
		ref     exchange.OrderRef
		query   wire.Code
		cancel  wire.Code
	}{
		"no such id":        {alice, exchange.OrderRef{Symbol: symbol, ID: o.ID + 1}, -2013, -2011},
		"no such client id": {alice, exchange.OrderRef{Symbol: symbol, ClientID: "b"}, -2013, -2011},
		"no id at all":      {alice, exchange.OrderRef{Symbol: symbol}, -2013, -2011},
		"other account":     {bob, exchange.OrderRef{Symbol: symbol, ID: o.ID}, -2013, -2011},
		"other symbol":      {alice, exchange.OrderRef{Symbol: "XRPETH", ID: o.ID}, -2013, -2011},
		"unknown symbol":    {alice, exchange.OrderRef{Symbol: "NOUSDT", ID: o.ID}, -1121, -1121},
		"ids of two orders": {alice, exchange.OrderRef{Symbol: symbol, ID: o.ID, ClientID: "b"}, -2039, -2011},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := e.Order(c.account, c.ref)
			wantRefused(t, err, c.query, "")
			_, err = e.Cancel(sim.CancelRequest{Account: c.account, Ref: c.ref})
			wantRefused(t, err, c.cancel, "")
		})
	}
	wantOrder(t, e, alice, o.ID, exchange.New, "0")
}

func TestCancelAfterItsDeadlineIsRefused(t *testing.T) {
	e := mustOpen(t, testConfig(t))
	o := mustPlace(t, e, request(alice, "a", exchange.Buy, "0.5", "100"))
	late := sim.CancelRequest{Account: alice, Ref: exchange.OrderRef{Symbol: symbol, ID: o.ID}, Deadline: exchange.MicrosOf(e.Now()) - 1}
	_, err := e.Cancel(late)
	wantRefused(t, err, wire.CodeTimestamp, "")
	wantOrder(t, e, alice, o.ID, exchange.New, "0")
	late.Deadline++
	if _, err := e.Cancel(late); err != nil {
		t.Error(err)
	}
}

func TestUnfilledOrdersAreLimitedAndFillsGiveRoom(t *testing.T) {
	cfg := testConfig(t)
	now := newClock()
	cfg.Now = now.Now
	cfg.Info.RateLimits = []exchange.RateLimit{
		{Type: "ORDERS", Interval: "SECOND", IntervalNum: 10, Limit: 7},
		{Type: "ORDERS", Interval: "DAY", IntervalNum: 1, Limit: 10},
	}
	e := mustOpen(t, cfg)
	want := func(tenSeconds, day int) {
		t.Helper()
		if a, b := e.OrderCount(alice); a != tenSeconds || b != day {
			t.Errorf("counts %d and %d, want %d and %d", a, b, tenSeconds, day)
		}
	}
	placed := 0
	place := func() error {
		placed++
		_, err := e.Place(request(alice, fmt.Sprint("order-", placed), exchange.Buy, "0.5", "10"))
		return err
	}
	for range 7 {
		if err := place(); err != nil {
			t.Fatal(err)
		}
	}
	want(7, 7)
	err := place()
	wantRefused(t, err, wire.CodeTooManyOrders, "Too many new orders; current limit is 7 orders per 10 SECOND.")
	if !errors.Is(err, exchange.ErrRateLimited) {
		t.Errorf("%v is not ErrRateLimited", err)
	}
	now.advance(10 * time.Second)
	want(0, 7)
	for range 3 {
		if err := place(); err != nil {
			t.Fatal(err)
		}
	}
	wantRefused(t, place(), wire.CodeTooManyOrders, "Too many new orders; current limit is 10 orders per 1 DAY.")
	best := request(bob, "b", exchange.Buy, "0.6", "10")
	mustPlace(t, e, best)
	mustTrade(t, e, "0.55") // fills bob's order alone
	want(3, 10)
	mustTrade(t, e, "0.45") // the first fill of ten orders, five off for each, down to none
	want(0, 0)
	now.advance(24 * time.Hour)
	if err := place(); err != nil {
		t.Fatal(err)
	}
	want(1, 1)
}

func TestClosedOrdersAndFillsBeyondTheBoundAreForgotten(t *testing.T) {
	cfg := testConfig(t)
	cfg.KeepOrders, cfg.KeepFills = 5, 5
	cfg.Info.RateLimits = nil
	e := mustOpen(t, cfg)
	resting := mustPlace(t, e, request(alice, "rest", exchange.Buy, "0.2", "25"))
	for i := range 40 {
		mustPlace(t, e, request(alice, fmt.Sprint("a-", i), exchange.Buy, "0.5", "10"))
		mustTrade(t, e, "0.49")
	}
	orders := e.AllOrders(alice, symbol, sim.OrderQuery{})
	if len(orders) < 5 || len(orders) >= 10 || orders[0].ID != resting.ID || orders[len(orders)-1].ClientID != "a-39" {
		t.Errorf("%d orders kept, first %d, last %q", len(orders), orders[0].ID, orders[len(orders)-1].ClientID)
	}
	if fills := e.Fills(alice, symbol, sim.FillQuery{}); len(fills) < 5 || len(fills) >= 10 || fills[len(fills)-1].TradeID != 40 {
		t.Errorf("%d fills kept", len(fills))
	}
	_, err := e.Order(alice, exchange.OrderRef{Symbol: symbol, ClientID: "a-0"})
	wantRefused(t, err, wire.CodeNoSuchOrder, "")
	_, err = e.Order(alice, exchange.OrderRef{Symbol: symbol, ID: resting.ID + 1})
	wantRefused(t, err, wire.CodeNoSuchOrder, "")
	wantOrder(t, e, alice, resting.ID, exchange.New, "0")
}

func TestOrdersAndFillsArePaged(t *testing.T) {
	cfg := testConfig(t)
	now := newClock()
	cfg.Now = now.Now
	cfg.Info.RateLimits = nil
	e := mustOpen(t, cfg)
	start := exchange.MicrosOf(now.Now())
	for i := range 10 {
		mustPlace(t, e, request(alice, fmt.Sprint("a-", i), exchange.Buy, "0.5", "10"))
		mustTrade(t, e, "0.49")
		now.advance(time.Second)
	}
	second := func(n int) exchange.Micros { return start + exchange.Micros(n)*1_000_000 }
	cases := map[string]struct {
		query       sim.OrderQuery
		first, last int64
	}{
		"most recent":        {sim.OrderQuery{Limit: 3}, 8, 10},
		"all":                {sim.OrderQuery{}, 1, 10},
		"from an id":         {sim.OrderQuery{FromID: 4, Limit: 2}, 4, 5},
		"from a time":        {sim.OrderQuery{Start: second(2), Limit: 2}, 3, 4},
		"between times":      {sim.OrderQuery{Start: second(2), End: second(4)}, 3, 5},
		"up to a time":       {sim.OrderQuery{End: second(1)}, 1, 2},
		"id and end in time": {sim.OrderQuery{FromID: 2, End: second(3)}, 2, 4},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			orders := e.AllOrders(alice, symbol, c.query)
			if len(orders) == 0 || orders[0].ID != c.first || orders[len(orders)-1].ID != c.last {
				t.Errorf("orders %+v, want %d to %d", orders, c.first, c.last)
			}
			fills := e.Fills(alice, symbol, sim.FillQuery{FromTradeID: c.query.FromID, Start: c.query.Start, End: c.query.End, Limit: c.query.Limit})
			if len(fills) == 0 || fills[0].TradeID != c.first || fills[len(fills)-1].TradeID != c.last {
				t.Errorf("fills %+v, want %d to %d", fills, c.first, c.last)
			}
		})
	}
	if n := len(e.AllOrders(alice, "XRPETH", sim.OrderQuery{})) + len(e.Fills(bob, symbol, sim.FillQuery{})); n != 0 {
		t.Errorf("%d orders and fills where there were none", n)
	}
	open := mustPlace(t, e, request(alice, "open", exchange.Buy, "0.5", "10"))
	for _, in := range []string{symbol, ""} {
		if got := e.OpenOrders(alice, in); len(got) != 1 || got[0].ID != open.ID {
			t.Errorf("open orders in %q: %+v", in, got)
		}
	}
	if got := e.OpenOrders(alice, "XRPETH"); len(got) != 0 {
		t.Errorf("open orders in XRPETH: %+v", got)
	}
}
