package optimize_test

import (
	"math/rand/v2"
	"syscall"
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

// processor returns the processor time that this process has used.
func processor(tb testing.TB) time.Duration {
	tb.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// BenchmarkJobs makes the same study with one job and with two. of_linear is how much
// of twice the speed the two have: on two free cores 0.95 is wanted. On a machine that
// has other work as well of_linear_cpu tells more: the processor time of one job by
// that of two, which falls below 1 by as much as they are in each other's way.
func BenchmarkJobs(b *testing.B) {
	const n = 1_000_000
	trades := calm(b, n)
	c := config(b, "profit_target=0.0005:0.01:20")
	study := func(jobs int) (passed, used time.Duration) {
		c.Jobs = jobs
		s := mustStudy(b, c, trades, optimize.NewLocal(c.Backtest, trades), &memory{})
		began, before := time.Now(), processor(b)
		if _, err := s.Run(b.Context()); err != nil {
			b.Fatal(err)
		}
		return time.Since(began), processor(b) - before
	}
	b.ReportAllocs()
	var one, oneUsed, two, twoUsed time.Duration
	for b.Loop() {
		passed, used := study(1)
		one, oneUsed = one+passed, oneUsed+used
		passed, used = study(2)
		two, twoUsed = two+passed, twoUsed+used
	}
	b.ReportMetric(float64(one)/float64(two)/2, "of_linear")
	b.ReportMetric(float64(oneUsed)/float64(twoUsed), "of_linear_cpu")
	b.ReportMetric(float64(b.N)*21*n/two.Seconds(), "trades/s")
}
