package streamer_test

import (
	"context"
	"errors"
	"testing"

	"hedgehog/data/bus"
	"hedgehog/data/streamer"
	"hedgehog/exchange"
	"hedgehog/exchange/sim"
)

// errBroken is why a connection of a breakable ended.
var errBroken = errors.New("connection broken")

// breakable is the simulated exchange with a connection that ends on request and
// comes back on request, as a client's does.
type breakable struct {
	*sim.Local
	breaks chan struct{} // each one ends the connection
	broken chan struct{} // the connection has ended
	mends  chan struct{} // each one lets a connection be made
}

func (b *breakable) StreamTrades(ctx context.Context, symbol string, sink exchange.TradeSink) error {
	for {
		select {
		case <-b.mends:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if err := b.connection(ctx, symbol, sink); !errors.Is(err, errBroken) {
			return err
		}
		b.broken <- struct{}{}
	}
}

// connection streams until the next break.
func (b *breakable) connection(ctx context.Context, symbol string, sink exchange.TradeSink) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ended := make(chan error, 1)
	go func() { ended <- b.Local.StreamTrades(ctx, symbol, sink) }()
	select {
	case <-b.breaks:
		cancel(errBroken)
		return <-ended
	case err := <-ended:
		return err
	}
}

func TestARealStreamThatBreaksAgainAndAgainLeavesNothingOut(t *testing.T) {
	engine := newEngine(t, symbol)
	happen(t, engine, 1, 100)
	b := bus.New()
	seen := watch(t, b, bus.TradeEvents(symbol))
	ex := &breakable{Local: local(engine), breaks: make(chan struct{}), broken: make(chan struct{}), mends: make(chan struct{})}
	s := streamer.New(streamer.Config{Symbol: symbol, Resume: stored(50)}, ex, b, quiet())
	stopped := errors.New("stopped")
	ctx, stop := context.WithCancelCause(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()

	next := int64(51) // id of the next trade that has to be seen
	see := func(last int64) {
		t.Helper()
		for ; next <= last; next++ {
			m, err := seen.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if id := m.Event.(*exchange.TradeEvent).ID; id != next {
				t.Fatalf("trade %d is published where %d belongs", id, next)
			}
		}
	}
	const rounds = 10
	last := int64(100)
	for range rounds {
		ex.mends <- struct{}{}
		happen(t, engine, last+1, last+5) // before, while and after the connection is made
		last += 5
		see(last)
		ex.breaks <- struct{}{}
		<-ex.broken
		happen(t, engine, last+1, last+5)
		last += 5
	}
	ex.mends <- struct{}{}
	see(last)
	stop(stopped)
	if err := <-ended; !errors.Is(err, stopped) {
		t.Errorf("run: %v, want the cause", err)
	}
	if stats := s.Stats(); stats.Missing != 0 || stats.Connections != rounds+1 || stats.Published != last-50 {
		t.Errorf("stats %+v, want %d trades over %d connections and none missing", stats, last-50, rounds+1)
	}
}
