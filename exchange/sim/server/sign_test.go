package server_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"hedgehog/exchange/sim/server"
)

// edKey is an Ed25519 key for tests, with the API key "ed".
var edKey = ed25519.NewKeyFromSeed([]byte("a seed of thirty-two bytes: test"))

func withEdKey(c *server.Config) {
	c.Keys = append(c.Keys, server.Key{APIKey: "ed", Account: "other", PublicKey: edKey.Public().(ed25519.PublicKey)})
}

func signEd(payload string) string {
	return base64.StdEncoding.EncodeToString(ed25519.Sign(edKey, []byte(payload)))
}

func TestASignatureCoversQueryAndBodyAsSent(t *testing.T) {
	f := open(t, options{config: withEdKey})
	const order, stamp = goodOrder, "timestamp=1748779200000"
	escaped := url.QueryEscape
	for _, c := range []struct {
		name, query, body, key string
		status                 int
	}{
		{"all in the query", order + "&" + stamp + "&signature=" + sign(order+"&"+stamp), "", server.DefaultAPIKey, 200},
		{"all in the body", "", order + "&" + stamp + "&signature=" + sign(order+"&"+stamp), server.DefaultAPIKey, 200},
		{"half and half", order + "&signature=" + sign(order+stamp), stamp, server.DefaultAPIKey, 200},
		{"the signature in the body", order, stamp + "&signature=" + sign(order+stamp), server.DefaultAPIKey, 200},
		{"the signature first", "signature=" + sign(order+"&"+stamp) + "&" + order + "&" + stamp, "", server.DefaultAPIKey, 200},
		{"an upper-case signature", order + "&" + stamp + "&signature=" + strings.ToUpper(sign(order+"&"+stamp)), "", server.DefaultAPIKey, 200},
		{"escapes are signed as sent", order + "&newClientOrderId=a%3A1&" + stamp + "&signature=" + sign(order+"&newClientOrderId=a%3A1&"+stamp), "", server.DefaultAPIKey, 200},
		{"escapes signed unescaped", order + "&newClientOrderId=a%3A1&" + stamp + "&signature=" + sign(order+"&newClientOrderId=a:1&"+stamp), "", server.DefaultAPIKey, 400},
		{"a value changed", strings.Replace(order, "100", "101", 1) + "&" + stamp + "&signature=" + sign(order+"&"+stamp), "", server.DefaultAPIKey, 400},
		{"a parameter added", order + "&" + stamp + "&newClientOrderId=x&signature=" + sign(order+"&"+stamp), "", server.DefaultAPIKey, 400},
		{"a signature that is no hex", order + "&" + stamp + "&signature=xyz", "", server.DefaultAPIKey, 400},
		{"Ed25519", order + "&" + stamp + "&signature=" + escaped(signEd(order+"&"+stamp)), "", "ed", 200},
		{"Ed25519 of another payload", order + "&" + stamp + "&signature=" + escaped(signEd(order)), "", "ed", 400},
		{"HMAC for an Ed25519 key", order + "&" + stamp + "&signature=" + sign(order+"&"+stamp), "", "ed", 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := f.request(t, "POST", "/api/v3/order", c.query, c.body, "X-MBX-APIKEY", c.key)
			if got.status != c.status {
				t.Fatalf("status %d, want %d: %s", got.status, c.status, got.body)
			}
			if c.status == 400 {
				sameJSON(t, got.body, `{"code":-1022,"msg":"Signature for this request is not valid."}`)
			}
		})
	}
	if own, other := len(f.engine.OpenOrders("hedgehog", "")), len(f.engine.OpenOrders("other", "")); own != 7 || other != 1 {
		t.Errorf("%d and %d orders, want 7 and 1", own, other)
	}
}

func TestTheQuerysValueWinsOverTheBodys(t *testing.T) {
	f := open(t, options{})
	body := "quantity=900&timestamp=1748779200000"
	got := f.request(t, "POST", "/api/v3/order", goodOrder+"&signature="+sign(goodOrder+body), body)
	if !strings.Contains(got.body, `"origQty":"100.00000000"`) {
		t.Errorf("answer %s", got.body)
	}
}

func TestKeysAreCheckedBeforeSignatures(t *testing.T) {
	f := open(t, options{})
	for _, c := range []struct{ key, want string }{
		{"", `{"code":-2014,"msg":"API-key format invalid."}`},
		{"nobody", `{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}`},
	} {
		got := f.request(t, "GET", "/api/v3/account", "timestamp=1748779200000&signature=00", "", "X-MBX-APIKEY", c.key)
		if got.status != http.StatusUnauthorized {
			t.Errorf("key %q: status %d", c.key, got.status)
		}
		sameJSON(t, got.body, c.want)
	}
	unsigned := f.request(t, "GET", "/api/v3/account", "timestamp=1748779200000", "")
	sameJSON(t, unsigned.body, `{"code":-1102,"msg":"Mandatory parameter 'signature' was not sent, was empty/null, or malformed."}`)
}

func TestARequestIsTakenWithinItsReceiveWindow(t *testing.T) {
	const (
		late   = `{"code":-1021,"msg":"Timestamp for this request is outside of the recvWindow."}`
		early  = `{"code":-1021,"msg":"Timestamp for this request was 1000ms ahead of the server's time."}`
		window = `{"code":-1102,"msg":"'recvWindow' contains unexpected value. Cannot be greater than 60000."}`
	)
	at := func(d time.Duration) string { return fmt.Sprintf("timestamp=%d", noon.Add(d).UnixMilli()) }
	atMicros := func(d time.Duration) string { return fmt.Sprintf("timestamp=%d", noon.Add(d).UnixMicro()) }
	f := open(t, options{})
	for _, c := range []struct{ name, query, want string }{
		{"now", at(0), ""},
		{"exactly at the default window", at(-5 * time.Second), ""},
		{"1 ms after the default window", at(-5001 * time.Millisecond), late},
		{"exactly at its own window", at(-400*time.Millisecond) + "&recvWindow=400", ""},
		{"1 ms after its own window", at(-401*time.Millisecond) + "&recvWindow=400", late},
		{"microseconds, at the window", atMicros(-400*time.Millisecond) + "&recvWindow=400", ""},
		{"microseconds, 1 µs late", atMicros(-400_001*time.Microsecond) + "&recvWindow=400", late},
		{"a window of 400.001 ms", atMicros(-400_001*time.Microsecond) + "&recvWindow=400.001", ""},
		{"a window of 0", at(0) + "&recvWindow=0", ""},
		{"999 ms ahead", at(999 * time.Millisecond), ""},
		{"1000 ms ahead", at(time.Second), early},
		{"the largest window", at(-time.Minute) + "&recvWindow=60000", ""},
		{"a window too large", at(0) + "&recvWindow=60000.001", window},
		{"a window with four decimal places", at(0) + "&recvWindow=1.0001", `{"code":-1100,"msg":"Illegal characters found in parameter 'recvWindow'; legal range is '^[0-9]{1,20}(\\.[0-9]{1,3})?$'."}`},
		{"no timestamp", "recvWindow=5000", `{"code":-1102,"msg":"Mandatory parameter 'timestamp' was not sent, was empty/null, or malformed."}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			query := "symbol=XRPETH&" + c.query
			got := f.request(t, "GET", "/api/v3/openOrders", query+"&signature="+sign(query), "")
			if c.want == "" {
				c.want = "[]"
			}
			sameJSON(t, got.body, c.want)
		})
	}
}

func TestAnOrderThatIsDelayedBehindTheFrontDoorIsRefusedByTheEngine(t *testing.T) {
	// The front's clock says that the order is in time; the engine, which looks at
	// its own right before matching, that it no longer is.
	f := open(t, options{config: func(c *server.Config) { c.Now = func() time.Time { return noon } }})
	order := goodOrder + "&recvWindow=400&timestamp=1748779200000"
	f.clock.Set(noon.Add(401 * time.Millisecond))
	got := f.request(t, "POST", "/api/v3/order", order+"&signature="+sign(order), "")
	sameJSON(t, got.body, `{"code":-1021,"msg":"Timestamp for this request is outside of the recvWindow."}`)
	if rejects := f.journalLines(t, "reject"); len(rejects) != 1 {
		t.Errorf("rejects in the journal: %v", rejects)
	}
	f.clock.Set(noon.Add(400 * time.Millisecond))
	if got := f.request(t, "POST", "/api/v3/order", order+"&signature="+sign(order), ""); got.status != http.StatusOK {
		t.Errorf("at its deadline: %s", got.body)
	}
	cancel := "symbol=XRPETH&orderId=1&recvWindow=400&timestamp=1748779200000"
	f.clock.Set(noon.Add(401 * time.Millisecond))
	late := f.request(t, "DELETE", "/api/v3/order", cancel+"&signature="+sign(cancel), "")
	sameJSON(t, late.body, `{"code":-1021,"msg":"Timestamp for this request is outside of the recvWindow."}`)
}

func TestAConfigThatCannotBeRightIsRefusedByItsField(t *testing.T) {
	for field, spoil := range map[string]func(*server.Config){
		"PingInterval": func(c *server.Config) { c.PingInterval = 0 },
		"QueueLimit":   func(c *server.Config) { c.QueueLimit = -1 },
		"ShutdownNotice": func(c *server.Config) {
			c.ShutdownNotice = c.MaxConnectionAge
		},
		"Secret or PublicKey": func(c *server.Config) { c.Keys[0].Secret = "" },
		"twice":               func(c *server.Config) { c.Keys = append(c.Keys, c.Keys[0]) },
		"Account":             func(c *server.Config) { c.Keys[0].Account = "" },
		"32 bytes":            func(c *server.Config) { c.Keys[0].Secret, c.Keys[0].PublicKey = "", ed25519.PublicKey("short") },
	} {
		config := server.DefaultConfig()
		spoil(&config)
		if err := config.Validate(); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: error %v", field, err)
		}
	}
	if err := server.DefaultConfig().Validate(); err != nil {
		t.Errorf("the default: %v", err)
	}
}

func TestAKeyDoesNotShowItsSecret(t *testing.T) {
	config := server.DefaultConfig()
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(format, config); strings.Contains(text, server.DefaultAPISecret) {
			t.Errorf("%s shows the secret: %s", format, text)
		}
	}
}
