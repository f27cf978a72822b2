package node

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

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
	// HTTP is the address of the API. Until it has access control of its own it
	// has to be one that only this machine reaches.
	HTTP string
	// APIKey and APISecret (HMAC) are the account at the exchange. Without them
	// market data works and trading does not; a simulated exchange has default ones.
	APIKey, APISecret binance.Secret
	// RecvWindow is how long after its timestamp the exchange may take an order. A
	// restarted trader waits as long before it reads its orders.
	RecvWindow time.Duration
	// MaxBackfill is the most trades of a symbol that are fetched after a pause
	// before the stream goes on.
	MaxBackfill int64
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
		RecvWindow:  2 * time.Second,
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
	if err := checkLoopback(c.HTTP); err != nil {
		errs = append(errs, err)
	}
	if (c.APIKey == "") != (c.APISecret == "") {
		errs = append(errs, errors.New("API key and API secret: want both or none"))
	}
	if c.RecvWindow < 100*time.Millisecond || c.RecvWindow > time.Minute {
		errs = append(errs, fmt.Errorf("receive window %s: want 100 ms to 1 min", c.RecvWindow))
	}
	if c.MaxBackfill < 1 {
		errs = append(errs, fmt.Errorf("backfill limit %d: want at least 1 trade", c.MaxBackfill))
	}
	for _, s := range c.SimSymbols {
		if !exchange.ValidSymbolName(s) {
			errs = append(errs, fmt.Errorf("simulated symbol %q is not a symbol's name", s))
		}
	}
	return errors.Join(errs...)
}

// checkLoopback refuses an API address that other machines could reach.
func checkLoopback(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("http address %q: want HOST:PORT such as 127.0.0.1:8080", address)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("http address %q: the API has no access control yet, so it listens on this machine only: use 127.0.0.1:PORT", address)
	}
	return nil
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
	b.RecvWindow = c.RecvWindow
	return b
}

// databasePath is where the node's database is.
func (c Config) databasePath() string { return filepath.Join(c.DataDir, "hedgehog.db") }
