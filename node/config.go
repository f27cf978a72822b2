package node

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"hedgehog/cluster/peer"
	"hedgehog/exchange"
	"hedgehog/exchange/binance"
	"hedgehog/exchange/sim/server"
)

// The exchanges that have a name; any other is the URL of a simulated one.
const (
	ExchangeSim            = "sim"
	ExchangeBinance        = "binance"
	ExchangeBinanceTestnet = "binance-testnet"
)

// Config says what a node is and where it finds things. Start from DefaultConfig.
type Config struct {
	// Name tells the node from others: in its orders' user agent, logs and status.
	Name string
	// DataDir is where the database and the embedded exchange's state are kept. It
	// is made with mode 0700 where it is missing.
	DataDir string
	// Exchange is sim (a simulated exchange within the node), binance,
	// binance-testnet, or the URL of a simulated exchange.
	Exchange string
	// HTTP is the address of the API. Who is not on this machine needs a token.
	HTTP string
	// HTTPCert and HTTPKey are the files (PEM) of the API's certificate, with its
	// chain, and of its key. Both empty: no TLS.
	HTTPCert, HTTPKey string
	// RevokeTokens has the node revoke all tokens of the cluster once it can: for who
	// has lost the last admin's.
	RevokeTokens bool
	// APIKey and APISecret (HMAC) are the account at the exchange. Without them
	// market data works and trading does not; a simulated exchange has default ones.
	APIKey, APISecret binance.Secret
	// RecvWindow is how long after its timestamp the exchange may take an order; 0
	// is what the profile has. It has to fit into the profile's lease.
	RecvWindow time.Duration
	// Bind is the gossip address. Peer is that of the TLS port which everything
	// else between nodes shares; empty: the next port up. Advertise is the gossip
	// address that others reach the node at, where Bind is not one.
	Bind, Peer, Advertise string
	// Join are gossip addresses of members; one that answers is enough. Empty: the
	// node founds a cluster, or goes on in the one that it belongs to.
	Join []string
	// Secret is what the members of a cluster share. peer.NoSecret keeps the node
	// to addresses of this machine.
	Secret peer.Secret
	// Profile is local, lan or wan: how far the nodes are from each other.
	Profile string
	// Zone is what the node may fail together with; may be empty.
	Zone string
	// MaxBackfill is the most trades of a symbol that are fetched after a pause
	// before the stream goes on.
	MaxBackfill int64
	// KeepTrades is for how long this node keeps the trades that it has stored, by
	// their time; 0: for ever. At least 48 hours: candles are built again from them.
	KeepTrades time.Duration
	// SimSymbols are the symbols of the embedded exchange.
	SimSymbols []string
	// SimSeed makes the embedded exchange's prices repeatable.
	SimSeed uint64
	// Version is the program's.
	Version string
}

// DefaultConfig returns the configuration of a node that is started with no
// flags at all.
func DefaultConfig() Config {
	name, err := os.Hostname()
	if err != nil || !nodeName.MatchString(name) {
		name = "hedgehog"
	}
	return Config{
		Name:        name,
		DataDir:     ".hedgehog",
		Exchange:    ExchangeSim,
		HTTP:        "127.0.0.1:8080",
		Bind:        "127.0.0.1:0",
		Secret:      peer.NoSecret(),
		Profile:     "lan",
		MaxBackfill: 500_000,
		SimSymbols:  []string{"BTCUSDT", "ETHUSDT", "BNBUSDT", "XRPUSDT", "SOLUSDT", "DOGEUSDT", "LTCUSDT", "XRPETH"},
		SimSeed:     1,
		Version:     "dev",
	}
}

var nodeName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// Validate returns an error that names every field that cannot work.
func (c Config) Validate() error {
	var errs []error
	if !nodeName.MatchString(c.Name) {
		errs = append(errs, fmt.Errorf("name %q: want 1 to 63 letters, digits, '.', '_' or '-', the first a letter or digit", c.Name))
	}
	if c.DataDir == "" {
		errs = append(errs, errors.New("data directory is empty"))
	}
	if _, err := c.exchange(); err != nil {
		errs = append(errs, err)
	}
	if _, _, err := net.SplitHostPort(c.HTTP); err != nil {
		errs = append(errs, fmt.Errorf("http address %q: want HOST:PORT such as 127.0.0.1:8080", c.HTTP))
	}
	if (c.HTTPCert == "") != (c.HTTPKey == "") {
		errs = append(errs, errors.New("HTTP certificate and HTTP key: want both or none"))
	}
	if (c.APIKey == "") != (c.APISecret == "") {
		errs = append(errs, errors.New("API key and API secret: want both or none"))
	}
	errs = append(errs, c.validateCluster())
	if c.MaxBackfill < 1 {
		errs = append(errs, fmt.Errorf("backfill limit %d: want at least 1 trade", c.MaxBackfill))
	}
	if c.KeepTrades != 0 && c.KeepTrades < leastRetention {
		errs = append(errs, fmt.Errorf("keep trades %s: want 0 (for ever) or at least %s", c.KeepTrades, leastRetention))
	}
	for _, s := range c.SimSymbols {
		if !exchange.ValidSymbolName(s) {
			errs = append(errs, fmt.Errorf("simulated symbol %q is not a symbol's name", s))
		}
	}
	return errors.Join(errs...)
}

// validateCluster checks what concerns the cluster.
func (c Config) validateCluster() error {
	var errs []error
	timing, ok := profiles[c.Profile]
	if !ok {
		errs = append(errs, fmt.Errorf("profile %q: want local, lan or wan", c.Profile))
	}
	for _, a := range []struct{ name, address string }{{"bind", c.Bind}, {"peer", c.Peer}, {"advertise", c.Advertise}} {
		name, address := a.name, a.address
		if address == "" && name != "bind" {
			continue
		}
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s address %q: want HOST:PORT", name, address))
		} else if ip := net.ParseIP(host); !c.hasSecret() && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			errs = append(errs, fmt.Errorf("%s address %q: without a cluster secret a node keeps to this machine: make one with 'hedgehog cluster keygen' and give it to all nodes with --secret-file", name, address))
		}
	}
	for _, address := range c.Join {
		if _, _, err := net.SplitHostPort(address); err != nil {
			errs = append(errs, fmt.Errorf("join address %q: want HOST:PORT", address))
		}
	}
	if ok && c.RecvWindow != 0 {
		lease := timing.lease
		lease.RecvWindow = c.RecvWindow
		if err := lease.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("receive window %s: %w", c.RecvWindow, err))
		}
	}
	return errors.Join(errs...)
}

// recvWindow is how long after its timestamp the exchange may take an order.
func (c Config) recvWindow() time.Duration {
	if c.RecvWindow != 0 {
		return c.RecvWindow
	}
	return profiles[c.Profile].lease.RecvWindow
}

// peerAddress is where the TLS port listens.
func (c Config) peerAddress() string {
	if c.Peer != "" {
		return c.Peer
	}
	host, port, err := net.SplitHostPort(c.Bind)
	if err != nil {
		return c.Bind
	}
	number, err := strconv.Atoi(port)
	if err != nil || number == 0 {
		return c.Bind
	}
	return net.JoinHostPort(host, strconv.Itoa(number+1))
}

// advertised is where others reach the TLS port that is bound to address.
func (c Config) advertised(address net.Addr) string {
	if c.Advertise == "" {
		return address.String()
	}
	host, _, err := net.SplitHostPort(c.Advertise)
	if err != nil {
		return address.String()
	}
	_, port, err := net.SplitHostPort(address.String())
	if err != nil {
		return address.String()
	}
	return net.JoinHostPort(host, port)
}

// exchange returns the client's configuration for a named exchange or a URL; an
// empty one for the embedded exchange, whose address is not known yet.
func (c Config) exchange() (binance.Config, error) {
	var b binance.Config
	simulated := false
	switch c.Exchange {
	case ExchangeSim:
		return binance.Config{}, nil
	case ExchangeBinance:
		b = binance.Production()
	case ExchangeBinanceTestnet:
		b = binance.Testnet()
	default:
		u, err := url.Parse(c.Exchange)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return b, fmt.Errorf("exchange %q: want sim, binance, binance-testnet or the URL of a simulated exchange such as http://127.0.0.1:9090", c.Exchange)
		}
		b = binance.At(strings.TrimSuffix(c.Exchange, "/"))
		simulated = true
	}
	return c.withAccount(b, simulated), nil
}

// withAccount adds who we are to the address of an exchange.
func (c Config) withAccount(b binance.Config, simulated bool) binance.Config {
	b.APIKey, b.Secret = c.APIKey, c.APISecret
	if simulated && c.APIKey == "" {
		b.APIKey, b.Secret = server.DefaultAPIKey, server.DefaultAPISecret
	}
	b.UserAgent = fmt.Sprintf("hedgehog/%s (%s)", c.Version, c.Name)
	b.RecvWindow = c.recvWindow()
	return b
}

// databasePath is where the node's database is.
func (c Config) databasePath() string { return filepath.Join(c.DataDir, "hedgehog.db") }
