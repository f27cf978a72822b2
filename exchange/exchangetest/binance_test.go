package exchangetest_test

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"net"
	"testing"

	"hedgehog/exchange/binance"
	"hedgehog/exchange/exchangetest"
	"hedgehog/exchange/sim/server"
)

// serve starts the simulated exchange's server on a loopback address, which it
// returns, until the test ends.
func serve(t *testing.T, cfg server.Config) (string, func(price, quantity string) int64) {
	t.Helper()
	engine, trade := openEngine(t)
	log := slog.New(slog.DiscardHandler)
	s, err := server.New(cfg, engine, log)
	if err != nil {
		t.Fatalf("make the server: %v", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, listener) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("server: %v", err)
		}
	})
	return "http://" + listener.Addr().String(), trade
}

// fixture returns the exchange of a client with cfg.
func fixture(t *testing.T, cfg binance.Config, trade func(price, quantity string) int64) exchangetest.Fixture {
	t.Helper()
	client, err := binance.New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatalf("make the client: %v", err)
	}
	t.Cleanup(client.Close)
	return exchangetest.Fixture{Exchange: client, Symbol: exchangetest.Symbol(), Trade: trade}
}

func TestTheClientOfTheSimulatedExchangeKeepsThePromises(t *testing.T) {
	exchangetest.Run(t, func(t *testing.T) exchangetest.Fixture {
		address, trade := serve(t, server.DefaultConfig())
		cfg := binance.At(address)
		cfg.APIKey, cfg.Secret = server.DefaultAPIKey, server.DefaultAPISecret
		return fixture(t, cfg, trade)
	})
}

func TestTheClientWithAnEd25519KeyKeepsThePromises(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	exchangetest.Run(t, func(t *testing.T) exchangetest.Fixture {
		serverConfig := server.DefaultConfig()
		serverConfig.Keys = []server.Key{{APIKey: "ed25519", Account: "alice", PublicKey: public}}
		address, trade := serve(t, serverConfig)
		cfg := binance.At(address)
		cfg.APIKey = "ed25519"
		cfg.Ed25519PEM = binance.Secret(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded}))
		return fixture(t, cfg, trade)
	})
}
