package live_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"hedgehog/data/bus"
	"hedgehog/exchange"
	"hedgehog/node/access"
	"hedgehog/node/api"
	"hedgehog/node/live"
)

// source is a cluster that a test changes at will.
type source struct {
	bus     *bus.Bus
	queue   int           // of a topic's subscription
	silent  chan struct{} // where there is one, a node's status waits for its end
	watched atomic.Int32  // topics that are watched now

	mu      sync.Mutex
	leader  string             // guarded by mu
	events  []api.ClusterEvent // likewise
	changed chan struct{}      // likewise
}

func newSource() *source {
	return &source{bus: bus.New(), queue: 1000, leader: "n1", changed: make(chan struct{})}
}

func (s *source) Cluster() api.ClusterStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	return api.ClusterStatus{Node: "n1", Leader: s.leader}
}

func (s *source) Symbols() []api.ClusterSymbol { return []api.ClusterSymbol{{Symbol: "XRPUSDT"}} }

func (s *source) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

func (s *source) Events(seen uint64) ([]api.ClusterEvent, uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.events[seen:]), uint64(len(s.events))
}

func (s *source) Status(ctx context.Context, patience time.Duration) (api.Status, []string, error) {
	if s.silent == nil {
		return api.Status{Node: "n1"}, nil, nil
	}
	select {
	case <-s.silent:
	case <-ctx.Done():
	}
	return api.Status{Node: "n1"}, []string{"n2"}, nil
}

func (s *source) Watch(_ context.Context, topic string) (*bus.Subscription, func(), error) {
	parsed, err := bus.ParseTopic(topic)
	if err != nil {
		return nil, nil, err
	}
	s.watched.Add(1)
	sub := s.bus.Subscribe(bus.Options{Capacity: s.queue, Lossy: true}, parsed)
	return sub, func() {
		sub.Close()
		s.watched.Add(-1)
	}, nil
}

func (s *source) Now() exchange.Micros { return 42 }

// change changes the cluster, and tells of it or not.
func (s *source) change(tell bool, do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do()
	if tell {
		close(s.changed)
		s.changed = make(chan struct{})
	}
}

// publish lets a trade pass.
func (s *source) publish(t *testing.T, symbol string, id int64, source exchange.Source) {
	t.Helper()
	if err := s.bus.Publish(t.Context(), bus.TradeEvents(symbol), &exchange.TradeEvent{Symbol: symbol, ID: id, Source: source}); err != nil {
		t.Fatal(err)
	}
}

// fill lets so many trades of XRPUSDT pass.
func (s *source) fill(t *testing.T, trades int64) {
	t.Helper()
	for id := range trades {
		s.publish(t, "XRPUSDT", id+1, exchange.Live)
	}
}

// served is a server under test.
type served struct {
	address string
	client  *api.Client
	end     context.CancelCauseFunc // of the requests
	serving sync.WaitGroup          // the websockets
	refused atomic.Pointer[live.Refusal]
}

// patient is a configuration in which nothing happens by the clock.
func patient() live.Config {
	c := live.DefaultConfig()
	c.Look, c.Second, c.PingInterval, c.WritePatience = time.Hour, time.Hour, time.Hour, time.Hour
	return c
}

func serve(t *testing.T, c live.Config, s *source) *served {
	t.Helper()
	server := live.New(c, s)
	ctx, end := context.WithCancelCause(context.Background())
	v := &served{end: end}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.serving.Add(1)
		defer v.serving.Done()
		err := server.Serve(w, r.WithContext(ctx))
		if refused := new(live.Refusal); errors.As(err, &refused) {
			v.refused.Store(refused)
			http.Error(w, refused.Reason, refused.Status)
		}
	}))
	t.Cleanup(func() {
		end(nil)
		web.Close()
		v.serving.Wait()
		if left := s.watched.Load(); left != 0 {
			t.Errorf("%d topics are watched though nobody is there", left)
		}
	})
	client, err := api.NewClient(web.URL)
	if err != nil {
		t.Fatal(err)
	}
	v.address, v.client = web.URL, client
	return v
}

func (v *served) follow(t *testing.T) *api.Live {
	t.Helper()
	l, err := v.client.Live(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// next returns the next frame of the kind; what else comes is passed over.
func next(t *testing.T, l *api.Live, kind string) api.LiveFrame {
	t.Helper()
	for {
		f, err := l.Next()
		if err != nil {
			t.Fatalf("wait for %q: %v", kind, err)
		}
		if f.Kind == kind {
			return f
		}
	}
}

func watch(t *testing.T, l *api.Live, topics ...string) {
	t.Helper()
	if err := l.Watch(topics...); err != nil {
		t.Fatal(err)
	}
	var watched []string
	decode(t, next(t, l, api.LiveWatching), &watched)
	if slices.Sort(topics); !slices.Equal(watched, topics) {
		t.Fatalf("watching %v, want %v", watched, topics)
	}
}

func decode(t *testing.T, f api.LiveFrame, into any) {
	t.Helper()
	if err := json.Unmarshal(f.Data, into); err != nil {
		t.Fatalf("%s %s: %v", f.Kind, f.Data, err)
	}
}

func leader(t *testing.T, f api.LiveFrame) string {
	t.Helper()
	var s api.ClusterStatus
	decode(t, f, &s)
	return s.Leader
}

// trade returns the id of the next trade.
func trade(t *testing.T, l *api.Live) int64 {
	t.Helper()
	var e exchange.TradeEvent
	decode(t, next(t, l, api.LiveMessage), &e)
	return e.ID
}

func TestWhoComesIsToldEverythingAtOnce(t *testing.T) {
	s := newSource()
	for i := range 150 {
		s.events = append(s.events, api.ClusterEvent{Text: fmt.Sprint(i)})
	}
	l := serve(t, patient(), s).follow(t)
	kinds := make(map[string]api.LiveFrame)
	for len(kinds) < 5 {
		f, err := l.Next()
		if err != nil {
			t.Fatal(err)
		}
		kinds[f.Kind] = f
	}
	if got := leader(t, kinds[api.LiveCluster]); got != "n1" {
		t.Errorf("leader %q", got)
	}
	var events []api.ClusterEvent
	decode(t, kinds[api.LiveEvents], &events)
	if len(events) != 100 || events[0].Text != "50" || events[99].Text != "149" {
		t.Errorf("%d events, want the newest 100, oldest first", len(events))
	}
	if f := kinds[api.LiveBeat]; f.TimeUS != 42 {
		t.Errorf("beat %+v", f)
	}
	for _, kind := range []string{api.LiveSymbols, api.LiveStatus} {
		if len(kinds[kind].Data) == 0 {
			t.Errorf("nothing of kind %q", kind)
		}
	}
}

func TestAChangeIsToldAtOnceAndOnce(t *testing.T) {
	s := newSource()
	l := serve(t, patient(), s).follow(t)
	next(t, l, api.LiveEvents)
	s.change(true, func() { s.leader, s.events = "n2", append(s.events, api.ClusterEvent{Text: "n2 leads"}) })
	if got := leader(t, next(t, l, api.LiveCluster)); got != "n2" {
		t.Errorf("leader %q, want n2", got)
	}
	var events []api.ClusterEvent
	if decode(t, next(t, l, api.LiveEvents), &events); len(events) != 1 || events[0].Text != "n2 leads" {
		t.Errorf("events %+v", events)
	}
	// The next thing that is told is the next change: nothing is told twice.
	s.change(true, func() {})
	s.change(true, func() { s.leader = "n3" })
	for {
		f, err := l.Next()
		if err != nil {
			t.Fatal(err)
		}
		if f.Kind == api.LiveStatus {
			continue
		}
		if f.Kind != api.LiveCluster || leader(t, f) != "n3" {
			t.Errorf("told %s %s, want that n3 leads", f.Kind, f.Data)
		}
		return
	}
}

func TestAChangeThatNobodyTellsOfIsSeenAllTheSame(t *testing.T) {
	s := newSource()
	c := patient()
	c.Look = 10 * time.Millisecond
	l := serve(t, c, s).follow(t)
	next(t, l, api.LiveCluster)
	s.change(false, func() { s.leader = "n2" })
	if got := leader(t, next(t, l, api.LiveCluster)); got != "n2" {
		t.Errorf("leader %q, want n2", got)
	}
}

func TestANodeThatDoesNotAnswerHoldsUpNothingElse(t *testing.T) {
	s := newSource()
	s.silent = make(chan struct{})
	l := serve(t, patient(), s).follow(t)
	next(t, l, api.LiveEvents)
	for _, name := range []string{"n2", "n3", "n4"} {
		s.change(true, func() { s.leader = name })
		if got := leader(t, next(t, l, api.LiveCluster)); got != name {
			t.Errorf("leader %q, want %s", got, name)
		}
	}
	close(s.silent)
	if f := next(t, l, api.LiveStatus); !slices.Equal(f.Missing, []string{"n2"}) {
		t.Errorf("missing %v, want n2", f.Missing)
	}
}

func TestTopicsAreWatchedUntilOthersTakeTheirPlace(t *testing.T) {
	s := newSource()
	l := serve(t, patient(), s).follow(t)
	watch(t, l, "TRADE_EVENTS:XRPUSDT", "ORDERS:XRPUSDT")
	s.publish(t, "XRPUSDT", 1, exchange.Live)
	if f := next(t, l, api.LiveMessage); f.Topic != "TRADE_EVENTS:XRPUSDT" || !strings.Contains(string(f.Data), `"trade_id":1`) {
		t.Errorf("message %+v", f)
	}
	watch(t, l, "TRADE_EVENTS:XRPUSDT", "TRADE_EVENTS:BTCUSDT")
	s.publish(t, "XRPUSDT", 2, exchange.Live)
	if got := trade(t, l); got != 2 {
		t.Errorf("trade %d, want 2", got)
	}
	watch(t, l, "TRADE_EVENTS:BTCUSDT")
	s.publish(t, "XRPUSDT", 3, exchange.Live)
	s.publish(t, "BTCUSDT", 7, exchange.Live)
	if got := trade(t, l); got != 7 {
		t.Errorf("trade %d, want 7: the other symbol is not watched any more", got)
	}
	if n := s.watched.Load(); n != 1 {
		t.Errorf("%d topics watched, want 1", n)
	}
}

func TestTradesThatTwoNodesPublishAreToldOnce(t *testing.T) {
	s := newSource()
	l := serve(t, patient(), s).follow(t)
	watch(t, l, "TRADE_EVENTS:XRPUSDT")
	for _, id := range []int64{5, 6, 5, 6, 7} {
		s.publish(t, "XRPUSDT", id, exchange.Live)
	}
	s.publish(t, "XRPUSDT", 2, exchange.Replay)
	for _, want := range []int64{5, 6, 7, 2} {
		if got := trade(t, l); got != want {
			t.Fatalf("trade %d, want %d", got, want)
		}
	}
}

func TestWhatCannotBeWatchedIsRefusedAndChangesNothing(t *testing.T) {
	s := newSource()
	v := serve(t, patient(), s)
	many := make([]string, api.MaxLiveTopics+1)
	for i := range many {
		many[i] = fmt.Sprintf("ORDERS:A%dUSDT", i)
	}
	tooMany, err := json.Marshal(api.LiveRequest{Watch: many})
	if err != nil {
		t.Fatal(err)
	}
	socket, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(v.address, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	ask := func(frame, kind string) {
		t.Helper()
		if err := socket.WriteMessage(websocket.TextMessage, []byte(frame)); err != nil {
			t.Fatal(err)
		}
		for {
			var f api.LiveFrame
			if err := socket.ReadJSON(&f); err != nil {
				t.Fatalf("after %s: %v", frame, err)
			}
			if f.Kind == kind {
				return
			}
			if f.Kind == api.LiveError || f.Kind == api.LiveWatching {
				t.Fatalf("%s is answered with %+v, want %q", frame, f, kind)
			}
		}
	}
	ask(`{"watch":["ORDERS:XRPUSDT"]}`, api.LiveWatching)
	for _, bad := range []string{"", "null", "null and void", `{}`, `{"watch":[]} {}`, `[]`, `{"watch":"ORDERS:XRPUSDT"}`, `{"follow":[]}`, `{"watch":["TRADE_EVENTS:BTCUSDT","NONSENSE"]}`, string(tooMany)} {
		ask(bad, api.LiveError)
	}
	if n := s.watched.Load(); n != 1 {
		t.Errorf("%d topics watched after bad requests, want the 1 from before", n)
	}
	ask(`{"watch":["ORDERS:XRPUSDT","ORDERS:XRPUSDT"]}`, api.LiveWatching)
	ask(`{"watch":[]}`, api.LiveWatching)
	if n := s.watched.Load(); n != 0 {
		t.Errorf("%d topics watched, want none", n)
	}
}

func TestASlowClientIsToldHowManyEventsItMissed(t *testing.T) {
	s := newSource()
	s.queue = 4
	l := serve(t, patient(), s).follow(t)
	watch(t, l, "TRADE_EVENTS:XRPUSDT")
	// What the client does not read fills the connection and then the queue.
	const trades = 100_000
	s.fill(t, trades)
	var told, dropped int64
	for told+dropped < trades {
		f, err := l.Next()
		if err != nil {
			t.Fatalf("after %d trades and %d dropped: %v", told, dropped, err)
		}
		switch f.Kind {
		case api.LiveMessage:
			told++
		case api.LiveDropped:
			dropped += int64(f.Count)
		}
	}
	if dropped == 0 || told+dropped != trades {
		t.Errorf("%d told and %d dropped of %d", told, dropped, trades)
	}
}

func TestAClientThatTakesNothingIsCutOff(t *testing.T) {
	s := newSource()
	c := patient()
	c.WritePatience = 50 * time.Millisecond
	v := serve(t, c, s)
	l := v.follow(t)
	watch(t, l, "TRADE_EVENTS:XRPUSDT")
	ended := make(chan struct{})
	go func() {
		v.serving.Wait()
		close(ended)
	}()
	for id := int64(1); ; id++ {
		s.publish(t, "XRPUSDT", id, exchange.Live)
		select {
		case <-ended:
			return
		default:
		}
	}
}

func TestAClientThatTakesNothingDoesNotHoldUpANodeThatStops(t *testing.T) {
	s := newSource()
	v := serve(t, patient(), s)
	l := v.follow(t)
	watch(t, l, "TRADE_EVENTS:XRPUSDT")
	s.fill(t, 100_000) // more than the connection takes
	v.end(nil)
	v.serving.Wait()
}

func TestAClientThatAnswersNoPingIsCutOff(t *testing.T) {
	c := patient()
	c.PingInterval = 10 * time.Millisecond
	v := serve(t, c, newSource())
	socket, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(v.address, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close() // it reads nothing, so it answers nothing
	v.serving.Wait()
}

func TestWhoseAccessEndsIsToldAndCutOff(t *testing.T) {
	v := serve(t, patient(), newSource())
	l := v.follow(t)
	next(t, l, api.LiveBeat)
	v.end(access.ErrEnded)
	for {
		_, err := l.Next()
		if err == nil {
			continue
		}
		var refused *api.StatusError
		if !errors.As(err, &refused) || refused.Status != http.StatusUnauthorized || !strings.Contains(err.Error(), "log in") {
			t.Errorf("ended with %v", err)
		}
		break
	}
	v.serving.Wait()
}

func TestANodeThatStopsSaysSo(t *testing.T) {
	v := serve(t, patient(), newSource())
	l := v.follow(t)
	watch(t, l, "TRADE_EVENTS:XRPUSDT")
	v.end(nil)
	for {
		_, err := l.Next()
		if err == nil {
			continue
		}
		if !errors.Is(err, io.EOF) || !strings.Contains(err.Error(), "stops") {
			t.Errorf("ended with %v", err)
		}
		break
	}
	v.serving.Wait()
}

func TestWhoMayNotFollowIsRefused(t *testing.T) {
	c := patient()
	c.Connections = 1
	v := serve(t, c, newSource())
	address := "ws" + strings.TrimPrefix(v.address, "http")
	for _, tt := range []struct {
		name, origin string
		status       int
	}{
		{"a page of another origin", "https://evil.example", http.StatusForbidden},
		{"a page of the same machine, but another port", "http://127.0.0.1:1", http.StatusForbidden},
		{"no origin at all", "null", http.StatusForbidden},
	} {
		_, answer, err := websocket.DefaultDialer.Dial(address, http.Header{"Origin": {tt.origin}})
		if err == nil || answer == nil || answer.StatusCode != tt.status {
			t.Errorf("%s: %v, want status %d", tt.name, err, tt.status)
		}
	}
	answer, err := http.Get(v.address)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusBadRequest {
		t.Errorf("a request that is no websocket: status %d, want 400", answer.StatusCode)
	}
	socket, _, err := websocket.DefaultDialer.Dial(address, http.Header{"Origin": {v.address}})
	if err != nil {
		t.Fatalf("a page of this node: %v", err)
	}
	defer socket.Close()
	_, err = v.client.Live(t.Context())
	if refused := new(api.StatusError); !errors.As(err, &refused) || refused.Status != http.StatusServiceUnavailable {
		t.Errorf("one more than there may be: %v, want status 503", err)
	}
}
