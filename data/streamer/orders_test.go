package streamer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"hedgehog/data/bus"
	"hedgehog/data/streamer"
	"hedgehog/exchange"
	"hedgehog/exchange/sim"
)

// ledger is an order store in memory that a test fills with what a collector
// would have stored.
type ledger struct {
	orders map[int64]exchange.Order
	filled map[int64]decimal.Decimal
}

func newLedger() *ledger {
	return &ledger{orders: make(map[int64]exchange.Order), filled: make(map[int64]decimal.Decimal)}
}

func (l *ledger) put(u exchange.OrderUpdate) {
	l.orders[u.ID] = u.Order
	for _, f := range u.Fills {
		l.filled[u.ID] = l.filled[u.ID].Add(f.Quantity)
	}
}

func (l *ledger) OldestOpenOrder(_ context.Context, symbol string) (int64, error) {
	var open, newest int64
	for id, o := range l.orders {
		if o.Symbol != symbol {
			continue
		}
		newest = max(newest, id)
		if !o.Status.Done() && (open == 0 || id < open) {
			open = id
		}
	}
	if open == 0 {
		return newest, nil
	}
	return open, nil
}

func (l *ledger) StoredOrder(_ context.Context, symbol string, id int64) (exchange.Order, decimal.Decimal, bool, error) {
	o, ok := l.orders[id]
	return o, l.filled[id], ok && o.Symbol == symbol, nil
}

// account is the exchange as one account sees it, counting the requests of its
// streamer.
type account struct {
	*sim.Local
	tb     testing.TB
	engine *sim.Engine
	placed int
	script func(ctx context.Context, sink exchange.OrderSink) error
	asked  []string // what AllOrders and Fills were asked for
	refuse error    // what AllOrders and Fills answer, where not nil
}

func newAccount(tb testing.TB, names ...string) *account {
	tb.Helper()
	engine := newEngine(tb, names...)
	return &account{Local: local(engine), tb: tb, engine: engine}
}

func (a *account) StreamOrders(ctx context.Context, sink exchange.OrderSink) error {
	if a.script == nil {
		return a.Local.StreamOrders(ctx, sink)
	}
	return a.script(ctx, sink)
}

func (a *account) AllOrders(ctx context.Context, symbol string, fromID int64, limit int) ([]exchange.Order, error) {
	a.asked = append(a.asked, fmt.Sprintf("orders %s %d", symbol, fromID))
	if a.refuse != nil {
		return nil, a.refuse
	}
	return a.Local.AllOrders(ctx, symbol, fromID, limit)
}

func (a *account) Fills(ctx context.Context, symbol string, orderID int64) ([]exchange.Fill, error) {
	a.asked = append(a.asked, fmt.Sprintf("fills %s %d", symbol, orderID))
	return a.Local.Fills(ctx, symbol, orderID)
}

func (a *account) RecentFills(ctx context.Context, symbol string, limit int) ([]exchange.Fill, error) {
	a.asked = append(a.asked, "recent fills "+symbol)
	return a.Local.RecentFills(ctx, symbol, limit)
}

// buy places an order at the price.
func (a *account) buy(symbol, price string) exchange.OrderUpdate {
	a.tb.Helper()
	a.placed++
	u, err := a.PlaceLimitOrder(a.tb.Context(), exchange.LimitOrder{
		Symbol: symbol, ClientID: fmt.Sprintf("order-%d", a.placed), Side: exchange.Buy, Price: amount(price), Quantity: amount("10"),
	})
	if err != nil {
		a.tb.Fatal(err)
	}
	return u
}

// pass lets a trade happen, which fills what rests above its price.
func (a *account) pass(id int64, price string) {
	a.tb.Helper()
	t := trade(id)
	t.Price = amount(price)
	if err := a.engine.Trade(t); err != nil {
		a.tb.Fatal(err)
	}
}

// state returns an order with its fills as the exchange has them.
func (a *account) state(id int64) exchange.OrderUpdate {
	a.tb.Helper()
	o, err := a.Order(a.tb.Context(), exchange.OrderRef{Symbol: symbol, ID: id})
	if err != nil {
		a.tb.Fatal(err)
	}
	fills, err := a.Local.Fills(a.tb.Context(), symbol, id)
	if err != nil {
		a.tb.Fatal(err)
	}
	return exchange.OrderUpdate{Order: o, Fills: fills}
}

// news returns the updates that wait as "order-1 FILLED, 1 fills".
func news(tb testing.TB, s *bus.Subscription) []string {
	tb.Helper()
	var lines []string
	for _, u := range taken[*exchange.OrderUpdate](tb, s) {
		lines = append(lines, line(u))
	}
	return lines
}

func line(u *exchange.OrderUpdate) string {
	return fmt.Sprintf("%s %s, %d fills", u.ClientID, u.Status, len(u.Fills))
}

func wantNews(tb testing.TB, got []string, want ...string) {
	tb.Helper()
	if !slices.Equal(got, want) {
		tb.Errorf("published\n got %q\nwant %q", got, want)
	}
}

func TestCatchingUpPublishesWhatIsNewerThanStored(t *testing.T) {
	a := newAccount(t, symbol)
	a.buy(symbol, "0.5")                 // 1: stored as it is
	stillNew := a.buy(symbol, "0.0001")  // 2: rests, stored as it is
	filled := a.buy(symbol, "0.4")       // 3: filled since it was stored
	fillLost := a.buy(symbol, "0.3")     // 4: stored as filled, without its fill
	cancelled := a.buy(symbol, "0.0002") // 5: cancelled since it was stored
	a.pass(1, "0.2")
	a.buy(symbol, "0.0003") // 6: not stored
	a.buy(symbol, "0.1")    // 7: not stored, filled
	a.pass(2, "0.05")
	if _, err := a.CancelOrder(t.Context(), exchange.OrderRef{Symbol: symbol, ID: cancelled.ID}); err != nil {
		t.Fatal(err)
	}
	l := newLedger()
	l.put(a.state(1))
	l.put(stillNew)
	l.put(filled)
	l.put(exchange.OrderUpdate{Order: a.state(fillLost.ID).Order})
	l.put(cancelled)

	b := bus.New()
	seen := watch(t, b, bus.Orders(symbol))
	orders := streamer.NewOrders(a, l, b, nil, quiet())
	if err := orders.CatchUp(t.Context(), symbol); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, u := range taken[*exchange.OrderUpdate](t, seen) {
		got = append(got, line(u))
		l.put(*u)
	}
	wantNews(t, got, "order-3 FILLED, 1 fills", "order-4 FILLED, 1 fills", "order-5 CANCELED, 0 fills",
		"order-6 NEW, 0 fills", "order-7 FILLED, 1 fills")
	if want := []string{"orders XRPETH 0", "fills XRPETH 3", "fills XRPETH 4", "fills XRPETH 7"}; !slices.Equal(a.asked, want) {
		t.Errorf("asked for %q, want %q", a.asked, want)
	}
	if err := orders.CatchUp(t.Context(), symbol); err != nil {
		t.Fatal(err)
	}
	wantNews(t, news(t, seen)) // once it is stored it is no news
}

// A node that is about to own a symbol hears of the present owner's orders before
// it catches up.
func TestWhatWasHeardBeforeCatchingUpHidesNothing(t *testing.T) {
	for _, open := range []bool{true, false} {
		t.Run(fmt.Sprintf("open %t", open), func(t *testing.T) {
			a := newAccount(t, symbol)
			a.buy(symbol, "0.0001")
			a.buy(symbol, "0.5")
			heard := a.buy(symbol, "0.4")
			if !open {
				a.pass(1, "0.3")
				heard = a.state(heard.ID)
			}
			l := newLedger()
			l.put(heard)
			b := bus.New()
			seen := watch(t, b, bus.Orders(symbol))
			if err := streamer.NewOrders(a, l, b, nil, quiet()).CatchUp(t.Context(), symbol); err != nil {
				t.Fatal(err)
			}
			second := "order-2 NEW, 0 fills"
			if !open {
				second = "order-2 FILLED, 1 fills"
			}
			wantNews(t, news(t, seen), "order-1 NEW, 0 fills", second)
		})
	}
}

// Else the limits of the exchange would be used up by what can wait.
func TestTheFillsOfManyOrdersAreReadAtOnce(t *testing.T) {
	const all = 600
	a := newAccount(t, symbol)
	for i := range all {
		a.buy(symbol, "0.4")
		a.pass(int64(i+1), "0.3")
	}
	b := bus.New()
	seen := watch(t, b, bus.Orders(symbol))
	if err := streamer.NewOrders(a, newLedger(), b, nil, quiet()).CatchUp(t.Context(), symbol); err != nil {
		t.Fatal(err)
	}
	updates := taken[*exchange.OrderUpdate](t, seen)
	for _, u := range updates {
		if want := a.state(u.ID).Fills; !slices.Equal(u.Fills, want) {
			t.Errorf("order %d is published with the fills %+v, want %+v", u.ID, u.Fills, want)
		}
	}
	if len(updates) != all {
		t.Errorf("%d orders published, want %d", len(updates), all)
	}
	if want := []string{"orders XRPETH 0", "recent fills XRPETH"}; !slices.Equal(a.asked, want) {
		t.Errorf("asked for %q, want %q", a.asked[:min(len(a.asked), 10)], want)
	}
}

func TestFillsThatAreNotAmongTheRecentOnesAreReadByOrder(t *testing.T) {
	a := newAccount(t, symbol)
	l := newLedger()
	const all, lacking = 1001, 6 // one fill each, one more than are read at once
	for id := int64(1); id <= all; id++ {
		a.buy(symbol, "0.4")
		a.pass(id, "0.3")
		l.put(a.state(id))
		if id <= lacking {
			delete(l.filled, id)
		}
	}
	l.orders[1] = exchange.Order{ID: 1, Symbol: symbol, Status: exchange.New} // so that all are looked at
	b := bus.New()
	seen := watch(t, b, bus.Orders(symbol))
	if err := streamer.NewOrders(a, l, b, nil, quiet()).CatchUp(t.Context(), symbol); err != nil {
		t.Fatal(err)
	}
	updates := taken[*exchange.OrderUpdate](t, seen)
	for _, u := range updates {
		if len(u.Fills) != 1 || u.Fills[0].OrderID != u.ID {
			t.Errorf("order %d is published with the fills %+v", u.ID, u.Fills)
		}
	}
	if len(updates) != lacking {
		t.Errorf("%d orders published, want %d", len(updates), lacking)
	}
	want := []string{"orders XRPETH 0", "orders XRPETH 1", "recent fills XRPETH", "fills XRPETH 1", "orders XRPETH 1001"}
	if !slices.Equal(a.asked, want) {
		t.Errorf("asked for %q, want %q", a.asked, want)
	}
}

func TestCatchingUpReadsEveryPage(t *testing.T) {
	const all = 1200
	a := newAccount(t, symbol)
	var first exchange.OrderUpdate
	for i := range all {
		if u := a.buy(symbol, "0.0001"); i == 0 {
			first = u
		}
	}
	l := newLedger()
	l.put(first)
	b := bus.New()
	seen := watch(t, b, bus.Orders(symbol))
	if err := streamer.NewOrders(a, l, b, nil, quiet()).CatchUp(t.Context(), symbol); err != nil {
		t.Fatal(err)
	}
	updates := taken[*exchange.OrderUpdate](t, seen)
	if len(updates) != all-1 {
		t.Fatalf("%d orders published, want %d", len(updates), all-1)
	}
	for i, u := range updates {
		if want := first.ID + 1 + int64(i); u.ID != want {
			t.Fatalf("order %d is published where %d belongs", u.ID, want)
		}
	}
	if want := []string{"orders XRPETH 0", "orders XRPETH 1", "orders XRPETH 1001"}; !slices.Equal(a.asked, want) {
		t.Errorf("asked for %q, want %q", a.asked, want)
	}
}

func TestWithNothingStoredTheNewestOrdersAreCaughtUpWith(t *testing.T) {
	a := newAccount(t, symbol)
	for range 1001 {
		a.buy(symbol, "0.0001")
	}
	b := bus.New()
	seen := watch(t, b, bus.Orders(symbol))
	if err := streamer.NewOrders(a, newLedger(), b, nil, quiet()).CatchUp(t.Context(), symbol); err != nil {
		t.Fatal(err)
	}
	if got := news(t, seen); len(got) != 1000 || got[0] != "order-2 NEW, 0 fills" || got[999] != "order-1001 NEW, 0 fills" {
		t.Errorf("%d orders published, want 1000 from order-2 to order-1001", len(got))
	}
	if want := []string{"orders XRPETH 0"}; !slices.Equal(a.asked, want) {
		t.Errorf("asked for %q, want %q", a.asked, want)
	}
}

func TestEveryConnectionLooksUpTheOrdersOfEachSymbol(t *testing.T) {
	a := newAccount(t, symbol, "BNBETH", "LTCETH")
	a.buy(symbol, "0.1")
	a.buy("LTCETH", "0.1")
	b := bus.New()
	xrp, ltc := watch(t, b, bus.Orders(symbol)), watch(t, b, bus.Orders("LTCETH"))
	a.script = func(ctx context.Context, sink exchange.OrderSink) error {
		return errors.Join(sink.Connected(ctx), sink.Connected(ctx))
	}
	names := func() []string { return []string{symbol, "LTCETH"} }
	if err := streamer.NewOrders(a, newLedger(), b, names, quiet()).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := []string{"orders XRPETH 0", "orders LTCETH 0", "orders XRPETH 0", "orders LTCETH 0"}; !slices.Equal(a.asked, want) {
		t.Errorf("asked for %q, want %q", a.asked, want)
	}
	wantNews(t, news(t, xrp), "order-1 NEW, 0 fills", "order-1 NEW, 0 fills")
	wantNews(t, news(t, ltc), "order-2 NEW, 0 fills", "order-2 NEW, 0 fills")
}

func TestUpdatesGoToTheTopicOfTheirSymbol(t *testing.T) {
	a := newAccount(t, symbol, "LTCETH")
	b := bus.New()
	xrp, ltc := watch(t, b, bus.Orders(symbol)), watch(t, b, bus.Orders("LTCETH"))
	connected := make(chan struct{})
	names := func() []string { close(connected); return nil }
	stopped := errors.New("stopped")
	ctx, stop := context.WithCancelCause(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- streamer.NewOrders(a, newLedger(), b, names, quiet()).Run(ctx) }()
	<-connected
	a.buy(symbol, "0.1")
	a.buy("LTCETH", "0.2")
	a.pass(1, "0.05") // a trade of XRPETH
	see := func(s *bus.Subscription, want string) {
		t.Helper()
		m, err := s.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := line(m.Event.(*exchange.OrderUpdate)); got != want {
			t.Errorf("got %q on %s, want %q", got, m.Topic, want)
		}
	}
	see(xrp, "order-1 NEW, 0 fills")
	see(xrp, "order-1 FILLED, 1 fills")
	see(ltc, "order-2 NEW, 0 fills")
	stop(stopped)
	if err := <-ended; !errors.Is(err, stopped) {
		t.Errorf("run: %v, want the cause", err)
	}
	wantNews(t, append(news(t, xrp), news(t, ltc)...))
}

func TestAFailedLookUpEndsTheRunAndSaysOfWhat(t *testing.T) {
	a := newAccount(t, symbol)
	a.refuse = exchange.ErrUnavailable
	names := func() []string { return []string{symbol} }
	err := streamer.NewOrders(a, newLedger(), bus.New(), names, quiet()).Run(t.Context())
	if !errors.Is(err, exchange.ErrUnavailable) || !strings.Contains(err.Error(), "orders of XRPETH from id 0") {
		t.Errorf("run: %v, want what was asked for and why it failed", err)
	}
}
