package report_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"hedgehog/data/backtest"
	"hedgehog/data/backtest/report"
	"hedgehog/exchange"
	"hedgehog/exchange/sim"
)

func d(s string) decimal.Decimal { return decimal.RequireFromString(s) }

// noon is when the trades begin: 2019-10-11 12:00:00 UTC.
const noon = exchange.Micros(1570795200_000_000)

// walk returns trades a second apart at prices that walk at random around 0.5.
func walk(n int) []exchange.Tick {
	random := rand.New(rand.NewPCG(1, 2))
	ticks := make([]exchange.Tick, n)
	price := int64(5000)
	for i := range ticks {
		price += random.Int64N(41) - 20 - (price-5000)/100
		ticks[i] = exchange.Tick{ID: int64(i) + 1, Time: noon + exchange.Micros(i)*1_000_000, Price: exchange.Units(price * 1e4), Quantity: 50e8}
	}
	return ticks
}

// mustRun returns a run on the trades as a page, and how many fills it had.
func mustRun(tb testing.TB, ticks []exchange.Tick) report.Page {
	tb.Helper()
	symbol, err := sim.SymbolFor("XRPUSDT")
	if err != nil {
		tb.Fatal(err)
	}
	p := report.Page{Symbol: symbol, Notes: []string{"Settings: those of a <test> & nothing else."}}
	c := backtest.DefaultConfig(symbol)
	c.Fill = func(f exchange.Fill) error { p.Marks.Add(f); return nil }
	if p.Result, err = backtest.Run(context.Background(), c, backtest.Memory(ticks)); err != nil {
		tb.Fatal(err)
	}
	return p
}

func mustHTML(tb testing.TB, p report.Page) string {
	tb.Helper()
	var page bytes.Buffer
	if err := report.HTML(&page, p); err != nil {
		tb.Fatal(err)
	}
	return page.String()
}

func TestThePageHasTheChartsAndTheFigures(t *testing.T) {
	p := mustRun(t, walk(5000))
	if p.Result.Fills < 20 {
		t.Fatalf("%d fills: too few to tell anything", p.Result.Fills)
	}
	page := mustHTML(t, p)
	for part, want := range map[string]int{
		"<svg viewBox=\"0 0 1000 1000\"":            3,
		`class="line price"`:                        2, // with its legend
		`class="dots buys"`:                         2,
		`class="dots sells"`:                        2,
		`class="line equity"`:                       2,
		`class="line hold"`:                         2,
		`class="area drawdown"`:                     1,
		p.Result.Profit.Round(8).String() + " USDT": 2, // in a tile and in the table
		"<title>Backtest XRPUSDT</title>":           1,
		"those of a &lt;test&gt; &amp; nothing":     1,
		"default-src &#39;none&#39;":                0, // the policy is no text to be escaped
		`content="default-src 'none'; `:             1,
		"NaN":                                       0,
		"ZgotmplZ":                                  0, // what the template writes in place of what it takes for unsafe
	} {
		if got := strings.Count(page, part); got != want {
			t.Errorf("%q is there %d times, want %d", part, got, want)
		}
	}
	if dots := strings.Count(page, "h0"); dots != p.Result.Fills+2 {
		t.Errorf("%d dots, want one for each of %d fills and two in the legend", dots, p.Result.Fills)
	}
}

func TestEqualRunsGiveEqualPages(t *testing.T) {
	if a, b := mustHTML(t, mustRun(t, walk(3000))), mustHTML(t, mustRun(t, walk(3000))); a != b {
		t.Error("two pages of the same run differ")
	}
}

func TestAShortRunHasAPageToo(t *testing.T) {
	for _, n := range []int{1, 2} {
		page := mustHTML(t, mustRun(t, walk(n)))
		if strings.Contains(page, "NaN") || strings.Contains(page, "Inf") || strings.Count(page, "<svg viewBox=\"0 0 1000 1000\"") != 3 {
			t.Errorf("the page of %d trades lacks something:\n%s", n, page)
		}
	}
}

// A hundred thousand fills, in pairs of a buy and a sell, seconds apart.
func TestManyFillsMakeNoLargePage(t *testing.T) {
	p := mustRun(t, walk(60_000))
	p.Marks = report.Marks{}
	const fills = 100_000
	for i := range fills {
		side := exchange.Buy
		if i%2 == 1 {
			side = exchange.Sell
		}
		p.Marks.Add(exchange.Fill{Side: side, Price: d("0.5"), Quantity: d("10"), Time: noon + exchange.Micros(i)*600_000})
	}
	page := mustHTML(t, p)
	if dots := strings.Count(page, "h0"); dots > 4002 || dots < 1000 {
		t.Errorf("%d dots, want thousands but no more than 4000", dots)
	}
	if len(page) > 500_000 {
		t.Errorf("%d bytes, want at most half a million", len(page))
	}
	if !strings.Contains(page, "The 100000 fills are drawn as ") {
		t.Error("the page does not say that fills are put together")
	}
}

func TestManyFillsOfOneMomentAreFewMarks(t *testing.T) {
	p := mustRun(t, walk(10))
	for range 10_000 {
		p.Marks.Add(exchange.Fill{Side: exchange.Buy, Price: d("0.5"), Quantity: d("10"), Time: noon})
	}
	if dots := strings.Count(mustHTML(t, p), "h0"); dots > 4002 {
		t.Errorf("%d dots, want no more than 4000", dots)
	}
}

func TestThePlotIsAsWideAsATerminal(t *testing.T) {
	p := mustRun(t, walk(5000))
	var out strings.Builder
	if err := report.Plot(&out, p.Result.Curve, p.Result.To); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != 8 || !strings.HasPrefix(lines[0], "price ") || !strings.HasPrefix(lines[4], "equity ") {
		t.Fatalf("want four lines of price and four of equity, got\n%s", out.String())
	}
	for _, n := range []int{3, 7} {
		fields := strings.Fields(lines[n])
		if area := []rune(fields[len(fields)-1]); len(area) != 60 || strings.Trim(string(area), "▁▂▃▄▅▆▇█") != "" {
			t.Errorf("the lowest line %q is not 60 columns wide", lines[n])
		}
	}
	out.Reset()
	if err := report.Plot(&out, nil, 0); err != nil || out.Len() > 0 {
		t.Errorf("of nothing it draws %q, %v", out.String(), err)
	}
}

// Steps of a staircase are as high as the values, and a time without trades keeps the
// value before it.
func TestThePlotFollowsTheValues(t *testing.T) {
	point := func(minute int, price int64) backtest.Point {
		return backtest.Point{Time: noon + exchange.Micros(minute)*60_000_000, Close: exchange.Units(price * 1e8), Equity: d("7")}
	}
	var out strings.Builder
	if err := report.Plot(&out, []backtest.Point{point(0, 1), point(30, 2), point(45, 4)}, noon+3600_000_000); err != nil {
		t.Fatal(err)
	}
	want := "" +
		"price   4                                              ████████████████\n" +
		"                                                       ████████████████\n" +
		"                                        ▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃████████████████\n" +
		"        1  ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁███████████████████████████████\n" +
		"equity  7\n\n" +
		"           ████████████████████████████████████████████████████████████\n" +
		"        7  ████████████████████████████████████████████████████████████\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestTheLineOfCSVHasTheFiguresOfTheJSON(t *testing.T) {
	p := mustRun(t, walk(5000))
	var out bytes.Buffer
	if err := report.CSV(&out, p.Result); err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(&out).ReadAll()
	if err != nil || len(records) != 2 {
		t.Fatalf("records %q, %v", records, err)
	}
	document, err := json.Marshal(p.Result)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(document, &fields); err != nil {
		t.Fatal(err)
	}
	for name, value := range fields["settings"].(map[string]any) {
		fields[name] = value
	}
	seen := make(map[string]string)
	for i, name := range records[0] {
		seen[name] = records[1][i]
	}
	own := map[string]string{
		"from": "2019-10-11T12:00:00.000000Z", "to": "2019-10-11T13:23:19.000000Z",
		"open": strconv.Itoa(len(p.Result.Open)), "win_rate": p.Result.WinRate.String(), "profit_factor": "",
	}
	for name, got := range seen {
		want, special := own[name]
		if !special && !strings.HasPrefix(name, "open_") {
			want = fmt.Sprint(fields[name])
		} else if !special {
			continue
		}
		if got != want {
			t.Errorf("column %s is %q, want %q", name, got, want)
		}
	}
	for name := range fields {
		if _, there := seen[name]; !there && name != "settings" && name != "status" {
			t.Errorf("there is no column %s", name)
		}
	}
}

// The marks of any fills keep their bound, and each fill is in one.
func TestMarksLoseNoFill(t *testing.T) {
	page := mustRun(t, walk(10))
	rapid.Check(t, func(t *rapid.T) {
		p := page
		p.Marks = report.Marks{}
		at := noon
		n := rapid.IntRange(1, 9000).Draw(t, "fills")
		pause := rapid.Int64Range(0, 3_000_000).Draw(t, "pause")
		sells := rapid.IntRange(2, 5).Draw(t, "every which is a sell")
		for i := range n {
			side := exchange.Buy
			if i%sells == 0 {
				side = exchange.Sell
			}
			at += exchange.Micros(pause)
			p.Marks.Add(exchange.Fill{Side: side, Price: d("0.5"), Quantity: d("10"), Time: at})
		}
		var out strings.Builder
		if err := report.HTML(&out, p); err != nil {
			t.Fatalf("%v", err)
		}
		dots := strings.Count(out.String(), "h0") - 2
		if dots > 4000 || n <= 4000 && dots != n {
			t.Fatalf("%d dots of %d fills", dots, n)
		}
	})
}

func BenchmarkHTML(b *testing.B) {
	p := mustRun(b, walk(100_000))
	b.ReportAllocs()
	var out bytes.Buffer
	for b.Loop() {
		out.Reset()
		if err := report.HTML(&out, p); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(out.Len()), "bytes")
}
