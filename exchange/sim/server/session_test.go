package server_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"hedgehog/exchange/sim"
)

// apiAnswer is an answer or an event of the WebSocket API.
type apiAnswer struct {
	ID     json.RawMessage `json:"id"`
	Status int             `json:"status"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Code    int             `json:"code"`
		Message string          `json:"msg"`
		Data    json.RawMessage `json:"data"`
	} `json:"error"`
	RateLimits     []map[string]any `json:"rateLimits"`
	SubscriptionID *int             `json:"subscriptionId"`
	Event          map[string]any   `json:"event"`
}

type fields map[string]any

// ask sends a request without a signature and returns its answer.
func (c *client) ask(method string, params fields) apiAnswer {
	c.tb.Helper()
	request, err := json.Marshal(fields{"id": "q", "method": method, "params": params})
	if err != nil {
		c.tb.Fatal(err)
	}
	c.write(string(request))
	return c.answer()
}

// answer returns the next message.
func (c *client) answer() apiAnswer {
	c.tb.Helper()
	var a apiAnswer
	decode(c.tb, c.next(), &a)
	return a
}

// signedParams adds apiKey, timestamp and a signature to params.
func (f *fixture) signedParams(apiKey string, sign func(string) string, params fields) fields {
	p := maps.Clone(params)
	if p == nil {
		p = fields{}
	}
	p["apiKey"], p["timestamp"] = apiKey, f.clock.Now().UnixMilli()
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(p)) {
		pairs = append(pairs, fmt.Sprintf("%s=%v", name, p[name]))
	}
	p["signature"] = sign(strings.Join(pairs, "&"))
	return p
}

func (f *fixture) ownParams(params fields) fields {
	return f.signedParams("hedgehog-sim", sign, params)
}

var limitOrder = fields{
	"symbol": "XRPETH", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC",
	"quantity": "100", "price": "0.00140000", "newClientOrderId": "a:b/c",
}

func TestTheWebSocketAPIAnswersAsRESTDoes(t *testing.T) {
	f := open(t, options{})
	f.trade(t, 1, "0.0014", "100", true)
	f.place(t, "BUY", "0.0011", "one")
	c := f.dial(t, "/ws-api/v3")
	for _, q := range []struct {
		method, path string
		params       fields
		signed       bool
	}{
		{"ping", "ping", nil, false},
		{"time", "time", nil, false},
		{"exchangeInfo", "exchangeInfo", fields{"symbol": "XRPETH"}, false},
		{"trades.recent", "trades", fields{"symbol": "XRPETH", "limit": 5}, false},
		{"trades.historical", "historicalTrades", fields{"symbol": "XRPETH", "fromId": 1}, false},
		{"klines", "klines", fields{"symbol": "XRPETH", "interval": "1m"}, false},
		{"order.status", "order", fields{"symbol": "XRPETH", "orderId": 1}, true},
		{"openOrders.status", "openOrders", fields{}, true},
		{"allOrders", "allOrders", fields{"symbol": "XRPETH"}, true},
		{"account.status", "account", fields{"omitZeroBalances": true}, true},
		{"myTrades", "myTrades", fields{"symbol": "XRPETH"}, true},
	} {
		t.Run(q.method, func(t *testing.T) {
			var query []string
			for name, value := range q.params {
				query = append(query, fmt.Sprintf("%s=%v", name, value))
			}
			var overREST answer
			params := q.params
			if q.signed {
				overREST, params = f.signed(t, "GET", "/api/v3/"+q.path, strings.Join(query, "&")), f.ownParams(params)
			} else {
				overREST = f.request(t, "GET", "/api/v3/"+q.path, strings.Join(query, "&"), "")
			}
			got := c.ask("v3/"+q.method, params)
			if got.Status != 200 || string(got.ID) != `"q"` {
				t.Fatalf("answer %+v", got)
			}
			sameJSON(t, string(got.Result), overREST.body)
		})
	}
}

func TestAnOrderIsPlacedAndCancelledOverTheWebSocketAPI(t *testing.T) {
	f := open(t, options{})
	c := f.dial(t, "/ws-api/v3")
	placed := c.ask("order.place", f.ownParams(limitOrder))
	if placed.Status != 200 || !strings.Contains(string(placed.Result), `"clientOrderId":"a:b/c"`) {
		t.Fatalf("answer %+v", placed)
	}
	if got := fmt.Sprint(placed.RateLimits); got != "[map[count:1 interval:SECOND intervalNum:10 limit:100 rateLimitType:ORDERS] "+
		"map[count:1 interval:DAY intervalNum:1 limit:200000 rateLimitType:ORDERS] map[count:3 interval:MINUTE intervalNum:1 limit:6000 rateLimitType:REQUEST_WEIGHT]]" {
		t.Errorf("rate limits %s", got)
	}
	canceled := c.ask("order.cancel", f.ownParams(fields{"symbol": "XRPETH", "origClientOrderId": "a:b/c"}))
	if !strings.Contains(string(canceled.Result), `"status":"CANCELED"`) {
		t.Errorf("answer %+v", canceled)
	}
	if orders := f.journalLines(t, "order"); len(orders) != 1 || orders[0]["user_agent"] != "test/1 (one)" {
		t.Errorf("journal %v", orders)
	}
}

func TestBadRequestsToTheWebSocketAPIAreAnswered(t *testing.T) {
	f := open(t, options{})
	c := f.dial(t, "/ws-api/v3?returnRateLimits=false")
	tampered := f.ownParams(limitOrder)
	tampered["quantity"] = "200"
	raw := func(v any) string {
		b, _ := json.Marshal(v)
		return string(b)
	}
	for _, step := range []struct{ name, message, want string }{
		{"no JSON", `{`, `{"id":null,"status":400,"error":{"code":-1135,"msg":"Invalid JSON Request"}}`},
		{"no object", `[1]`, `{"id":null,"status":400,"error":{"code":-1135,"msg":"Invalid JSON Request"}}`},
		{"an id that is a list", `{"id":[1],"method":"ping"}`, `{"id":null,"status":400,"error":{"code":-1135,"msg":"Invalid JSON Request"}}`},
		{"no method", `{"id":1}`, `{"id":1,"status":400,"error":{"code":-1102,"msg":"Mandatory parameter 'method' was not sent, was empty/null, or malformed."}}`},
		{"an unknown method", `{"id":1,"method":"order.amend"}`, `{"id":1,"status":400,"error":{"code":-1020,"msg":"This operation is not supported."}}`},
		{"the listen key of old", `{"id":1,"method":"userDataStream.start"}`, `{"id":1,"status":400,"error":{"code":-1020,"msg":"This operation is not supported."}}`},
		{"params that are a list", `{"id":1,"method":"time","params":[]}`, `{"id":1,"status":400,"error":{"code":-1135,"msg":"JSON sent for parameter 'params' is not valid"}}`},
		{"a parameter that is an object", `{"id":1,"method":"trades.recent","params":{"symbol":{}}}`, `{"id":1,"status":400,"error":{"code":-1135,"msg":"JSON sent for parameter 'symbol' is not valid"}}`},
		{"a parameter that is null", `{"id":1,"method":"trades.recent","params":{"symbol":null}}`, `{"id":1,"status":400,"error":{"code":-1105,"msg":"Parameter 'symbol' was empty."}}`},
		{"a parameter twice", `{"id":1,"method":"trades.recent","params":{"symbol":"XRPETH","symbol":"XRPETH"}}`, `{"id":1,"status":400,"error":{"code":-1101,"msg":"Duplicate values for a parameter detected."}}`},
		{"no key", `{"id":1,"method":"account.status"}`, `{"id":1,"status":400,"error":{"code":-1102,"msg":"Mandatory parameter 'apiKey' was not sent, was empty/null, or malformed."}}`},
		{"an unknown key", `{"id":1,"method":"account.status","params":{"apiKey":"nobody"}}`, `{"id":1,"status":401,"error":{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}}`},
		{"a tampered order", raw(fields{"id": 1, "method": "order.place", "params": tampered}), `{"id":1,"status":400,"error":{"code":-1022,"msg":"Signature for this request is not valid."}}`},
		{"logon with an HMAC key", raw(fields{"id": 1, "method": "session.logon", "params": f.ownParams(nil)}), `{"id":1,"status":401,"error":{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}}`},
		{"subscribing before logon", `{"id":1,"method":"userDataStream.subscribe"}`, `{"id":1,"status":401,"error":{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}}`},
		{"ending what was not begun", `{"id":1,"method":"userDataStream.unsubscribe","params":{"subscriptionId":3}}`, `{"id":1,"status":400,"error":{"code":-2036,"msg":"User Data Stream subscription not active."}}`},
		{"and a good one", `{"id":null,"method":"time","params":{}}`, `{"id":null,"status":200,"result":{"serverTime":1748779200000}}`},
	} {
		t.Run(step.name, func(t *testing.T) {
			c.write(step.message)
			sameJSON(t, c.next(), step.want)
		})
	}
	if rejects := f.journalLines(t, "reject"); len(rejects) != 1 || rejects[0]["code"] != -1022.0 {
		t.Errorf("journal %v", rejects)
	}
}

func TestTheWeightLimitHoldsOnTheWebSocketAPI(t *testing.T) {
	f := open(t, options{engine: func(c *sim.Config) { c.Info.RateLimits[0].Limit = 3 }})
	c := f.dial(t, "/ws-api/v3") // costs 2
	if got := c.ask("ping", nil); got.Status != 200 {
		t.Fatalf("answer %+v", got)
	}
	got := c.ask("ping", fields{"returnRateLimits": false})
	if got.Status != 429 || got.Error.Code != -1003 || got.RateLimits != nil {
		t.Fatalf("answer %+v", got)
	}
	sameJSON(t, string(got.Error.Data), `{"serverTime":1748779200000,"retryAfter":1748779260000}`)
}

func TestASessionThatIsLoggedOnNeedsNoSignatures(t *testing.T) {
	f := open(t, options{config: withEdKey})
	c := f.dial(t, "/ws-api/v3?returnRateLimits=false")
	const idle = `{"apiKey":null,"authorizedSince":null,"connectedSince":1748779200000,"returnRateLimits":false,"serverTime":1748779200000,"userDataStream":false}`
	sameJSON(t, string(c.ask("session.status", nil).Result), idle)
	logon := c.ask("session.logon", f.signedParams("ed", signEd, nil))
	sameJSON(t, string(logon.Result), strings.NewReplacer(`"apiKey":null`, `"apiKey":"ed"`, `"authorizedSince":null`, `"authorizedSince":1748779200000`).Replace(idle))

	order := maps.Clone(limitOrder)
	order["timestamp"] = noon.UnixMilli()
	if got := c.ask("order.place", order); got.Status != 200 {
		t.Fatalf("answer %+v", got)
	}
	order["timestamp"] = noon.Add(-time.Minute).UnixMilli()
	if got := c.ask("order.place", order); got.Error == nil || got.Error.Code != -1021 {
		t.Errorf("a stale order: %+v", got)
	}
	if orders := f.engine.OpenOrders("other", ""); len(orders) != 1 {
		t.Errorf("orders of the session's account: %v", orders)
	}
	if got := c.ask("openOrders.status", f.ownParams(nil)); string(got.Result) != "[]" {
		t.Errorf("with another key: %+v", got)
	}
	sameJSON(t, string(c.ask("session.logout", nil).Result), idle)
	if got := c.ask("openOrders.status", fields{"timestamp": noon.UnixMilli()}); got.Error == nil {
		t.Errorf("after the logout: %+v", got)
	}
}

func TestUserDataTellsOfOrdersFillsAndBalances(t *testing.T) {
	f := open(t, options{})
	c := f.dial(t, "/ws-api/v3?returnRateLimits=false")
	sameJSON(t, string(c.ask("userDataStream.subscribe.signature", f.ownParams(nil)).Result), `{"subscriptionId":0}`)

	f.place(t, "BUY", "0.0014", "one")
	sameJSON(t, c.next(), `{"subscriptionId":0,"event":{"e":"executionReport","E":1748779200000,"s":"XRPETH","c":"one","S":"BUY","o":"LIMIT","f":"GTC",
		"q":"100.00000000","p":"0.00140000","P":"0.00000000","F":"0.00000000","g":-1,"C":"","x":"NEW","X":"NEW","r":"NONE","i":1,
		"l":"0.00000000","z":"0.00000000","L":"0.00000000","n":"0.00000000","N":null,"T":1748779200000,"t":-1,"I":1,"w":true,"m":false,"M":false,
		"O":1748779200000,"Z":"0.00000000","Y":"0.00000000","Q":"0.00000000","W":1748779200000,"V":"NONE"}}`)
	sameJSON(t, c.next(), `{"subscriptionId":0,"event":{"e":"outboundAccountPosition","E":1748779200000,"u":1748779200000,
		"B":[{"a":"XRP","f":"10000.00000000","l":"0.00000000"},{"a":"ETH","f":"99.86000000","l":"0.14000000"}]}}`)

	f.trade(t, 5, "0.0013", "1000", true)
	fill := c.answer().Event
	for field, want := range map[string]any{
		"x": "TRADE", "X": "FILLED", "c": "one", "C": "", "l": "100.00000000", "z": "100.00000000", "L": "0.00140000",
		"n": "0.10000000", "N": "XRP", "t": 5.0, "w": false, "m": true, "Z": "0.14000000", "Y": "0.14000000",
	} {
		if fill[field] != want {
			t.Errorf("fill's %s is %v, want %v", field, fill[field], want)
		}
	}
	if got := fmt.Sprint(c.answer().Event["B"]); got != "[map[a:XRP f:10099.90000000 l:0.00000000] map[a:ETH f:99.86000000 l:0.00000000]]" {
		t.Errorf("balances %s", got)
	}

	f.place(t, "SELL", "0.0019", "two")
	c.next()
	c.next()
	f.signed(t, "DELETE", "/api/v3/order", "symbol=XRPETH&orderId=2&newClientOrderId=end")
	if end := c.answer().Event; end["x"] != "CANCELED" || end["X"] != "CANCELED" || end["c"] != "end" || end["C"] != "two" {
		t.Errorf("cancel %v", end)
	}
}

func TestASubscriptionEndsAloneAndOnlyOnce(t *testing.T) {
	f := open(t, options{config: withEdKey})
	c := f.dial(t, "/ws-api/v3?returnRateLimits=false&timeUnit=MICROSECOND")
	c.ask("session.logon", f.signedParams("ed", signEd, nil))
	sameJSON(t, string(c.ask("userDataStream.subscribe", nil).Result), `{"subscriptionId":0}`)
	sameJSON(t, string(c.ask("userDataStream.subscribe.signature", f.ownParams(nil)).Result), `{"subscriptionId":1}`)
	if again := c.ask("userDataStream.subscribe.signature", f.ownParams(nil)); again.Error == nil || again.Error.Code != -2035 {
		t.Errorf("subscribing twice: %+v", again)
	}
	sameJSON(t, string(c.ask("session.subscriptions", nil).Result), `[{"subscriptionId":0},{"subscriptionId":1}]`)

	c.write(`{"id":1,"method":"session.logout"}`) // ends what the logon began
	sameJSON(t, c.next(), `{"subscriptionId":0,"event":{"e":"eventStreamTerminated","E":1748779200000000}}`)
	if status := c.next(); !strings.Contains(status, `"userDataStream":true`) {
		t.Errorf("after the logout: %s", status)
	}
	f.place(t, "BUY", "0.0011", "one")
	if event := c.answer(); *event.SubscriptionID != 1 || event.Event["E"] != 1748779200000000.0 {
		t.Errorf("event %+v", event)
	}
	c.next() // the balances
	c.write(`{"id":2,"method":"userDataStream.unsubscribe","params":{"subscriptionId":1}}`)
	sameJSON(t, c.next(), `{"subscriptionId":1,"event":{"e":"eventStreamTerminated","E":1748779200000000}}`)
	sameJSON(t, c.next(), `{"id":2,"status":200,"result":{}}`)
	f.place(t, "BUY", "0.0011", "two")
	sameJSON(t, string(c.ask("session.subscriptions", nil).Result), `[]`)
}
