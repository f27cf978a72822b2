package binance_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"testing"
	"time"

	"hedgehog/exchange"
	"hedgehog/exchange/binance"
	"hedgehog/exchange/sim"
	"hedgehog/exchange/sim/server"
)

const (
	recorded  = "../../../shared/data/XRPETH-trades-2019-10-11.csv"
	firstID   = 13519807
	lastID    = 13525735
	forReplay = 30 * time.Second
)

var errReplayed = errors.New("the last trade has come")

// sequence is a sink that wants the recorded trades one by one.
type sequence struct {
	t         *testing.T
	connected int
	next      int64
}

func (s *sequence) Connected(context.Context) error {
	s.connected++
	return nil
}

func (s *sequence) Trade(_ context.Context, trade *exchange.TradeEvent) error {
	if trade.ID != s.next {
		s.t.Errorf("trade %d, want %d", trade.ID, s.next)
	}
	if s.next = trade.ID + 1; trade.ID == lastID {
		return errReplayed
	}
	return nil
}

// TestAReplayAtFullSpeedComesWhole replays a recorded day over loopback as fast
// as it is taken, once over one connection and once over connections that are
// replaced all the time.
func TestAReplayAtFullSpeedComesWhole(t *testing.T) {
	if _, err := os.Stat(recorded); err != nil {
		t.Skipf("no recorded trades: %v", err)
	}
	for name, age := range map[string]time.Duration{"one connection": time.Hour, "many connections": 20 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			market, err := sim.SymbolOfDump(recorded)
			if err != nil {
				t.Fatal(err)
			}
			log := slog.New(slog.DiscardHandler)
			engine, err := sim.New(sim.DefaultConfig(sim.InfoFor([]exchange.Symbol{market})))
			if err != nil {
				t.Fatal(err)
			}
			defer engine.Close()
			front, err := server.New(server.DefaultConfig(), engine, log)
			if err != nil {
				t.Fatal(err)
			}
			replay, err := sim.NewReplay(sim.DefaultReplay(market.Name, recorded), engine, log)
			if err != nil {
				t.Fatal(err)
			}
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), forReplay)
			defer cancel()
			serving, stop := context.WithCancel(context.WithoutCancel(ctx))
			ended := make(chan error, 2)
			go func() { ended <- front.Run(serving, listener) }()
			go func() { ended <- replay.Run(ctx) }()
			cfg := binance.At("http://" + listener.Addr().String())
			cfg.MaxConnectionAge = age
			client := newClient(t, cfg)
			sink := &sequence{t: t, next: firstID}
			if err := client.StreamTrades(ctx, market.Name, sink); !errors.Is(err, errReplayed) {
				t.Errorf("stream: %v", err)
			}
			if sink.connected != 1 {
				t.Errorf("connected %d times, want once", sink.connected)
			}
			t.Logf("%d connections", client.Stats().Connections)
			client.Close()
			stop()
			for range 2 {
				if err := <-ended; err != nil {
					t.Errorf("simulated exchange: %v", err)
				}
			}
		})
	}
}
