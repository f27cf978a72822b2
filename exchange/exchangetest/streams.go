package exchangetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"hedgehog/exchange"
)

// errSink is what a sink of the suite ends its stream with.
var errSink = errors.New("sink has had enough")

// tradeRecorder is a sink that hands on what it gets. A nil trade stands for
// Connected.
type tradeRecorder struct {
	got  chan *exchange.TradeEvent
	fail func(t *exchange.TradeEvent) error
}

func newTradeRecorder() *tradeRecorder {
	return &tradeRecorder{
		got:  make(chan *exchange.TradeEvent),
		fail: func(*exchange.TradeEvent) error { return nil },
	}
}

func (r *tradeRecorder) Connected(ctx context.Context) error { return r.Trade(ctx, nil) }

func (r *tradeRecorder) Trade(ctx context.Context, t *exchange.TradeEvent) error {
	select {
	case r.got <- t:
		return r.fail(t)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// orderRecorder is the same for updates of orders.
type orderRecorder struct {
	got  chan *exchange.OrderUpdate
	fail func(u *exchange.OrderUpdate) error
}

func newOrderRecorder() *orderRecorder {
	return &orderRecorder{
		got:  make(chan *exchange.OrderUpdate),
		fail: func(*exchange.OrderUpdate) error { return nil },
	}
}

func (r *orderRecorder) Connected(ctx context.Context) error { return r.OrderUpdate(ctx, nil) }

func (r *orderRecorder) OrderUpdate(ctx context.Context, u *exchange.OrderUpdate) error {
	select {
	case r.got <- u:
		return r.fail(u)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// run runs a stream in the background. The returned function ends it with cause
// and returns its error.
func run(ctx context.Context, stream func(context.Context) error) (end func(cause error) error) {
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan error, 1)
	go func() { done <- stream(ctx) }()
	return func(cause error) error {
		cancel(cause)
		return <-done
	}
}

// take waits for the next event of a recorder.
func take[T any](ctx context.Context, tb testing.TB, got <-chan T) T {
	tb.Helper()
	select {
	case v := <-got:
		return v
	case <-ctx.Done():
		tb.Fatalf("no event: %v", context.Cause(ctx))
		panic("unreachable")
	}
}

func streamsTrades(ctx context.Context, t *testing.T, f Fixture) {
	f.Trade("0.5", "10")
	sink := newTradeRecorder()
	end := run(ctx, func(ctx context.Context) error { return f.Exchange.StreamTrades(ctx, f.Symbol.Name, sink) })
	defer end(nil)
	if first := take(ctx, t, sink.got); first != nil {
		t.Fatalf("trade %d before Connected", first.ID)
	}
	for i := range 20 {
		price := fmt.Sprintf("0.50%02d", i)
		id := f.Trade(price, "12.5")
		trade := take(ctx, t, sink.got)
		if trade == nil {
			t.Fatal("connected anew without a reason")
		}
		if trade.ID != id || trade.Symbol != f.Symbol.Name || trade.Source != exchange.Live || trade.TradeTime <= 0 {
			t.Fatalf("trade %+v, want id %d", trade, id)
		}
		wantAmount(t, "price", trade.Price, price)
		wantAmount(t, "quantity", trade.Quantity, "12.5")
	}
}

func returnsTradeSinkError(ctx context.Context, t *testing.T, f Fixture) {
	for _, c := range []struct {
		name string
		fail func(*exchange.TradeEvent) error
	}{
		{"Connected", func(t *exchange.TradeEvent) error { return errSink }},
		{"Trade", func(t *exchange.TradeEvent) error {
			if t == nil {
				return nil
			}
			return errSink
		}},
	} {
		sink := newTradeRecorder()
		sink.fail = c.fail
		done := make(chan error, 1)
		go func() { done <- f.Exchange.StreamTrades(ctx, f.Symbol.Name, sink) }()
		take(ctx, t, sink.got)
		if c.name == "Trade" {
			f.Trade("0.5", "10")
			take(ctx, t, sink.got)
		}
		wantError(t, c.name, take(ctx, t, done), errSink)
	}
}

func endsTradesWithCause(ctx context.Context, t *testing.T, f Fixture) {
	cause := errors.New("assignment lost")
	sink := newTradeRecorder()
	end := run(ctx, func(ctx context.Context) error { return f.Exchange.StreamTrades(ctx, f.Symbol.Name, sink) })
	take(ctx, t, sink.got)
	wantError(t, "stream", end(cause), cause)
}

func streamsOrders(ctx context.Context, t *testing.T, f Fixture) {
	f.Trade("0.5", "10")
	sink := newOrderRecorder()
	end := run(ctx, func(ctx context.Context) error { return f.Exchange.StreamOrders(ctx, sink) })
	defer end(nil)
	if first := take(ctx, t, sink.got); first != nil {
		t.Fatalf("update of order %d before Connected", first.ID)
	}
	filled := f.place(ctx, t, "filled", exchange.Buy, "0.4", "25")
	expect := func(order exchange.Order, status exchange.Status) *exchange.OrderUpdate {
		t.Helper()
		u := take(ctx, t, sink.got)
		if u == nil {
			t.Fatal("connected anew without a reason")
		}
		if u.ID != order.ID || u.ClientID != order.ClientID || u.Status != status || u.Symbol != f.Symbol.Name || u.Side != order.Side || u.Time <= 0 {
			t.Fatalf("update %+v, want order %d %q %s", u, order.ID, order.ClientID, status)
		}
		wantAmount(t, "price", u.Price, order.Price.String())
		wantAmount(t, "quantity", u.OriginalQuantity, order.OriginalQuantity.String())
		return u
	}
	if u := expect(filled, exchange.New); len(u.Fills) != 0 {
		t.Errorf("fills %+v of a new order", u.Fills)
	}
	f.Trade("0.39", "1000")
	u := expect(filled, exchange.Filled)
	wantAmount(t, "executed", u.ExecutedQuantity, "25")
	wantAmount(t, "quote quantity", u.QuoteQuantity, "10")
	if len(u.Fills) != 1 {
		t.Fatalf("%d fills, want 1", len(u.Fills))
	}
	told, err := f.Exchange.Fills(ctx, f.Symbol.Name, filled.ID)
	if err != nil || len(told) != 1 {
		t.Fatalf("fills %v, %v, want one", told, err)
	}
	if got, want := u.Fills[0], told[0]; got.TradeID != want.TradeID || got.CommissionAsset != want.CommissionAsset ||
		!got.Commission.Equal(want.Commission) || !got.Price.Equal(want.Price) || !got.Quantity.Equal(want.Quantity) || got.Maker != want.Maker {
		t.Errorf("fill of the stream %+v, of the query %+v", got, want)
	}

	cancelled := f.place(ctx, t, "cancelled", exchange.Sell, "0.6", "25")
	expect(cancelled, exchange.New)
	if _, err := f.Exchange.CancelOrder(ctx, exchange.OrderRef{Symbol: f.Symbol.Name, ClientID: "cancelled"}); err != nil {
		t.Fatalf("cancel: %v", err)
	}
	expect(cancelled, exchange.Canceled)
}

func returnsOrderSinkError(ctx context.Context, t *testing.T, f Fixture) {
	for _, c := range []struct {
		name string
		fail func(*exchange.OrderUpdate) error
	}{
		{"Connected", func(u *exchange.OrderUpdate) error { return errSink }},
		{"OrderUpdate", func(u *exchange.OrderUpdate) error {
			if u == nil {
				return nil
			}
			return errSink
		}},
	} {
		sink := newOrderRecorder()
		sink.fail = c.fail
		done := make(chan error, 1)
		go func() { done <- f.Exchange.StreamOrders(ctx, sink) }()
		take(ctx, t, sink.got)
		if c.name == "OrderUpdate" {
			f.place(ctx, t, "reported", exchange.Buy, "0.4", "25")
			take(ctx, t, sink.got)
		}
		wantError(t, c.name, take(ctx, t, done), errSink)
	}
}

func endsOrdersWithCause(ctx context.Context, t *testing.T, f Fixture) {
	cause := errors.New("node shuts down")
	sink := newOrderRecorder()
	end := run(ctx, func(ctx context.Context) error { return f.Exchange.StreamOrders(ctx, sink) })
	take(ctx, t, sink.got)
	wantError(t, "stream", end(cause), cause)
}
