package binance_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"hedgehog/exchange"
	"hedgehog/exchange/binance"
	"hedgehog/exchange/sim/server"
)

// accounts is an exchange's WebSocket API whose connections a test speaks for.
type accounts struct {
	t       *testing.T
	sockets chan *websocket.Conn // subscribed
	refusal string               // of the next subscription; "": it is taken
}

func (a *accounts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/api/v3/time" {
		fmt.Fprintf(w, `{"serverTime":%d}`, time.Now().UnixMilli())
		return
	}
	var upgrader websocket.Upgrader
	ws, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		a.t.Errorf("upgrade: %v", err)
		return
	}
	defer ws.Close()
	var request struct {
		ID     string `json:"id"`
		Method string `json:"method"`
		Params struct {
			APIKey     string      `json:"apiKey"`
			RecvWindow json.Number `json:"recvWindow"`
			Timestamp  json.Number `json:"timestamp"`
			Signature  string      `json:"signature"`
		} `json:"params"`
	}
	if err := ws.ReadJSON(&request); err != nil {
		a.t.Errorf("request: %v", err)
		return
	}
	p := request.Params
	mac := hmac.New(sha256.New, []byte(server.DefaultAPISecret))
	fmt.Fprintf(mac, "apiKey=%s&recvWindow=%s&timestamp=%s", p.APIKey, p.RecvWindow, p.Timestamp)
	if want := hex.EncodeToString(mac.Sum(nil)); request.Method != "userDataStream.subscribe.signature" || p.Signature != want {
		a.t.Errorf("request %+v, want the signature %s", request, want)
	}
	if refusal := a.refusal; refusal != "" {
		a.refusal = ""
		_ = ws.WriteMessage(websocket.TextMessage, []byte(strings.Replace(refusal, "ID", request.ID, 1)))
		return
	}
	// An event of before the subscription may overtake its answer.
	_ = ws.WriteMessage(websocket.TextMessage, []byte(report))
	_ = ws.WriteMessage(websocket.TextMessage, []byte(fmt.Sprintf(`{"id":%q,"status":200,"result":{"subscriptionId":0}}`, request.ID)))
	a.sockets <- ws
	for {
		if _, _, err := ws.NextReader(); err != nil {
			return
		}
	}
}

// orderTranscript is a sink that writes down what it is told.
type orderTranscript struct {
	mu    sync.Mutex
	lines []string
}

func (o *orderTranscript) add(line string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lines = append(o.lines, line)
	return nil
}

func (o *orderTranscript) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Join(o.lines, " ")
}

func (o *orderTranscript) Connected(context.Context) error { return o.add("connected") }

func (o *orderTranscript) OrderUpdate(_ context.Context, u *exchange.OrderUpdate) error {
	return o.add(fmt.Sprint(u.ID))
}

// withAccount runs test in a bubble of virtual time with a stream of orders under
// way, whose first connection is made.
func withAccount(t *testing.T, a *accounts, test func(t *testing.T, client *binance.Client, sink *orderTranscript, first *websocket.Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		a.t, a.sockets = t, make(chan *websocket.Conn, 10)
		cfg, stop := serve(t, a)
		defer stop()
		cfg.MaxConnectionAge = 30 * time.Second
		client := newClient(t, cfg)
		defer client.Close()
		ctx, cancel := context.WithCancelCause(context.Background())
		over := errors.New("test over")
		sink := &orderTranscript{}
		done := make(chan error, 1)
		go func() { done <- client.StreamOrders(ctx, sink) }()
		defer func() {
			cancel(over)
			if err := <-done; !errors.Is(err, over) {
				t.Errorf("the stream ended with %v, want the cause", err)
			}
		}()
		test(t, client, sink, <-a.sockets)
	})
}

// speak sends a message and lets it be dealt with.
func speak(tb testing.TB, ws *websocket.Conn, message string) {
	tb.Helper()
	if err := ws.WriteMessage(websocket.TextMessage, []byte(message)); err != nil {
		tb.Errorf("send: %v", err)
	}
	synctest.Wait()
}

func reportOf(id int) string { return strings.Replace(report, `"i":28`, fmt.Sprintf(`"i":%d`, id), 1) }

func want(tb testing.TB, sink fmt.Stringer, transcript string) {
	tb.Helper()
	if got := sink.String(); got != transcript {
		tb.Errorf("got  %s\nwant %s", got, transcript)
	}
}

func TestUpdatesOnTheirWayOverAnOldConnectionAreNotLost(t *testing.T) {
	a := &accounts{}
	withAccount(t, a, func(t *testing.T, client *binance.Client, sink *orderTranscript, old *websocket.Conn) {
		speak(t, old, reportOf(1))
		replacement := <-a.sockets
		speak(t, replacement, reportOf(3))
		speak(t, old, reportOf(2))
		speak(t, old, reportOf(3)) // over both
		want(t, sink, "connected 1 3 2 3")
		time.Sleep(15 * time.Second)
		if err := old.WriteMessage(websocket.TextMessage, []byte(reportOf(4))); err == nil {
			t.Error("the old connection is still there")
		}
		speak(t, replacement, reportOf(4))
		want(t, sink, "connected 1 3 2 3 4")
	})
}

func TestASubscriptionThatEndsIsMadeAnew(t *testing.T) {
	for name, message := range map[string]string{
		"an ended subscription": `{"subscriptionId":0,"event":{"e":"eventStreamTerminated","E":1728973001334}}`,
		"a broken report":       strings.Replace(report, `"S":"BUY"`, `"S":"HOLD"`, 1),
		"a broken message":      `{"event":7}`,
	} {
		t.Run(name, func(t *testing.T) {
			a := &accounts{}
			withAccount(t, a, func(t *testing.T, client *binance.Client, sink *orderTranscript, ws *websocket.Conn) {
				speak(t, ws, reportOf(1))
				start := time.Now()
				speak(t, ws, message)
				next := <-a.sockets
				if took := time.Since(start); took > time.Second {
					t.Errorf("subscribed anew after %s", took)
				}
				speak(t, next, reportOf(2))
				want(t, sink, "connected 1 connected 2")
			})
		})
	}
}

func TestARefusedTimestampOfASubscriptionIsTriedAgain(t *testing.T) {
	a := &accounts{refusal: `{"id":"ID","status":400,"error":{"code":-1021,"msg":"Timestamp for this request is outside of the recvWindow."}}`}
	withAccount(t, a, func(t *testing.T, client *binance.Client, sink *orderTranscript, ws *websocket.Conn) {
		speak(t, ws, reportOf(1))
		want(t, sink, "connected 1")
	})
}
