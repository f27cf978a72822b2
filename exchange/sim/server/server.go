package server

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"hedgehog/exchange"
	"hedgehog/exchange/sim"
	"hedgehog/exchange/wire"
)

// shutdownWait bounds how long the end of a Server waits for requests that are
// being answered; connections that never asked anything count as such.
const shutdownWait = 2 * time.Second

// Server answers for one simulated exchange.
type Server struct {
	cfg      Config
	engine   *sim.Engine
	log      *slog.Logger
	now      func() time.Time
	info     exchange.ExchangeInfo
	markets  map[string]exchange.Symbol // by name
	keys     map[string]Key             // by API key
	methods  map[string]*endpoint       // by WebSocket API method
	limiter  *limiter
	upgrader websocket.Upgrader

	closing chan struct{} // closed when connections shall end
	ended   sync.WaitGroup

	mu     sync.Mutex
	conns  map[*conn]struct{} // guarded by mu
	closed bool               // guarded by mu
}

// New returns the front of engine. The symbols and limits are those that the
// engine has now.
func New(cfg Config, engine *sim.Engine, log *slog.Logger) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("simulated exchange: %w", err)
	}
	s := &Server{
		cfg: cfg, engine: engine, log: log, now: cfg.Now, info: engine.Info(),
		markets: make(map[string]exchange.Symbol),
		keys:    make(map[string]Key),
		methods: make(map[string]*endpoint),
		closing: make(chan struct{}),
		conns:   make(map[*conn]struct{}),
	}
	if s.now == nil {
		s.now = engine.Now
	}
	var err error
	if s.limiter, err = newLimiter(s.info.RateLimits, cfg.ConnectionsPer5Minutes); err != nil {
		return nil, fmt.Errorf("simulated exchange: %w", err)
	}
	for _, symbol := range s.info.Symbols {
		s.markets[symbol.Name] = symbol
	}
	for _, key := range cfg.Keys {
		s.keys[key.APIKey] = key
	}
	for i := range endpoints {
		if e := &endpoints[i]; e.method != "" {
			s.methods[e.method] = e
		}
	}
	return s, nil
}

// Handler returns the routes of the exchange, for a caller that serves them
// itself. Websocket connections made through it live until their client goes or
// Close is called.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	for i := range endpoints {
		if e := &endpoints[i]; e.rest != "" {
			mux.HandleFunc(e.rest, func(w http.ResponseWriter, r *http.Request) { s.serveREST(w, r, e) })
		}
	}
	mux.HandleFunc("GET /ws", s.serveRawStream)
	mux.HandleFunc("GET /ws/{streams...}", s.serveRawStream)
	mux.HandleFunc("GET /stream", s.serveCombinedStream)
	mux.HandleFunc("GET /ws-api/v3", s.serveAPI)
	mux.HandleFunc("/", s.serveUnknown)
	return mux
}

// Run serves l until ctx ends. It then tells every websocket client that the
// server shuts down, closes their connections, lets requests that are being
// answered finish for a moment, and returns nil when nothing is left. It returns
// an error when l fails. l is closed either way.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	web := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	served := make(chan error, 1)
	go func() { served <- web.Serve(l) }()
	var failed error
	select {
	case err := <-served:
		failed = fmt.Errorf("serve %s: %w", l.Addr(), err)
	case <-ctx.Done():
		// Shutdown closes the listener at once, so no connection is made after Close.
		wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownWait)
		defer cancel()
		if err := web.Shutdown(wait); err != nil {
			s.log.Debug("connections cut off", "after", shutdownWait)
			failed = web.Close()
		}
		<-served
	}
	s.Close()
	return failed
}

// Close ends all websocket connections with a close frame and waits until they
// are gone. New ones are refused from then on.
func (s *Server) Close() {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.closing)
		for c := range s.conns {
			c.hurry()
		}
	}
	s.mu.Unlock()
	s.ended.Wait()
}

// enter takes c among the connections that Close ends and waits for. It returns
// an error when the server is closed.
func (s *Server) enter(c *conn) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return &wire.Error{Status: http.StatusServiceUnavailable, Code: codeShuttingDown, Message: "This service is no longer available."}
	}
	s.conns[c] = struct{}{}
	s.ended.Add(1)
	return nil
}

// leave is the counterpart of enter. It comes after the end of the subscriptions:
// a replay that waits for the connection then finds out at once whether anyone is
// left.
func (s *Server) leave(c *conn) {
	close(c.ended)
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
	s.ended.Done()
}

// handshake counts what the connection costs and makes the request c's websocket.
// It answers the request itself and returns false when there can be none.
func (s *Server) handshake(w http.ResponseWriter, r *http.Request, price cost, c *conn) bool {
	client := clientOf(r)
	if err := s.limiter.take(client, price, s.now()); err != nil {
		s.writeError(w, client, err)
		return false
	}
	ws, err := s.upgrader.Upgrade(w, r, nil) // answers what is no handshake
	if err != nil {
		s.log.Debug("websocket handshake failed", "client", client, "error", err)
		return false
	}
	c.connected(ws)
	return true
}

// clientOf returns the address that limits are counted for, without the port.
func clientOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
