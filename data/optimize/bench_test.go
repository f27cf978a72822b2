package optimize_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"hedgehog/data/optimize"
	"hedgehog/exchange"
)

// calm returns trades most of which change nothing, as real ones do: the price walks
// by a step now and then.
func calm(tb testing.TB, n int) *optimize.Trades {
	tb.Helper()
	trades, rng := optimize.NewTrades(1<<30), rand.New(rand.NewPCG(1, 1))
	price := 50_000
	ticks := make([]exchange.Tick, n)
	for i := range ticks {
		if rng.IntN(8) == 0 {
			price += rng.IntN(3) - 1 + (50_000-price)/2000
		}
		ticks[i] = exchange.Tick{ID: int64(i) + 1, Time: 1e15 + exchange.Micros(i)*1e5, Price: exchange.Units(price) * 1e3, Quantity: 1e10}
	}
	if err := trades.Add(ticks); err != nil {
		tb.Fatal(err)
	}
	return trades
}

// BenchmarkJobs makes the same study with one job and with two. of_linear is how much
// of twice the speed the two have: on two free cores 0.95 is wanted.
func BenchmarkJobs(b *testing.B) {
	const n = 1_000_000
	trades := calm(b, n)
	c := config(b, "profit_target=0.0005:0.01:20")
	study := func(jobs int) time.Duration {
		c.Jobs = jobs
		s := mustStudy(b, c, trades, optimize.NewLocal(c.Backtest, trades), &memory{})
		began := time.Now()
		if _, err := s.Run(b.Context()); err != nil {
			b.Fatal(err)
		}
		return time.Since(began)
	}
	b.ReportAllocs()
	var one, two time.Duration
	for b.Loop() {
		one += study(1)
		two += study(2)
	}
	b.ReportMetric(float64(one)/float64(two)/2, "of_linear")
	b.ReportMetric(float64(b.N)*21*n/two.Seconds(), "trades/s")
}
