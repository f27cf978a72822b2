package backtest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"hedgehog/data/backtest"
	"hedgehog/exchange"
	"hedgehog/exchange/dump"
	"hedgehog/exchange/sim"
)

func d(s string) decimal.Decimal { return decimal.RequireFromString(s) }

// failer is a testing.TB or a *rapid.T.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func mustSymbol(tb failer, name string) exchange.Symbol {
	tb.Helper()
	s, err := sim.SymbolFor(name)
	if err != nil {
		tb.Fatalf("%v", err)
	}
	return s
}

// recorded returns the trades of the recorded days.
func recorded(tb testing.TB) []exchange.Tick {
	tb.Helper()
	var all []exchange.Tick
	for _, day := range []string{"2019-10-11", "2019-10-12"} {
		r, err := dump.Open("../../../shared/data/XRPETH-trades-"+day+".csv", dump.Options{})
		if errors.Is(err, os.ErrNotExist) {
			tb.Skip("the recorded trades are not beside the repository")
		}
		if err != nil {
			tb.Fatal(err)
		}
		for {
			t, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				tb.Fatal(err)
			}
			tick, err := exchange.TickOf(&t)
			if err != nil {
				tb.Fatal(err)
			}
			all = append(all, tick)
		}
		if err := r.Close(); err != nil {
			tb.Fatal(err)
		}
	}
	return all
}

// outcome is what a run gave.
type outcome struct {
	backtest.Result
	orders []exchange.Order
	fills  []exchange.Fill
}

func mustRun(tb failer, c backtest.Config, ticks backtest.Ticks) outcome {
	tb.Helper()
	var o outcome
	c.Order = func(order exchange.Order) error { o.orders = append(o.orders, order); return nil }
	c.Fill = func(f exchange.Fill) error { o.fills = append(o.fills, f); return nil }
	var err error
	if o.Result, err = backtest.Run(context.Background(), c, ticks); err != nil {
		tb.Fatalf("run: %v", err)
	}
	return o
}

func lines(orders []exchange.Order) []string {
	var all []string
	for _, o := range orders {
		all = append(all, fmt.Sprintf("%s %s of %s %s", o.Side, o.Price, o.OriginalQuantity, o.Status))
	}
	return all
}

// compare fails unless the run gave what the plain computations give.
func compare(tb failer, c backtest.Config, trades []exchange.Tick, got outcome) {
	tb.Helper()
	p := plain{tick: c.Symbol.Filters.TickSize, step: c.Symbol.Filters.StepSize, fee: c.Commission, settings: c.Settings}
	p.run(trades)
	var want []string
	for _, o := range p.orders {
		want = append(want, fmt.Sprintf("%s %s of %s %s", o.side, o.price, o.quantity, o.status()))
	}
	have := lines(got.orders)
	for i := range max(len(have), len(want)) {
		if i >= len(have) || i >= len(want) || have[i] != want[i] {
			tb.Fatalf("order %d of %d differs from the plain computation's %d:\n got %s\nwant %s", i+1, len(have), len(want),
				slices.Concat(have[min(i, len(have)):], []string{"none"})[0], slices.Concat(want[min(i, len(want)):], []string{"none"})[0])
		}
	}
	a := reckon(c.Settings.Budget, trades, got.fills, c.Symbol.BaseAsset)
	last := trades[len(trades)-1].Price.Decimal()
	for _, figure := range []struct {
		name      string
		got, want decimal.Decimal
	}{
		{"profit", got.Profit, a.quote.Add(a.base.Mul(last)).Sub(c.Settings.Budget)},
		{"fees", got.Fees, a.fees},
		{"maximum drawdown", got.MaxDrawdown.Round(12), a.fallAmount.Round(12)},
		{"maximum drawdown's share", got.MaxDrawdownShare, a.fall.Round(8)},
		{"time in market", got.TimeInMarket, decimal.NewFromInt(int64(a.inMarket)).DivRound(decimal.NewFromInt(max(1, int64(a.span))), 8)},
	} {
		if !figure.got.Equal(figure.want) {
			tb.Fatalf("%s %s, the plain computation has %s", figure.name, figure.got, figure.want)
		}
	}
}

func TestARecordedTimeGivesTheOrdersOfAPlainComputation(t *testing.T) {
	trades := recorded(t)
	for name, set := range map[string]func(*backtest.Config){
		"as the issue has it": func(c *backtest.Config) { c.Settings.ProfitTarget = d("0.001") },
		"one chunk":           func(c *backtest.Config) { c.Settings.Chunks = 1 },
		"many chunks, and the price may fall far before the next": func(c *backtest.Config) {
			c.Settings.Chunks, c.Settings.RebuyInterval = 20, d("0.01")
		},
		"a wide interval": func(c *backtest.Config) { c.Settings.BuyDownInterval = d("0.004") },
		"no commission":   func(c *backtest.Config) { c.Commission = decimal.Zero },
	} {
		t.Run(name, func(t *testing.T) {
			c := backtest.DefaultConfig(mustSymbol(t, "XRPETH"))
			c.Settings.Budget = d("10")
			set(&c)
			got := mustRun(t, c, backtest.Memory(trades))
			if len(got.orders) < 10 || got.Cycles == 0 {
				t.Fatalf("%d orders and %d cycles: too few to tell anything", len(got.orders), got.Cycles)
			}
			compare(t, c, trades, got)
		})
	}
}

// walk draws trades at prices that jump about.
func walk(t *rapid.T, n int) []exchange.Tick {
	price := int64(5000)
	at := exchange.Micros(1_600_000_000_000_000)
	trades := make([]exchange.Tick, 0, n)
	for i := range n {
		price = min(max(price+rapid.Int64Range(-12, 12).Draw(t, "step"), 4000), 6000)
		at += exchange.Micros(rapid.Int64Range(0, 3_000_000).Draw(t, "pause"))
		trades = append(trades, exchange.Tick{ID: int64(i) + 1, Time: at, Price: exchange.Units(price * 1e4), Quantity: exchange.Units(rapid.Int64Range(1, 500).Draw(t, "lots") * 1e7)})
	}
	return trades
}

// chopped hands the trades out in batches of a size.
func chopped(trades []exchange.Tick, size int) backtest.Ticks {
	return func(yield func([]exchange.Tick, error) bool) {
		for batch := range slices.Chunk(trades, size) {
			if !yield(batch, nil) {
				return
			}
		}
	}
}

func TestAnyTradesGiveTheOrdersOfAPlainComputation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := backtest.DefaultConfig(mustSymbol(t, "XRPUSDT"))
		c.Settings.Budget = d("1000")
		c.Settings.Chunks = rapid.IntRange(1, 6).Draw(t, "chunks")
		c.Settings.BuyDownInterval = decimal.New(rapid.Int64Range(0, 40).Draw(t, "buy down"), -4)
		c.Settings.ProfitTarget = decimal.New(rapid.Int64Range(1, 40).Draw(t, "target"), -4)
		c.Settings.RebuyInterval = decimal.New(rapid.Int64Range(0, 40).Draw(t, "rebuy"), -4)
		trades := walk(t, rapid.IntRange(1, 300).Draw(t, "trades"))
		got := mustRun(t, c, chopped(trades, rapid.IntRange(1, 50).Draw(t, "batch")))
		compare(t, c, trades, got)
		if again := mustRun(t, c, backtest.Memory(trades)); !reflect.DeepEqual(got, again) {
			t.Fatalf("the same trades in one batch give %+v, want %+v", again.Result, got.Result)
		}
	})
}

func TestWithoutItsCurveAResultIsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := backtest.DefaultConfig(mustSymbol(t, "XRPETH"))
		c.Settings.Budget = d("10")
		trades := walk(t, 500)
		with := mustRun(t, c, backtest.Memory(trades))
		c.NoCurve = true
		without := mustRun(t, c, backtest.Memory(trades))
		if len(with.Curve) == 0 || len(without.Curve) > 0 {
			t.Fatalf("%d and %d points", len(with.Curve), len(without.Curve))
		}
		with.Curve, without.Curve = nil, nil
		if !reflect.DeepEqual(without, with) {
			t.Fatalf("without the curve %+v, with it %+v", without.Result, with.Result)
		}
	})
}

func TestTheWorkedCase(t *testing.T) {
	c := backtest.DefaultConfig(mustSymbol(t, "XRPUSDT"))
	c.Settings.Budget, c.Settings.BuyDownInterval, c.Settings.ProfitTarget = d("100"), d("0.0025"), d("0.001")
	var trades []exchange.Tick
	for i, price := range []string{"0.43183010", "0.43183020", "0.43183030", "0.4307", "0.43065", "0.43189", "0.4319", "0.43205", "0.43205", "0.43210"} {
		units, err := exchange.ParseUnits([]byte(price))
		if err != nil {
			t.Fatal(err)
		}
		trades = append(trades, exchange.Tick{ID: int64(i) + 1, Time: exchange.Micros(1e15 + i), Price: units, Quantity: 1e8})
	}
	got := mustRun(t, c, backtest.Memory(trades))
	want := []string{"BUY 0.4307 of 46.4 FILLED", "SELL 0.4319 of 46.3 FILLED", "BUY 0.431 of 46.4 NEW"}
	if !slices.Equal(lines(got.orders), want) {
		t.Errorf("orders\n got %q\nwant %q", lines(got.orders), want)
	}
	if got.Cycles != 1 || len(got.Open) != 0 || got.Orders != 3 || got.Fills != 2 {
		t.Errorf("%d cycles, %d open, %d orders, %d fills; want 1, 0, 3 and 2", got.Cycles, len(got.Open), got.Orders, got.Fills)
	}
}

func TestAPartialFillIsAsLargeAsItsTrade(t *testing.T) {
	c := backtest.DefaultConfig(mustSymbol(t, "XRPUSDT"))
	c.Settings.Budget, c.Settings.Chunks, c.Settings.BuyDownInterval = d("100"), 1, decimal.Zero
	c.PartialFills = true
	trades := []exchange.Tick{
		{ID: 1, Time: 1e15, Price: 5000e4, Quantity: 1e8},
		{ID: 2, Time: 1e15 + 1, Price: 4990e4, Quantity: 150e8},
		{ID: 3, Time: 1e15 + 2, Price: 4990e4, Quantity: 500e8},
	}
	got := mustRun(t, c, backtest.Memory(trades))
	var quantities []string
	for _, f := range got.fills {
		quantities = append(quantities, f.Quantity.String())
	}
	if want := []string{"150", "50"}; !slices.Equal(quantities, want) {
		t.Errorf("fills of %q, want %q", quantities, want)
	}
	if len(got.Open) != 1 || !got.Open[0].Quantity.Equal(d("199.8")) || !got.Open[0].Cost.Equal(d("100")) {
		t.Errorf("open %+v, want 199.8 that cost 100", got.Open)
	}
}

// An order that is a second on its way is not filled by the trades of that second.
func TestAnOrderArrivesLaterThanItWasDecidedOn(t *testing.T) {
	c := backtest.DefaultConfig(mustSymbol(t, "XRPUSDT"))
	c.Settings.Budget, c.Settings.Chunks, c.Settings.BuyDownInterval = d("100"), 1, decimal.Zero
	c.Latency = time.Second
	second := exchange.Micros(1_000_000)
	trades := []exchange.Tick{
		{ID: 1, Time: 1e15, Price: 5000e4, Quantity: 1e8},
		{ID: 2, Time: 1e15 + second/2, Price: 4990e4, Quantity: 1e8}, // the order is not there yet
		{ID: 3, Time: 1e15 + second, Price: 4980e4, Quantity: 1e8},   // now it is
		{ID: 4, Time: 1e15 + 9*second, Price: 4980e4, Quantity: 1e8},
	}
	got := mustRun(t, c, backtest.Memory(trades))
	if len(got.fills) != 1 || got.fills[0].TradeID != 3 {
		t.Errorf("fills %+v, want one by trade 3", got.fills)
	}
	if len(got.orders) != 2 || got.orders[0].Time != 1e15+second || got.orders[1].Time != 1e15+2*second {
		t.Errorf("orders %+v, want the buy accepted after 1 s and the sell after 2 s", got.orders)
	}
}

func TestWhatCanNotBeTriedIsNamed(t *testing.T) {
	tick := func(id int64, at exchange.Micros) exchange.Tick {
		return exchange.Tick{ID: id, Time: 1e15 + at, Price: 5000e4, Quantity: 1e8}
	}
	failing := func(yield func([]exchange.Tick, error) bool) {
		if yield([]exchange.Tick{tick(1, 0)}, nil) {
			yield(nil, errors.New("the disk is gone"))
		}
	}
	for name, tt := range map[string]struct {
		ticks  backtest.Ticks
		change func(*backtest.Config)
		want   string
	}{
		"no trades":             {backtest.Memory(nil), nil, "there are no trades"},
		"a hole":                {backtest.Memory([]exchange.Tick{tick(1, 0), tick(5, 1)}), nil, "trades 2 to 4 of XRPUSDT are missing (3)"},
		"an id that falls":      {backtest.Memory([]exchange.Tick{tick(5, 0), tick(4, 1)}), nil, "trade 4 of XRPUSDT comes after trade 5"},
		"an id twice":           {backtest.Memory([]exchange.Tick{tick(5, 0), tick(5, 1)}), nil, "trade 5 of XRPUSDT comes after trade 5"},
		"a time that goes back": {backtest.Memory([]exchange.Tick{tick(1, 5), tick(2, 4)}), nil, "times must not go backwards"},
		"a price of zero":       {backtest.Memory([]exchange.Tick{{ID: 1, Time: 1, Quantity: 1}}), nil, "price 0"},
		"a source that fails":   {failing, nil, "the disk is gone"},
		"a setting out of range": {backtest.Memory([]exchange.Tick{tick(1, 0)}), func(c *backtest.Config) { c.Settings.Chunks = 0 },
			"chunks 0"},
		"a commission of all": {backtest.Memory([]exchange.Tick{tick(1, 0)}), func(c *backtest.Config) { c.Commission = d("1") },
			"commission 1"},
	} {
		t.Run(name, func(t *testing.T) {
			c := backtest.DefaultConfig(mustSymbol(t, "XRPUSDT"))
			if tt.change != nil {
				tt.change(&c)
			}
			if _, err := backtest.Run(t.Context(), c, tt.ticks); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestHolesThatAreAllowedAreCounted(t *testing.T) {
	c := backtest.DefaultConfig(mustSymbol(t, "XRPUSDT"))
	c.AllowHoles = true
	trades := []exchange.Tick{{ID: 1, Time: 1e15, Price: 5000e4, Quantity: 1e8}, {ID: 5, Time: 1e15 + 1, Price: 5000e4, Quantity: 1e8}, {ID: 7, Time: 1e15 + 1, Price: 5000e4, Quantity: 1e8}}
	if got := mustRun(t, c, backtest.Memory(trades)); got.Missing != 4 || got.Trades != 3 {
		t.Errorf("%d trades and %d missing, want 3 and 4", got.Trades, got.Missing)
	}
}

func TestARunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped")
	endless := func(yield func([]exchange.Tick, error) bool) {
		for id := int64(1); yield([]exchange.Tick{{ID: id, Time: exchange.Micros(id), Price: 5000e4, Quantity: 1e8}}, nil); id++ {
			if id == 1000 {
				cancel(stopped)
			}
		}
	}
	if _, err := backtest.Run(ctx, backtest.DefaultConfig(mustSymbol(t, "XRPUSDT")), endless); !errors.Is(err, stopped) {
		t.Errorf("run: %v, want the cause that it was stopped for", err)
	}
}

func TestARefusedOrderIsCountedAndExplained(t *testing.T) {
	c := backtest.DefaultConfig(mustSymbol(t, "XRPUSDT"))
	c.Settings.Budget = d("10") // two a chunk, and five are the least
	got := mustRun(t, c, backtest.Memory([]exchange.Tick{{ID: 1, Time: 1e15, Price: 5000e4, Quantity: 1e8}, {ID: 2, Time: 1e15 + 1, Price: 5000e4, Quantity: 1e8}}))
	if got.Refused != 1 || !strings.Contains(got.LastRefusal, "NOTIONAL") || got.Orders != 0 {
		t.Errorf("%d refused, %q, %d orders; want 1, NOTIONAL and none", got.Refused, got.LastRefusal, got.Orders)
	}
}
