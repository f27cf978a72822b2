package exchangetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"golang.org/x/sync/errgroup"

	"hedgehog/exchange"
)

func findsPlacedOrder(ctx context.Context, t *testing.T, f Fixture) {
	placed := f.place(ctx, t, "position-1.buy", exchange.Buy, "0.4", "25")
	byClient, err := f.Exchange.Order(ctx, exchange.OrderRef{Symbol: f.Symbol.Name, ClientID: "position-1.buy"})
	if err != nil {
		t.Fatalf("query by client order id: %v", err)
	}
	for way, o := range map[string]exchange.Order{"answer": placed, "query by id": f.state(ctx, t, placed.ID), "query by client order id": byClient} {
		if o.Symbol != f.Symbol.Name || o.ID != placed.ID || o.ClientID != "position-1.buy" || o.Side != exchange.Buy || o.Status != exchange.New {
			t.Errorf("%s: %+v", way, o)
		}
		if o.ID <= 0 || o.Time <= 0 || o.UpdateTime < o.Time {
			t.Errorf("%s: id %d, time %d, update time %d", way, o.ID, o.Time, o.UpdateTime)
		}
		wantAmount(t, way+": price", o.Price, "0.4")
		wantAmount(t, way+": quantity", o.OriginalQuantity, "25")
		wantAmount(t, way+": executed", o.ExecutedQuantity, "0")
	}
	wantAmount(t, "locked USDT", f.balance(ctx, t, "USDT").Locked, "10")
	wantAmount(t, "free USDT", f.balance(ctx, t, "USDT").Free, "990")
}

func refusesByFilter(ctx context.Context, t *testing.T, f Fixture) {
	for _, c := range []struct{ name, price, quantity, filter string }{
		{"a price off the tick", "0.40005", "25", "PRICE_FILTER"},
		{"a price above the maximum", "1000.0001", "25", "PRICE_FILTER"},
		{"a quantity off the step", "0.4", "25.05", "LOT_SIZE"},
		{"a quantity below the minimum notional", "0.4", "12.4", f.Symbol.Filters.NotionalFilter},
	} {
		_, err := f.Exchange.PlaceLimitOrder(ctx, f.order("filtered", exchange.Buy, c.price, c.quantity))
		wantError(t, c.name, err, exchange.ErrOrderRejected)
		var broken *exchange.FilterError
		if !errors.As(err, &broken) {
			t.Errorf("%s: error %v, want a *FilterError", c.name, err)
		} else if broken.Filter != c.filter || broken.Symbol != f.Symbol.Name {
			t.Errorf("%s: filter %s of %s, want %s", c.name, broken.Filter, broken.Symbol, c.filter)
		}
	}
	if open, err := f.Exchange.OpenOrders(ctx, f.Symbol.Name); err != nil || len(open) != 0 {
		t.Errorf("open orders %v, %v, want none", open, err)
	}
}

func refusesBeyondBalance(ctx context.Context, t *testing.T, f Fixture) {
	_, err := f.Exchange.PlaceLimitOrder(ctx, f.order("too-much", exchange.Buy, "0.4", "2500.1"))
	wantError(t, "a buy", err, exchange.ErrInsufficientBalance, exchange.ErrOrderRejected)
	_, err = f.Exchange.PlaceLimitOrder(ctx, f.order("too-much", exchange.Sell, "0.4", "1000.1"))
	wantError(t, "a sell", err, exchange.ErrInsufficientBalance, exchange.ErrOrderRejected)
	f.place(ctx, t, "all", exchange.Buy, "0.4", "2500")
	_, err = f.Exchange.PlaceLimitOrder(ctx, f.order("one-more", exchange.Buy, "0.4", "12.5"))
	wantError(t, "a buy beside one that locks everything", err, exchange.ErrInsufficientBalance)
}

func keepsClientIDsUnique(ctx context.Context, t *testing.T, f Fixture) {
	first := f.place(ctx, t, "twice", exchange.Buy, "0.4", "25")
	_, err := f.Exchange.PlaceLimitOrder(ctx, f.order("twice", exchange.Buy, "0.3", "25"))
	wantError(t, "another order of the same id", err, exchange.ErrDuplicateOrder)

	// The same order again is either told to be there or handed back.
	again, err := f.Exchange.PlaceLimitOrder(ctx, f.order("twice", exchange.Buy, "0.4", "25"))
	if err != nil {
		wantError(t, "the same order again", err, exchange.ErrDuplicateOrder)
	} else if again.ID != first.ID {
		t.Errorf("the same order again is order %d, want %d", again.ID, first.ID)
	}
	open, err := f.Exchange.OpenOrders(ctx, f.Symbol.Name)
	if err != nil || !slices.Equal(ids(open), []int64{first.ID}) {
		t.Errorf("open orders %v, %v, want %d alone", ids(open), err, first.ID)
	}

	if _, err := f.Exchange.CancelOrder(ctx, exchange.OrderRef{Symbol: f.Symbol.Name, ID: first.ID}); err != nil {
		t.Fatalf("cancel: %v", err)
	}
	if second := f.place(ctx, t, "twice", exchange.Buy, "0.3", "25"); second.ID <= first.ID {
		t.Errorf("order %d after %d: ids have to rise", second.ID, first.ID)
	}
}

func cancelsOrders(ctx context.Context, t *testing.T, f Fixture) {
	byID := f.place(ctx, t, "a", exchange.Buy, "0.4", "25")
	byClient := f.place(ctx, t, "b", exchange.Sell, "0.6", "25")
	for _, c := range []struct {
		ref   exchange.OrderRef
		order exchange.Order
	}{
		{exchange.OrderRef{Symbol: f.Symbol.Name, ID: byID.ID}, byID},
		{exchange.OrderRef{Symbol: f.Symbol.Name, ClientID: "b"}, byClient},
	} {
		last, err := f.Exchange.CancelOrder(ctx, c.ref)
		if err != nil {
			t.Fatalf("cancel %s: %v", c.ref, err)
		}
		if last.ID != c.order.ID || last.ClientID != c.order.ClientID || last.Status != exchange.Canceled {
			t.Errorf("cancel %s: %+v", c.ref, last)
		}
		if now := f.state(ctx, t, c.order.ID); now.Status != exchange.Canceled || now.ClientID != c.order.ClientID {
			t.Errorf("query after cancel %s: %+v", c.ref, now)
		}
		_, err = f.Exchange.CancelOrder(ctx, c.ref)
		wantError(t, "cancel again", err, exchange.ErrUnknownOrder)
	}
	for _, asset := range []string{"USDT", "XRP"} {
		wantAmount(t, "free "+asset, f.balance(ctx, t, asset).Free, "1000")
		wantAmount(t, "locked "+asset, f.balance(ctx, t, asset).Locked, "0")
	}
}

func doesNotKnowOrders(ctx context.Context, t *testing.T, f Fixture) {
	for _, ref := range []exchange.OrderRef{{Symbol: f.Symbol.Name, ID: 4_000_000}, {Symbol: f.Symbol.Name, ClientID: "nobody"}} {
		_, err := f.Exchange.Order(ctx, ref)
		wantError(t, "query "+ref.String(), err, exchange.ErrUnknownOrder)
		_, err = f.Exchange.CancelOrder(ctx, ref)
		wantError(t, "cancel "+ref.String(), err, exchange.ErrUnknownOrder)
	}
}

func listsOpenOrders(ctx context.Context, t *testing.T, f Fixture) {
	var want []int64
	for i := range 4 {
		order := f.place(ctx, t, fmt.Sprintf("open-%d", i), exchange.Buy, "0.4", "25")
		if i == 1 {
			if _, err := f.Exchange.CancelOrder(ctx, exchange.OrderRef{Symbol: f.Symbol.Name, ID: order.ID}); err != nil {
				t.Fatalf("cancel: %v", err)
			}
			continue
		}
		want = append(want, order.ID)
	}
	for _, symbol := range []string{f.Symbol.Name, ""} {
		open, err := f.Exchange.OpenOrders(ctx, symbol)
		got := ids(open)
		slices.Sort(got)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("open orders of %q: %v, %v, want %v", symbol, got, err, want)
		}
	}
}

func pagesAllOrders(ctx context.Context, t *testing.T, f Fixture) {
	var all []int64
	for i := range 5 {
		order := f.place(ctx, t, fmt.Sprintf("all-%d", i), exchange.Buy, "0.4", "25")
		all = append(all, order.ID)
	}
	if _, err := f.Exchange.CancelOrder(ctx, exchange.OrderRef{Symbol: f.Symbol.Name, ID: all[3]}); err != nil {
		t.Fatalf("cancel: %v", err)
	}
	for _, c := range []struct {
		name  string
		from  int64
		limit int
		want  []int64
	}{
		{"all", 0, 1000, all},
		{"the most recent", 0, 2, all[3:]},
		{"from an id", all[1], 1000, all[1:]},
		{"a page from an id", all[1], 2, all[1:3]},
		{"after the last", all[4] + 1, 1000, nil},
	} {
		orders, err := f.Exchange.AllOrders(ctx, f.Symbol.Name, c.from, c.limit)
		if err != nil || !slices.Equal(ids(orders), c.want) {
			t.Errorf("%s: orders %v, %v, want %v", c.name, ids(orders), err, c.want)
		}
	}
}

func restsUntilTradedThrough(ctx context.Context, t *testing.T, f Fixture) {
	f.Trade("0.5", "1000")
	buy := f.place(ctx, t, "buy", exchange.Buy, "0.4", "25")
	sell := f.place(ctx, t, "sell", exchange.Sell, "0.6", "25")
	for _, c := range []struct {
		price     string
		buy, sell exchange.Status
	}{
		{"0.5", exchange.New, exchange.New},
		{"0.4", exchange.New, exchange.New},
		{"0.3999", exchange.Filled, exchange.New},
		{"0.6", exchange.Filled, exchange.New},
		{"0.6001", exchange.Filled, exchange.Filled},
	} {
		f.Trade(c.price, "1000")
		if got := f.state(ctx, t, buy.ID).Status; got != c.buy {
			t.Errorf("after a trade at %s the buy at 0.4 is %s, want %s", c.price, got, c.buy)
		}
		if got := f.state(ctx, t, sell.ID).Status; got != c.sell {
			t.Errorf("after a trade at %s the sell at 0.6 is %s, want %s", c.price, got, c.sell)
		}
	}
}

func takesCommission(ctx context.Context, t *testing.T, f Fixture) {
	f.Trade("0.5", "1000")
	for _, c := range []struct {
		side                     exchange.Side
		price, through, quantity string
		asset, commission        string
	}{
		{exchange.Buy, "0.4", "0.39", "25", "XRP", "0.025"},
		{exchange.Sell, "0.6", "0.61", "20", "USDT", "0.012"},
	} {
		order := f.place(ctx, t, "fee-"+string(c.side), c.side, c.price, c.quantity)
		if fills, err := f.Exchange.Fills(ctx, f.Symbol.Name, order.ID); err != nil || len(fills) != 0 {
			t.Errorf("fills of a resting order: %v, %v, want none", fills, err)
		}
		f.Trade(c.through, "1000")
		fills, err := f.Exchange.Fills(ctx, f.Symbol.Name, order.ID)
		if err != nil || len(fills) != 1 {
			t.Fatalf("fills %v, %v, want one", fills, err)
		}
		recent, err := f.Exchange.RecentFills(ctx, f.Symbol.Name, 1)
		if err != nil || len(recent) != 1 || recent[0].TradeID != fills[0].TradeID || recent[0].OrderID != order.ID {
			t.Errorf("recent fills %+v, %v, want the latest, %+v", recent, err, fills[0])
		}
		fill := fills[0]
		if fill.OrderID != order.ID || fill.Side != c.side || !fill.Maker || fill.CommissionAsset != c.asset || fill.TradeID <= 0 || fill.Time <= 0 {
			t.Errorf("fill %+v", fill)
		}
		wantAmount(t, "price", fill.Price, c.price)
		wantAmount(t, "quantity", fill.Quantity, c.quantity)
		wantAmount(t, "commission", fill.Commission, c.commission)
		done := f.state(ctx, t, order.ID)
		wantAmount(t, "executed", done.ExecutedQuantity, c.quantity)
		wantAmount(t, "quote quantity", done.QuoteQuantity, dec(c.price).Mul(dec(c.quantity)).String())
	}
	// 1000 + 25 − 0.025 − 20, and 1000 − 10 + 12 − 0.012.
	wantAmount(t, "free XRP", f.balance(ctx, t, "XRP").Free, "1004.975")
	wantAmount(t, "free USDT", f.balance(ctx, t, "USDT").Free, "1001.988")
}

func servesSeveralCallers(ctx context.Context, t *testing.T, f Fixture) {
	const callers, each = 4, 5
	group, ctx := errgroup.WithContext(ctx)
	for caller := range callers {
		group.Go(func() error {
			for i := range each {
				update, err := f.Exchange.PlaceLimitOrder(ctx, f.order(fmt.Sprintf("c%d-%d", caller, i), exchange.Buy, "0.4", "12.5"))
				if err != nil {
					return err
				}
				if i%2 == 0 {
					if _, err := f.Exchange.CancelOrder(ctx, exchange.OrderRef{Symbol: f.Symbol.Name, ID: update.ID}); err != nil {
						return err
					}
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	open, err := f.Exchange.OpenOrders(t.Context(), f.Symbol.Name)
	if want := callers * (each / 2); err != nil || len(open) != want {
		t.Errorf("%d open orders, %v, want %d", len(open), err, want)
	}
}
