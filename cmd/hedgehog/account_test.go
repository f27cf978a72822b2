package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"hedgehog/exchange"
	"hedgehog/exchange/binance"
	"hedgehog/exchange/sim/server"
)

// keyPair returns an Ed25519 key: the private one as PEM, and the path of a file
// with the public one.
func keyPair(t testing.TB) (private binance.Secret, publicPath string) {
	t.Helper()
	public, secret, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	publicDER, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	secretDER, err := x509.MarshalPKCS8PrivateKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	publicPath = write(t, "public.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: publicDER})))
	return binance.Secret(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secretDER})), publicPath
}

func mustClient(t testing.TB, config binance.Config) *binance.Client {
	t.Helper()
	c, err := binance.New(config, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestAnExchangeFillsOrdersAsItsFlagsSay(t *testing.T) {
	private, public := keyPair(t)
	journal := filepath.Join(t.TempDir(), "journal.jsonl")
	began := exchange.MicrosOf(time.Now())
	x := start(t, "exchange", "--listen", "127.0.0.1:0", "--replay", write(t, "XRPETH-trades.csv", fewTrades), "--speed", "max",
		"--times", "now", "--partial-fills", "--commission", "0.01", "--balance", "eth=0.05", "--journal", journal, "--ed25519-key", "robot="+public)
	url := x.await("simulated exchange listening")["url"].(string)

	robot, usual := binance.At(url), binance.At(url)
	robot.APIKey, robot.Ed25519PEM = "robot", private
	usual.APIKey, usual.Secret = server.DefaultAPIKey, server.DefaultAPISecret
	placed, err := mustClient(t, robot).PlaceLimitOrder(t.Context(), exchange.LimitOrder{
		Symbol: "XRPETH", ClientID: "mine", Side: exchange.Buy, Price: dec("0.0014134"), Quantity: dec("12"),
	})
	if err != nil {
		t.Fatal(err)
	}
	subscribe(t, "ws"+strings.TrimPrefix(url, "http")+"/ws/xrpeth@trade", 4)

	// The other key opens the same account.
	client := mustClient(t, usual)
	fills, err := client.Fills(t.Context(), "XRPETH", placed.ID)
	if err != nil {
		t.Fatal(err)
	}
	if len(fills) != 2 || !fills[0].Quantity.Equal(dec("5")) || !fills[1].Quantity.Equal(dec("6")) {
		t.Fatalf("fills %+v, want 5 and 6 of the passing trades", fills)
	}
	if !fills[0].Commission.Equal(dec("0.05")) {
		t.Errorf("commission %s, want 1 %% of 5", fills[0].Commission)
	}
	if fills[0].Time < began {
		t.Errorf("fill at %s, want the time of now", fills[0].Time.Time())
	}
	account, err := client.Account(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range account.Balances {
		if want := dec("0.05").Sub(dec("0.0014134").Mul(dec("11"))); b.Asset == "ETH" && !b.Free.Add(b.Locked).Equal(want) {
			t.Errorf("balance %+v, want %s in all", b, want)
		}
	}
	content, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Split(strings.TrimSpace(string(content)), "\n"); len(lines) != 3 || !strings.Contains(lines[0], `"client_order_id":"mine"`) {
		t.Errorf("journal has %q, want the order and its two fills", lines)
	}
}

// subscribe takes a number of frames from a stream.
func subscribe(t testing.TB, url string, frames int) {
	t.Helper()
	ws, _, err := websocket.DefaultDialer.DialContext(t.Context(), url, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ws.Close() })
	for range frames {
		if _, _, err := ws.ReadMessage(); err != nil {
			t.Fatal(err)
		}
	}
}
