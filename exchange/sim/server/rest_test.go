package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"hedgehog/exchange/sim"
	"hedgehog/exchange/wire"
)

func TestMarketDataAnswersInTheExchangesFormat(t *testing.T) {
	f := open(t, options{})
	f.trade(t, 1, "0.00140000", "100", true)
	f.trade(t, 2, "0.0015", "10", false)
	f.trade(t, 61, "0.00130000", "5", false)
	for _, c := range []struct{ name, path, query, want string }{
		{"ping", "/api/v3/ping", "", `{}`},
		{"time", "/api/v3/time", "", `{"serverTime":1748779200000}`},
		{"the latest trades", "/api/v3/trades", "symbol=XRPETH&limit=1",
			`[{"id":61,"price":"0.00130000","qty":"5.00000000","quoteQty":"0.00650000","time":1748779261000,"isBuyerMaker":false,"isBestMatch":true}]`},
		{"trades from an id", "/api/v3/historicalTrades", "symbol=XRPETH&fromId=1&limit=1",
			`[{"id":1,"price":"0.00140000","qty":"100.00000000","quoteQty":"0.14000000","time":1748779201000,"isBuyerMaker":true,"isBestMatch":true}]`},
		{"trades from id 0 are the oldest", "/api/v3/historicalTrades", "symbol=XRPETH&fromId=0&limit=1",
			`[{"id":1,"price":"0.00140000","qty":"100.00000000","quoteQty":"0.14000000","time":1748779201000,"isBuyerMaker":true,"isBestMatch":true}]`},
		{"trades after the last", "/api/v3/historicalTrades", "symbol=XRPETH&fromId=62", `[]`},
		{"a kline for each minute with trades", "/api/v3/klines", "symbol=XRPETH&interval=1m", `[
			[1748779200000,"0.00140000","0.00150000","0.00140000","0.00150000","110.00000000",1748779259999,"0.15500000",2,"10.00000000","0.01500000","0"],
			[1748779260000,"0.00130000","0.00130000","0.00130000","0.00130000","5.00000000",1748779319999,"0.00650000",1,"5.00000000","0.00650000","0"]]`},
		{"one kline of a day", "/api/v3/klines", "symbol=XRPETH&interval=1d",
			`[[1748736000000,"0.00140000","0.00150000","0.00130000","0.00130000","115.00000000",1748822399999,"0.16150000",3,"15.00000000","0.02150000","0"]]`},
		{"klines from a time", "/api/v3/klines", "symbol=XRPETH&interval=1m&startTime=1748779260000",
			`[[1748779260000,"0.00130000","0.00130000","0.00130000","0.00130000","5.00000000",1748779319999,"0.00650000",1,"5.00000000","0.00650000","0"]]`},
		{"the average price", "/api/v3/avgPrice", "symbol=XRPETH", `{"mins":5,"price":"0.00140435","closeTime":1748779261000}`},
		{"the last price", "/api/v3/ticker/price", "symbol=XRPETH", `{"symbol":"XRPETH","price":"0.00130000"}`},
		{"the last prices of those that traded", "/api/v3/ticker/price", "", `[{"symbol":"XRPETH","price":"0.00130000"}]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := f.request(t, "GET", c.path, c.query, "")
			if got.status != http.StatusOK {
				t.Fatalf("status %d: %s", got.status, got.body)
			}
			sameJSON(t, got.body, c.want)
		})
	}
}

func TestTradesOfOnePriceTimeAndSideAreAggregated(t *testing.T) {
	f := open(t, options{})
	at := func(id, second int64, price, quantity string, buyerIsMaker bool) {
		f.tradeAt(t, id, second, price, quantity, buyerIsMaker)
	}
	at(10, 1, "0.0014", "1", true)
	at(11, 1, "0.0014", "2", true)
	at(12, 1, "0.0014", "4", false) // other side
	at(13, 2, "0.0014", "8", false) // other time
	at(14, 2, "0.0015", "16", false)
	at(15, 2, "0.0015", "32", false)
	all := []string{
		`{"a":10,"p":"0.00140000","q":"3.00000000","f":10,"l":11,"T":1748779201000,"m":true,"M":true}`,
		`{"a":12,"p":"0.00140000","q":"4.00000000","f":12,"l":12,"T":1748779201000,"m":false,"M":true}`,
		`{"a":13,"p":"0.00140000","q":"8.00000000","f":13,"l":13,"T":1748779202000,"m":false,"M":true}`,
		`{"a":14,"p":"0.00150000","q":"48.00000000","f":14,"l":15,"T":1748779202000,"m":false,"M":true}`,
	}
	for _, c := range []struct {
		query string
		want  []string
	}{
		{"", all},
		{"&limit=2", all[2:]},
		{"&fromId=11", all[1:]},
		{"&fromId=10&limit=1", all[:1]},
		{"&startTime=1748779202000", all[2:]},
		{"&startTime=1748779201000000&limit=3", all[:3]},
		{"&endTime=1748779201000&limit=1", all[1:2]},
	} {
		t.Run(c.query, func(t *testing.T) {
			got := f.request(t, "GET", "/api/v3/aggTrades", "symbol=XRPETH"+c.query, "")
			sameJSON(t, got.body, "["+strings.Join(c.want, ",")+"]")
		})
	}
}

func TestHistoryLongerThanAPageIsReadToItsEnd(t *testing.T) {
	f := open(t, options{})
	for id := int64(1); id <= 2345; id++ {
		f.tradeAt(t, id, 0, "0.0014", "1", true)
	}
	got := f.request(t, "GET", "/api/v3/aggTrades", "symbol=XRPETH", "")
	sameJSON(t, got.body, `[{"a":1,"p":"0.00140000","q":"2345.00000000","f":1,"l":2345,"T":1748779200000,"m":true,"M":true}]`)
}

func TestTheExchangeInfoIsThatOfTheEngine(t *testing.T) {
	f := open(t, options{})
	for _, c := range []struct {
		query string
		want  []string
	}{
		{"", []string{"BTCUSDT", "XRPETH"}},
		{"symbol=XRPETH", []string{"XRPETH"}},
		{"symbols=%5B%22BTCUSDT%22,%22XRPETH%22%5D", []string{"BTCUSDT", "XRPETH"}},
	} {
		got := f.request(t, "GET", "/api/v3/exchangeInfo", c.query, "")
		info, err := wire.ParseExchangeInfo([]byte(got.body))
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(info.Names()) != fmt.Sprint(c.want) {
			t.Errorf("query %q: symbols %v, want %v", c.query, info.Names(), c.want)
		}
		if info.ServerTime.Time() != noon {
			t.Errorf("server time %s", info.ServerTime.Time())
		}
		if len(info.RateLimits) != 4 {
			t.Errorf("rate limits %v", info.RateLimits)
		}
	}
}

func TestTimesAreInMicrosecondsOnRequest(t *testing.T) {
	f := open(t, options{})
	f.trade(t, 1, "0.0014", "1", true)
	unit := []string{"X-MBX-TIME-UNIT", "MICROSECOND"}
	for path, want := range map[string]string{
		"/api/v3/time":         `{"serverTime":1748779200000000}`,
		"/api/v3/avgPrice":     `{"mins":5,"price":"0.00140000","closeTime":1748779201000000}`,
		"/api/v3/exchangeInfo": `"serverTime":1748779200000000,`,
	} {
		query := "symbol=XRPETH"
		if path == "/api/v3/time" {
			query = ""
		}
		if got := f.request(t, "GET", path, query, "", unit...); !strings.Contains(got.body, want) {
			t.Errorf("%s: got %s, want %s", path, got.body, want)
		}
	}
	klines := f.request(t, "GET", "/api/v3/klines", "symbol=XRPETH&interval=1m", "", unit...)
	if !strings.Contains(klines.body, "[1748779200000000,") || !strings.Contains(klines.body, ",1748779259999999,") {
		t.Errorf("klines %s", klines.body)
	}
}

func TestAnOrderIsPlacedQueriedFilledAndListed(t *testing.T) {
	f := open(t, options{})
	placed := f.signed(t, "POST", "/api/v3/order", goodOrder+"&newClientOrderId=one")
	sameJSON(t, placed.body, `{"symbol":"XRPETH","orderId":1,"orderListId":-1,"clientOrderId":"one","transactTime":1748779200000,
		"price":"0.00140000","origQty":"100.00000000","executedQty":"0.00000000","origQuoteOrderQty":"0.00000000",
		"cummulativeQuoteQty":"0.00000000","status":"NEW","timeInForce":"GTC","type":"LIMIT","side":"BUY",
		"workingTime":1748779200000,"selfTradePreventionMode":"NONE","fills":[]}`)
	f.clock.Advance(1)
	f.trade(t, 7, "0.00139", "1000", true)

	filled := `{"symbol":"XRPETH","orderId":1,"orderListId":-1,"clientOrderId":"one","price":"0.00140000",
		"origQty":"100.00000000","executedQty":"100.00000000","origQuoteOrderQty":"0.00000000","cummulativeQuoteQty":"0.14000000",
		"status":"FILLED","timeInForce":"GTC","type":"LIMIT","side":"BUY","selfTradePreventionMode":"NONE",
		"stopPrice":"0.00000000","icebergQty":"0.00000000","time":1748779200000,"updateTime":%d,"isWorking":true,"workingTime":1748779200000}`
	var order struct {
		UpdateTime int64 `json:"updateTime"`
	}
	byID := f.signed(t, "GET", "/api/v3/order", "symbol=XRPETH&orderId=1")
	decode(t, byID.body, &order)
	filled = fmt.Sprintf(filled, order.UpdateTime)
	sameJSON(t, byID.body, filled)
	sameJSON(t, f.signed(t, "GET", "/api/v3/order", "symbol=XRPETH&origClientOrderId=one").body, filled)
	sameJSON(t, f.signed(t, "GET", "/api/v3/allOrders", "symbol=XRPETH").body, "["+filled+"]")
	sameJSON(t, f.signed(t, "GET", "/api/v3/openOrders", "").body, `[]`)

	var fills []map[string]any
	mine := f.signed(t, "GET", "/api/v3/myTrades", "symbol=XRPETH&orderId=1")
	decode(t, mine.body, &fills)
	if len(fills) != 1 {
		t.Fatalf("fills %s", mine.body)
	}
	for field, want := range map[string]any{
		"symbol": "XRPETH", "id": 7.0, "orderId": 1.0, "price": "0.00140000", "qty": "100.00000000", "quoteQty": "0.14000000",
		"commission": "0.10000000", "commissionAsset": "XRP", "isBuyer": true, "isMaker": true,
	} {
		if fills[0][field] != want {
			t.Errorf("fill's %s is %v, want %v", field, fills[0][field], want)
		}
	}
	account := f.signed(t, "GET", "/api/v3/account", "")
	for _, want := range []string{
		`{"asset":"XRP","free":"10099.90000000","locked":"0.00000000"}`,
		`{"asset":"ETH","free":"99.86000000","locked":"0.00000000"}`,
		`"commissionRates":{"maker":"0.00100000","taker":"0.00100000",`,
		`"makerCommission":10,`, `"canTrade":true,`,
	} {
		if !strings.Contains(account.body, want) {
			t.Errorf("account has no %s: %s", want, account.body)
		}
	}
}

func TestTheAnswerToAnOrderHasTheDetailThatIsAskedFor(t *testing.T) {
	f := open(t, options{})
	ack := f.signed(t, "POST", "/api/v3/order", goodOrder+"&newClientOrderId=a&newOrderRespType=ACK")
	sameJSON(t, ack.body, `{"symbol":"XRPETH","orderId":1,"orderListId":-1,"clientOrderId":"a","transactTime":1748779200000}`)
	result := f.signed(t, "POST", "/api/v3/order", goodOrder+"&newOrderRespType=RESULT")
	if !strings.Contains(result.body, `"origQty"`) || strings.Contains(result.body, `"fills"`) {
		t.Errorf("RESULT is %s", result.body)
	}
}

func TestOrdersAreCancelledOneByOneAndAllAtOnce(t *testing.T) {
	f := open(t, options{})
	f.place(t, "BUY", "0.0011", "one")
	f.place(t, "BUY", "0.0012", "two")
	f.place(t, "SELL", "0.0019", "three")
	one := f.signed(t, "DELETE", "/api/v3/order", "symbol=XRPETH&origClientOrderId=one&newClientOrderId=end-one")
	sameJSON(t, one.body, `{"symbol":"XRPETH","origClientOrderId":"one","orderId":1,"orderListId":-1,"clientOrderId":"end-one",
		"transactTime":1748779200000,"price":"0.00110000","origQty":"100.00000000","executedQty":"0.00000000",
		"origQuoteOrderQty":"0.00000000","cummulativeQuoteQty":"0.00000000","status":"CANCELED","timeInForce":"GTC",
		"type":"LIMIT","side":"BUY","selfTradePreventionMode":"NONE"}`)

	rest := f.signed(t, "DELETE", "/api/v3/openOrders", "symbol=XRPETH")
	var canceled []struct {
		OriginalClientOrderID string `json:"origClientOrderId"`
		Status                string `json:"status"`
	}
	decode(t, rest.body, &canceled)
	if got := fmt.Sprint(canceled); got != "[{two CANCELED} {three CANCELED}]" {
		t.Errorf("cancelled %s", got)
	}
	for _, path := range []string{"/api/v3/order", "/api/v3/openOrders"} {
		query := "symbol=XRPETH"
		if path == "/api/v3/order" {
			query += "&orderId=2"
		}
		again := f.signed(t, "DELETE", path, query)
		sameJSON(t, again.body, `{"code":-2011,"msg":"Unknown order sent."}`)
	}
	if got := len(f.journalLines(t, "cancel")); got != 3 {
		t.Errorf("%d cancels in the journal, want 3", got)
	}
}

func TestATestOrderIsCheckedAndNotPlaced(t *testing.T) {
	f := open(t, options{})
	sameJSON(t, f.signed(t, "POST", "/api/v3/order/test", goodOrder).body, `{}`)
	small := strings.Replace(goodOrder, "quantity=100", "quantity=1", 1)
	sameJSON(t, f.signed(t, "POST", "/api/v3/order/test", small).body, `{"code":-1013,"msg":"Filter failure: NOTIONAL"}`)
	if open := f.engine.OpenOrders("hedgehog", ""); len(open) != 0 {
		t.Errorf("open orders %v", open)
	}
	if rejects := f.journalLines(t, "reject"); len(rejects) != 0 {
		t.Errorf("journal %v", rejects)
	}
}

func TestUnfilledOrdersAreCountedInHeadersAndBounded(t *testing.T) {
	f := open(t, options{engine: func(c *sim.Config) { c.Info.RateLimits[1].Limit = 3 }})
	var got answer
	for i := range 3 {
		got = f.signed(t, "POST", "/api/v3/order", goodOrder)
		if count := got.header.Get("X-Mbx-Order-Count-10s"); count != fmt.Sprint(i+1) {
			t.Errorf("order %d: count %q", i+1, count)
		}
		if count := got.header.Get("X-Mbx-Order-Count-1d"); count != fmt.Sprint(i+1) {
			t.Errorf("order %d: day's count %q", i+1, count)
		}
	}
	f.clock.Advance(4e9)
	got = f.signed(t, "POST", "/api/v3/order", goodOrder)
	if got.status != http.StatusTooManyRequests || !strings.Contains(got.body, `"code":-1015,`) || got.header.Get("Retry-After") != "6" {
		t.Errorf("fourth order: status %d, Retry-After %q, %s", got.status, got.header.Get("Retry-After"), got.body)
	}
	limits := f.signed(t, "GET", "/api/v3/rateLimit/order", "")
	sameJSON(t, limits.body, `[{"rateLimitType":"ORDERS","interval":"SECOND","intervalNum":10,"limit":3,"count":3},
		{"rateLimitType":"ORDERS","interval":"DAY","intervalNum":1,"limit":200000,"count":3}]`)
}

func TestWhatIsNotBuiltIsNotFound(t *testing.T) {
	f := open(t, options{})
	for _, request := range [][2]string{
		{"POST", "/api/v3/userDataStream"}, {"GET", "/api/v3/depth"}, {"PUT", "/api/v3/order"}, {"GET", "/"}, {"GET", "/api/v1/ping"},
	} {
		got := f.request(t, request[0], request[1], "", "")
		if got.status != http.StatusNotFound || got.body != `{"code":-1020,"msg":"This operation is not supported."}` {
			t.Errorf("%v: status %d: %s", request, got.status, got.body)
		}
	}
}
