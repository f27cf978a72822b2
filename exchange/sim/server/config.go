package server

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"
)

// The key that DefaultConfig knows. It opens nothing but a simulated exchange.
const (
	DefaultAPIKey    = "hedgehog-sim"
	DefaultAPISecret = "hedgehog-sim-secret"
)

// Key is an API key with the account that it opens. It has either a secret
// (HMAC-SHA256) or a public key (Ed25519).
type Key struct {
	APIKey    string
	Account   string
	Secret    string
	PublicKey ed25519.PublicKey
}

// String returns the key without its secret.
func (k Key) String() string { return fmt.Sprintf("key %q of account %q", k.APIKey, k.Account) }

// GoString is String, so that %#v does not show the secret either.
func (k Key) GoString() string { return k.String() }

// Config says who may use the simulated exchange and how connections are kept.
type Config struct {
	Keys []Key
	// MaxConnectionAge is how long a websocket connection may live; the exchange
	// ends them after 24 hours.
	MaxConnectionAge time.Duration
	// ShutdownNotice is how long before a connection's end by age its client gets
	// a serverShutdown event.
	ShutdownNotice time.Duration
	// PingInterval is the time between two pings to a websocket client.
	PingInterval time.Duration
	// PongWait is how long a ping may stay unanswered, and one write blocked,
	// before the connection is cut.
	PongWait time.Duration
	// QueueLimit is how many frames may wait for one websocket client, in frames.
	QueueLimit int
	// MaxFrame is the largest message taken from a websocket client, in bytes.
	MaxFrame int64
	// MaxBody is the largest body taken with a REST request, in bytes.
	MaxBody int64
	// MessagesPerSecond is how many frames a market stream's client may send.
	MessagesPerSecond int
	// ConnectionsPer5Minutes is how many websocket connections an address may open.
	ConnectionsPer5Minutes int
	// Now is the clock that timestamps, windows and limits are held against; nil:
	// the engine's.
	Now func() time.Time
}

// DefaultConfig returns the exchange's own limits and the one default key.
func DefaultConfig() Config {
	return Config{
		Keys:                   []Key{{APIKey: DefaultAPIKey, Account: "hedgehog", Secret: DefaultAPISecret}},
		MaxConnectionAge:       24 * time.Hour,
		ShutdownNotice:         10 * time.Second,
		PingInterval:           20 * time.Second,
		PongWait:               time.Minute,
		QueueLimit:             65_536,
		MaxFrame:               64 << 10,
		MaxBody:                64 << 10,
		MessagesPerSecond:      5,
		ConnectionsPer5Minutes: 300,
	}
}

// Validate returns an error that names the first field that can't be right.
func (c Config) Validate() error {
	for _, f := range []struct {
		name  string
		value int64
	}{
		{"MaxConnectionAge", int64(c.MaxConnectionAge)},
		{"PingInterval", int64(c.PingInterval)},
		{"PongWait", int64(c.PongWait)},
		{"QueueLimit", int64(c.QueueLimit)},
		{"MaxFrame", c.MaxFrame},
		{"MaxBody", c.MaxBody},
		{"MessagesPerSecond", int64(c.MessagesPerSecond)},
		{"ConnectionsPer5Minutes", int64(c.ConnectionsPer5Minutes)},
	} {
		if f.value <= 0 {
			return fmt.Errorf("config field %s %d: want more than 0", f.name, f.value)
		}
	}
	if c.ShutdownNotice < 0 || c.ShutdownNotice >= c.MaxConnectionAge {
		return fmt.Errorf("config field ShutdownNotice %s: want at least 0 and less than MaxConnectionAge %s", c.ShutdownNotice, c.MaxConnectionAge)
	}
	seen := make(map[string]bool)
	for _, k := range c.Keys {
		if err := k.validate(); err != nil {
			return fmt.Errorf("config field Keys: %q: %w", k.APIKey, err)
		}
		if seen[k.APIKey] {
			return fmt.Errorf("config field Keys: %q is there twice", k.APIKey)
		}
		seen[k.APIKey] = true
	}
	return nil
}

func (k Key) validate() error {
	switch {
	case k.APIKey == "":
		return errors.New("no APIKey")
	case k.Account == "":
		return errors.New("no Account")
	case (k.Secret == "") == (k.PublicKey == nil):
		return errors.New("want either Secret or PublicKey")
	case k.PublicKey != nil && len(k.PublicKey) != ed25519.PublicKeySize:
		return fmt.Errorf("want a PublicKey of %d bytes, not of %d", ed25519.PublicKeySize, len(k.PublicKey))
	}
	return nil
}
