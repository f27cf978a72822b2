package aggregator_test

import (
	"context"
	"errors"
	"io"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/shopspring/decimal"

	"hedgehog/data/aggregator"
	"hedgehog/data/bus"
	"hedgehog/exchange"
	"hedgehog/exchange/dump"
	"hedgehog/storage"
)

const (
	symbol = "XRPETH"
	second = exchange.Micros(1_000_000)
	minute = 60 * second
	day    = 1440 * minute
	// midnight is when a candle of every length starts: 11 October 2019.
	midnight = exchange.Micros(1570752000) * second
)

func amount(s string) decimal.Decimal { return decimal.RequireFromString(s) }

func trade(id int64, at exchange.Micros, price string) *exchange.TradeEvent {
	return &exchange.TradeEvent{Symbol: symbol, ID: id, Price: amount(price), Quantity: amount("2"), TradeTime: at}
}

// plainCandles computes the finished candles of a length in the plainest way:
// group by start, leave out the last group.
func plainCandles(trades []*exchange.TradeEvent, minutes int64) []exchange.Candle {
	var candles []exchange.Candle
	for i := 0; i < len(trades); {
		length := 60 * minutes
		start := int64(trades[i].TradeTime) / 1_000_000 / length * length * 1_000_000
		c := exchange.Candle{Symbol: trades[i].Symbol, Minutes: int(minutes), StartTime: exchange.Micros(start), Open: trades[i].Price}
		var prices, quantities []decimal.Decimal
		for ; i < len(trades) && int64(trades[i].TradeTime) < start+length*1_000_000; i++ {
			prices, quantities = append(prices, trades[i].Price), append(quantities, trades[i].Quantity)
		}
		c.High, c.Low = decimal.Max(prices[0], prices...), decimal.Min(prices[0], prices...)
		c.Close, c.Volume, c.Trades = prices[len(prices)-1], decimal.Sum(decimal.Zero, quantities...), int64(len(prices))
		candles = append(candles, c)
	}
	return candles[:max(0, len(candles)-1)]
}

func sameCandle(a, b exchange.Candle) bool {
	return a.Symbol == b.Symbol && a.Minutes == b.Minutes && a.StartTime == b.StartTime && a.Trades == b.Trades &&
		a.Open.Equal(b.Open) && a.High.Equal(b.High) && a.Low.Equal(b.Low) && a.Close.Equal(b.Close) && a.Volume.Equal(b.Volume)
}

// failer is a testing.TB or a *rapid.T.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func wantCandles(tb failer, got, want []exchange.Candle) {
	tb.Helper()
	if !slices.EqualFunc(got, want, sameCandle) {
		tb.Fatalf("candles\n got %v\nwant %v", got, want)
	}
}

// ofLength returns the candles of a length.
func ofLength(candles []*exchange.Candle, minutes int) []exchange.Candle {
	var chosen []exchange.Candle
	for _, c := range candles {
		if c.Minutes == minutes {
			chosen = append(chosen, *c)
		}
	}
	return chosen
}

// recordedTrades returns the trades of one real day of XRPETH.
func recordedTrades(tb testing.TB) []*exchange.TradeEvent {
	tb.Helper()
	r, err := dump.Open("../../../shared/data/XRPETH-trades-2019-10-11.csv", dump.Options{})
	if errors.Is(err, os.ErrNotExist) {
		tb.Skip("recorded trades are not beside the repository")
	}
	if err != nil {
		tb.Fatal(err)
	}
	defer r.Close()
	var trades []*exchange.TradeEvent
	for {
		t, err := r.Next()
		if err == io.EOF {
			return trades
		}
		if err != nil {
			tb.Fatal(err)
		}
		trades = append(trades, &t)
	}
}

// history is an exchange's memory of trades, in order of id.
type history []*exchange.TradeEvent

func (h history) TradesFrom(_ context.Context, _ string, fromID int64, limit int) ([]exchange.TradeEvent, error) {
	var page []exchange.TradeEvent
	for _, t := range h {
		if t.ID >= fromID && len(page) < limit {
			page = append(page, *t)
		}
	}
	return page, nil
}

// database is a real database as the aggregator sees it.
type database struct{ *storage.DB }

func (d database) TradesSince(ctx context.Context, symbol string, from exchange.Micros) iter.Seq2[exchange.TradeEvent, error] {
	return d.Trades(ctx, symbol, storage.TradeRange{From: from})
}

func (d database) StoreMissed(ctx context.Context, _ string, trades []*exchange.TradeEvent) error {
	_, err := d.Write(ctx, storage.Batch{Trades: trades})
	return err
}

func openDB(tb testing.TB) *storage.DB {
	tb.Helper()
	db, err := storage.Open(tb.Context(), filepath.Join(tb.TempDir(), "hedgehog.db"))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Error(err)
		}
	})
	return db
}

// store writes what a collector would have written of the events.
func store(tb failer, db *storage.DB, events []bus.Event) {
	tb.Helper()
	var b storage.Batch
	for _, e := range events {
		switch e := e.(type) {
		case *exchange.TradeEvent:
			b.Trades = append(b.Trades, e)
		case *exchange.Candle:
			b.Candles = append(b.Candles, e)
		}
	}
	if _, err := db.Write(context.Background(), b); err != nil {
		tb.Fatalf("store: %v", err)
	}
}

// storedCandles returns the stored candles of a length.
func storedCandles(tb failer, db *storage.DB, symbol string, minutes int) []exchange.Candle {
	tb.Helper()
	candles, err := db.Candles(context.Background(), symbol, minutes, storage.CandleRange{})
	if err != nil {
		tb.Fatalf("stored candles: %v", err)
	}
	return candles
}

// aggregate lets a new Aggregator take the trades one by one and returns what
// passed on the bus, trades and candles, in order. A run that fails ends the test.
func aggregate(tb failer, s aggregator.Store, ex exchange.TradeHistory, log *slog.Logger, symbol string, trades []*exchange.TradeEvent) []bus.Event {
	tb.Helper()
	b := bus.New()
	// Lossy, so that Settle does not wait for it, with room for everything.
	seen := b.Subscribe(bus.Options{Name: "test", Capacity: 50_000, Lossy: true}, bus.TradeEvents(symbol), bus.OHLC(symbol))
	defer seen.Close()
	sub := b.Subscribe(bus.Options{Name: "aggregator"}, bus.TradeEvents(symbol))
	defer sub.Close()
	stopped := errors.New("stopped")
	ctx, stop := context.WithCancelCause(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- aggregator.New(symbol, s, ex, b, sub, log).Run(ctx)
		sub.Close() // a publisher does not wait for a run that failed
	}()
	// Once this one has been passed over, the aggregator has restored its candles.
	passed := &exchange.TradeEvent{Symbol: symbol, ID: 1 << 40, Price: amount("1"), Quantity: amount("1"), Source: exchange.Replay}
	for _, t := range append([]*exchange.TradeEvent{passed}, trades...) {
		if err := errors.Join(b.Publish(ctx, bus.TradeEvents(symbol), t), b.Settle(ctx, bus.TradeEvents(symbol))); err != nil {
			tb.Fatalf("trade %d: %v", t.ID, err)
		}
	}
	stop(stopped)
	if err := <-ended; !errors.Is(err, stopped) {
		tb.Fatalf("run: %v, want the cause that it was stopped for", err)
	}
	var events []bus.Event
	for seen.Waiting() > 0 {
		m, err := seen.Next(context.Background())
		if err != nil {
			tb.Fatalf("events: %v", err)
		}
		if m.Event != bus.Event(passed) {
			events = append(events, m.Event)
		}
	}
	return events
}

// candlesOf returns the candles among the events.
func candlesOf(events []bus.Event) []*exchange.Candle {
	var candles []*exchange.Candle
	for _, e := range events {
		if c, ok := e.(*exchange.Candle); ok {
			candles = append(candles, c)
		}
	}
	return candles
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
