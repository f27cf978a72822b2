package server_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"hedgehog/exchange/sim"
	"hedgehog/exchange/sim/server"
)

const tradeOne = `{"e":"trade","E":1748779200000,"s":"XRPETH","t":1,"p":"0.00140000","q":"100.00000000","T":1748779201000,"m":true,"M":true}`

func TestATradeReachesEveryKindOfStream(t *testing.T) {
	f := open(t, options{})
	inMicros := strings.NewReplacer("1748779200000", "1748779200000000", "1748779201000", "1748779201000000").Replace(tradeOne)
	clients := map[string]*client{
		tradeOne: f.dial(t, "/ws/xrpeth@trade"),
		`{"stream":"xrpeth@trade","data":` + tradeOne + `}`: f.dial(t, "/stream?streams=btcusdt@trade/xrpeth@trade"),
		inMicros: f.dial(t, "/ws/xrpeth@trade?timeUnit=MICROSECOND"),
		`{"stream":"xrpeth@trade","data":` + inMicros + `}`: f.dial(t, "/stream?streams=xrpeth@trade&timeUnit=microsecond"),
	}
	f.trade(t, 1, "0.0014", "100", true)
	for want, c := range clients {
		if got := c.next(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestStreamsAreSubscribedListedAndEnded(t *testing.T) {
	f := open(t, options{})
	c := f.dial(t, "/ws")
	for i, step := range []struct{ message, want string }{
		{`{"method":"SUBSCRIBE","params":["xrpeth@trade","btcusdt@trade"],"id":1}`, `{"result":null,"id":1}`},
		{`{"method":"LIST_SUBSCRIPTIONS","id":"a-1"}`, `{"result":["btcusdt@trade","xrpeth@trade"],"id":"a-1"}`},
		{`{"method":"SUBSCRIBE","params":["xrpeth@trade"],"id":null}`, `{"result":null,"id":null}`},
		{`{"method":"GET_PROPERTY","params":["combined"],"id":-4}`, `{"result":false,"id":-4}`},
	} {
		c.write(step.message)
		if got := c.next(); got != step.want {
			t.Fatalf("step %d: got %s, want %s", i+1, got, step.want)
		}
	}
	f.trade(t, 1, "0.0014", "100", true)
	if got := c.next(); got != tradeOne {
		t.Errorf("after subscribing twice: got %s", got)
	}

	other := f.dial(t, "/ws/xrpeth@trade")
	for i, step := range []struct{ message, want string }{
		{`{"method":"SET_PROPERTY","params":["combined",true],"id":5}`, `{"result":null,"id":5}`},
		{`{"method":"UNSUBSCRIBE","params":["xrpeth@trade","never@trade"],"id":6}`, `{"result":null,"id":6}`},
		{`{"method":"LIST_SUBSCRIPTIONS","id":7}`, `{"result":[],"id":7}`},
	} {
		other.write(step.message)
		if got := other.next(); got != step.want {
			t.Fatalf("step %d: got %s, want %s", i+1, got, step.want)
		}
	}
	f.trade(t, 2, "0.0014", "100", true)
	if got := c.next(); !strings.Contains(got, `"t":2,`) {
		t.Errorf("the first client got %s", got)
	}
	other.write(`{"method":"GET_PROPERTY","params":["combined"],"id":8}`)
	if got := other.next(); got != `{"result":true,"id":8}` {
		t.Errorf("the client without streams got %s", got)
	}
}

func TestBadStreamRequestsAreAnsweredAndTheConnectionGoesOn(t *testing.T) {
	f := open(t, options{config: func(c *server.Config) { c.MessagesPerSecond = 1000 }})
	c := f.dial(t, "/ws")
	for _, step := range []struct{ message, want string }{
		{`{"method":"SUBSCRIBE","params":["xrpeth@trade"]}`, `{"error":{"code":2,"msg":"Invalid request: request ID must be an unsigned integer"},"id":null}`},
		{`{"method":"SUBSCRIBE","params":["xrpeth@trade"],"id":1.5}`, `{"error":{"code":2,"msg":"Invalid request: request ID must be an unsigned integer"},"id":null}`},
		{`{"method":"SUBSCRIBE","params":["xrpeth@trade"],"id":{}}`, `{"error":{"code":2,"msg":"Invalid request: request ID must be an unsigned integer"},"id":null}`},
		{`{"params":["xrpeth@trade"],"id":1}`, "{\"error\":{\"code\":2,\"msg\":\"Invalid request: missing field `method`\"},\"id\":1}"},
		{`{"method":"SUBSCRIBE","params":["nosuch@trade"],"id":1}`, `{"error":{"code":2,"msg":"Invalid request: unknown stream \"nosuch@trade\""},"id":1}`},
		{`{"method":"SUBSCRIBE","params":["XRPETH@trade"],"id":1}`, `{"error":{"code":2,"msg":"Invalid request: unknown stream \"XRPETH@trade\""},"id":1}`},
		{`{"method":"SUBSCRIBE","params":["xrpeth@depth"],"id":1}`, `{"error":{"code":2,"msg":"Invalid request: unknown stream \"xrpeth@depth\""},"id":1}`},
		{`{"method":"SUBSCRIBE","params":[7],"id":1}`, `{"error":{"code":2,"msg":"Invalid request: stream names must be strings"},"id":1}`},
		{`{"method":"SUBSCRIBE","params":[],"id":1}`, `{"error":{"code":2,"msg":"Invalid request: no stream is named"},"id":1}`},
		{`{"method":"SUBSCRIBE","params":"xrpeth@trade","id":1}`, `{"error":{"code":2,"msg":"Invalid request: params must be a list"},"id":1}`},
		{`{"method":"LIST_SUBSCRIPTIONS","params":[1],"id":1}`, `{"error":{"code":2,"msg":"Invalid request: too many parameters"},"id":1}`},
		{`{"method":"GET_PROPERTY","id":1}`, `{"error":{"code":2,"msg":"Invalid request: property name must be a string"},"id":1}`},
		{`{"method":"GET_PROPERTY","params":["speed"],"id":1}`, `{"error":{"code":0,"msg":"Unknown property"},"id":1}`},
		{`{"method":"SET_PROPERTY","params":["combined","yes"],"id":1}`, `{"error":{"code":1,"msg":"Invalid value type: expected Boolean"},"id":1}`},
		{`{"method":"SHOUT","id":1}`, "{\"error\":{\"code\":2,\"msg\":\"Invalid request: unknown variant \\\"SHOUT\\\", expected one of `SUBSCRIBE`, `UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY`\"},\"id\":1}"},
		{`{"method":`, `{"error":{"code":3,"msg":"Invalid JSON: expected value at line 1 column 10"},"id":null}`},
		{`[]`, `{"error":{"code":2,"msg":"Invalid request: a field has the wrong type"},"id":null}`},
		{`{"method":"LIST_SUBSCRIPTIONS","id":9}`, `{"result":[],"id":9}`},
	} {
		c.write(step.message)
		if got := c.next(); got != step.want {
			t.Errorf("%s:\ngot  %s\nwant %s", step.message, got, step.want)
		}
	}
}

func TestAConnectionHasAtMost1024Streams(t *testing.T) {
	f := open(t, options{})
	c := f.dial(t, "/ws")
	c.write(`{"method":"SUBSCRIBE","params":["xrpeth@trade"` + strings.Repeat(`,"xrpeth@trade"`, 1024) + `],"id":1}`)
	if got := c.next(); got != `{"error":{"code":2,"msg":"Invalid request: too many streams; at most 1024 are allowed"},"id":1}` {
		t.Errorf("got %s", got)
	}
}

func TestAnUnknownStreamIsRefusedAtTheHandshake(t *testing.T) {
	f := open(t, options{})
	for _, path := range []string{"/ws/nosuch@trade", "/ws/xrpeth@kline_1m", "/stream?streams=xrpeth@trade/nosuch@trade", "/ws/xrpeth"} {
		_, response, err := websocket.DefaultDialer.Dial("ws://"+f.address+path, nil)
		if err == nil || response == nil || response.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %v, %v", path, response, err)
		}
	}
}

func TestABreachOfTheRulesClosesItsConnectionAlone(t *testing.T) {
	f := open(t, options{config: func(c *server.Config) { c.MaxFrame = 1000 }})
	innocent := f.dial(t, "/ws/xrpeth@trade")
	for _, c := range []struct {
		name   string
		breach func(*client) error
		code   int
	}{
		{"a binary frame", func(c *client) error { return c.WriteMessage(websocket.BinaryMessage, []byte("{}")) }, websocket.CloseUnsupportedData},
		{"an oversized frame", func(c *client) error { return c.WriteMessage(websocket.TextMessage, make([]byte, 100_000)) }, websocket.CloseMessageTooBig},
		{"text that is not UTF-8", func(c *client) error { return c.WriteMessage(websocket.TextMessage, []byte{0xff, 0xfe}) }, websocket.CloseInvalidFramePayloadData},
		{"an unmasked frame", func(c *client) error { _, err := c.NetConn().Write([]byte{0x81, 0x02, '{', '}'}); return err }, websocket.CloseProtocolError},
		{"a frame with reserved bits", func(c *client) error { _, err := c.NetConn().Write([]byte{0xf1, 0x80, 0, 0, 0, 0}); return err }, websocket.CloseProtocolError},
		{"six messages in a second", func(c *client) error {
			for range 6 {
				if err := c.WriteMessage(websocket.TextMessage, []byte(`{"method":"LIST_SUBSCRIPTIONS","id":1}`)); err != nil {
					return err
				}
			}
			return nil
		}, websocket.ClosePolicyViolation},
		{"six pings in a second", func(c *client) error {
			for range 6 {
				if err := c.WriteControl(websocket.PingMessage, nil, time.Now().Add(time.Second)); err != nil {
					return err
				}
			}
			return nil
		}, websocket.ClosePolicyViolation},
		{"six pongs that nobody asked for", func(c *client) error {
			for range 6 {
				if err := c.WriteControl(websocket.PongMessage, []byte("1"), time.Now().Add(time.Second)); err != nil {
					return err
				}
			}
			return nil
		}, websocket.ClosePolicyViolation},
	} {
		t.Run(c.name, func(t *testing.T) {
			offender := f.dial(t, "/ws/xrpeth@trade")
			if err := c.breach(offender); err != nil {
				t.Fatal(err)
			}
			if got := offender.closeCode(); got != c.code {
				t.Errorf("close code %d, want %d", got, c.code)
			}
		})
	}
	f.trade(t, 1, "0.0014", "100", true)
	if got := innocent.next(); got != tradeOne {
		t.Errorf("the innocent client got %s", got)
	}
}

// settle returns when the server serves the connection.
func (c *client) settle() {
	c.tb.Helper()
	c.write(`{"method":"LIST_SUBSCRIPTIONS","id":1}`)
	c.next()
}

// replay plays a dump of n trades at full speed from the first subscriber on. It
// returns a function that waits for the replay's end.
func (f *fixture) replay(tb testing.TB, n int) (wait func() error) {
	tb.Helper()
	var lines strings.Builder
	for id := 1; id <= n; id++ {
		fmt.Fprintf(&lines, "%d,0.00140000,1,0.00140000,1748779200000,True,True\n", id)
	}
	path := filepath.Join(tb.TempDir(), "XRPETH-trades.csv")
	if err := os.WriteFile(path, []byte(lines.String()), 0o600); err != nil {
		tb.Fatal(err)
	}
	return f.replayFile(tb, path)
}

func (f *fixture) replayFile(tb testing.TB, path string) (wait func() error) {
	tb.Helper()
	replay, err := sim.NewReplay(sim.DefaultReplay("XRPETH", path), f.engine, slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	ended := make(chan error, 1)
	go func() { ended <- replay.Run(ctx) }()
	wait = sync.OnceValue(func() error { return <-ended })
	tb.Cleanup(func() {
		cancel()
		wait()
	})
	return wait
}

// drain reads on until the connection ends, and answers pings with it.
func (c *client) drain() {
	go func() {
		for {
			if _, _, err := c.ReadMessage(); err != nil {
				return
			}
		}
	}()
}

func TestPongsToTheServersPingsDoNotCountAsMessages(t *testing.T) {
	f := open(t, options{})
	c := f.dial(t, "/ws/xrpeth@trade")
	replay := f.replay(t, 400) // 50 pings
	for id := 1; id <= 400; id++ {
		if got := c.next(); !strings.Contains(got, fmt.Sprintf(`"t":%d,`, id)) {
			t.Fatalf("trade %d is %s", id, got)
		}
	}
	c.drain()
	if err := replay(); err != nil {
		t.Fatal(err)
	}
}

func TestAReplayAtFullSpeedRunsNoFurtherAheadThanItsClientReads(t *testing.T) {
	f := open(t, options{})
	c := f.dial(t, "/ws/xrpeth@trade")
	replay := f.replay(t, 100)
	// The client answers pings when it reads. As it does not yet, the replay waits.
	eventually(t, "the replay waits", func() bool { return f.engine.Counts().Trades == 8 })
	for id := 1; id <= 100; id++ {
		if got := c.next(); !strings.Contains(got, fmt.Sprintf(`"t":%d,`, id)) {
			t.Fatalf("trade %d is %s", id, got)
		}
		if ahead := f.engine.Counts().Trades - int64(id); ahead > 8 {
			t.Fatalf("%d trades ahead of trade %d", ahead, id)
		}
	}
	c.drain()
	if err := replay(); err != nil {
		t.Fatal(err)
	}
}

func TestAClientThatGoesAwayFreesTheReplay(t *testing.T) {
	f := open(t, options{})
	first := f.dial(t, "/ws/xrpeth@trade")
	replay := f.replay(t, 50)
	eventually(t, "the replay waits for the client", func() bool { return f.engine.Counts().Trades == 8 })
	first.NetConn().Close()
	second := f.dial(t, "/ws/xrpeth@trade")
	second.drain()
	if err := replay(); err != nil {
		t.Fatal(err)
	}
	if passed := f.engine.Counts().Trades; passed != 50 {
		t.Errorf("%d trades passed", passed)
	}
}

func TestAClientThatFallsBehindIsCutOffAndOthersAreNot(t *testing.T) {
	const burst, trades = 500, 60_000 // more than the sockets' buffers hold
	f := open(t, options{config: func(c *server.Config) { c.QueueLimit = 2 * burst }})
	slow, quick := f.dial(t, "/ws/xrpeth@trade"), f.dial(t, "/ws/xrpeth@trade")
	if err := slow.NetConn().(*net.TCPConn).SetReadBuffer(64 << 10); err != nil {
		t.Fatal(err)
	}
	for id := int64(1); id <= trades; id++ {
		f.tradeAt(t, id, 0, "0.0014", "100", true)
		if id%burst != 0 {
			continue
		}
		for range burst {
			quick.next()
		}
	}
	got := 0
	var err error
	for ; err == nil; got++ {
		_, _, err = slow.ReadMessage()
	}
	if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
		t.Fatalf("the slow client is still connected after %d trades", got)
	}
	if got >= trades {
		t.Errorf("the slow client got all %d trades", got)
	}
}

func TestAClientWithoutPongsIsCutOff(t *testing.T) {
	f := open(t, options{config: func(c *server.Config) { c.PingInterval, c.PongWait = 10*time.Millisecond, 30*time.Millisecond }})
	c := f.dial(t, "/ws/xrpeth@trade")
	c.SetPingHandler(func(string) error { return nil })
	if _, _, err := c.ReadMessage(); err == nil {
		t.Error("a message came")
	} else if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
		t.Error("the connection stays")
	}
}

func TestAClientWithPongsStays(t *testing.T) {
	f := open(t, options{config: func(c *server.Config) { c.PingInterval, c.PongWait = time.Millisecond, 200*time.Millisecond }})
	c := f.dial(t, "/ws/xrpeth@trade")
	pings := 0
	answer := c.PingHandler()
	c.SetPingHandler(func(payload string) error {
		if pings++; pings == 700 {
			f.trade(t, 1, "0.0014", "100", true)
		}
		return answer(payload)
	})
	if got := c.next(); got != tradeOne {
		t.Errorf("after 700 pings: %s", got)
	}
}

func TestAConnectionEndsWithNoticeAtItsAge(t *testing.T) {
	f := open(t, options{config: func(c *server.Config) {
		c.MaxConnectionAge, c.ShutdownNotice = 100*time.Millisecond, 50*time.Millisecond
	}})
	for path, want := range map[string]string{
		"/ws/xrpeth@trade":             `{"e":"serverShutdown","E":1748779200000}`,
		"/stream?streams=xrpeth@trade": `{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1748779200000}}`,
		"/ws-api/v3":                   `{"event":{"e":"serverShutdown","E":1748779200000}}`,
	} {
		c := f.dial(t, path)
		if got := c.next(); got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
		if code := c.closeCode(); code != websocket.CloseNormalClosure {
			t.Errorf("%s: close code %d", path, code)
		}
	}
}

func TestTheServersEndClosesEveryConnectionAndLeavesNothing(t *testing.T) {
	f := open(t, options{})
	reading, silent := f.dial(t, "/ws/xrpeth@trade"), f.dial(t, "/ws-api/v3")
	reading.settle()
	silent.write(`{"id":1,"method":"ping"}`)
	silent.next() // the last that it reads: it will answer no close frame
	f.trade(t, 1, "0.0014", "100", true)
	ended := make(chan error, 1)
	go func() { ended <- f.stop() }()
	if got := reading.next(); got != tradeOne {
		t.Errorf("got %s", got)
	}
	if got := reading.next(); !strings.Contains(got, "serverShutdown") {
		t.Errorf("got %s", got)
	}
	if code := reading.closeCode(); code != websocket.CloseGoingAway {
		t.Errorf("close code %d", code)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, _, err := websocket.DefaultDialer.Dial("ws://"+f.address+"/ws", nil); err == nil {
		t.Error("a connection is made after the end")
	}
}

func TestADayOfRecordedTradesPassesWithoutAHole(t *testing.T) {
	const first, last = 13519807, 13525735
	path := "../../../../shared/data/XRPETH-trades-2019-10-11.csv"
	if _, err := os.Stat(path); err != nil {
		t.Skip("the recorded trades are not beside the repository: ", err)
	}
	f := open(t, options{})
	c := f.dial(t, "/ws/xrpeth@trade")
	replay := f.replayFile(t, path)
	for id := first; id <= last; id++ {
		if got := c.next(); !strings.Contains(got, fmt.Sprintf(`"t":%d,`, id)) {
			t.Fatalf("trade %d is %s", id, got)
		}
	}
	c.drain()
	if err := replay(); err != nil {
		t.Fatal(err)
	}
}
