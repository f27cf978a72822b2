package simulation_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"time"

	"hedgehog/exchange"
	"hedgehog/exchange/sim"
	"hedgehog/exchange/sim/server"
)

// venueName is the exchange's name as a participant.
const venueName = "exchange"

// venue is the simulated exchange on the world's clock, with its faults.
type venue struct {
	w        *world
	engine   *sim.Engine
	handler  http.Handler
	listener *listener
	front    *server.Server
	stop     context.CancelFunc
	ended    chan error

	// Guarded by the world's mu.
	slow   time.Duration // of each request, before and after it is dealt with
	errors int           // of a hundred requests, answered with 500, half of them after they were dealt with
	rough  bool          // order updates come twice and out of order
}

// perSecond is how many trades a symbol has in a second.
func perSecond() float64 {
	if *busy {
		return 20
	}
	return 5
}

func openVenue(w *world, rules []exchange.Symbol) (*venue, error) {
	v := &venue{w: w, listener: newListener(nil, &net.TCPAddr{IP: net.IPv4(10, 0, 0, 250), Port: 80}), ended: make(chan error, 2)}
	config := sim.DefaultConfig(sim.InfoFor(rules))
	config.Commission = commission
	config.PartialFills = w.seed%2 == 0
	config.Now = v.now
	config.Log = w.log
	config.Journalled = func(e sim.JournalEntry) {
		w.note("exchange: %s %s %s %s %s@%s %s, from %s", e.Event, e.Symbol, e.ClientOrderID, e.Status, e.Quantity, e.Price, reason(e), e.UserAgent)
		w.court.journalled(e)
	}
	var err error
	if v.engine, err = sim.New(config); err != nil {
		return nil, err
	}
	front := server.DefaultConfig()
	front.ConnectionsPer5Minutes = 100_000
	if v.front, err = server.New(front, v.engine, w.log); err != nil {
		return nil, err
	}
	v.handler = v.front.Handler()
	walk := sim.DefaultWalk(w.symbols)
	walk.Seed, walk.PerSecond = w.seed, perSecond()
	prices, err := sim.NewWalk(walk, v.engine)
	if err != nil {
		return nil, err
	}
	var ctx context.Context
	ctx, v.stop = context.WithCancel(context.Background())
	go func() { v.ended <- v.front.Run(ctx, v.listener) }()
	go func() { v.ended <- prices.Run(ctx) }()
	return v, nil
}

func reason(e sim.JournalEntry) string {
	if e.Code == 0 {
		return ""
	}
	return fmt.Sprintf("code %d", e.Code)
}

// close ends the exchange and waits for it.
func (v *venue) close() {
	v.stop()
	for range 2 {
		if err := <-v.ended; err != nil && !errors.Is(err, context.Canceled) {
			panic(err)
		}
	}
}

// dialVenue connects the life to the exchange's websockets.
func (l *life) dialVenue(ctx context.Context, _, _ string) (net.Conn, error) {
	v := l.machine.w.venue
	s, err := v.w.connect(ctx, l.name, l, venueName, func() *listener { return v.listener }, v.listener.address)
	if err != nil {
		return nil, err
	}
	s.other.mangle = v.mangle
	return s, nil
}

// mangle sends order updates twice, or the later one first, in rough times.
func (v *venue) mangle(s *stream, chunk []byte) [][]byte {
	v.w.mu.Lock()
	rough := v.rough
	v.w.mu.Unlock()
	if !rough || !bytes.Contains(chunk, []byte("executionReport")) {
		return [][]byte{chunk}
	}
	switch v.w.dice("order updates to "+s.to, 3) {
	case 0:
		return [][]byte{chunk, chunk}
	case 1:
		frames := framesOf(chunk)
		for i, j := 0, len(frames)-1; i < j; i, j = i+1, j-1 {
			frames[i], frames[j] = frames[j], frames[i]
		}
		return append(frames, frames[0])
	default:
		return [][]byte{chunk}
	}
}

// framesOf cuts what a server has sent into its websocket frames (RFC 6455, 5.2;
// a server's have no mask).
func framesOf(chunk []byte) [][]byte {
	var frames [][]byte
	for len(chunk) >= 2 {
		header, length := 2, int(chunk[1]&0x7f)
		switch length {
		case 126:
			header, length = 4, int(chunk[2])<<8|int(chunk[3])
		case 127:
			return append(frames, chunk)
		}
		frames = append(frames, chunk[:header+length])
		chunk = chunk[header+length:]
	}
	return frames
}

// venueCalls are the requests to the exchange's REST API.
type venueCalls struct{ life *life }

func (c venueCalls) RoundTrip(r *http.Request) (*http.Response, error) {
	w := c.life.machine.w
	v := w.venue
	return w.roundTrip(c.life, venueName, r, func(r *http.Request) *http.Response {
		w.mu.Lock()
		slow, share := v.slow, v.errors
		w.mu.Unlock()
		what := c.life.name + r.URL.RequestURI()
		fails := w.dice(what+" fails", 100) < share
		after := w.dice(what+" after", 2) == 0
		v.takes(what, slow)
		answer := httptest.NewRecorder()
		if !fails || after {
			v.handler.ServeHTTP(answer, r)
		}
		if fails {
			answer = httptest.NewRecorder()
			http.Error(answer, `{"code":-1000,"msg":"An unknown error occurred while processing the request."}`, http.StatusInternalServerError)
		}
		v.takes(what+" answered", slow)
		if strings.Contains(r.URL.Path, "/order") && fails {
			w.note("exchange: fails %s of %s, %s", r.Method, c.life.name, map[bool]string{true: "after it was dealt with", false: "unseen"}[after])
		}
		return answer.Result()
	})
}

// takes is how long the exchange takes, whoever is still there.
func (v *venue) takes(what string, slow time.Duration) {
	if slow > 0 {
		time.Sleep(v.w.within(what, 0, slow))
	}
}

// dropStreams closes the websockets of a node.
func (v *venue) dropStreams(node string) {
	l := v.w.lifeOf(node)
	if l == nil {
		return
	}
	v.w.mu.Lock()
	streams := slices.Clone(l.streams)
	v.w.mu.Unlock()
	for _, s := range streams {
		if s.to == venueName {
			s.lost()
			s.other.lost()
		}
	}
}
