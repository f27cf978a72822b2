package binance_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
	"hedgehog/exchange/binance"
	"hedgehog/exchange/exchangetest"
	"hedgehog/exchange/sim"
	"hedgehog/exchange/sim/server"
)

// network is a network in memory, so that time in a synctest bubble can pass
// while everybody waits for a connection.
type network struct {
	backlog chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

func newNetwork() *network {
	return &network{backlog: make(chan net.Conn), closed: make(chan struct{})}
}

func (n *network) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case n.backlog <- theirs:
		return ours, nil
	case <-n.closed:
		return nil, errors.New("connection refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (n *network) Accept() (net.Conn, error) {
	select {
	case c := <-n.backlog:
		return c, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

func (n *network) Close() error {
	n.once.Do(func() { close(n.closed) })
	return nil
}

func (n *network) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

// serve serves handler on a network in memory until stop is called, and returns
// a configuration that reaches it with the simulated exchange's key.
func serve(tb testing.TB, handler http.Handler) (cfg binance.Config, stop func()) {
	tb.Helper()
	n := newNetwork()
	web := &http.Server{Handler: handler, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	done := make(chan error, 1)
	go func() { done <- web.Serve(n) }()
	cfg = binance.At("http://127.0.0.1:1")
	cfg.Dial = n.dial
	cfg.APIKey, cfg.Secret = server.DefaultAPIKey, server.DefaultAPISecret
	return cfg, func() {
		if err := web.Close(); err != nil {
			tb.Errorf("close the server: %v", err)
		}
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			tb.Errorf("serve: %v", err)
		}
	}
}

func newClient(tb testing.TB, cfg binance.Config) *binance.Client {
	tb.Helper()
	client, err := binance.New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatalf("make the client: %v", err)
	}
	return client
}

// symbol is the market of the simulated exchange.
const symbol = "XRPUSDT"

// simulated is the simulated exchange behind a handler that tests put faults
// into, with a client of it. Time is virtual.
type simulated struct {
	engine *sim.Engine
	front  *server.Server
	client *binance.Client
	clock  time.Duration // what the exchange's clock is ahead of ours
	last   int64         // trade id

	mu     sync.Mutex
	fault  func(w http.ResponseWriter, r *http.Request, front http.Handler) // of the next request that it is for
	method string                                                           // and path: which that is
	path   string
	seen   map[string]int // requests, by method and path
	dead   string         // path that has every connection dropped
}

// setup is what a simulated exchange and its client are made from.
type setup struct {
	client binance.Config
	info   exchange.ExchangeInfo
	server server.Config
}

// withSimulated runs test in a bubble of virtual time. configure, where given,
// changes the setup before.
func withSimulated(t *testing.T, configure func(*setup), test func(ctx context.Context, t *testing.T, s *simulated)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &simulated{seen: map[string]int{}}
		cfg, stop := serve(t, s)
		defer stop()
		with := setup{client: cfg, info: sim.InfoFor([]exchange.Symbol{exchangetest.Symbol()}), server: server.DefaultConfig()}
		if configure != nil {
			configure(&with)
		}
		engineConfig := sim.DefaultConfig(with.info)
		engineConfig.Balances = exchangetest.Balances()
		engineConfig.Now = func() time.Time {
			s.mu.Lock()
			defer s.mu.Unlock()
			return time.Now().Add(s.clock)
		}
		var err error
		if s.engine, err = sim.New(engineConfig); err != nil {
			t.Fatalf("open the engine: %v", err)
		}
		defer s.engine.Close()
		if s.front, err = server.New(with.server, s.engine, slog.New(slog.DiscardHandler)); err != nil {
			t.Fatalf("make the server: %v", err)
		}
		defer s.front.Close()
		s.client = newClient(t, with.client)
		defer s.client.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		test(ctx, t, s)
	})
}

func (s *simulated) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.seen[r.Method+" "+r.URL.Path]++
	fault, dead := s.fault, s.dead == r.URL.Path
	if fault != nil && (r.Method != s.method || r.URL.Path != s.path) {
		fault = nil
	}
	if fault != nil {
		s.fault = nil
	}
	s.mu.Unlock()
	switch {
	case fault != nil:
		fault(w, r, s.front.Handler())
		return
	case dead:
		dropConnection(w)
	}
	s.front.Handler().ServeHTTP(w, r)
}

// inject has the next request of the method to the path answered by fault.
func (s *simulated) inject(method, path string, fault func(w http.ResponseWriter, r *http.Request, front http.Handler)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.method, s.path, s.fault = method, path, fault
}

// setClock sets the exchange's clock ahead of ours.
func (s *simulated) setClock(ahead time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock = ahead
}

// requests returns how many requests of the method to the path there were.
func (s *simulated) requests(method, path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen[method+" "+path]
}

// trade lets a trade pass.
func (s *simulated) trade(tb testing.TB, price string) {
	tb.Helper()
	s.last++
	err := s.engine.Trade(exchange.TradeEvent{
		Symbol: symbol, ID: s.last, Price: decimal.RequireFromString(price),
		Quantity: decimal.NewFromInt(1000), TradeTime: exchange.MicrosOf(s.engine.Now()),
	})
	if err != nil {
		tb.Fatalf("trade: %v", err)
	}
}

// orders returns all orders that the exchange has accepted.
func (s *simulated) orders() []exchange.Order {
	return s.engine.AllOrders(server.DefaultConfig().Keys[0].Account, symbol, sim.OrderQuery{})
}

func limitOrder(clientID string) exchange.LimitOrder {
	return exchange.LimitOrder{
		Symbol: symbol, ClientID: clientID, Side: exchange.Buy,
		Price: decimal.RequireFromString("0.4"), Quantity: decimal.RequireFromString("25"),
	}
}

// failAll drops the connection of every request to the path; of none when it is
// empty.
func (s *simulated) failAll(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dead = path
}

// ahead returns how far the client takes the exchange's clock to be ahead.
func (s *simulated) ahead() time.Duration {
	now := time.Now()
	return s.client.Clock().Exchange(now).Sub(now)
}
