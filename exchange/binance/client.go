package binance

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"hedgehog/exchange"
	"hedgehog/exchange/wire"
)

var _ exchange.Exchange = (*Client)(nil)

// The exchange takes 300 new websocket connections in 5 minutes from an address.
const (
	connectionsAtOnce = 150
	connectionEvery   = 2 * time.Second
)

// Client is an exchange.Exchange over the exchange's REST and websocket APIs.
// Make it with New. Its methods may be called by several goroutines at once.
type Client struct {
	cfg    Config
	log    *slog.Logger
	sign   signer // nil without a key
	http   *http.Client
	limits *limiter
	clock  *exchangeClock
	dials  *rate.Limiter

	symbolsMu sync.Mutex
	symbols   map[string]struct{} // known to exist at the exchange

	stats struct{ requests, connections, badFrames atomic.Int64 }
}

// New returns a client; it connects when it is used.
func New(cfg Config, log *slog.Logger) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("configuration of the exchange: %w", err)
	}
	sign, err := newSigner(cfg)
	if err != nil {
		return nil, fmt.Errorf("configuration of the exchange: %w", err)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Dial == nil {
		cfg.Dial = (&net.Dialer{KeepAlive: 15 * time.Second}).DialContext
	}
	c := &Client{
		cfg:     cfg,
		log:     log,
		sign:    sign,
		dials:   rate.NewLimiter(rate.Every(connectionEvery), connectionsAtOnce),
		symbols: map[string]struct{}{},
	}
	if cfg.Transport == nil {
		cfg.Transport = &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         c.dialNetwork,
			TLSHandshakeTimeout: cfg.DialTimeout,
			ForceAttemptHTTP2:   true,
			MaxIdleConnsPerHost: 16,
			IdleConnTimeout:     90 * time.Second,
		}
	}
	c.http = &http.Client{
		Transport: cfg.Transport,
		// A redirect would carry the key to wherever it points.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	c.clock = &exchangeClock{measure: c.measureClock, now: cfg.Now, maxAge: 2 * cfg.ClockRefresh, measuring: make(chan struct{}, 1)}
	c.limits = newLimiter(c.clock.exchangeNow, cfg.Now)
	return c, nil
}

func (c *Client) dialNetwork(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.DialTimeout)
	defer cancel()
	return c.cfg.Dial(ctx, network, address)
}

// Close releases idle connections. Calls and streams under way are ended by
// their contexts.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Run keeps the estimate of the exchange's clock fresh until ctx ends, and
// returns the cause of that.
func (c *Client) Run(ctx context.Context) error {
	ticker := time.NewTicker(c.cfg.ClockRefresh)
	defer ticker.Stop()
	for {
		if _, err := c.clock.replace(ctx, c.clock.last()); err != nil && ctx.Err() == nil {
			c.log.Warn("exchange clock not measured", "error", err)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Clock returns the latest estimate of the exchange's clock; the zero estimate
// when there is none yet.
func (c *Client) Clock() ClockEstimate { return c.clock.last() }

// Stats counts what a client has done since it was made.
type Stats struct {
	Requests    int64 // sent over REST
	Connections int64 // websockets opened
	BadFrames   int64 // received over websockets and not understood
}

// Stats returns the counts so far.
func (c *Client) Stats() Stats {
	return Stats{Requests: c.stats.requests.Load(), Connections: c.stats.connections.Load(), BadFrames: c.stats.badFrames.Load()}
}

// ServerTime returns the exchange's clock, as its answer says.
func (c *Client) ServerTime(ctx context.Context) (time.Time, error) {
	sample, err := c.sampleClock(ctx)
	if err != nil {
		return time.Time{}, fmt.Errorf("server time: %w", err)
	}
	return sample.Server.UTC(), nil
}

// measureClock asks for the time a few times and takes the quickest answer.
func (c *Client) measureClock(ctx context.Context) (ClockEstimate, error) {
	samples := make([]ClockSample, 3)
	for i := range samples {
		var err error
		if samples[i], err = c.sampleClock(ctx); err != nil {
			return ClockEstimate{}, err
		}
	}
	return EstimateClock(samples...), nil
}

func (c *Client) sampleClock(ctx context.Context) (ClockSample, error) {
	r := request{method: http.MethodGet, path: "/api/v3/time", cost: cost{weight: 1, urgent: true}}
	a, err := c.read(ctx, r)
	if err != nil {
		return ClockSample{}, err
	}
	var answer struct {
		ServerTime int64 `json:"serverTime"`
	}
	if err := json.Unmarshal(a.body, &answer); err != nil {
		return ClockSample{}, badAnswer(r, err)
	}
	at, err := microsOf("serverTime", answer.ServerTime)
	if err != nil {
		return ClockSample{}, badAnswer(r, err)
	}
	sample := ClockSample{Sent: a.sent, Received: a.received, Server: at.Time(), Resolution: time.Microsecond}
	if answer.ServerTime < firstMicros {
		sample.Resolution = time.Millisecond
	}
	return sample, nil
}

// ExchangeInfo returns all symbols with their filters, and the rate limits,
// which the client obeys from then on.
func (c *Client) ExchangeInfo(ctx context.Context) (exchange.ExchangeInfo, error) {
	return c.exchangeInfo(ctx, nil)
}

func (c *Client) exchangeInfo(ctx context.Context, params url.Values) (exchange.ExchangeInfo, error) {
	r := request{method: http.MethodGet, path: "/api/v3/exchangeInfo", params: params, cost: cost{weight: 20}, maxBody: 64 << 20}
	a, err := c.read(ctx, r)
	if err != nil {
		return exchange.ExchangeInfo{}, fmt.Errorf("exchange info: %w", err)
	}
	info, err := wire.ParseExchangeInfo(a.body)
	if err != nil {
		return exchange.ExchangeInfo{}, badAnswer(r, err)
	}
	c.limits.learn(info.RateLimits)
	c.symbolsMu.Lock()
	defer c.symbolsMu.Unlock()
	for _, s := range info.Symbols {
		c.symbols[s.Name] = struct{}{}
	}
	return info, nil
}

// checkSymbol asks the exchange for the symbol unless it is known already: a
// market stream of a symbol that does not exist is accepted and stays silent.
func (c *Client) checkSymbol(ctx context.Context, symbol string) error {
	if !exchange.ValidSymbolName(symbol) {
		return fmt.Errorf("%w: %q", exchange.ErrUnknownSymbol, symbol)
	}
	c.symbolsMu.Lock()
	_, known := c.symbols[symbol]
	c.symbolsMu.Unlock()
	if known {
		return nil
	}
	info, err := c.exchangeInfo(ctx, url.Values{"symbol": {symbol}})
	if err != nil {
		return err
	}
	_, err = info.Symbol(symbol)
	return err
}

// TradesFrom returns up to limit (1 to 1000) trades of symbol from id fromID
// upwards, the most recent ones when fromID is zero.
func (c *Client) TradesFrom(ctx context.Context, symbol string, fromID int64, limit int) ([]exchange.TradeEvent, error) {
	if err := checkPage(symbol, limit); err != nil {
		return nil, fmt.Errorf("trades: %w", err)
	}
	r := request{
		method: http.MethodGet,
		path:   "/api/v3/trades",
		params: url.Values{"symbol": {symbol}, "limit": {strconv.Itoa(limit)}},
		cost:   cost{weight: 25},
	}
	if fromID != 0 {
		r.path = "/api/v3/historicalTrades"
		r.params.Set("fromId", strconv.FormatInt(fromID, 10))
	}
	a, err := c.read(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("trades %s from %d: %w", symbol, fromID, err)
	}
	trades, err := decodeTrades(a.body, symbol)
	if err != nil {
		return nil, badAnswer(r, err)
	}
	return trades, nil
}

// checkPage checks what pages of a symbol are asked for with.
func checkPage(symbol string, limit int) error {
	if !exchange.ValidSymbolName(symbol) {
		return fmt.Errorf("%w: %q", exchange.ErrUnknownSymbol, symbol)
	}
	if limit < 1 || limit > 1000 {
		return fmt.Errorf("limit %d: want 1 to 1000", limit)
	}
	return nil
}
