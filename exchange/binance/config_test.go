package binance_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"hedgehog/exchange"
	"hedgehog/exchange/binance"
)

func TestValidateNamesTheFieldThatCannotWork(t *testing.T) {
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(curve)
	if err != nil {
		t.Fatal(err)
	}
	otherKey := binance.Secret(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded}))
	for _, c := range []struct {
		field  string
		change func(*binance.Config)
	}{
		{"RESTURL", func(c *binance.Config) { c.RESTURL = "" }},
		{"RESTURL", func(c *binance.Config) { c.RESTURL = "ws://host" }},
		{"RESTURL", func(c *binance.Config) { c.RESTURL = "http://user:password@host" }},
		{"StreamURL", func(c *binance.Config) { c.StreamURL = "https://host" }},
		{"APIURL", func(c *binance.Config) { c.APIURL = "ws://" }},
		{"APIURL", func(c *binance.Config) { c.APIURL = "wss://host/ws-api/v3?x=1" }},
		{"DialTimeout", func(c *binance.Config) { c.DialTimeout = 0 }},
		{"RequestTimeout", func(c *binance.Config) { c.RequestTimeout = -time.Second }},
		{"ReadTimeout", func(c *binance.Config) { c.ReadTimeout = 0 }},
		{"MaxConnectionAge", func(c *binance.Config) { c.MaxConnectionAge = 0 }},
		{"Overlap", func(c *binance.Config) { c.Overlap = 0 }},
		{"ClockRefresh", func(c *binance.Config) { c.ClockRefresh = 0 }},
		{"LookupGrace", func(c *binance.Config) { c.LookupGrace = -1 }},
		{"RecvWindow", func(c *binance.Config) { c.RecvWindow = 61 * time.Second }},
		{"RecvWindow", func(c *binance.Config) { c.RecvWindow = time.Microsecond }},
		{"UserAgent", func(c *binance.Config) { c.UserAgent = "a\r\nX-Evil: b" }},
		{"APIKey", func(c *binance.Config) { c.APIKey, c.Secret = "a b", "s" }},
		{"APIKey", func(c *binance.Config) { c.Secret = "s" }},
		{"Secret", func(c *binance.Config) { c.APIKey = "k" }},
		{"Secret", func(c *binance.Config) { c.APIKey, c.Secret, c.Ed25519PEM = "k", "s", "p" }},
		{"Ed25519PEM", func(c *binance.Config) { c.APIKey, c.Ed25519PEM = "k", "no key" }},
		{"Ed25519PEM", func(c *binance.Config) { c.APIKey, c.Ed25519PEM = "k", otherKey }},
	} {
		cfg := binance.Production()
		c.change(&cfg)
		err := cfg.Validate()
		if err == nil || !strings.HasPrefix(err.Error(), c.field) {
			t.Errorf("error %v, want one that begins with %s", err, c.field)
		}
		if _, err := binance.New(cfg, slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%s: New took what Validate refuses", c.field)
		}
	}
	for name, cfg := range map[string]binance.Config{
		"production": binance.Production(), "testnet": binance.Testnet(),
		"http": binance.At("http://127.0.0.1:9090/"), "https": binance.At("https://exchange.example"),
	} {
		if err := cfg.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := binance.At("https://exchange.example/").APIURL; got != "wss://exchange.example/ws-api/v3" {
		t.Errorf("WebSocket API at %q", got)
	}
}

func TestKeysAreNeverShown(t *testing.T) {
	const key, secret = "the-api-key", "the-secret"
	cfg := binance.Production()
	cfg.APIKey, cfg.Secret, cfg.Ed25519PEM = key, secret, secret
	cfg.Dial = nil
	var shown bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&shown, verb+"\n", cfg)
		fmt.Fprintf(&shown, verb+"\n", &cfg)
		fmt.Fprintf(&shown, verb+"\n", cfg.Secret)
	}
	slog.New(slog.NewJSONHandler(&shown, nil)).Info("secret", "secret", cfg.Secret)
	slog.New(slog.NewTextHandler(&shown, nil)).Info("secret", "secret", cfg.Secret)
	encoded, err := json.Marshal(cfg.Secret)
	if err != nil {
		t.Fatal(err)
	}
	shown.Write(encoded)
	fmt.Fprintln(&shown, cfg.Validate())
	for _, word := range []string{key, secret, fmt.Sprintf("%x", key), fmt.Sprintf("%x", secret)} {
		if strings.Contains(shown.String(), word) {
			t.Errorf("%q is shown in:\n%s", word, &shown)
		}
	}
}

func TestErrorsLeaveOutTheSignature(t *testing.T) {
	withSimulated(t, nil, func(ctx context.Context, t *testing.T, s *simulated) {
		var signature string
		s.inject(http.MethodGet, "/api/v3/openOrders", func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
			signature = r.URL.Query().Get("signature")
			s.failAll("/api/v3/openOrders")
			dropConnection(w)
		})
		_, err := s.client.OpenOrders(ctx, symbol)
		if err == nil || signature == "" {
			t.Fatalf("error %v, signature %q", err, signature)
		}
		if strings.Contains(err.Error(), signature) || strings.Contains(err.Error(), "signature") {
			t.Errorf("error %q", err)
		}
	})
}

func TestWithoutAKeyMarketDataWorksAndTheRestIsUnauthorized(t *testing.T) {
	configure := func(with *setup) { with.client.APIKey, with.client.Secret = "", "" }
	withSimulated(t, configure, func(ctx context.Context, t *testing.T, s *simulated) {
		s.trade(t, "0.5")
		if trades, err := s.client.TradesFrom(ctx, symbol, 1, 10); err != nil || len(trades) != 1 {
			t.Errorf("trades %v, %v", trades, err)
		}
		_, placed := s.client.PlaceLimitOrder(ctx, limitOrder("keyless"))
		_, account := s.client.Account(ctx)
		for what, err := range map[string]error{"place": placed, "account": account, "stream": s.client.StreamOrders(ctx, nil)} {
			if !errors.Is(err, exchange.ErrUnauthorized) || !strings.Contains(err.Error(), "no API key is configured") {
				t.Errorf("%s: error %v", what, err)
			}
		}
	})
}

func TestAWrongKeyIsUnauthorized(t *testing.T) {
	configure := func(with *setup) { with.client.Secret = "another" }
	withSimulated(t, configure, func(ctx context.Context, t *testing.T, s *simulated) {
		if _, err := s.client.Account(ctx); !errors.Is(err, exchange.ErrUnauthorized) {
			t.Errorf("account: error %v, want ErrUnauthorized", err)
		}
		if err := s.client.StreamOrders(ctx, nil); !errors.Is(err, exchange.ErrUnauthorized) {
			t.Errorf("stream of orders: error %v, want ErrUnauthorized", err)
		}
	})
}
