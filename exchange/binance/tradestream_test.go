package binance_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"hedgehog/exchange"
	"hedgehog/exchange/binance"
	"hedgehog/exchange/exchangetest"
	"hedgehog/exchange/sim"
	"hedgehog/exchange/wire"
)

const rotation = time.Hour

var errAway = errors.New("nobody answers")

// socket is the exchange's end of one connection. What is sent waits in a queue
// for the client, as it would in a network's buffers.
type socket struct {
	ws    *websocket.Conn
	queue chan func(*websocket.Conn) error
	pongs chan string
	gone  chan struct{} // closed when the client has left, or close was called
}

func (s *socket) send(frame string) {
	s.queue <- func(ws *websocket.Conn) error { return ws.WriteMessage(websocket.TextMessage, []byte(frame)) }
}

func (s *socket) trade(id int64) {
	s.send(fmt.Sprintf(`{"e":"trade","E":1700000000000,"s":"XRPUSDT","t":%d,"p":"0.5","q":"10","T":1700000000000,"m":true,"M":true}`, id))
}

func (s *socket) ping(payload string) {
	s.queue <- func(ws *websocket.Conn) error {
		return ws.WriteControl(websocket.PingMessage, []byte(payload), time.Now().Add(time.Minute))
	}
}

// close ends the connection behind what was sent.
func (s *socket) close() {
	s.queue <- func(ws *websocket.Conn) error { return ws.Close() }
	<-s.gone
}

func (s *socket) live() bool {
	select {
	case <-s.gone:
		return false
	default:
		return true
	}
}

// streams is an exchange of market streams whose connections a test speaks for.
type streams struct {
	t       *testing.T
	sockets chan *socket // subscribed, in the order of their coming
	writers sync.WaitGroup
	// hasty is a trade that overtakes the answer to each subscription; 0: none.
	hasty int64
}

func (s *streams) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/api/v3/exchangeInfo" {
		document, err := wire.MarshalExchangeInfo(sim.InfoFor([]exchange.Symbol{exchangetest.Symbol()}))
		if err != nil {
			s.t.Error(err)
		}
		_, _ = w.Write(document)
		return
	}
	var upgrader websocket.Upgrader
	ws, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		s.t.Errorf("upgrade: %v", err)
		return
	}
	defer ws.Close()
	var request struct {
		ID     int      `json:"id"`
		Method string   `json:"method"`
		Params []string `json:"params"`
	}
	if err := ws.ReadJSON(&request); err != nil {
		return
	}
	if request.Method != "SUBSCRIBE" || len(request.Params) != 1 || request.Params[0] != "xrpusdt@trade" {
		s.t.Errorf("request %+v", request)
	}
	sk := &socket{ws: ws, queue: make(chan func(*websocket.Conn) error, 1000), pongs: make(chan string, 1000), gone: make(chan struct{})}
	ws.SetPongHandler(func(payload string) error {
		sk.pongs <- payload
		return nil
	})
	if s.hasty != 0 {
		sk.trade(s.hasty)
		sk.ping("after the hasty trade")
	}
	sk.send(fmt.Sprintf(`{"result":null,"id":%d}`, request.ID))
	s.writers.Go(func() { sk.write() })
	s.sockets <- sk
	for {
		if _, _, err := ws.NextReader(); err != nil {
			close(sk.gone)
			return
		}
	}
}

func (s *socket) write() {
	for {
		select {
		case send := <-s.queue:
			if err := send(s.ws); err != nil {
				return
			}
		case <-s.gone:
			return
		}
	}
}

// transcript is a sink that writes down what it is told: "connected" and ids.
type transcript struct {
	mu    sync.Mutex
	lines []string
	// blocking has Trade wait for block, which withStream makes: it has to be of
	// the bubble.
	blocking bool
	block    chan struct{}
	hasty    int64 // of the exchange that withStream makes
}

func (r *transcript) add(line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, line)
}

func (r *transcript) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.lines, " ")
}

func (r *transcript) Connected(context.Context) error {
	r.add("connected")
	return nil
}

func (r *transcript) Trade(ctx context.Context, t *exchange.TradeEvent) error {
	if r.blocking {
		select {
		case <-r.block:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	r.add(strconv.FormatInt(t.ID, 10))
	return nil
}

// withStream runs test in a bubble of virtual time with a stream of trades under
// way, whose first connection is made.
func withStream(t *testing.T, sink *transcript, test func(t *testing.T, s *streams, client *binance.Client, first *socket)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		sink.block = make(chan struct{})
		s := &streams{t: t, sockets: make(chan *socket, 100), hasty: sink.hasty}
		cfg, stop := serve(t, s)
		defer s.writers.Wait()
		defer stop()
		cfg.MaxConnectionAge = rotation
		cfg.ReadTimeout = 10 * rotation // silence is a matter of one test
		if strings.Contains(t.Name(), "Silent") {
			cfg.ReadTimeout = time.Minute
		}
		client := newClient(t, cfg)
		defer client.Close()
		ctx, cancel := context.WithCancelCause(context.Background())
		over := errors.New("test over")
		done := make(chan error, 1)
		go func() { done <- client.StreamTrades(ctx, symbol, sink) }()
		defer func() {
			cancel(over)
			if err := <-done; !errors.Is(err, over) {
				t.Errorf("the stream ended with %v, want the cause", err)
			}
		}()
		test(t, s, client, <-s.sockets)
	})
}

// TestTradesComeOnceAndInOrderOverTheirConnections plays scripts. Connections
// are a, b, c in the order of their coming: "a1" has a send trade 1, "a~" has it
// announce its end, "a!" ends it. "next" waits for the next connection.
func TestTradesComeOnceAndInOrderOverTheirConnections(t *testing.T) {
	for _, c := range []struct{ name, script, want string }{
		{"one connection", "a1 a2 a3", "connected 1 2 3"},
		{"repeats and stragglers", "a2 a1 a2 a3", "connected 2 3"},
		{"a lost connection", "a1 a! next b3", "connected 1 connected 3"},
		{"ids that start anew with a new exchange", "a100 a! next b1", "connected 100 connected 1"},
		{"replaced, both have the same ids", "a1 a2 next a3 b3 a4 b4 b5", "connected 1 2 3 4 5"},
		{"replaced, the new one is ahead", "a1 next b4 a2 a3 a4 b5", "connected 1 2 3 4 5"},
		{"replaced, the new one follows on", "a1 a2 next b3 b4", "connected 1 2 3 4"},
		{"replaced, the new one is behind", "a1 a2 a3 next b2 b3 b4", "connected 1 2 3 4"},
		{"replaced before the first trade", "next b7 a7 b8", "connected 7 8"},
		{"replaced, the old one ends before it is caught up", "a1 next b4 a! b5", "connected 1 connected 4 5"},
		{"replaced, the old one ends with nothing missing", "a1 a2 next a! b3", "connected 1 2 3"},
		{"replaced, the old one ends before the first trade", "next a! b3", "connected connected 3"},
		{"replaced twice without a trade between", "a1 next next a2 b2 c2 c3", "connected 1 2 3"},
		{"replaced, then lost", "a1 next b2 b! next c3", "connected 1 2 connected 3"},
		{"an announced end", "a1 a~ next b2 b3", "connected 1 2 3"},
		{"an announced end that comes early", "a1 a~ next a2 a! b3", "connected 1 2 3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			sink := &transcript{}
			withStream(t, sink, func(t *testing.T, s *streams, _ *binance.Client, first *socket) {
				time.Sleep(time.Minute) // no longer young
				sockets := []*socket{first}
				for _, step := range strings.Fields(c.script) {
					if step == "next" {
						sockets = append(sockets, <-s.sockets)
						continue
					}
					sk := sockets[step[0]-'a']
					switch step[1:] {
					case "!":
						sk.close()
					case "~":
						sk.send(`{"e":"serverShutdown","E":1770123456789}`)
					default:
						id, err := strconv.ParseInt(step[1:], 10, 64)
						if err != nil {
							t.Fatal(err)
						}
						sk.trade(id)
					}
					synctest.Wait()
				}
				if got := sink.String(); got != c.want {
					t.Errorf("got  %s\nwant %s", got, c.want)
				}
				for i, sk := range sockets {
					if last := i == len(sockets)-1; sk.live() != last {
						t.Errorf("connection %c is live: %t", 'a'+i, sk.live())
					}
				}
			})
		})
	}
}

// TestNoTradeIsLostHoweverConnectionsLag has one exchange whose connections all
// carry every trade from their beginning on, each as late as chance has it,
// while they are replaced.
func TestNoTradeIsLostHoweverConnectionsLag(t *testing.T) {
	for seed := range uint64(30) {
		sink := &transcript{}
		withStream(t, sink, func(t *testing.T, s *streams, _ *binance.Client, first *socket) {
			random := rand.New(rand.NewPCG(seed, 0))
			type lagging struct {
				*socket
				next int64 // the trade that it carries next
			}
			var published int64
			connections := []*lagging{{first, 1}}
			deliver := func(l *lagging) {
				if l.next <= published && l.live() {
					l.trade(l.next)
					l.next++
					synctest.Wait()
				}
			}
			for range 300 {
				switch n := random.IntN(10); {
				case n < 3:
					published++
				case n == 3 && random.IntN(4) == 0:
					connections = append(connections, &lagging{<-s.sockets, published + 1})
				default:
					deliver(connections[random.IntN(len(connections))])
				}
			}
			for _, l := range connections {
				for l.next <= published && l.live() {
					deliver(l)
				}
			}
			want := "connected"
			for id := range published {
				want += " " + strconv.FormatInt(id+1, 10)
			}
			if got := sink.String(); got != want {
				t.Errorf("seed %d: got  %s\nwant %s", seed, got, want)
			}
		})
	}
}

func TestAPongSaysThatEverythingBeforeThePingIsDealtWith(t *testing.T) {
	sink := &transcript{blocking: true}
	withStream(t, sink, func(t *testing.T, s *streams, _ *binance.Client, sk *socket) {
		sk.trade(1)
		sk.ping("after one")
		sk.trade(2)
		sk.ping("after two")
		for _, want := range []struct{ pong, lines string }{{"after one", "connected 1"}, {"after two", "connected 1 2"}} {
			synctest.Wait()
			select {
			case pong := <-sk.pongs:
				t.Fatalf("pong %q before the trade was dealt with", pong)
			default:
			}
			sink.block <- struct{}{}
			if pong := <-sk.pongs; pong != want.pong || sink.String() != want.lines {
				t.Errorf("pong %q after %q, want %q after %q", pong, sink.String(), want.pong, want.lines)
			}
		}
	})
}

func TestATradeThatOvertakesTheAnswerToItsSubscriptionIsNotLost(t *testing.T) {
	sink := &transcript{blocking: true, hasty: 1}
	withStream(t, sink, func(t *testing.T, s *streams, _ *binance.Client, sk *socket) {
		synctest.Wait()
		if got := sink.String(); got != "connected" || len(sk.pongs) != 0 {
			t.Errorf("got %q and %d pongs while the trade waits", got, len(sk.pongs))
		}
		sink.block <- struct{}{}
		sk.trade(2)
		sink.block <- struct{}{}
		synctest.Wait()
		if got := sink.String(); got != "connected 1 2" || len(sk.pongs) != 1 {
			t.Errorf("got %q and %d pongs, want both trades and one pong", got, len(sk.pongs))
		}
	})
}

func TestAGoodConnectionStartsTheBackOffAnew(t *testing.T) {
	withStream(t, &transcript{}, func(t *testing.T, s *streams, _ *binance.Client, sk *socket) {
		start := time.Now()
		for range 12 {
			sk.close()
			sk = <-s.sockets
		}
		if took := time.Since(start); took < 10*time.Second {
			t.Errorf("twelve connections within %s", took)
		}
		time.Sleep(time.Minute)
		start = time.Now()
		sk.close()
		<-s.sockets
		if took := time.Since(start); took > time.Second {
			t.Errorf("connected %s after a good connection", took)
		}
	})
}

func TestASilentConnectionIsReplaced(t *testing.T) {
	sink := &transcript{}
	withStream(t, sink, func(t *testing.T, s *streams, _ *binance.Client, sk *socket) {
		for range 9 { // pings keep it alive
			time.Sleep(20 * time.Second)
			sk.ping("")
			<-sk.pongs
		}
		start := time.Now()
		next := <-s.sockets
		if took := time.Since(start); took < time.Minute || took > 62*time.Second {
			t.Errorf("replaced after %s of silence, want a minute", took)
		}
		next.trade(5)
		<-s.sockets // without any ping
		synctest.Wait()
		if got := sink.String(); got != "connected connected 5 connected" {
			t.Errorf("got %s", got)
		}
	})
}

func TestABadFrameCostsAConnectionAndNoMore(t *testing.T) {
	for name, send := range map[string]func(*socket){
		"no JSON":        func(s *socket) { s.send("trade!") },
		"a broken price": func(s *socket) { s.send(strings.Replace(tradeFrame, "0.00100000", "cheap", 1)) },
		"another symbol": func(s *socket) { s.send(tradeFrame) },
		"an oversized frame": func(s *socket) {
			frame, err := json.Marshal(strings.Repeat("x", 2<<20))
			if err != nil {
				panic(err)
			}
			s.send(string(frame))
		},
		"a binary frame": func(s *socket) {
			s.queue <- func(ws *websocket.Conn) error { return ws.WriteMessage(websocket.BinaryMessage, []byte(tradeFrame)) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			sink := &transcript{}
			withStream(t, sink, func(t *testing.T, s *streams, client *binance.Client, sk *socket) {
				sk.trade(1)
				send(sk)
				next := <-s.sockets
				next.trade(2)
				synctest.Wait()
				if got := sink.String(); got != "connected 1 connected 2" {
					t.Errorf("got %s", got)
				}
				if stats := client.Stats(); stats.Connections != 2 || stats.BadFrames != 1 {
					t.Errorf("counted %+v, want two connections and one bad frame", stats)
				}
			})
		})
	}
}

func TestAnExchangeThatIsAwayIsCalledEverMoreSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls []time.Time
		cfg := binance.At("http://127.0.0.1:1")
		cfg.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
			calls = append(calls, time.Now())
			return nil, errors.New("connection refused")
		}
		client := newClient(t, cfg)
		defer client.Close()
		ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Minute, errAway)
		defer cancel()
		if err := client.StreamTrades(ctx, symbol, &transcript{}); !errors.Is(err, errAway) {
			t.Errorf("error %v, want the cause", err)
		}
		if n := len(calls); n < 50 || n > 600 {
			t.Errorf("%d calls in ten minutes", n)
		}
		if gap := calls[1].Sub(calls[0]); gap > time.Second {
			t.Errorf("the second call came after %s", gap)
		}
	})
}
