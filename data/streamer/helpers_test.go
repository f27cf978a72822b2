package streamer_test

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"testing"

	"github.com/shopspring/decimal"

	"hedgehog/data/bus"
	"hedgehog/exchange"
	"hedgehog/exchange/sim"
)

const symbol = "XRPETH"

func amount(s string) decimal.Decimal { return decimal.RequireFromString(s) }

// newEngine returns an exchange that knows the named symbols and keeps
// everything in memory.
func newEngine(tb testing.TB, names ...string) *sim.Engine {
	tb.Helper()
	var symbols []exchange.Symbol
	for _, name := range names {
		symbols = append(symbols, exchange.Symbol{Name: name, Status: "TRADING", BaseAsset: "XRP", QuoteAsset: "ETH",
			BaseAssetPrecision: 8, QuoteAssetPrecision: 8})
	}
	engine, err := sim.New(sim.DefaultConfig(exchange.ExchangeInfo{Symbols: symbols})) // no limits on requests
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := engine.Close(); err != nil {
			tb.Error(err)
		}
	})
	return engine
}

func trade(id int64) exchange.TradeEvent {
	return exchange.TradeEvent{Symbol: symbol, ID: id, Price: amount("0.00141342"), Quantity: amount("23"),
		TradeTime: exchange.Micros(id) * 1_000_000}
}

// happen lets the trades from id first to id last happen at the exchange.
func happen(tb testing.TB, engine *sim.Engine, first, last int64) {
	tb.Helper()
	for id := first; id <= last; id++ {
		if err := engine.Trade(trade(id)); err != nil {
			tb.Fatal(err)
		}
	}
}

func local(engine *sim.Engine) *sim.Local {
	return sim.NewLocal(engine, "test", "hedgehog/test (streamer)")
}

// scripted is an exchange whose streams are what the test makes of them: script
// plays the connections and hands the sink what it likes.
type scripted struct {
	*sim.Local
	script func(ctx context.Context, sink exchange.TradeSink) error
	// refuse, where not nil, is what TradesFrom answers.
	refuse error
}

func (s *scripted) StreamTrades(ctx context.Context, _ string, sink exchange.TradeSink) error {
	return s.script(ctx, sink)
}

func (s *scripted) TradesFrom(ctx context.Context, symbol string, fromID int64, limit int) ([]exchange.TradeEvent, error) {
	if s.refuse != nil {
		return nil, s.refuse
	}
	return s.Local.TradesFrom(ctx, symbol, fromID, limit)
}

// send hands the sink the trades, as a stream does.
func send(ctx context.Context, sink exchange.TradeSink, ids ...int64) error {
	for _, id := range ids {
		t := trade(id)
		if err := sink.Trade(ctx, &t); err != nil {
			return err
		}
	}
	return nil
}

// watch subscribes to the topic, with room for all that a test publishes.
func watch(tb testing.TB, b *bus.Bus, topic bus.Topic) *bus.Subscription {
	tb.Helper()
	s := b.Subscribe(bus.Options{Name: "test", Capacity: 10_000}, topic)
	tb.Cleanup(s.Close)
	return s
}

// taken returns the events that wait in the subscription.
func taken[E bus.Event](tb testing.TB, s *bus.Subscription) []E {
	tb.Helper()
	var events []E
	for s.Waiting() > 0 {
		m, err := s.Next(tb.Context())
		if err != nil {
			tb.Fatal(err)
		}
		events = append(events, m.Event.(E))
	}
	return events
}

func ids(tb testing.TB, s *bus.Subscription) []int64 {
	tb.Helper()
	var ids []int64
	for _, t := range taken[*exchange.TradeEvent](tb, s) {
		ids = append(ids, t.ID)
	}
	return ids
}

func wantIDs(tb testing.TB, got, want []int64) {
	tb.Helper()
	if !slices.Equal(got, want) {
		tb.Errorf("published %v, want %v", got, want)
	}
}

// count returns the ids from first to last.
func count(first, last int64) []int64 {
	var ids []int64
	for id := first; id <= last; id++ {
		ids = append(ids, id)
	}
	return ids
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// logTo returns a logger that writes text without times.
func logTo(to *bytes.Buffer) *slog.Logger {
	return slog.New(slog.NewTextHandler(to, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
}
