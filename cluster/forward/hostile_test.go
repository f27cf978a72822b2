package forward_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"hedgehog/cluster/forward"
)

// frame returns a frame whose first event has the number first.
func frame(first uint64, events ...string) []byte {
	b := binary.BigEndian.AppendUint64(nil, first)
	for _, e := range events {
		b = binary.BigEndian.AppendUint32(b, uint32(len(e)))
		b = append(b, e...)
	}
	return b
}

// connect opens a websocket to the node at the address, as the node of that name.
func (n *network) connect(tb testing.TB, address, name string) (*websocket.Conn, *http.Response) {
	tb.Helper()
	dialer := websocket.Dialer{NetDialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return n.dialer(name)(ctx, address, "")
	}}
	ws, response, err := dialer.DialContext(tb.Context(), "ws://hedgehog/events", nil)
	if response == nil {
		tb.Fatalf("connect: %v", err)
	}
	return ws, response
}

// imitate serves the address with behave for each connection that is made to it,
// until the returned function is called.
func (n *network) imitate(address string, behave func(*websocket.Conn)) (stop func()) {
	l := n.listen(address)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := new(websocket.Upgrader).Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer ws.Close()
		behave(ws)
	})}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(l)
	}()
	return func() {
		_ = server.Close()
		<-ended
	}
}

func TestABrokenFrameEndsTheConnection(t *testing.T) {
	good := frame(3, "T:X good")
	cases := map[string]struct {
		kind    int
		message []byte
	}{
		"text":                             {websocket.TextMessage, frame(4, "T:X 1")},
		"nothing":                          {websocket.BinaryMessage, nil},
		"half a header":                    {websocket.BinaryMessage, frame(4)[:7]},
		"half a length":                    {websocket.BinaryMessage, append(frame(4, "T:X 1"), 0, 0)},
		"a length beyond the end":          {websocket.BinaryMessage, frame(4, "T:X 1")[:16]},
		"a length of 4 GB":                 {websocket.BinaryMessage, append(frame(4), 255, 255, 255, 255)},
		"an event too long":                {websocket.BinaryMessage, frame(4, strings.Repeat("x", 1<<16+1))},
		"a frame too long":                 {websocket.BinaryMessage, frame(4, strings.Repeat("x", 1<<16), strings.Repeat("x", 1<<16))},
		"the same number again":            {websocket.BinaryMessage, frame(3, "T:X 1")},
		"a number that leaves no next one": {websocket.BinaryMessage, frame(math.MaxUint64, "T:X 1")},
		"the end of the connection":        {websocket.CloseMessage, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork()
				b := n.start(t, "b", nil)
				defer stop(t, b)
				var connections, ended atomic.Int32
				stopServer := n.imitate("a", func(ws *websocket.Conn) {
					if connections.Add(1) > 1 {
						readAll(ws)
						return
					}
					if _, asked, err := ws.ReadMessage(); err != nil || string(asked) != "+T:X\n" {
						t.Errorf("asked for %q, %v", asked, err)
					}
					_ = ws.WriteMessage(websocket.BinaryMessage, good)
					_ = ws.WriteMessage(c.kind, c.message)
					_, _, _ = ws.ReadMessage() // until b gives up
					ended.Add(1)
				})
				defer stopServer()
				b.SetPeers([]forward.Peer{{Name: "a", Address: "a"}})
				release := b.Want("T:X")
				elapse(2 * time.Second)
				if ended.Load() != 1 || connections.Load() != 2 {
					t.Errorf("%d of %d connections given up, want the first of two", ended.Load(), connections.Load())
				}
				expect(t, b, "T:X good")
				if s := peerStats(t, b, "a"); s.Received != 1 || s.Missed != 3 {
					t.Errorf("figures: %+v, want one event received and three missed", s)
				}
				release()
			})
		})
	}
}

func TestABrokenRequestEndsTheConnection(t *testing.T) {
	cases := map[string]struct {
		kind    int
		message string
	}{
		"binary":             {websocket.BinaryMessage, "+T:Y\n"},
		"no sign":            {websocket.TextMessage, "T:Y\n"},
		"no topic":           {websocket.TextMessage, "+\n"},
		"no end of the line": {websocket.TextMessage, "+T:Y"},
		"an empty line":      {websocket.TextMessage, "\n"},
		"a space":            {websocket.TextMessage, "+T Y\n"},
		"a topic too long":   {websocket.TextMessage, "+" + strings.Repeat("T", 257) + "\n"},
		"a message too long": {websocket.TextMessage, strings.Repeat("+T:Y\n", 1<<14)},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork()
				a := n.start(t, "a", nil)
				defer stop(t, a)
				ws, _ := n.connect(t, "a", "c")
				defer ws.Close()
				send(t, ws, websocket.TextMessage, "+T:X\n")
				synctest.Wait()
				if a.subscribers("T:X") != 1 {
					t.Fatal("the good request before is not heeded")
				}
				_ = ws.WriteMessage(c.kind, []byte(c.message)) // may fail: it is too long to be read
				if _, _, err := ws.ReadMessage(); err == nil {
					t.Error("the connection stands")
				}
				synctest.Wait()
				if a.subscribers("T:X")+a.subscribers("T:Y") != 0 || len(a.Stats()) != 0 {
					t.Errorf("subscriptions or figures are left: %+v", a.Stats())
				}
			})
		})
	}
}

func TestAPeerThatWantsTooMuchIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		a := n.start(t, "a", nil)
		defer stop(t, a)
		ws, _ := n.connect(t, "a", "c")
		defer ws.Close()
		var err error
		sent := 0
		for ; err == nil && sent < 1<<17; sent++ {
			err = ws.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, "+T:%d\n", sent))
		}
		if sent <= 1<<16 || sent == 1<<17 {
			t.Errorf("cut off after %d topics, want 65,536", sent)
		}
	})
}

func TestUnwantedTopicsAndRepeatedRequestsDoNoHarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		a := n.start(t, "a", nil)
		defer stop(t, a)
		ws, _ := n.connect(t, "a", "c")
		defer ws.Close()
		send(t, ws, websocket.TextMessage, "+T:X\n+T:X\n-T:Y\n")
		synctest.Wait()
		if a.subscribers("T:X") != 1 {
			t.Errorf("%d subscriptions for one peer", a.subscribers("T:X"))
		}
		send(t, ws, websocket.TextMessage, "-T:X\n-T:X\n")
		synctest.Wait()
		if a.subscribers("T:X") != 0 {
			t.Error("subscribed although the topic is no longer wanted")
		}
	})
}

func TestEventsThatNobodyAskedForArePublishedNowhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		b := n.start(t, "b", nil)
		defer stop(t, b)
		stopServer := n.imitate("a", func(ws *websocket.Conn) {
			_, _, _ = ws.ReadMessage()
			_ = ws.WriteMessage(websocket.BinaryMessage, frame(0, "O:X forged", "T:X 1"))
			_, _, _ = ws.ReadMessage()
		})
		defer stopServer()
		b.SetPeers([]forward.Peer{{Name: "a", Address: "a"}})
		defer b.Want("T:X")()
		expect(t, b, "T:X 1")
	})
}

func TestStrangersAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		a := n.start(t, "a", nil)
		defer stop(t, a)
		for _, name := range []string{"", "a"} {
			if ws, response := n.connect(t, "a", name); ws != nil || response.StatusCode != http.StatusForbidden {
				t.Errorf("%q gets %s", name, response.Status)
			}
		}
	})
}

func TestOtherRequestsAreRefused(t *testing.T) {
	for request, want := range map[string]string{
		"GET /events HTTP/1.1\r\nHost: x\r\n\r\n":                "400",
		"POST /events HTTP/1.1\r\nHost: x\r\n\r\n":               "405",
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n":                      "404",
		"+T:X\n\r\n\r\n":                                         "400",
		"GET /events HTTP/1.1\r\n" + strings.Repeat("X", 20_000): "431",
		"GET /events HTTP/1.1\r\nHost: x\r\n":                    "",
	} {
		synctest.Test(t, func(t *testing.T) {
			n := newNetwork()
			a := n.start(t, "a", nil)
			defer stop(t, a)
			c, err := n.dialer("c")(t.Context(), "a", "")
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			go func() { _, _ = io.WriteString(c, request) }()
			began := time.Now()
			answer, _ := io.ReadAll(c)
			if len(answer) > 0 != (want != "") || !strings.HasPrefix(string(answer), "HTTP/1.1 "+want) && want != "" {
				t.Errorf("%.40q: %.60q, want status %s", request, answer, want)
			}
			if d := time.Since(began); d > 10*time.Second {
				t.Errorf("%.40q: the connection lasted %s", request, d)
			}
		})
	}
}

func TestANewerConnectionReplacesTheOldOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		a := n.start(t, "a", nil)
		defer stop(t, a)
		older, _ := n.connect(t, "a", "c")
		defer older.Close()
		send(t, older, websocket.TextMessage, "+T:X\n")
		synctest.Wait()
		newer, _ := n.connect(t, "a", "c")
		defer newer.Close()
		send(t, newer, websocket.TextMessage, "+T:X\n")
		if _, _, err := older.ReadMessage(); err == nil {
			t.Error("the older connection stands")
		}
		synctest.Wait()
		if a.subscribers("T:X") != 1 {
			t.Errorf("%d subscriptions for one peer", a.subscribers("T:X"))
		}
		a.happen("T:X", "1")
		if _, got, err := newer.ReadMessage(); err != nil || string(got) != string(frame(0, "T:X 1")) {
			t.Errorf("got %q, %v", got, err)
		}
		synctest.Wait()
		if s := peerStats(t, a, "c"); !s.Listening || s.Topics != 1 || s.Sent != 1 {
			t.Errorf("figures: %+v", s)
		}
	})
}

func TestASilentListenerIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		a := n.start(t, "a", nil)
		defer stop(t, a)
		ws, _ := n.connect(t, "a", "c")
		defer ws.Close()
		send(t, ws, websocket.TextMessage, "+T:X\n")
		synctest.Wait()
		for range 10 { // more than the pipe takes: the sender is held up in a write
			a.happen("T:X", "1")
		}
		elapse(4 * time.Second)
		send(t, ws, websocket.TextMessage, "") // a heartbeat
		elapse(4 * time.Second)
		if a.subscribers("T:X") != 1 {
			t.Fatal("given up in spite of a heartbeat")
		}
		elapse(3 * time.Second)
		if a.subscribers("T:X") != 0 || len(a.Stats()) != 0 {
			t.Errorf("a peer that is silent for 7 s is still served: %+v", a.Stats())
		}
	})
}

func TestASilentSenderIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		b := n.start(t, "b", nil)
		defer stop(t, b)
		stopServer := n.imitate("a", func(ws *websocket.Conn) {
			readAll(ws) // and says nothing
		})
		defer stopServer()
		b.SetPeers([]forward.Peer{{Name: "a", Address: "a"}})
		release := b.Want("T:X")
		elapse(5 * time.Second)
		if s := peerStats(t, b, "a"); !s.Connected || s.Connects != 1 {
			t.Fatalf("figures after 5 s: %+v", s)
		}
		elapse(2 * time.Second)
		if s := peerStats(t, b, "a"); s.Connects != 2 {
			t.Errorf("figures after 7 s: %+v, want the second connection", s)
		}
		release()
		synctest.Wait()
	})
}

func TestAConnectionThatIsQuietStands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b := pair(t, nil)
		defer stop(t, a, b)
		defer b.Want("T:X")()
		elapse(time.Hour)
		if s := peerStats(t, b, "a"); !s.Connected || s.Connects != 1 {
			t.Errorf("figures after an hour: %+v", s)
		}
	})
}

func TestRunEndsAtOnceInTheMiddleOfAHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		l := n.listen("a")
		b := n.start(t, "b", nil)
		b.SetPeers([]forward.Peer{{Name: "a", Address: "a"}})
		defer b.Want("T:X")()
		silent, err := l.Accept() // and never answers
		if err != nil {
			t.Fatal(err)
		}
		defer silent.Close()
		// And one that connects to b and says nothing.
		idle, err := n.dialer("c")(t.Context(), "b", "")
		if err != nil {
			t.Fatal(err)
		}
		defer idle.Close()
		synctest.Wait()
		began := time.Now()
		stop(t, b)
		if d := time.Since(began); d != 0 {
			t.Errorf("the end took %s", d)
		}
	})
}

func send(tb testing.TB, ws *websocket.Conn, kind int, message string) {
	tb.Helper()
	if err := ws.WriteMessage(kind, []byte(message)); err != nil {
		tb.Fatalf("send %q: %v", message, err)
	}
}

// readAll reads until the connection ends.
func readAll(ws *websocket.Conn) {
	for {
		if _, _, err := ws.NextReader(); err != nil {
			return
		}
	}
}
