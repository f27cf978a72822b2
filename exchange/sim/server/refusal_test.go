package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"hedgehog/exchange/sim"
	"hedgehog/exchange/sim/server"
)

func TestBadParametersAreRefusedWithTheExchangesCodeAndMessage(t *testing.T) {
	f := open(t, options{})
	f.place(t, "BUY", "0.0011", "resting")
	// with returns the good order with some parameters set or, when empty after the
	// sign, taken out.
	with := func(changes ...string) string {
		values, _ := url.ParseQuery(goodOrder)
		for _, change := range changes {
			name, value, _ := strings.Cut(change, "=")
			if values.Del(name); value != "" {
				values.Set(name, value)
			}
		}
		return values.Encode()
	}
	for _, c := range []struct {
		name, method, path, query string
		code                      int
		message                   string
	}{
		{"no symbol", "GET", "trades", "", -1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed."},
		{"an empty symbol", "GET", "trades", "symbol=", -1105, "Parameter 'symbol' was empty."},
		{"a lower-case symbol", "GET", "trades", "symbol=xrpeth", -1100, "Illegal characters found in parameter 'symbol'; legal range is '^[A-Z0-9-_.]{1,20}$'."},
		{"an unknown symbol", "GET", "trades", "symbol=NOSUCH", -1121, "Invalid symbol."},
		{"an unknown parameter", "GET", "trades", "symbol=XRPETH&depth=1", -1104, "Not all sent parameters were read; read '1' parameter(s) but was sent '2'."},
		{"a parameter where there is none", "GET", "ping", "a=1", -1101, "Too many parameters; expected '0' and received '1'."},
		{"a parameter twice", "GET", "trades", "symbol=XRPETH&symbol=XRPETH", -1101, "Duplicate values for a parameter detected."},
		{"a broken escape", "GET", "trades", "symbol=%ZZ", -1100, "Illegal characters found in a parameter."},
		{"a limit that is no number", "GET", "trades", "symbol=XRPETH&limit=ten", -1100, "Illegal characters found in parameter 'limit'; legal range is '^[0-9]{1,20}$'."},
		{"a limit too high", "GET", "trades", "symbol=XRPETH&limit=1001", -1130, "Data sent for parameter 'limit' is not valid."},
		{"a limit of 0", "GET", "trades", "symbol=XRPETH&limit=0", -1130, "Data sent for parameter 'limit' is not valid."},
		{"an id beyond 64 bits", "GET", "historicalTrades", "symbol=XRPETH&fromId=99999999999999999999", -1108, "Parameter 'fromId' overflowed."},
		{"an interval that there is not", "GET", "klines", "symbol=XRPETH&interval=7m", -1120, "Invalid interval."},
		{"no interval", "GET", "klines", "symbol=XRPETH", -1102, "Mandatory parameter 'interval' was not sent, was empty/null, or malformed."},
		{"a span that ends before it starts", "GET", "klines", "symbol=XRPETH&interval=1m&startTime=2000&endTime=1000", -1130, "Data sent for parameter 'startTime' is not valid."},
		{"symbol and symbols", "GET", "exchangeInfo", `symbol=XRPETH&symbols=["XRPETH"]`, -1128, "Combination of optional parameters invalid."},
		{"symbols that are no list", "GET", "exchangeInfo", "symbols=XRPETH", -1100, `Illegal characters found in parameter 'symbols'; legal range is '^\["[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,}\]$'.`},
		{"an unknown one among symbols", "GET", "exchangeInfo", `symbols=["XRPETH","NOSUCH"]`, -1121, "Invalid symbol."},
		{"one of symbols twice", "GET", "ticker/price", `symbols=["XRPETH","XRPETH"]`, -1151, "Symbol is present multiple times in the list."},

		{"a side that there is not", "POST", "order", with("side=HOLD"), -1117, "Invalid side."},
		{"no side", "POST", "order", with("side="), -1102, "Mandatory parameter 'side' was not sent, was empty/null, or malformed."},
		{"a market order", "POST", "order", with("type=MARKET"), -1116, "Invalid orderType."},
		{"an order that is not good till cancelled", "POST", "order", with("timeInForce=IOC"), -1115, "Invalid timeInForce."},
		{"an order without a price", "POST", "order", with("price="), -1102, "Mandatory parameter 'price' was not sent, was empty/null, or malformed."},
		{"a negative price", "POST", "order", with("price=-1"), -1100, `Illegal characters found in parameter 'price'; legal range is '^([0-9]{1,20})(\.[0-9]{1,20})?$'.`},
		{"a price with an exponent", "POST", "order", with("price=1e9"), -1100, `Illegal characters found in parameter 'price'; legal range is '^([0-9]{1,20})(\.[0-9]{1,20})?$'.`},
		{"a price with nine decimal places", "POST", "order", with("price=0.001400001"), -1111, "Parameter 'price' has too much precision."},
		{"a quantity with nine decimal places", "POST", "order", with("quantity=100.000000001"), -1111, "Parameter 'quantity' has too much precision."},
		{"a stop price", "POST", "order", with("stopPrice=0.1"), -1106, "Parameter 'stopPrice' sent when not required."},
		{"a client id with a space", "POST", "order", with("newClientOrderId=a b"), -1100, "Illegal characters found in parameter 'newClientOrderId'; legal range is '^[.A-Z:/a-z0-9_-]{1,36}$'."},
		{"a client id of 37 characters", "POST", "order", with("newClientOrderId=" + strings.Repeat("x", 37)), -1100, "Illegal characters found in parameter 'newClientOrderId'; legal range is '^[.A-Z:/a-z0-9_-]{1,36}$'."},
		{"an unknown response type", "POST", "order", with("newOrderRespType=SHORT"), -1130, "Data sent for parameter 'newOrderRespType' is not valid."},
		{"self-trade prevention", "POST", "order", with("selfTradePreventionMode=EXPIRE_BOTH"), -1130, "Data sent for parameter 'selfTradePreventionMode' is not valid."},
		{"an unknown symbol to trade", "POST", "order", with("symbol=NOSUCH"), -1121, "Invalid symbol."},
		{"an order below the minimum notional", "POST", "order", with("quantity=1"), -1013, "Filter failure: NOTIONAL"},
		{"a quantity off the step", "POST", "order", with("quantity=100.5"), -1013, "Filter failure: LOT_SIZE"},
		{"more than the balance", "POST", "order", with("quantity=90000000"), -2010, "Account has insufficient balance for requested action."},
		{"the id of an open order", "POST", "order", with("newClientOrderId=resting"), -2010, "Duplicate order sent."},

		{"no order named", "GET", "order", "symbol=XRPETH", -1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!"},
		{"an order that does not exist", "GET", "order", "symbol=XRPETH&orderId=99", -2013, "Order does not exist."},
		{"two ids of different orders", "GET", "order", "symbol=XRPETH&orderId=1&origClientOrderId=other", -2039, "Client order ID is not correct for this order ID."},
		{"the cancel of no order", "DELETE", "order", "symbol=XRPETH&orderId=99", -2011, "Unknown order sent."},
		{"more than a day of orders", "GET", "allOrders", "symbol=XRPETH&startTime=1748779200000&endTime=1748865600001", -1127, "More than 24 hours between startTime and endTime."},
		{"fills by order and time", "GET", "myTrades", "symbol=XRPETH&orderId=1&startTime=1748779200000", -1128, "Combination of optional parameters invalid."},
		{"a flag that is neither true nor false", "GET", "account", "omitZeroBalances=yes", -1100, "Illegal characters found in parameter 'omitZeroBalances'; legal range is '^(true|false)$'."},
	} {
		t.Run(c.name, func(t *testing.T) {
			send := f.signed
			switch c.path {
			case "ping", "trades", "historicalTrades", "klines", "exchangeInfo", "ticker/price":
				send = func(tb testing.TB, method, path, query string) answer { return f.request(tb, method, path, query, "") }
			}
			got := send(t, c.method, "/api/v3/"+c.path, c.query)
			if got.status != http.StatusBadRequest {
				t.Errorf("status %d", got.status)
			}
			sameJSON(t, got.body, fmt.Sprintf(`{"code":%d,"msg":%q}`, c.code, c.message))
		})
	}
}

func TestEveryRefusedOrderIsInTheJournalOnce(t *testing.T) {
	f := open(t, options{})
	good := goodOrder + "&newClientOrderId=mine&timestamp=1748779200000"
	f.request(t, "POST", "/api/v3/order", good+"&signature=00", "")                                                    // bad signature
	f.request(t, "POST", "/api/v3/order", good, "", "X-MBX-APIKEY", "nobody")                                          // unknown key
	f.signed(t, "POST", "/api/v3/order", strings.Replace(goodOrder, "type=LIMIT", "type=MARKET", 1))                   // before the engine
	f.signed(t, "POST", "/api/v3/order", strings.Replace(goodOrder, "quantity=100", "quantity=1", 1))                  // by the engine
	f.signed(t, "POST", "/api/v3/order", strings.Replace(goodOrder, "symbol=XRPETH", "symbol=<script>%0A{}&price", 1)) // outside bytes
	want := []string{
		"-1022 XRPETH mine BUY 100 0.0014", "-2015 XRPETH mine BUY 100 0.0014", "-1116 XRPETH  BUY 100 0.0014",
		"-1013 XRPETH  BUY 1 0.0014", "-1101   <nil> <nil> <nil>",
	}
	rejects := f.journalLines(t, "reject")
	if len(rejects) != len(want) {
		t.Fatalf("%d rejects, want %d: %v", len(rejects), len(want), rejects)
	}
	for i, r := range rejects[:4] {
		got := fmt.Sprintf("%v %v %v %v %v %v", r["code"], r["symbol"], r["client_order_id"], r["side"], r["quantity"], r["price"])
		if got != want[i] {
			t.Errorf("reject %d is %q, want %q", i+1, got, want[i])
		}
		if r["user_agent"] != "test/1 (one)" {
			t.Errorf("reject %d has the user agent %v", i+1, r["user_agent"])
		}
	}
	if last := rejects[4]; last["code"] != -1101.0 || last["symbol"] != "" {
		t.Errorf("last reject is %v", last)
	}
}

func TestABodyTooLargeIsRefused(t *testing.T) {
	f := open(t, options{config: func(c *server.Config) { c.MaxBody = 100 }})
	got := f.request(t, "POST", "/api/v3/order", "", strings.Repeat("x", 101))
	if got.status != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d: %s", got.status, got.body)
	}
}

func TestAnUnknownTimeUnitIsRefused(t *testing.T) {
	f := open(t, options{})
	got := f.request(t, "GET", "/api/v3/time", "", "", "X-MBX-TIME-UNIT", "HOUR")
	sameJSON(t, got.body, `{"code":-1194,"msg":"Invalid value for time unit; expected either MICROSECOND or MILLISECOND."}`)
}

func TestEveryAnswerTellsTheWeightUsedInTheRunningMinute(t *testing.T) {
	f := open(t, options{})
	for _, c := range []struct {
		path, query, want string
		signed            bool
	}{
		{"/api/v3/ping", "", "1", false},
		{"/api/v3/exchangeInfo", "", "21", false},
		{"/api/v3/trades", "symbol=NOSUCH", "46", false},
		{"/api/v3/openOrders", "symbol=XRPETH", "52", true},
		{"/api/v3/openOrders", "", "132", true},
		{"/api/v3/myTrades", "symbol=XRPETH", "152", true},
		{"/api/v3/myTrades", "symbol=XRPETH&orderId=1", "157", true},
	} {
		var got answer
		if c.signed {
			got = f.signed(t, "GET", c.path, c.query)
		} else {
			got = f.request(t, "GET", c.path, c.query, "")
		}
		if weight := got.header.Get("X-Mbx-Used-Weight-1m"); weight != c.want {
			t.Errorf("%s %s: weight %q, want %s", c.path, c.query, weight, c.want)
		}
	}
	f.clock.Advance(time.Minute)
	if weight := f.request(t, "GET", "/api/v3/ping", "", "").header.Get("X-Mbx-Used-Weight-1m"); weight != "1" {
		t.Errorf("weight of the next minute: %q", weight)
	}
}

func TestAClientBeyondTheWeightLimitIsRefusedThenBannedAndForgiven(t *testing.T) {
	f := open(t, options{engine: func(c *sim.Config) { c.Info.RateLimits[0].Limit = 10 }})
	f.clock.Advance(15 * time.Second)
	ping := func() answer { return f.request(t, "GET", "/api/v3/ping", "", "") }
	for range 10 {
		if got := ping(); got.status != http.StatusOK {
			t.Fatalf("within the limit: status %d", got.status)
		}
	}
	got := ping()
	if got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") != "45" || !strings.Contains(got.body, `"code":-1003,"msg":"Too much request weight used; current limit is 10 request weight per 1 MINUTE.`) {
		t.Fatalf("beyond the limit: status %d, Retry-After %q: %s", got.status, got.header.Get("Retry-After"), got.body)
	}
	for range 99 {
		got = ping()
	}
	if got.status != http.StatusTooManyRequests {
		t.Fatalf("hundredth refusal: status %d", got.status)
	}
	got = ping()
	if got.status != http.StatusTeapot || got.header.Get("Retry-After") != "120" || !strings.Contains(got.body, fmt.Sprintf("IP banned until %d.", noon.Add(135*time.Second).UnixMilli())) {
		t.Fatalf("going on regardless: status %d, Retry-After %q: %s", got.status, got.header.Get("Retry-After"), got.body)
	}
	f.clock.Advance(119 * time.Second)
	if got := ping(); got.status != http.StatusTeapot {
		t.Errorf("before the ban's end: status %d", got.status)
	}
	f.clock.Advance(time.Second)
	if got := ping(); got.status != http.StatusOK {
		t.Errorf("after the ban: status %d", got.status)
	}
}

func TestConnectionsAreLimited(t *testing.T) {
	f := open(t, options{config: func(c *server.Config) { c.ConnectionsPer5Minutes = 2 }})
	f.dial(t, "/ws")
	f.dial(t, "/ws-api/v3")
	_, refused, err := websocket.DefaultDialer.Dial("ws://"+f.address+"/ws", nil)
	if err == nil || refused.StatusCode != http.StatusTooManyRequests || refused.Header.Get("Retry-After") != "300" {
		t.Errorf("third connection: %v, %v", refused, err)
	}
	if got := f.request(t, "GET", "/api/v3/ping", "", ""); got.status != http.StatusOK {
		t.Errorf("a request meanwhile: status %d", got.status)
	}
	f.clock.Advance(5 * time.Minute)
	f.dial(t, "/ws")
}
