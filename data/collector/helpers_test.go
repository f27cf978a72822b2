package collector_test

import (
	"context"
	"sync"
	"testing"

	"github.com/shopspring/decimal"

	"hedgehog/data/bus"
	"hedgehog/data/collector"
	"hedgehog/exchange"
	"hedgehog/storage"
)

// memory is a Store that keeps what it is given. Before that it asks fail, and
// fails with its answer.
type memory struct {
	mu    sync.Mutex
	fail  func(collector.Batch) error
	kept  collector.Batch
	sizes []int
}

func (m *memory) Write(_ context.Context, b collector.Batch) error {
	if m.fail != nil {
		if err := m.fail(b); err != nil {
			return err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kept.Trades = append(m.kept.Trades, b.Trades...)
	m.kept.Orders = append(m.kept.Orders, b.Orders...)
	m.kept.Candles = append(m.kept.Candles, b.Candles...)
	m.kept.Others = append(m.kept.Others, b.Others...)
	m.sizes = append(m.sizes, len(b.Trades)+len(b.Orders)+len(b.Candles)+len(b.Others))
	return nil
}

func (m *memory) ids() []int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	var ids []int64
	for _, t := range m.kept.Trades {
		ids = append(ids, t.ID)
	}
	return ids
}

// database is a Store over a real database.
type database struct{ db *storage.DB }

func (d database) Write(ctx context.Context, b collector.Batch) error {
	_, err := d.db.Write(ctx, storage.Batch{Trades: b.Trades, Orders: b.Orders, Candles: b.Candles})
	return err
}

func trade(id int64) *exchange.TradeEvent {
	return &exchange.TradeEvent{Symbol: "XRPETH", ID: id, Price: decimal.New(141342, -8), Quantity: decimal.New(235, -1),
		TradeTime: exchange.Micros(1570752011620000 + id)}
}

// candle returns a candle that sums up the trades 1 to n.
func candle(n int64) *exchange.Candle {
	p := decimal.New(141342, -8)
	return &exchange.Candle{Symbol: "XRPETH", Minutes: 1, Open: p, High: p, Low: p, Close: p, Volume: decimal.New(1, 0), Trades: n}
}

func order(status exchange.Status, executed int64) *exchange.OrderUpdate {
	return &exchange.OrderUpdate{Order: exchange.Order{Symbol: "XRPETH", ID: 1, ClientID: "c", Side: exchange.Buy, Status: status,
		Price: decimal.New(141342, -8), OriginalQuantity: decimal.New(10, 0), ExecutedQuantity: decimal.New(executed, 0)}}
}

// publish puts the event on its topic.
func publish(tb testing.TB, b *bus.Bus, e bus.Event) {
	tb.Helper()
	var topic bus.Topic
	switch e.(type) {
	case *exchange.OrderUpdate:
		topic = bus.Orders("XRPETH")
	case *exchange.Candle:
		topic = bus.OHLC("XRPETH")
	default:
		topic = bus.TradeEvents("XRPETH")
	}
	if err := b.Publish(tb.Context(), topic, e); err != nil {
		tb.Errorf("publish: %v", err)
	}
}

func subscribe(b *bus.Bus, capacity int) *bus.Subscription {
	return b.Subscribe(bus.Options{Name: "collector XRPETH", Capacity: capacity},
		bus.TradeEvents("XRPETH"), bus.Orders("XRPETH"), bus.OHLC("XRPETH"))
}

// start runs c until the returned function is called, which returns Run's error.
func start(c *collector.Collector) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	return func() error {
		cancel()
		return <-ended
	}
}

func settle(tb testing.TB, b *bus.Bus) {
	tb.Helper()
	if err := b.Settle(tb.Context(), bus.TradeEvents("XRPETH")); err != nil {
		tb.Fatalf("settle: %v", err)
	}
}

func count(from, to int64) (ids []int64) {
	for id := from; id <= to; id++ {
		ids = append(ids, id)
	}
	return ids
}
