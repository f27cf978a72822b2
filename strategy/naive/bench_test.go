package naive_test

import (
	"context"
	"testing"
	"time"

	"hedgehog/data/bus"
	"hedgehog/exchange"
	"hedgehog/exchange/binance"
	"hedgehog/exchange/sim"
	"hedgehog/strategy/naive"
)

// benchFrame is a trade as the stream sends it, at a price at which five resting
// positions of the worked case have nothing to do.
var benchFrame = []byte(`{"e":"trade","E":1672515782136,"s":"XRPUSDT","t":12345,"p":"0.43100000","q":"250.00000000","T":1672515782135,"m":true,"M":true}`)

// fivePositions are positions of the worked case at work: two wait for their
// buy, three for their sell.
func fivePositions() []naive.Position {
	var positions []naive.Position
	for i := range 5 {
		p := naive.Position{Symbol: "XRPUSDT", ID: naive.PositionID(i + 1), Slot: i, State: naive.Open}
		if i < 2 {
			p.Buy = order(exchange.Buy, "0.4307", "46.4", "0", exchange.New)
		} else {
			p.Buy = order(exchange.Buy, "0.4307", "46.4", "46.4", exchange.Filled)
			p.Sell = order(exchange.Sell, "0.4319", "46.3", "0", exchange.New)
		}
		positions = append(positions, p)
	}
	return positions
}

// roomySettings leave room for rebuys, so that each position looks at the price.
func roomySettings() naive.Settings {
	s := workedSettings()
	s.Chunks = 10
	return s
}

// decide runs the formula over the positions and returns how many are to act.
func decide(f naive.Formula, positions []naive.Position, e naive.Event, s naive.Settings) int {
	acting := 0
	for i := range positions {
		if _, d := f.Step(positions[i], e, s, len(positions)); d.Action != naive.Nothing {
			acting++
		}
	}
	return acting
}

// BenchmarkDecodeBusFormulaDecision takes one trade from the bytes of its frame
// over the bus to the decisions about five positions, and waits for them.
func BenchmarkDecodeBusFormulaDecision(b *testing.B) {
	events := bus.New()
	sub := events.Subscribe(bus.Options{Name: "formula"}, bus.TradeEvents("XRPUSDT"))
	defer sub.Close()
	decided := make(chan int)
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() {
		f, s, positions := formula(), roomySettings(), fivePositions()
		for {
			m, err := sub.Next(ctx)
			if err != nil {
				ended <- err
				return
			}
			decided <- decide(f, positions, naive.Event{Price: m.Event.(*exchange.TradeEvent).Price}, s)
		}
	}()
	publisher := events.Publisher(bus.TradeEvents("XRPUSDT"))
	b.ReportAllocs()
	for b.Loop() {
		t, err := binance.DecodeTrade(benchFrame)
		if err != nil {
			b.Fatal(err)
		}
		if err := publisher.Publish(b.Context(), &t); err != nil {
			b.Fatal(err)
		}
		if acting := <-decided; acting != 0 {
			b.Fatalf("%d positions act on a quiet price", acting)
		}
	}
	b.StopTimer()
	cancel()
	<-ended
}

// BenchmarkFormula is the formula's share of that: one trade, five positions.
func BenchmarkFormula(b *testing.B) {
	f, s, positions := formula(), roomySettings(), fivePositions()
	for _, c := range []struct {
		name, price string
		act         int
	}{
		{"nothing to do", "0.4310", 0},
		{"all ask for a rebuy", "0.4200", 5},
	} {
		b.Run(c.name, func(b *testing.B) {
			e := naive.Event{Price: d(c.price)}
			b.ReportAllocs()
			for b.Loop() {
				if acting := decide(f, positions, e, s); acting != c.act {
					b.Fatalf("%d positions act, want %d", acting, c.act)
				}
			}
		})
	}
}

// BenchmarkQuietTrade is what a trade costs a trader whose positions have
// nothing to do with it, its way over the bus included.
func BenchmarkQuietTrade(b *testing.B) {
	engine, err := sim.New(sim.DefaultConfig(sim.InfoFor([]exchange.Symbol{xrpusdt()})))
	if err != nil {
		b.Fatal(err)
	}
	defer engine.Close()
	events, settings := bus.New(), workedSettings()
	settings.Chunks = 1 // whose buy rests: no price below asks for another
	sub := events.Subscribe(bus.Options{Name: "trader"}, bus.TradeEvents("XRPUSDT"))
	defer sub.Close()
	trader := naive.New(naive.Config{Symbol: xrpusdt(), Fee: naive.DefaultFee, Settings: settings, ActOn: exchange.Live, Now: time.Now},
		sim.NewLocal(engine, account, "hedgehog/test (bench)"), events.Publisher(bus.Positions("XRPUSDT")), sub, quiet())
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- trader.Run(ctx) }()
	t, err := binance.DecodeTrade(benchFrame)
	if err != nil {
		b.Fatal(err)
	}
	publisher := events.Publisher(bus.TradeEvents("XRPUSDT"))
	pass := func(n int) {
		for range n {
			if err := publisher.Publish(b.Context(), &t); err != nil {
				b.Fatal(err)
			}
		}
		if err := events.Settle(b.Context(), bus.TradeEvents("XRPUSDT")); err != nil {
			b.Fatal(err)
		}
	}
	pass(1) // places the buy
	b.ReportAllocs()
	b.ResetTimer()
	pass(b.N)
	b.StopTimer()
	cancel()
	<-ended
	if sent := engine.Counts().Reports; sent != 1 {
		b.Errorf("%d reports of orders, want the one of the first buy", sent)
	}
}
