package server_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/adshao/go-binance/v2"
	"github.com/adshao/go-binance/v2/common"

	"hedgehog/exchange/sim"
	"hedgehog/exchange/sim/server"
)

// pointPublicClient makes the public client library of the exchange, which knows
// its addresses from package variables, speak to f until the test ends.
func pointPublicClient(t *testing.T, f *fixture) *binance.Client {
	t.Helper()
	streams, combined, api, keepalive := binance.BaseWsMainURL, binance.BaseCombinedMainURL, binance.BaseWsApiMainURL, binance.WebsocketKeepalive
	t.Cleanup(func() {
		binance.BaseWsMainURL, binance.BaseCombinedMainURL, binance.BaseWsApiMainURL, binance.WebsocketKeepalive = streams, combined, api, keepalive
	})
	binance.BaseWsMainURL = "ws://" + f.address + "/ws"
	binance.BaseCombinedMainURL = "ws://" + f.address + "/stream?streams="
	binance.BaseWsApiMainURL = "ws://" + f.address + "/ws-api/v3"
	binance.WebsocketKeepalive = false // its goroutine outlives the connection by ten minutes
	client := binance.NewClient(server.DefaultAPIKey, server.DefaultAPISecret)
	client.BaseURL = "http://" + f.address
	return client
}

// follow runs a stream of the client library until the test ends and returns its
// events.
func follow[E any](t *testing.T, f *fixture, serve func(handler func(E), failed binance.ErrHandler) (done, stop chan struct{}, err error)) <-chan E {
	t.Helper()
	events := make(chan E, 1000)
	done, stop, err := serve(func(e E) { events <- e }, func(err error) { t.Log("stream ended: ", err) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		close(stop)
		f.stop() // without this one kind of stream does not end
		<-done
	})
	return events
}

func await[E any](t *testing.T, events <-chan E) E {
	t.Helper()
	select {
	case e := <-events:
		return e
	case <-time.After(patience):
		t.Fatal("no event")
		panic("unreachable")
	}
}

func TestAPublicClientOfTheExchangeWorksUnchanged(t *testing.T) {
	f := open(t, options{engine: func(c *sim.Config) { c.Now = time.Now }})
	client := pointPublicClient(t, f)
	ctx := t.Context()

	info, err := client.NewExchangeInfoService().Symbol("XRPETH").Do(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if s := info.Symbols[0]; s.Symbol != "XRPETH" || s.Status != "TRADING" || s.PriceFilter().TickSize != "0.00000001" || s.LotSizeFilter().StepSize != "1" {
		t.Errorf("symbol %+v", s)
	}

	raw := follow(t, f, func(handler func(*binance.WsTradeEvent), failed binance.ErrHandler) (chan struct{}, chan struct{}, error) {
		return binance.WsTradeServe("XRPETH", handler, failed)
	})
	combined := follow(t, f, func(handler func(*binance.WsCombinedTradeEvent), failed binance.ErrHandler) (chan struct{}, chan struct{}, error) {
		return binance.WsCombinedTradeServe([]string{"XRPETH", "BTCUSDT"}, handler, failed)
	})
	f.trade(t, 1, "0.0014", "100", true)
	if got := await(t, raw); got.TradeID != 1 || got.Symbol != "XRPETH" || got.Price != "0.00140000" || got.Quantity != "100.00000000" || !got.IsBuyerMaker {
		t.Errorf("trade %+v", got)
	}
	if got := await(t, combined); got.Stream != "xrpeth@trade" || got.Data.TradeID != 1 {
		t.Errorf("combined trade %+v", got)
	}

	place := func(side binance.SideType, price, id string) *binance.CreateOrderResponse {
		t.Helper()
		placed, err := client.NewCreateOrderService().Symbol("XRPETH").Side(side).Type(binance.OrderTypeLimit).
			TimeInForce(binance.TimeInForceTypeGTC).Quantity("100").Price(price).NewClientOrderID(id).Do(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return placed
	}
	news := follow(t, f, func(handler func(*binance.WsUserDataEvent), failed binance.ErrHandler) (chan struct{}, chan struct{}, error) {
		return binance.WsUserDataServeSignature(server.DefaultAPIKey, server.DefaultAPISecret, common.KeyTypeHmac, 0,
			func(e *binance.WsUserDataEvent) { handler(e) }, failed)
	})
	// The library does not say when it has subscribed: an order that is heard of does.
	probes := 0
	eventually(t, "news of an order", func() bool {
		probes++
		place(binance.SideTypeBuy, "0.00110000", fmt.Sprintf("probe-%d", probes))
		return len(news) > 0
	})

	placed := place(binance.SideTypeBuy, "0.00130000", "mine")
	if placed.Status != binance.OrderStatusTypeNew || placed.ClientOrderID != "mine" {
		t.Errorf("placed %+v", placed)
	}
	f.trade(t, 2, "0.0012", "500", true)
	for stage := "NEW"; stage != ""; {
		e := await(t, news)
		o := e.OrderUpdate
		if e.Event != binance.UserDataEventTypeExecutionReport || o.ClientOrderId != "mine" {
			continue
		}
		if o.ExecutionType != stage {
			t.Fatalf("news of %s, want %s", o.ExecutionType, stage)
		}
		if stage == "NEW" {
			stage = "TRADE"
			continue
		}
		if o.Status != "FILLED" || o.TradeId != 2 || o.LatestPrice != "0.00130000" || o.FeeCost != "0.10000000" || o.FeeAsset != "XRP" || !o.IsMaker {
			t.Errorf("fill %+v", o)
		}
		stage = ""
	}
	if balances := await(t, news); balances.Event != binance.UserDataEventTypeOutboundAccountPosition || len(balances.AccountUpdate.WsAccountUpdates) != 2 {
		t.Errorf("balances %+v", balances)
	}
	queried, err := client.NewGetOrderService().Symbol("XRPETH").OrigClientOrderID("mine").Do(ctx)
	if err != nil || queried.Status != binance.OrderStatusTypeFilled || queried.ExecutedQuantity != "100.00000000" || queried.OrderID != placed.OrderID {
		t.Errorf("queried %+v, %v", queried, err)
	}

	place(binance.SideTypeSell, "0.00190000", "other")
	canceled, err := client.NewCancelOrderService().Symbol("XRPETH").OrigClientOrderID("other").Do(ctx)
	if err != nil || canceled.Status != binance.OrderStatusTypeCanceled {
		t.Errorf("cancelled %+v, %v", canceled, err)
	}
	var refused *common.APIError
	if _, err := client.NewCancelOrderService().Symbol("XRPETH").OrigClientOrderID("other").Do(ctx); !errors.As(err, &refused) || refused.Code != -2011 {
		t.Errorf("cancelled twice: %v", err)
	}
	open, err := client.NewListOpenOrdersService().Symbol("XRPETH").Do(ctx)
	if err != nil || len(open) != probes {
		t.Errorf("%d open orders, want %d: %v", len(open), probes, err)
	}
	fills, err := client.NewListTradesService().Symbol("XRPETH").OrderId(placed.OrderID).Do(ctx)
	if err != nil || len(fills) != 1 || fills[0].ID != 2 {
		t.Errorf("fills %+v, %v", fills, err)
	}
	account, err := client.NewGetAccountService().Do(ctx)
	if err != nil || !account.CanTrade || account.MakerCommission != 10 {
		t.Errorf("account %+v, %v", account, err)
	}
	klines, err := client.NewKlinesService().Symbol("XRPETH").Interval("1d").Do(ctx)
	if err != nil || len(klines) != 1 || klines[0].TradeNum != 2 {
		t.Errorf("klines %+v, %v", klines, err)
	}
}
