package main

import (
	"bufio"
	"context"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"hedgehog/data/backtest"
	"hedgehog/exchange"
	"hedgehog/exchange/sim"
	"hedgehog/storage"
)

// benchTrades is how many trades the benchmarks work on.
const benchTrades = 1_000_000

// recordedTicks returns the recorded days of XRPETH again and again, by turns forwards
// and backwards in time, so that the price never jumps.
func recordedTicks(b *testing.B) []exchange.Tick {
	var files []string
	for _, day := range []string{"2019-10-11", "2019-10-12"} {
		files = append(files, "../../../shared/data/XRPETH-trades-"+day+".csv")
		if _, err := os.Stat(files[len(files)-1]); err != nil {
			b.Skip("the recorded trades are not beside the repository")
		}
	}
	var days []exchange.Tick
	for ticks, err := range dumpTicks(files, 0, 0, func(float64) {}) {
		if err != nil {
			b.Fatal(err)
		}
		days = append(days, ticks...)
	}
	first, last := days[0].Time, days[len(days)-1].Time
	all := make([]exchange.Tick, benchTrades)
	for i := range all {
		turn, n := i/len(days), i%len(days)
		all[i] = days[n]
		if turn%2 == 1 {
			all[i] = days[len(days)-1-n]
			all[i].Time = first + last - all[i].Time
		}
		all[i].ID = int64(i) + 1
		all[i].Time += exchange.Micros(turn) * (last - first)
	}
	return all
}

// busyTicks returns trades of XRPETH as a busy symbol has them: thirty a second, most
// of them at the price of the one before or close to it.
func busyTicks(*testing.B) []exchange.Tick {
	random := rand.New(rand.NewPCG(1, 2))
	all := make([]exchange.Tick, benchTrades)
	price, at := int64(141_342), noon
	for i := range all {
		if random.Int64N(4) == 0 {
			price += random.Int64N(61) - 30 - (price-141_342)/5000
		}
		at += exchange.Micros(random.Int64N(66) * 1000)
		all[i] = exchange.Tick{ID: int64(i) + 1, Time: at, Price: exchange.Units(price), Quantity: exchange.Units(1+random.Int64N(5000)) * 1e8}
	}
	return all
}

// benchBacktests runs one on each kind of trades, with settings that go on trading.
func benchBacktests(b *testing.B, run func(b *testing.B, config backtest.Config, ticks []exchange.Tick)) {
	rules, err := sim.SymbolFor("XRPETH")
	if err != nil {
		b.Fatal(err)
	}
	config := backtest.DefaultConfig(rules)
	config.Settings.Budget, config.Settings.Chunks = dec("100"), 20
	config.Settings.ProfitTarget, config.Settings.RebuyInterval = dec("0.001"), dec("0.005")
	for _, kind := range []struct {
		name  string
		ticks func(*testing.B) []exchange.Tick
	}{{"recorded", recordedTicks}, {"busy", busyTicks}} {
		b.Run(kind.name, func(b *testing.B) {
			ticks := kind.ticks(b)
			b.ReportAllocs()
			run(b, config, ticks)
		})
	}
}

func mustRunBacktest(b *testing.B, config backtest.Config, ticks backtest.Ticks) (orders int) {
	r, err := backtest.Run(context.Background(), config, ticks)
	if err != nil {
		b.Fatal(err)
	}
	if r.Trades != benchTrades || r.Orders < 100 {
		b.Fatalf("%d trades and %d orders", r.Trades, r.Orders)
	}
	return r.Orders
}

// BenchmarkBacktestFromMemory runs on one core.
func BenchmarkBacktestFromMemory(b *testing.B) {
	benchBacktests(b, func(b *testing.B, config backtest.Config, ticks []exchange.Tick) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began, orders := time.Now(), 0
		for b.Loop() {
			orders += mustRunBacktest(b, config, backtest.Memory(ticks))
		}
		passed := time.Since(began)
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(b.N)*benchTrades/passed.Seconds(), "trades/s")
		b.ReportMetric(float64(orders)/float64(b.N), "orders/op")
		b.ReportMetric(float64(after.Mallocs-before.Mallocs)/float64(orders), "allocs/order")
	})
}

// BenchmarkBacktestFromDatabase reports the rate beside that at which the same rows are
// read from the database with nothing done.
func BenchmarkBacktestFromDatabase(b *testing.B) {
	benchBacktests(b, func(b *testing.B, config backtest.Config, ticks []exchange.Tick) {
		db := mustOpenHistory(b, mustStore(b, ticks))
		defer mustClose(b, db)
		h := &past{symbol: "XRPETH", db: db}
		beside(b, "of-scan", func() {
			rows := 0
			err := db.Ticks(context.Background(), "XRPETH", storage.TradeRange{}, func(page []exchange.Tick) error {
				rows += len(page)
				return nil
			})
			if err != nil || rows != benchTrades {
				b.Fatalf("%d rows, %v", rows, err)
			}
		}, func() { mustRunBacktest(b, config, h.ticks(context.Background())) })
	})
}

// BenchmarkBacktestFromDump reports the rate beside that at which a bufio.Scanner finds
// the lines of the file.
func BenchmarkBacktestFromDump(b *testing.B) {
	benchBacktests(b, func(b *testing.B, config backtest.Config, ticks []exchange.Tick) {
		path := mustDump(b, "XRPETH-trades-2019-10.csv", ticks)
		h := &past{symbol: "XRPETH", files: []string{path}}
		beside(b, "of-lines", func() {
			f, err := os.Open(path)
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			lines := 0
			for scanner := bufio.NewScanner(f); scanner.Scan(); lines++ {
			}
			if lines != benchTrades {
				b.Fatalf("%d lines", lines)
			}
		}, func() { mustRunBacktest(b, config, h.ticks(context.Background())) })
	})
}

// beside runs both by turns, so that what else the machine does slows both, and reports
// the rate of the run, and by how many times the bare one it is as fast: the median of
// all turns. On a machine that has other work as well the unit with -cpu tells more: the
// same by the processor time that both took, that of the run spread over all cores. It
// is what free cores can reach.
func beside(b *testing.B, unit string, bare, run func()) {
	var took time.Duration
	var ratios, used []float64
	for b.Loop() {
		began, before := time.Now(), processor(b)
		bare()
		between, middle := time.Now(), processor(b)
		run()
		passed, after := time.Since(between), processor(b)
		took += passed
		ratios = append(ratios, between.Sub(began).Seconds()/passed.Seconds())
		used = append(used, (middle-before).Seconds()/(after-middle).Seconds()*float64(runtime.GOMAXPROCS(0)))
	}
	slices.Sort(ratios)
	slices.Sort(used)
	b.ReportMetric(float64(b.N)*benchTrades/took.Seconds(), "trades/s")
	b.ReportMetric(ratios[len(ratios)/2], unit)
	b.ReportMetric(used[len(used)/2], unit+"-cpu")
}

// processor returns the processor time that this process has used.
func processor(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
