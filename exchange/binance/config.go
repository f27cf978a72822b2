package binance

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Guard decides whether a request that places or cancels an order of symbol may
// go out now. timestamp is our clock when the request got its timestamp; the
// exchange takes the request no later than window after that, counted by our
// clock: window is the receive window plus the error of the clock estimate. A
// Guard's error is returned to the caller of the request, which was not sent.
type Guard func(ctx context.Context, symbol string, timestamp time.Time, window time.Duration) error

// Config says where the exchange is and how to speak to it. Start from
// Production, Testnet or At.
type Config struct {
	// RESTURL is the address that the paths of the REST API (/api/v3/…) are added to.
	RESTURL string
	// StreamURL is the websocket address that the paths of market streams (/ws/…) are added to.
	StreamURL string
	// APIURL is the whole address of the WebSocket API.
	APIURL string

	// APIKey names the account. Without one market data works, everything else
	// fails with exchange.ErrUnauthorized.
	APIKey Secret
	// Secret signs with HMAC-SHA256. With an APIKey, either this or Ed25519PEM is set.
	Secret Secret
	// Ed25519PEM is a private key (PKCS #8, PEM) that signs with Ed25519.
	Ed25519PEM Secret

	// RecvWindow is how long after its timestamp the exchange may take a signed
	// request: 1 ms to 60 s. The longer, the later an order of unknown outcome is
	// certain; too short and slow networks make requests fail.
	RecvWindow time.Duration
	// UserAgent is sent with every request.
	UserAgent string

	// DialTimeout bounds making a connection, with TLS and websocket handshake.
	DialTimeout time.Duration
	// RequestTimeout bounds one request from sending to the end of its answer, which
	// has to begin within two receive windows and a second. The exchange itself
	// gives up after 10 s.
	RequestTimeout time.Duration
	// ReadTimeout is how long a websocket may be silent before it counts as dead.
	// The exchange sends a ping every 20 s.
	ReadTimeout time.Duration
	// MaxConnectionAge is when a websocket is replaced; the exchange ends it after 24 h.
	MaxConnectionAge time.Duration
	// Overlap is how long an order stream's old connection is still read after it
	// was replaced, for updates that were on their way.
	Overlap time.Duration
	// LookupGrace is how long after the end of the receive window an order that
	// the exchange does not know counts as never accepted: what answers queries
	// trails the matching engine a little.
	LookupGrace time.Duration
	// ClockRefresh is how old the estimate of the exchange's clock gets while Run
	// keeps it fresh; without Run it may get twice as old.
	ClockRefresh time.Duration

	// Jitter is by which part of itself a pause between two tries varies at random,
	// 0 to 1: clients that lost the exchange together don't come back together.
	Jitter float64

	// Guard is asked before each request that places or cancels an order; nil lets
	// all pass.
	Guard Guard
	// Now is our clock, which should have a monotonic reading; nil: time.Now.
	// Waiting goes by the runtime's timers.
	Now func() time.Time
	// Dial makes network connections; nil: a net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Transport carries the requests of the REST API; nil: one that uses Dial. It
	// tells an httptrace of each request when that may get through.
	Transport http.RoundTripper
}

// Production returns the configuration for the real exchange, without keys.
func Production() Config {
	return defaults("https://api.binance.com", "wss://stream.binance.com:9443", "wss://ws-api.binance.com:443/ws-api/v3")
}

// Testnet returns the configuration for the exchange's testnet, without keys.
func Testnet() Config {
	return defaults("https://testnet.binance.vision", "wss://stream.testnet.binance.vision:9443", "wss://ws-api.testnet.binance.vision/ws-api/v3")
}

// At returns the configuration, without keys, for an exchange that has all its
// APIs under one address, as the simulated one: http://host:port.
func At(baseURL string) Config {
	baseURL = strings.TrimRight(baseURL, "/")
	socket := baseURL
	if rest, ok := strings.CutPrefix(baseURL, "http"); ok {
		socket = "ws" + rest
	}
	return defaults(baseURL, socket, socket+"/ws-api/v3")
}

func defaults(rest, stream, api string) Config {
	return Config{
		RESTURL:          rest,
		StreamURL:        stream,
		APIURL:           api,
		RecvWindow:       5 * time.Second,
		UserAgent:        "hedgehog",
		DialTimeout:      10 * time.Second,
		RequestTimeout:   15 * time.Second,
		ReadTimeout:      time.Minute,
		MaxConnectionAge: 23*time.Hour + 30*time.Minute,
		Overlap:          10 * time.Second,
		LookupGrace:      time.Second,
		ClockRefresh:     30 * time.Second,
		Jitter:           0.5,
	}
}

// Validate returns an error that names the first field that cannot work.
func (c Config) Validate() error {
	for _, u := range []struct {
		field, value string
		schemes      []string
	}{
		{"RESTURL", c.RESTURL, []string{"http", "https"}},
		{"StreamURL", c.StreamURL, []string{"ws", "wss"}},
		{"APIURL", c.APIURL, []string{"ws", "wss"}},
	} {
		parsed, err := url.Parse(u.value)
		if err != nil || parsed.Host == "" || parsed.User != nil || parsed.RawQuery != "" || !slices.Contains(u.schemes, parsed.Scheme) {
			return fmt.Errorf("%s %q: want %s://host[:port], without user and query", u.field, u.value, strings.Join(u.schemes, ":// or "))
		}
	}
	for _, d := range []struct {
		field string
		value time.Duration
	}{
		{"DialTimeout", c.DialTimeout}, {"RequestTimeout", c.RequestTimeout}, {"ReadTimeout", c.ReadTimeout},
		{"MaxConnectionAge", c.MaxConnectionAge}, {"Overlap", c.Overlap}, {"ClockRefresh", c.ClockRefresh},
	} {
		if d.value <= 0 {
			return fmt.Errorf("%s %s: want more than 0", d.field, d.value)
		}
	}
	if c.Jitter < 0 || c.Jitter > 1 {
		return fmt.Errorf("%s %g: want 0 to 1", "Jitter", c.Jitter)
	}
	switch {
	case c.RecvWindow < time.Millisecond || c.RecvWindow > time.Minute:
		return fmt.Errorf("RecvWindow %s: want 1ms to 1m", c.RecvWindow)
	case c.LookupGrace < 0:
		return fmt.Errorf("LookupGrace %s: want 0 or more", c.LookupGrace)
	case strings.ContainsAny(c.UserAgent, "\r\n"):
		return fmt.Errorf("UserAgent %q: want one line", c.UserAgent)
	case strings.ContainsAny(string(c.APIKey), "\r\n\t "):
		return fmt.Errorf("APIKey: want no white space")
	}
	_, err := newSigner(c)
	return err
}
