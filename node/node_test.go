package node_test

import (
	"context"
	"log/slog"
	"net"
	"testing"
	"time"

	"hedgehog/exchange/sim"
	"hedgehog/exchange/sim/server"
	"hedgehog/node"
	"hedgehog/node/access"
	"hedgehog/node/api"
)

// market is a simulated exchange on loopback that a test passes trades through.
type market struct {
	engine  *sim.Engine
	url     string
	journal string
}

// openMarket serves an exchange until the test ends.
func openMarket(t testing.TB, config sim.Config) *market {
	t.Helper()
	engine, err := sim.New(config)
	if err != nil {
		t.Fatalf("open exchange: %v", err)
	}
	front, err := server.New(server.DefaultConfig(), engine, quiet())
	if err != nil {
		t.Fatalf("exchange server: %v", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- front.Run(ctx, listener) }()
	t.Cleanup(func() {
		cancel()
		<-ended
		if err := engine.Close(); err != nil {
			t.Errorf("close exchange: %v", err)
		}
	})
	return &market{engine: engine, url: "http://" + listener.Addr().String(), journal: config.Journal}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// running is a node under test.
type running struct {
	*api.Client
	node *node.Node
	stop func() error
}

// startNode runs a node until the test ends or stop is called.
func startNode(t testing.TB, change func(*node.Config)) *running {
	t.Helper()
	return startNodeIn(t, node.Real(), change)
}

// startNodeWith is startNode for one whose cluster has tokens.
func startNodeWith(t testing.TB, token access.Secret, change func(*node.Config)) *running {
	t.Helper()
	return startNodeFor(t, token, node.Real(), change)
}

func startNodeIn(t testing.TB, around node.Environment, change func(*node.Config)) *running {
	t.Helper()
	return startNodeFor(t, "", around, change)
}

func startNodeFor(t testing.TB, token access.Secret, around node.Environment, change func(*node.Config)) *running {
	t.Helper()
	config := node.DefaultConfig()
	config.Name = "n1"
	config.HTTP = "127.0.0.1:0"
	config.DataDir = t.TempDir()
	config.Profile = "local"
	change(&config)
	log := quiet()
	if testing.Verbose() {
		log = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	n, err := node.NewIn(around, config, log)
	if err != nil {
		t.Fatalf("node: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	stopped := false
	stop := func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return <-ended
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("node ended with: %v", err)
		}
	})
	address := waitFor(t, "the node to listen", func() (*net.TCPAddr, bool) {
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("node ended with: %v", err)
		default:
		}
		return n.Address(), n.Address() != nil
	})
	client, err := api.NewClient(address.String())
	if err != nil {
		t.Fatal(err)
	}
	client.SetToken(token)
	r := &running{Client: client, node: n, stop: stop}
	waitFor(t, "the node to know the exchange", func() (api.Status, bool) {
		s, err := client.Status(t.Context())
		return s, err == nil && s.Exchange.Ready
	})
	return r
}

// waitFor asks every few milliseconds until what is awaited is there.
func waitFor[T any](t testing.TB, what string, ask func() (T, bool)) T {
	t.Helper()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		v, ok := ask()
		if ok {
			return v
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("waited in vain for %s; last seen: %+v", what, v)
		}
	}
}

func (r *running) must(t *testing.T, symbol string, c api.Change) api.Settings {
	t.Helper()
	s, err := r.Change(t.Context(), symbol, c)
	if err != nil {
		t.Fatalf("change %s: %v", symbol, err)
	}
	return s
}

func ptr[T any](v T) *T { return &v }

// everything switches all parts of a symbol on.
func everything() api.Change {
	return api.Change{
		Streaming: ptr(true), Aggregating: ptr(true), CollectTrades: ptr(true), CollectOrders: ptr(true),
		CollectOHLC: ptr(true), TradingStatus: ptr("on"),
	}
}

func TestANodeWithoutAnySettingsTradesOnItsOwnExchange(t *testing.T) {
	n := startNode(t, func(*node.Config) {})
	n.must(t, "XRPUSDT", everything())
	orders := waitFor(t, "an order to be stored", func() (int, bool) {
		o, err := n.Orders(t.Context(), "XRPUSDT", false, 10)
		return len(o), err == nil && len(o) > 0
	})
	t.Logf("%d orders", orders)
	s, err := n.Status(t.Context())
	if err != nil || len(s.Symbols) != 1 || len(s.Symbols[0].Parts) != 5 {
		t.Errorf("status %+v, %v: want one symbol with five parts", s, err)
	}
}
