package publisher_test

import (
	"context"
	"errors"
	"iter"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"

	"hedgehog/data/bus"
	"hedgehog/data/publisher"
	"hedgehog/exchange"
	"hedgehog/storage"
)

const (
	symbol = "XRPETH"
	second = exchange.Micros(1_000_000)
	start  = exchange.Micros(1570752000) * second
)

// memory is a store of trades in order of id. It fails behind them while it has
// an error, and knows nothing of contexts.
type memory struct {
	trades []exchange.TradeEvent
	err    error
}

func (m memory) TradesBetween(_ context.Context, symbol string, from, to exchange.Micros) iter.Seq2[exchange.TradeEvent, error] {
	return func(yield func(exchange.TradeEvent, error) bool) {
		for _, t := range m.trades {
			if t.Symbol == symbol && t.TradeTime >= from && (to == 0 || t.TradeTime < to) && !yield(t, nil) {
				return
			}
		}
		if m.err != nil {
			yield(exchange.TradeEvent{}, m.err)
		}
	}
}

// database is a real database as the publisher sees it.
type database struct{ *storage.DB }

func (d database) TradesBetween(ctx context.Context, symbol string, from, to exchange.Micros) iter.Seq2[exchange.TradeEvent, error] {
	return d.Trades(ctx, symbol, storage.TradeRange{From: from, To: to})
}

// tradesAt returns trades 1, 2, … at the given seconds behind start.
func tradesAt(seconds ...int64) []exchange.TradeEvent {
	var trades []exchange.TradeEvent
	for i, s := range seconds {
		trades = append(trades, exchange.TradeEvent{
			Symbol: symbol, ID: int64(i) + 1, Price: decimal.New(141342, -8), Quantity: decimal.New(23, 0),
			TradeTime: start + exchange.Micros(s)*second,
		})
	}
	return trades
}

func config(speed float64) publisher.Config {
	return publisher.Config{Symbol: symbol, From: start, To: start + 3600*second, Speed: speed}
}

func mustNew(tb testing.TB, c publisher.Config, s publisher.Store, b *bus.Bus) *publisher.Publisher {
	tb.Helper()
	p, err := publisher.New(c, s, b)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// heard is a trade event and how long after the start of the run it came.
type heard struct {
	id    int64
	after time.Duration
}

// listen returns what comes on the topic until n events have come.
func listen(tb testing.TB, s *bus.Subscription, n int) []heard {
	tb.Helper()
	began := time.Now()
	var all []heard
	for range n {
		m, err := s.Next(tb.Context())
		if err != nil {
			tb.Error(err)
			return all
		}
		t := m.Event.(*exchange.TradeEvent)
		if t.Source != exchange.Replay {
			tb.Errorf("trade %d has the source %s, want %s", t.ID, t.Source, exchange.Replay)
		}
		all = append(all, heard{t.ID, time.Since(began)})
	}
	return all
}

func TestTradesArePlayedAtTheChosenPace(t *testing.T) {
	for _, c := range []struct {
		name  string
		speed float64
		want  []heard
	}{
		{"as they happened", 1, []heard{{1, 0}, {2, 0}, {3, 30 * time.Second}, {4, 90 * time.Second}}},
		{"a minute a second", 60, []heard{{1, 0}, {2, 0}, {3, time.Second / 2}, {4, 3 * time.Second / 2}}},
		{"slower than they happened", 0.5, []heard{{1, 0}, {2, 0}, {3, time.Minute}, {4, 3 * time.Minute}}},
		{"as fast as possible", 0, []heard{{1, 0}, {2, 0}, {3, 0}, {4, 0}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := bus.New()
				sub := b.Subscribe(bus.Options{Name: "test"}, bus.TradeEvents(symbol))
				defer sub.Close()
				p := mustNew(t, config(c.speed), memory{trades: tradesAt(5, 5, 35, 95)}, b)
				for range 2 { // a second run plays the range again
					ended := make(chan error, 1)
					go func() { ended <- p.Run(t.Context()) }()
					if got := listen(t, sub, len(c.want)); !slices.Equal(got, c.want) {
						t.Errorf("heard %v, want %v", got, c.want)
					}
					if err := <-ended; err != nil || p.Progress().Published != int64(len(c.want)) {
						t.Errorf("run: %v, %d published, want %d", err, p.Progress().Published, len(c.want))
					}
				}
			})
		})
	}
}

func TestASlowSubscriberIsWaitedForAndMadeUpFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bus.New()
		sub := b.Subscribe(bus.Options{Name: "slow", Capacity: 1}, bus.TradeEvents(symbol))
		defer sub.Close()
		p := mustNew(t, config(1), memory{trades: tradesAt(0, 1, 2, 60)}, b)
		ended := make(chan error, 1)
		go func() { ended <- p.Run(t.Context()) }()
		pause := time.NewTimer(30 * time.Second)
		<-pause.C
		// The three that are due come at once, the fourth when it would have come anyway.
		if got, want := listen(t, sub, 4), []heard{{1, 0}, {2, 0}, {3, 0}, {4, 30 * time.Second}}; !slices.Equal(got, want) {
			t.Errorf("heard %v, want %v", got, want)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestTheRangeTakesItsFirstMomentAndLeavesOutItsLast(t *testing.T) {
	db, err := storage.Open(t.Context(), filepath.Join(t.TempDir(), "hedgehog.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var stored []*exchange.TradeEvent
	for _, trade := range tradesAt(9, 10, 11, 19, 20, 21) {
		stored = append(stored, &trade)
	}
	if _, err := db.Write(t.Context(), storage.Batch{Trades: stored}); err != nil {
		t.Fatal(err)
	}
	b := bus.New()
	sub := b.Subscribe(bus.Options{Name: "test"}, bus.TradeEvents(symbol))
	defer sub.Close()
	c := publisher.Config{Symbol: symbol, From: start + 10*second, To: start + 20*second}
	p := mustNew(t, c, database{db}, b)
	if err := p.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	var ids []int64
	for _, h := range listen(t, sub, sub.Waiting()) {
		ids = append(ids, h.id)
	}
	if want := []int64{2, 3, 4}; !slices.Equal(ids, want) || p.Progress().Published != 3 {
		t.Errorf("played %v (%d), want %v", ids, p.Progress().Published, want)
	}
}

func TestARangeWithoutBoundsIsAllThatIsStored(t *testing.T) {
	b := bus.New()
	p := mustNew(t, publisher.Config{Symbol: symbol}, memory{trades: tradesAt(0, 1, 5)}, b)
	if got := p.Progress(); got != (publisher.Progress{}) {
		t.Errorf("progress before a run: %+v", got)
	}
	if err := p.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := p.Progress(), (publisher.Progress{Published: 3, At: start + 5*second}); got != want {
		t.Errorf("progress %+v, want %+v", got, want)
	}
}

func TestInLockstepAnEventWaitsUntilTheOneBeforeIsDealtWith(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bus.New()
		slow := b.Subscribe(bus.Options{Name: "slow"}, bus.TradeEvents(symbol))
		page := b.Subscribe(bus.Options{Name: "page", Lossy: true}, bus.TradeEvents(symbol))
		defer page.Close() // it takes nothing, and nobody waits for it
		c := config(0)
		c.Lockstep = true
		p := mustNew(t, c, memory{trades: tradesAt(0, 1, 2)}, b)
		ended := make(chan error, 1)
		go func() { ended <- p.Run(t.Context()) }()
		for id := range int64(3) {
			if got := listen(t, slow, 1); len(got) != 1 || got[0].id != id+1 { // it comes back: the one before is dealt with
				t.Fatalf("heard %v, want trade %d", got, id+1)
			}
			synctest.Wait()
			if slow.Waiting() != 0 || p.Progress().Published != id {
				t.Fatalf("while trade %d is dealt with %d wait, and %d are said to be published", id+1, slow.Waiting(), p.Progress().Published)
			}
		}
		slow.Close() // as good as having dealt with it
		if err := <-ended; err != nil || p.Progress().Published != 3 {
			t.Errorf("run: %v, %d published", err, p.Progress().Published)
		}
	})
}

func TestAStopInTheMiddleReturnsTheCause(t *testing.T) {
	for _, c := range []struct {
		name      string
		speed     float64
		lockstep  bool
		capacity  int
		published int64
	}{
		{"while waiting for the next trade's time", 1, false, 10, 1},
		{"while waiting for room", 0, false, 2, 2},
		{"while waiting for a subscriber in lockstep", 0, true, 2, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := bus.New()
				sub := b.Subscribe(bus.Options{Name: "test", Capacity: c.capacity}, bus.TradeEvents(symbol))
				defer sub.Close()
				how := config(c.speed)
				how.Lockstep = c.lockstep
				p := mustNew(t, how, memory{trades: tradesAt(0, 10, 20, 30)}, b)
				stopped := errors.New("stopped by hand")
				ctx, stop := context.WithCancelCause(t.Context())
				ended := make(chan error, 1)
				go func() { ended <- p.Run(ctx) }()
				synctest.Wait()
				stop(stopped)
				if err := <-ended; !errors.Is(err, stopped) || p.Progress().Published != c.published {
					t.Errorf("run: %v after %d events, want the cause after %d", err, p.Progress().Published, c.published)
				}
			})
		})
	}
}

func TestAStopIsSeenWithoutSubscribersToo(t *testing.T) {
	db, err := storage.Open(t.Context(), filepath.Join(t.TempDir(), "hedgehog.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	stopped := errors.New("stopped by hand")
	ctx, stop := context.WithCancelCause(t.Context())
	stop(stopped)
	for name, s := range map[string]publisher.Store{"memory": memory{trades: tradesAt(0, 1)}, "database": database{db}} {
		p := mustNew(t, config(0), s, bus.New())
		if err := p.Run(ctx); !errors.Is(err, stopped) || p.Progress().Published != 0 {
			t.Errorf("%s: run: %v after %d events, want the cause at once", name, err, p.Progress().Published)
		}
	}
}

func TestAStoreThatFailsEndsTheRun(t *testing.T) {
	broken := errors.New("disk is broken")
	p := mustNew(t, config(0), memory{trades: tradesAt(0, 1), err: broken}, bus.New())
	err := p.Run(t.Context())
	if !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "replay XRPETH: ") || p.Progress().Published != 2 {
		t.Errorf("run: %v after %d events, want %v after 2", err, p.Progress().Published, broken)
	}
}

func TestAConfigThatMakesNoSenseIsRefused(t *testing.T) {
	for _, c := range []struct {
		change func(*publisher.Config)
		want   string
	}{
		{func(c *publisher.Config) { c.Symbol = "xrp/eth" }, `publisher: symbol "xrp/eth"`},
		{func(c *publisher.Config) { c.To = c.From }, "publisher: to 2019-10-11 00:00:00 +0000 UTC"},
		{func(c *publisher.Config) { c.To = c.From - 1 }, "publisher: to 2019-10-10 23:59:59.999999 +0000 UTC"},
		{func(c *publisher.Config) { c.Speed = -0.5 }, "publisher: speed -0.5"},
		{func(c *publisher.Config) { c.Speed = 1e-9 }, "publisher: speed 1e-09"},
		{func(c *publisher.Config) { c.Speed = 2e6 }, "publisher: speed 2e+06"},
		{func(c *publisher.Config) { c.Speed = math.NaN() }, "publisher: speed NaN"},
		{func(c *publisher.Config) { c.Speed = math.Inf(1) }, "publisher: speed +Inf"},
	} {
		bad := config(1)
		c.change(&bad)
		if _, err := publisher.New(bad, memory{}, bus.New()); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %s…", bad, err, c.want)
		}
	}
	if err := config(0).Validate(); err != nil {
		t.Errorf("a good config: %v", err)
	}
}
