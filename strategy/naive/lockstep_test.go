package naive_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"hedgehog/data/bus"
	"hedgehog/data/collector"
	"hedgehog/data/streamer"
	"hedgehog/exchange"
	"hedgehog/exchange/binance"
	"hedgehog/exchange/sim"
	"hedgehog/exchange/sim/server"
	"hedgehog/storage"
	"hedgehog/strategy/naive"
)

// desk is a trader with all real parts around it: the bus, the streams, the
// simulated exchange and, where a test asks for it, collector and SQLite. Trades
// pass one by one: pass returns when everything that a trade causes has happened.
type desk struct {
	t        *testing.T
	bus      *bus.Bus
	engine   *sim.Engine
	exchange exchange.Exchange
	symbol   exchange.Symbol
	now      *clock

	news           sync.Mutex        // held while a trade is dealt with: news of its fills come after it
	trades, orders *bus.Subscription // probes that see what the trader sees
	reports        int64             // order updates that the probe has seen
	nextID         int64

	configure func(*naive.Config) // changes what the next trader is told; may be nil
	positions chan *naive.Position
	trader    *naive.Trader
	stop      func() error // ends the trader
}

// clock is a clock that a test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// newEngine returns an exchange that knows XRPUSDT and keeps everything in memory.
func newEngine(t *testing.T, change func(*sim.Config)) *sim.Engine {
	t.Helper()
	config := sim.DefaultConfig(sim.InfoFor([]exchange.Symbol{xrpusdt()}))
	if change != nil {
		change(&config)
	}
	engine, err := sim.New(config)
	if err != nil {
		t.Fatalf("exchange: %v", err)
	}
	t.Cleanup(func() { engine.Close() })
	return engine
}

// overHTTP returns the engine as our client sees it through the exchange's own
// protocol over loopback.
func overHTTP(t *testing.T, engine *sim.Engine) exchange.Exchange {
	t.Helper()
	front, err := server.New(server.DefaultConfig(), engine, quiet())
	if err != nil {
		t.Fatalf("exchange server: %v", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	run(t, "exchange server", func(ctx context.Context) error { return front.Run(ctx, listener) })
	config := binance.At("http://" + listener.Addr().String())
	config.APIKey, config.Secret = server.DefaultAPIKey, server.DefaultAPISecret
	client, err := binance.New(config, quiet())
	if err != nil {
		t.Fatalf("client: %v", err)
	}
	t.Cleanup(client.Close)
	return client
}

// run runs a part until the test ends, or the function that it returns is called.
func run(t *testing.T, name string, part func(context.Context) error) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- part(ctx) }()
	var once sync.Once
	var err error
	stop = func() error {
		once.Do(func() { cancel(); err = <-ended })
		return err
	}
	t.Cleanup(func() {
		if err := stop(); err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, naive.ErrShutDown) {
			t.Errorf("%s ended with: %v", name, err)
		}
	})
	return stop
}

// newDesk opens the streams; startTrader comes next.
func newDesk(t *testing.T, engine *sim.Engine, ex exchange.Exchange, db *storage.DB) *desk {
	t.Helper()
	symbol := engine.Info().Symbols[0]
	d := &desk{
		t: t, bus: bus.New(), engine: engine, exchange: ex, symbol: symbol, nextID: 1,
		now: &clock{at: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}, positions: make(chan *naive.Position, 1000),
	}
	if db != nil {
		sub := d.bus.Subscribe(bus.Options{Name: "collector"}, bus.TradeEvents(symbol.Name), bus.Orders(symbol.Name))
		t.Cleanup(sub.Close)
		run(t, "collector", collector.New(collector.DefaultConfig(), sub, rows{db}, quiet()).Run)
	}
	d.probe()
	connected := make(chan struct{}, 2)
	orders := streamer.NewOrders(signalling{ex, connected, &d.news}, nothingStored{}, d.bus, func() []string { return nil }, quiet())
	run(t, "orders", orders.Run)
	run(t, "streamer", streamer.New(streamer.Config{Symbol: symbol.Name}, signalling{ex, connected, &d.news}, d.bus, quiet()).Run)
	<-connected
	<-connected
	return d
}

// probe subscribes the test to the trades and orders, behind all others: what it
// has seen, everybody has been given. Its subscriptions are lossy, so that Settle
// does not wait for the test itself.
func (d *desk) probe() {
	for _, old := range []*bus.Subscription{d.trades, d.orders} {
		if old != nil {
			old.Close()
		}
	}
	d.trades = d.bus.Subscribe(bus.Options{Name: "trades probe", Capacity: 10_000, Lossy: true}, bus.TradeEvents(d.symbol.Name))
	d.orders = d.bus.Subscribe(bus.Options{Name: "orders probe", Capacity: 10_000, Lossy: true}, bus.Orders(d.symbol.Name))
	d.t.Cleanup(d.trades.Close)
	d.t.Cleanup(d.orders.Close)
}

// rows is the database as the collector sees it.
type rows struct{ *storage.DB }

func (r rows) Write(ctx context.Context, b collector.Batch) error {
	_, err := r.DB.Write(ctx, storage.Batch{Trades: b.Trades, Orders: b.Orders, Candles: b.Candles})
	return err
}

// nothingStored is the order store of a desk whose streams never break.
type nothingStored struct{}

func (nothingStored) OldestOpenOrder(context.Context, string) (int64, error) { return 0, nil }

func (nothingStored) StoredOrder(context.Context, string, int64) (exchange.Order, decimal.Decimal, bool, error) {
	return exchange.Order{}, decimal.Zero, false, nil
}

// signalling says when a stream is connected, and holds news back where the desk
// wants it: the two streams are not in step by themselves.
type signalling struct {
	exchange.Exchange
	connected chan<- struct{}
	news      *sync.Mutex
}

func (s signalling) StreamTrades(ctx context.Context, symbol string, sink exchange.TradeSink) error {
	return s.Exchange.StreamTrades(ctx, symbol, tradeSignal{sink, s.connected})
}

func (s signalling) StreamOrders(ctx context.Context, sink exchange.OrderSink) error {
	return s.Exchange.StreamOrders(ctx, orderSignal{sink, s.connected, s.news})
}

type tradeSignal struct {
	exchange.TradeSink
	connected chan<- struct{}
}

func (s tradeSignal) Connected(ctx context.Context) error {
	err := s.TradeSink.Connected(ctx)
	s.connected <- struct{}{}
	return err
}

type orderSignal struct {
	exchange.OrderSink
	connected chan<- struct{}
	news      *sync.Mutex
}

func (s orderSignal) OrderUpdate(ctx context.Context, u *exchange.OrderUpdate) error {
	s.news.Lock()
	defer s.news.Unlock()
	return s.OrderSink.OrderUpdate(ctx, u)
}

func (s orderSignal) Connected(ctx context.Context) error {
	err := s.OrderSink.Connected(ctx)
	s.connected <- struct{}{}
	return err
}

// startTrader runs a trader with the settings and the positions of an earlier one.
func (d *desk) startTrader(s naive.Settings, restore []naive.Position) {
	d.t.Helper()
	sub := d.bus.Subscribe(bus.Options{Name: "trader"}, bus.TradeEvents(s.Symbol), bus.Orders(s.Symbol), bus.Settings(s.Symbol))
	d.probe()
	record := d.bus.Subscribe(bus.Options{Name: "record", Capacity: 10_000}, bus.Positions(s.Symbol))
	config := naive.Config{
		Symbol: d.symbol, Fee: naive.DefaultFee, Settings: s, Restore: restore, ActOn: exchange.Live, Now: d.now.Now,
	}
	if d.configure != nil {
		d.configure(&config)
	}
	d.trader = naive.New(config, d.exchange, d.bus.Publisher(bus.Positions(s.Symbol)), sub, quiet())
	stopRecord := run(d.t, "record", func(ctx context.Context) error {
		for {
			m, err := record.Next(ctx)
			if err != nil {
				return err
			}
			d.positions <- m.Event.(*naive.Position)
		}
	})
	stopTrader := run(d.t, "trader", func(ctx context.Context) error {
		if err := d.trader.Run(ctx); !errors.Is(err, naive.ErrShutDown) {
			return err
		}
		sub.Close()
		return naive.ErrShutDown
	})
	d.stop = func() error {
		err := stopTrader()
		sub.Close()
		_ = stopRecord() // ends with the context's error, as it was told
		record.Close()
		return err
	}
	d.change(s) // dealt with once the trader has its positions
}

// change hands the trader new settings, as the node does.
func (d *desk) change(s naive.Settings) {
	d.t.Helper()
	if err := d.bus.Publish(d.t.Context(), bus.Settings(s.Symbol), &s); err != nil {
		d.t.Fatal(err)
	}
	d.settle()
}

// pass lets a trade happen and waits for all that follows from it.
func (d *desk) pass(price string) {
	d.t.Helper()
	d.passes(price, "1000000")
}

func (d *desk) passes(price, quantity string) {
	d.t.Helper()
	d.happens(exchange.TradeEvent{
		Symbol: d.symbol.Name, ID: d.nextID, Price: decimal.RequireFromString(price), Quantity: decimal.RequireFromString(quantity),
		TradeTime: exchange.MicrosOf(d.now.Now()),
	})
	d.nextID++
}

// happens lets the trade happen.
func (d *desk) happens(trade exchange.TradeEvent) {
	d.t.Helper()
	d.news.Lock()
	if err := d.engine.Trade(trade); err != nil {
		d.t.Fatal(err)
	}
	d.next(d.trades)
	d.settleBus([]bus.Topic{bus.TradeEvents(d.symbol.Name)})
	d.news.Unlock()
	d.settle()
}

// settle waits until the order updates that the exchange has sent are dealt with,
// and those that follow from that.
func (d *desk) settle() {
	d.t.Helper()
	topics := []bus.Topic{bus.TradeEvents(d.symbol.Name), bus.Orders(d.symbol.Name), bus.Settings(d.symbol.Name), bus.Positions(d.symbol.Name)}
	for {
		d.settleBus(topics)
		sent := d.engine.Counts().Reports
		for d.reports < sent {
			d.next(d.orders)
			d.reports++
		}
		d.settleBus(topics)
		if d.engine.Counts().Reports == sent {
			return
		}
	}
}

func (d *desk) settleBus(topics []bus.Topic) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), 20*time.Second)
	defer cancel()
	if err := d.bus.Settle(ctx, topics...); err != nil {
		d.t.Fatalf("the parts do not come to rest: %v", err)
	}
}

func (d *desk) next(probe *bus.Subscription) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), 20*time.Second)
	defer cancel()
	if _, err := probe.Next(ctx); err != nil {
		d.t.Fatalf("%s: %v", probe.Name(), err)
	}
}

// accepted returns the exchange's orders, in order of creation, as
// "SIDE PRICE STATUS".
func (d *desk) accepted() []string {
	d.t.Helper()
	orders, err := d.exchange.AllOrders(d.t.Context(), d.symbol.Name, 0, 1000)
	if err != nil {
		d.t.Fatalf("orders: %v", err)
	}
	if d.trader != nil && d.trader.Status().LastError != "" {
		d.t.Logf("the trader's last error: %s", d.trader.Status().LastError)
	}
	return lines(orders)
}

func lines(orders []exchange.Order) []string {
	var all []string
	for _, o := range orders {
		all = append(all, string(o.Side)+" "+o.Price.StringFixed(4)+" "+string(o.Status))
	}
	return all
}

// openDB opens a database in a directory of the test's own.
func openDB(t *testing.T) *storage.DB {
	t.Helper()
	db, err := storage.Open(t.Context(), filepath.Join(t.TempDir(), "hedgehog.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}
