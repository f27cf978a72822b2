package exchangetest

import (
	"context"
	"slices"
	"testing"

	"hedgehog/exchange"
)

func listsSymbols(ctx context.Context, t *testing.T, f Fixture) {
	info, err := f.Exchange.ExchangeInfo(ctx)
	if err != nil {
		t.Fatalf("exchange info: %v", err)
	}
	symbol, err := info.Symbol(f.Symbol.Name)
	if err != nil {
		t.Fatal(err)
	}
	if symbol.BaseAsset != "XRP" || symbol.QuoteAsset != "USDT" || symbol.Status != "TRADING" {
		t.Errorf("symbol %+v", symbol)
	}
	wantAmount(t, "tick size", symbol.Filters.TickSize, "0.0001")
	wantAmount(t, "step size", symbol.Filters.StepSize, "0.1")
	wantAmount(t, "minimum notional", symbol.Filters.MinNotional, "5")
	if len(info.RateLimits) == 0 {
		t.Error("no rate limits")
	}
	account, err := f.Exchange.Account(ctx)
	if err != nil {
		t.Fatalf("account: %v", err)
	}
	if !account.CanTrade {
		t.Error("the account may not trade")
	}
	wantAmount(t, "maker commission", account.MakerCommission, Commission().String())
}

func tellsTime(ctx context.Context, t *testing.T, f Fixture) {
	first, err := f.Exchange.ServerTime(ctx)
	if err != nil || first.IsZero() {
		t.Fatalf("server time %s, %v", first, err)
	}
	second, err := f.Exchange.ServerTime(ctx)
	if err != nil || second.Before(first) {
		t.Errorf("server time %s after %s, %v", second, first, err)
	}
}

func doesNotKnowSymbols(ctx context.Context, t *testing.T, f Fixture) {
	const nobody = "NOBODYUSDT"
	order := f.order("lost", exchange.Buy, "0.4", "25")
	order.Symbol = nobody
	_, err := f.Exchange.PlaceLimitOrder(ctx, order)
	wantError(t, "place", err, exchange.ErrUnknownSymbol)
	_, err = f.Exchange.OpenOrders(ctx, nobody)
	wantError(t, "open orders", err, exchange.ErrUnknownSymbol)
	_, err = f.Exchange.AllOrders(ctx, nobody, 0, 10)
	wantError(t, "all orders", err, exchange.ErrUnknownSymbol)
	_, err = f.Exchange.TradesFrom(ctx, nobody, 0, 10)
	wantError(t, "trades", err, exchange.ErrUnknownSymbol)
	wantError(t, "stream of trades", f.Exchange.StreamTrades(ctx, nobody, newTradeRecorder()), exchange.ErrUnknownSymbol)
}

func pagesTrades(ctx context.Context, t *testing.T, f Fixture) {
	if trades, err := f.Exchange.TradesFrom(ctx, f.Symbol.Name, 0, 10); err != nil || len(trades) != 0 {
		t.Errorf("trades before the first: %v, %v, want none", trades, err)
	}
	var all []int64
	for _, price := range []string{"0.5", "0.5001", "0.5002", "0.5003", "0.5004"} {
		all = append(all, f.Trade(price, "12.5"))
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
		trades, err := f.Exchange.TradesFrom(ctx, f.Symbol.Name, c.from, c.limit)
		var got []int64
		for _, trade := range trades {
			got = append(got, trade.ID)
			if trade.Symbol != f.Symbol.Name || trade.Source != exchange.Backfill || trade.TradeTime <= 0 {
				t.Errorf("%s: trade %+v", c.name, trade)
			}
			wantAmount(t, "quantity", trade.Quantity, "12.5")
		}
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: trades %v, %v, want %v", c.name, got, err, c.want)
		}
	}
}
