package streamer_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"hedgehog/data/bus"
	"hedgehog/data/streamer"
	"hedgehog/exchange"
)

// errOver ends a script.
var errOver = errors.New("script is over")

// stored is a Resume for which the trade id is the last one stored.
func stored(id int64) func(context.Context) (int64, bool, error) {
	return func(context.Context) (int64, bool, error) { return id, true, nil }
}

func TestAStreamLeavesNothingOut(t *testing.T) {
	for _, c := range []struct {
		name   string
		config streamer.Config
		has    [][2]int64 // what the exchange has: first and last ids
		script func(ctx context.Context, sink exchange.TradeSink) error
		want   []int64
		stats  streamer.Stats
		logged string
	}{
		{
			name: "it begins anywhere when nothing is stored", has: [][2]int64{{1, 10}},
			config: streamer.Config{Resume: func(context.Context) (int64, bool, error) { return 0, false, nil }},
			script: func(ctx context.Context, sink exchange.TradeSink) error {
				return errors.Join(sink.Connected(ctx), send(ctx, sink, 7, 8))
			},
			want: []int64{7, 8}, stats: streamer.Stats{LastID: 8, Published: 2, Connections: 1},
		},
		{
			name: "it goes on behind the last stored trade", has: [][2]int64{{1, 10}},
			config: streamer.Config{Resume: stored(4)},
			script: func(ctx context.Context, sink exchange.TradeSink) error {
				return errors.Join(sink.Connected(ctx), send(ctx, sink, 9, 10, 11))
			},
			want: count(5, 11), stats: streamer.Stats{LastID: 11, Published: 7, Backfilled: 6, Gaps: 1, Connections: 1},
			logged: `msg="trades backfilled" symbol=XRPETH first_id=5 last_id=10`,
		},
		{
			name: "it fetches what it missed without a connection", has: [][2]int64{{1, 2500}},
			script: func(ctx context.Context, sink exchange.TradeSink) error {
				return errors.Join(sink.Connected(ctx), send(ctx, sink, 3, 4), sink.Connected(ctx), send(ctx, sink, 2501))
			},
			want: count(3, 2501), stats: streamer.Stats{LastID: 2501, Published: 2499, Backfilled: 2496, Gaps: 1, Connections: 2},
			logged: `msg="trades backfilled" symbol=XRPETH first_id=5 last_id=2500`,
		},
		{
			name: "it fills a hole within the stream", has: [][2]int64{{1, 20}},
			script: func(ctx context.Context, sink exchange.TradeSink) error {
				return errors.Join(sink.Connected(ctx), send(ctx, sink, 3, 9))
			},
			want: count(3, 9), stats: streamer.Stats{LastID: 9, Published: 7, Backfilled: 5, Gaps: 1, Connections: 1},
			logged: `msg="trades backfilled" symbol=XRPETH first_id=4 last_id=8`,
		},
		{
			name: "it drops repeated trades", has: [][2]int64{{1, 5}},
			script: func(ctx context.Context, sink exchange.TradeSink) error {
				return errors.Join(sink.Connected(ctx), send(ctx, sink, 1, 1, 2, 1, 2, 3))
			},
			want: []int64{1, 2, 3}, stats: streamer.Stats{LastID: 3, Published: 3, Connections: 1},
		},
		{
			name: "what the exchange no longer has at a connection is counted", has: [][2]int64{{8, 10}},
			config: streamer.Config{Resume: stored(3)},
			script: func(ctx context.Context, sink exchange.TradeSink) error {
				return errors.Join(sink.Connected(ctx), send(ctx, sink, 11))
			},
			want: count(8, 11), stats: streamer.Stats{LastID: 11, Published: 4, Backfilled: 3, Missing: 4, Gaps: 1, Connections: 1},
			logged: `level=WARN msg="trades missing" symbol=XRPETH first_id=4 last_id=7`,
		},
		{
			name: "what the exchange does not have of a hole is counted", has: [][2]int64{{1, 2}, {4, 5}, {8, 9}},
			script: func(ctx context.Context, sink exchange.TradeSink) error {
				return errors.Join(sink.Connected(ctx), send(ctx, sink, 1, 8))
			},
			want: []int64{1, 2, 4, 5, 8}, stats: streamer.Stats{LastID: 8, Published: 5, Backfilled: 3, Missing: 3, Gaps: 1, Connections: 1},
			logged: `level=WARN msg="trades missing" symbol=XRPETH first_id=6 last_id=7`,
		},
		{
			name: "of too many missed trades the newest are fetched", has: [][2]int64{{1, 5000}},
			config: streamer.Config{Resume: stored(10), MaxBackfill: 20},
			script: func(ctx context.Context, sink exchange.TradeSink) error {
				return errors.Join(sink.Connected(ctx), send(ctx, sink, 5001))
			},
			want: count(4981, 5001), stats: streamer.Stats{LastID: 5001, Published: 21, Backfilled: 20, Missing: 4970, Gaps: 1, Connections: 1},
			logged: `level=WARN msg="trades missing" symbol=XRPETH first_id=11 last_id=4980`,
		},
		{
			name: "of too large a hole the newest trades are fetched", has: [][2]int64{{1, 5000}},
			config: streamer.Config{MaxBackfill: 20},
			script: func(ctx context.Context, sink exchange.TradeSink) error {
				return errors.Join(sink.Connected(ctx), send(ctx, sink, 1, 101))
			},
			want: append([]int64{1}, count(81, 101)...), stats: streamer.Stats{LastID: 101, Published: 22, Backfilled: 20, Missing: 79, Gaps: 1, Connections: 1},
			logged: `level=WARN msg="trades missing" symbol=XRPETH first_id=2 last_id=80`,
		},
		{
			name: "as many missed trades as are allowed are all fetched", has: [][2]int64{{1, 30}},
			config: streamer.Config{Resume: stored(10), MaxBackfill: 20},
			script: func(ctx context.Context, sink exchange.TradeSink) error { return sink.Connected(ctx) },
			want:   count(11, 30), stats: streamer.Stats{LastID: 30, Published: 20, Backfilled: 20, Gaps: 1, Connections: 1},
			logged: `msg="trades backfilled" symbol=XRPETH first_id=11 last_id=30`,
		},
		{
			name:   "an exchange without trades has nothing to fetch",
			config: streamer.Config{Resume: stored(10), MaxBackfill: 20},
			script: func(ctx context.Context, sink exchange.TradeSink) error {
				return errors.Join(sink.Connected(ctx), send(ctx, sink, 11))
			},
			want: []int64{11}, stats: streamer.Stats{LastID: 11, Published: 1, Connections: 1},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			engine := newEngine(t, symbol)
			for _, ids := range c.has {
				happen(t, engine, ids[0], ids[1])
			}
			b := bus.New()
			seen := watch(t, b, bus.TradeEvents(symbol))
			var logged bytes.Buffer
			c.config.Symbol = symbol
			s := streamer.New(c.config, &scripted{Local: local(engine), script: c.script}, b, logTo(&logged))
			if err := s.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			wantIDs(t, ids(t, seen), c.want)
			if s.Stats() != c.stats {
				t.Errorf("stats %+v, want %+v", s.Stats(), c.stats)
			}
			if !strings.Contains(logged.String(), c.logged) {
				t.Errorf("log\n%swant a line with %s", logged.String(), c.logged)
			}
			if warned := strings.Contains(logged.String(), "level=WARN"); warned != (c.stats.Missing > 0) {
				t.Errorf("log\n%swant a warning only when trades are missing", logged.String())
			}
		})
	}
}

func TestFetchedTradesBearTheSourceBackfill(t *testing.T) {
	engine := newEngine(t, symbol)
	happen(t, engine, 1, 3)
	b := bus.New()
	seen := watch(t, b, bus.TradeEvents(symbol))
	ex := &scripted{Local: local(engine), script: func(ctx context.Context, sink exchange.TradeSink) error {
		return errors.Join(sink.Connected(ctx), send(ctx, sink, 4))
	}}
	if err := streamer.New(streamer.Config{Symbol: symbol, Resume: stored(1)}, ex, b, quiet()).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	var sources []exchange.Source
	for _, trade := range taken[*exchange.TradeEvent](t, seen) {
		sources = append(sources, trade.Source)
	}
	if want := []exchange.Source{exchange.Backfill, exchange.Backfill, exchange.Live}; !slices.Equal(sources, want) {
		t.Errorf("sources %v, want %v", sources, want)
	}
}

func TestArrivedHearsOfEachTradeOfTheStreamOnceAndOfNoFetchedOne(t *testing.T) {
	engine := newEngine(t, symbol)
	happen(t, engine, 1, 10)
	b := bus.New()
	seen := watch(t, b, bus.TradeEvents(symbol))
	ex := &scripted{Local: local(engine), script: func(ctx context.Context, sink exchange.TradeSink) error {
		return errors.Join(sink.Connected(ctx), send(ctx, sink, 4, 4, 9))
	}}
	var arrived []int64
	config := streamer.Config{Symbol: symbol, Arrived: func(e *exchange.TradeEvent) {
		arrived = append(arrived, e.ID)
		if n := seen.Waiting(); e.ID == 9 && n != 1 {
			t.Errorf("%d trades were published when trade 9 arrived, want the one before it", n)
		}
	}}
	if err := streamer.New(config, ex, b, quiet()).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := []int64{4, 9}; !slices.Equal(arrived, want) {
		t.Errorf("arrived %v, want %v", arrived, want)
	}
}

func TestWhateverTheStreamDoesNoTradeIsLeftOutOrRepeated(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		engine := newEngine(t, symbol)
		b := bus.New()
		seen := watch(t, b, bus.TradeEvents(symbol))
		config := streamer.Config{Symbol: symbol}
		last := rapid.Int64Range(1, 5).Draw(rt, "trades before the start") // id of the newest trade
		happen(t, engine, 1, last)
		first := last + 1
		if rapid.Bool().Draw(rt, "resume") {
			resumed := rapid.Int64Range(1, last).Draw(rt, "last stored trade")
			config.Resume, first = stored(resumed), resumed+1
		}
		ex := &scripted{Local: local(engine)}
		// Each Run sees one script: connections that break, some of them by a failing
		// request, until the script is over.
		ex.script = func(ctx context.Context, sink exchange.TradeSink) error {
			for {
				if err := sink.Connected(ctx); err != nil {
					return err
				}
				for range rapid.IntRange(0, 8).Draw(rt, "trades of the connection") {
					last++
					happen(t, engine, last, last)
					switch rapid.SampledFrom([]string{"arrives", "arrives twice", "is lost", "arrives after an old one"}).Draw(rt, "the trade") {
					case "arrives twice":
						if err := send(ctx, sink, last); err != nil {
							return err
						}
					case "is lost":
						// The very first trade of all has nothing before it to be missed after.
						if last > first {
							continue
						}
					case "arrives after an old one":
						if last > first {
							if err := send(ctx, sink, rapid.Int64Range(first, last-1).Draw(rt, "old")); err != nil {
								return err
							}
						}
					}
					if err := send(ctx, sink, last); err != nil {
						return err
					}
				}
				away := rapid.Int64Range(0, 3).Draw(rt, "trades without a connection")
				if last >= first { // before the first trade there is nothing to go on behind
					happen(t, engine, last+1, last+away)
					last += away
				}
				if rapid.Bool().Draw(rt, "the script is over") {
					return errOver
				}
			}
		}
		s := streamer.New(config, ex, b, quiet())
		for range rapid.IntRange(1, 3).Draw(rt, "runs") {
			ex.refuse = nil
			if rapid.Bool().Draw(rt, "the exchange refuses to tell") {
				ex.refuse = exchange.ErrUnavailable
			}
			if err := s.Run(t.Context()); !errors.Is(err, errOver) && !errors.Is(err, ex.refuse) {
				rt.Fatalf("run: %v", err)
			}
		}
		ex.refuse, ex.script = nil, func(ctx context.Context, sink exchange.TradeSink) error { return sink.Connected(ctx) }
		if err := s.Run(t.Context()); err != nil {
			rt.Fatalf("last run: %v", err)
		}
		if got, want := ids(t, seen), count(first, last); !slices.Equal(got, want) {
			rt.Fatalf("published %v, want %v", got, want)
		}
	})
}

func TestAFailedRequestEndsTheRunAndTheNextOneGoesOn(t *testing.T) {
	engine := newEngine(t, symbol)
	happen(t, engine, 1, 5)
	b := bus.New()
	seen := watch(t, b, bus.TradeEvents(symbol))
	ex := &scripted{Local: local(engine), refuse: exchange.ErrUnavailable}
	ex.script = func(ctx context.Context, sink exchange.TradeSink) error {
		if err := sink.Connected(ctx); err != nil {
			return err
		}
		return send(ctx, sink, 1, 4)
	}
	s := streamer.New(streamer.Config{Symbol: symbol}, ex, b, quiet())
	err := s.Run(t.Context())
	if !errors.Is(err, exchange.ErrUnavailable) || !strings.Contains(err.Error(), "stream XRPETH: trades of XRPETH from id 2") {
		t.Errorf("run: %v, want what was asked for and why it failed", err)
	}
	wantIDs(t, ids(t, seen), []int64{1})
	ex.refuse = nil
	if err := s.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantIDs(t, ids(t, seen), count(2, 5))
}

func TestAnUnknownLastStoredTradeEndsTheRunAndIsAskedForAgain(t *testing.T) {
	engine := newEngine(t, symbol)
	happen(t, engine, 1, 5)
	b := bus.New()
	seen := watch(t, b, bus.TradeEvents(symbol))
	full := errors.New("disk is full")
	answers := []error{full, nil}
	config := streamer.Config{Symbol: symbol, Resume: func(context.Context) (int64, bool, error) {
		err := answers[0]
		answers = answers[1:]
		return 3, err == nil, err
	}}
	ex := &scripted{Local: local(engine), script: func(ctx context.Context, sink exchange.TradeSink) error { return sink.Connected(ctx) }}
	s := streamer.New(config, ex, b, quiet())
	if err := s.Run(t.Context()); !errors.Is(err, full) {
		t.Errorf("run: %v, want %v", err, full)
	}
	for range 2 { // the second time what was published says where to go on
		if err := s.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	wantIDs(t, ids(t, seen), []int64{4, 5})
}

func TestATradeThatWasNotTakenIsPublishedByTheNextRun(t *testing.T) {
	engine := newEngine(t, symbol)
	happen(t, engine, 1, 3)
	b := bus.New()
	seen := b.Subscribe(bus.Options{Name: "slow", Capacity: 2}, bus.TradeEvents(symbol))
	defer seen.Close()
	stopped := errors.New("lease lost")
	ctx, cancel := context.WithCancelCause(t.Context())
	ex := &scripted{Local: local(engine)}
	ex.script = func(ctx context.Context, sink exchange.TradeSink) error {
		if err := sink.Connected(ctx); err != nil {
			return err
		}
		if err := send(ctx, sink, 1, 2); err != nil {
			return err
		}
		cancel(stopped)
		return send(ctx, sink, 3)
	}
	s := streamer.New(streamer.Config{Symbol: symbol}, ex, b, quiet())
	if err := s.Run(ctx); !errors.Is(err, stopped) {
		t.Errorf("run: %v, want the cause %v", err, stopped)
	}
	wantIDs(t, ids(t, seen), []int64{1, 2})
	ex.script = func(ctx context.Context, sink exchange.TradeSink) error { return sink.Connected(ctx) }
	if err := s.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantIDs(t, ids(t, seen), []int64{3})
}
