package dump_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"hedgehog/exchange"
	"hedgehog/exchange/dump"
)

// plainTick reads a line of a trade the obvious way.
func plainTick(line string) (t exchange.Tick, err error) {
	f := strings.Split(line, ",")
	if t.ID, err = strconv.ParseInt(f[0], 10, 64); err != nil {
		return t, err
	}
	for i, into := range []*exchange.Units{&t.Price, &t.Quantity} {
		d, err := decimal.NewFromString(f[i+1])
		if err != nil {
			return t, err
		}
		u, ok := exchange.UnitsOf(d)
		if !ok {
			return t, fmt.Errorf("%s does not fit", d)
		}
		*into = u
	}
	at, err := strconv.ParseInt(f[4], 10, 64)
	if len(f[4]) == 13 {
		at *= 1000
	}
	t.Time, t.BuyerIsMaker = exchange.Micros(at), strings.EqualFold(f[5], "true")
	return t, err
}

// drawDecimal draws a plain decimal above zero that Units can hold.
func drawDecimal(t *rapid.T, name string) string {
	whole := rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(0, 9999), rapid.Int64Range(0, 92_233_720_367)).Draw(t, name+" whole")
	places := rapid.IntRange(0, 8).Draw(t, name+" places")
	digits := rapid.SampledFrom([]string{"0123456789", "0"}).Draw(t, name+" digits")
	fraction := rapid.StringOfN(rapid.RuneFrom([]rune(digits)), places, places, -1).Draw(t, name+" fraction")
	if whole == 0 && strings.Trim(fraction, "0") == "" {
		whole = 1
	}
	text := strings.Repeat("0", rapid.IntRange(0, 2).Draw(t, name+" zeros before")) + strconv.FormatInt(whole, 10)
	if places == 0 {
		return text
	}
	if places == 8 {
		fraction += strings.Repeat("0", rapid.IntRange(0, 3).Draw(t, name+" zeros behind"))
	}
	return text + "." + fraction
}

func TestTradesAreReadAsTheObviousReaderReadsThem(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var text strings.Builder
		var want []exchange.Tick
		id, at := int64(0), int64(1570752011620)
		micros := rapid.Bool().Draw(rt, "microseconds")
		old := rapid.Bool().Draw(rt, "six columns")
		end := rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(rt, "end of line")
		for range rapid.IntRange(1, 30).Draw(rt, "lines") {
			id += rapid.OneOf(rapid.Int64Range(1, 3), rapid.Int64Range(1, 10_000_000_000_000)).Draw(rt, "step")
			at += rapid.Int64Range(0, 100_000).Draw(rt, "pause")
			line := fmt.Sprintf("%d,%s,%s,%s,%d", id, drawDecimal(rt, "price"), drawDecimal(rt, "quantity"), drawDecimal(rt, "quote"), at)
			if micros {
				line += fmt.Sprintf("%03d", rapid.IntRange(0, 999).Draw(rt, "micros"))
				at++ // so that it does not fall
			}
			line += rapid.SampledFrom([]string{",True", ",False", ",true", ",FALSE"}).Draw(rt, "maker")
			if !old {
				line += rapid.SampledFrom([]string{",True", ",False"}).Draw(rt, "best")
			}
			tick, err := plainTick(line)
			if err != nil {
				rt.Fatalf("%s: %v", line, err)
			}
			want = append(want, tick)
			text.WriteString(line + end)
		}
		whole := text.String()
		if rapid.Bool().Draw(rt, "no end of line") {
			whole = strings.TrimSuffix(whole, end)
		}
		r := dump.NewReader(strings.NewReader(whole), "X-trades.csv", xrpeth, dump.Options{})
		got := make([]exchange.Tick, len(want)+1)
		n, err := r.ReadTicks(got)
		if err != io.EOF || !slices.Equal(got[:n], want) {
			rt.Fatalf("read\n%s\n got %v, %v\nwant %v", whole, got[:n], err, want)
		}
	})
}

// However the reads fall, a line is read whole.
func TestReadsMayEndAnywhere(t *testing.T) {
	var text strings.Builder
	for id := range 20_000 { // several times what is read at once
		fmt.Fprintf(&text, "%d,0.00141342,%d.50000000,0.03250866,%d,True,True\n", id+1, id+1, 1570752011620+id)
	}
	for _, size := range []int{97, 4096, 300_000} {
		r := dump.NewReader(&slow{strings.NewReader(text.String()), size}, "X-trades.csv", xrpeth, dump.Options{})
		ticks := make([]exchange.Tick, 20_001)
		n, err := r.ReadTicks(ticks)
		if n != 20_000 || err != io.EOF {
			t.Fatalf("in reads of %d bytes: %d trades, %v", size, n, err)
		}
		for i, tick := range ticks[:n] {
			if tick.ID != int64(i+1) || tick.Quantity != exchange.Units(i+1)*100_000_000+50_000_000 {
				t.Fatalf("in reads of %d bytes: trade %d is %+v", size, i, tick)
			}
		}
	}
}

// slow gives no more than so many bytes at once.
type slow struct {
	r    io.Reader
	size int
}

func (s *slow) Read(p []byte) (int, error) { return s.r.Read(p[:min(s.size, len(p))]) }

func TestTimesThatFallAreAnErrorWithBoth(t *testing.T) {
	text := goodLine + "8,0.1,1,0.1,1570752011620,True,True\n9,0.1,1,0.1,1570752011619,True,True\n"
	r := dump.NewReader(strings.NewReader(text), "X-trades.csv", xrpeth, dump.Options{})
	n, err := r.ReadTicks(make([]exchange.Tick, 5))
	if n != 2 || err == nil || !strings.Contains(err.Error(), "line 3") || !strings.Contains(err.Error(), "1570752011619") || !strings.Contains(err.Error(), "1570752011620000") {
		t.Errorf("%d trades, %v; want two and an error with both times", n, err)
	}
}

var (
	aggregate = dump.Name{Symbol: "XRPETH", Kind: dump.AggTrades}
	minutes   = dump.Name{Symbol: "XRPETH", Kind: dump.Klines, Minutes: 1}
)

const (
	aggLine   = "7,0.00141342,23.00000000,11,13,1570752011620,True,True\n"
	klineLine = "1570752000000,0.0014,0.0016,0.0013,0.0015,123456789012345.5,1570752059999,0.5,3,60,0.25,0\n"
)

func TestAggregateTradesAreRead(t *testing.T) {
	for name, text := range map[string]string{
		"eight columns": aggLine,
		"seven columns": strings.Replace(aggLine, ",True\n", "\n", 1),
		"columns named": "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker,best\n" + aggLine,
		"microseconds":  strings.Replace(aggLine, "1570752011620", "1570752011620000", 1),
	} {
		t.Run(name, func(t *testing.T) {
			r := dump.NewReader(strings.NewReader(text), "X-aggTrades.csv", aggregate, dump.Options{})
			got, err := r.NextAggTrade()
			want := exchange.AggTrade{Tick: exchange.Tick{ID: 7, Price: 141342, Quantity: 2_300_000_000, Time: 1570752011620000, BuyerIsMaker: true}, FirstID: 11, LastID: 13}
			if err != nil || got != want {
				t.Errorf("read %+v, %v; want %+v", got, err, want)
			}
			if _, err := r.NextAggTrade(); err != io.EOF {
				t.Errorf("after the last line: %v, want io.EOF", err)
			}
		})
	}
}

func TestKlinesAreRead(t *testing.T) {
	for name, text := range map[string]string{
		"milliseconds":  klineLine,
		"microseconds":  strings.NewReplacer("1570752000000", "1570752000000000", "1570752059999", "1570752059999999").Replace(klineLine),
		"columns named": "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore\r\n" + strings.Replace(klineLine, "\n", "\r\n", 1),
	} {
		t.Run(name, func(t *testing.T) {
			r := dump.NewReader(strings.NewReader(text), "X-1m.csv", minutes, dump.Options{})
			c, err := r.NextCandle()
			got := fmt.Sprintln(c.Symbol, c.Minutes, int64(c.StartTime), c.Open, c.High, c.Low, c.Close, c.Volume, c.Trades)
			if want := "XRPETH 1 1570752000000000 0.0014 0.0016 0.0013 0.0015 123456789012345.5 3\n"; err != nil || got != want {
				t.Errorf("read %s, %v; want %s", got, err, want)
			}
			if _, err := r.NextCandle(); err != io.EOF {
				t.Errorf("after the last line: %v, want io.EOF", err)
			}
		})
	}
}

func TestBadLinesOfOtherKindsNameTheirColumn(t *testing.T) {
	const start = "1570752060000,2,3,1,2,1,1570752119999,1,1,1,1,0" // the minute after klineLine
	for name, c := range map[string]struct {
		kind               dump.Name
		line, column, text string
	}{
		"trades in place of aggregates":  {aggregate, "8,0.1,1,0.1,5,1570752011620,True,True", "first id", "whole number"},
		"aggregates in place of trades":  {xrpeth, "8,0.1,1,5,6,1570752011620,True", "time", "13 digits"},
		"ids of trades that fall":        {aggregate, "8,0.1,1,6,5,1570752011620,True,True", "last id", "6, or more"},
		"aggregate ids that fall":        {aggregate, "7,0.1,1,14,15,1570752011620,True,True", "id", "one before is 7"},
		"aggregate times that fall":      {aggregate, "8,0.1,1,14,15,1570752011619,True,True", "time", "1570752011620000"},
		"trades in place of candles":     {minutes, "8,0.1,1,0.1,1570752011620,True,True", "", "7 columns, want the 12 of klines"},
		"candle that is off its minute":  {minutes, strings.Replace(start, "060000", "061000", 1), "start", "no candle of 1 minutes"},
		"candle of another length":       {minutes, strings.Replace(start, "119999", "359999", 1), "end", "does not end then"},
		"high that is not the highest":   {minutes, strings.Replace(start, ",3,", ",1.5,", 1), "high", "highest"},
		"low that is not the lowest":     {minutes, strings.Replace(start, ",3,1,", ",3,2.5,", 1), "low", "lowest"},
		"volume without trades":          {minutes, strings.Replace(start, "119999,1,1,", "119999,1,0,", 1), "trades", "volume of 1"},
		"candle twice":                   {minutes, strings.TrimSuffix(klineLine, "\n"), "start", "must rise"},
		"price of zero":                  {minutes, strings.Replace(start, ",2,3", ",0,3", 1), "open", "above 0"},
		"volume that is no plain number": {minutes, strings.Replace(start, ",1,1570", ",1e9,1570", 1), "volume", "decimal number"},
	} {
		t.Run(name, func(t *testing.T) {
			first := map[dump.Kind]string{dump.Trades: goodLine, dump.AggTrades: aggLine, dump.Klines: klineLine}[c.kind.Kind]
			r := dump.NewReader(strings.NewReader(first+c.line+"\n"), "X.csv", c.kind, dump.Options{})
			err := readAll(r)
			var bad *dump.LineError
			if !errors.As(err, &bad) || bad.Line != 2 || bad.Column != c.column || !strings.Contains(bad.Reason, c.text) {
				t.Errorf("error %+v, want column %q and %q", err, c.column, c.text)
			}
		})
	}
}

// readAll reads r to its end or first error.
func readAll(r *dump.Reader) (err error) {
	for err == nil {
		switch r.Name().Kind {
		case dump.AggTrades:
			_, err = r.NextAggTrade()
		case dump.Klines:
			_, err = r.NextCandle()
		default:
			_, err = r.NextTick()
		}
	}
	return err
}

func TestADumpIsOnlyReadAsWhatItIs(t *testing.T) {
	r := dump.NewReader(strings.NewReader(aggLine), "X-aggTrades.csv", aggregate, dump.Options{SkipBad: true})
	for name, read := range map[string]func() error{
		"trades":  func() error { _, err := r.Next(); return err },
		"ticks":   func() error { _, err := r.ReadTicks(make([]exchange.Tick, 1)); return err },
		"candles": func() error { _, err := r.NextCandle(); return err },
	} {
		if err := read(); err == nil || !strings.Contains(err.Error(), "it holds aggTrades") {
			t.Errorf("read as %s: %v, want what it holds", name, err)
		}
	}
}

func TestTheNameOfAFileSaysWhatItHolds(t *testing.T) {
	for path, want := range map[string]dump.Name{
		"XRPETH-trades-2019-10-11.csv":        {Symbol: "XRPETH"},
		"dir/XRPETH-trades-2019-10.zip":       {Symbol: "XRPETH"},
		"XRPETH-mine.csv":                     {Symbol: "XRPETH"},
		"XRPETH-aggTrades-2019-10-11.zip":     {Symbol: "XRPETH", Kind: dump.AggTrades},
		"XRPETH-aggTrades.csv":                {Symbol: "XRPETH", Kind: dump.AggTrades},
		"BTCUSDT-1m-2019-10-11.zip":           {Symbol: "BTCUSDT", Kind: dump.Klines, Minutes: 1},
		"BTCUSDT-4h-2019-10.csv":              {Symbol: "BTCUSDT", Kind: dump.Klines, Minutes: 240},
		"aggTrades-1m/BTCUSDT-1d-2019-10.csv": {Symbol: "BTCUSDT", Kind: dump.Klines, Minutes: 1440},
	} {
		if got, err := dump.NameOf(path); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", path, got, err, want)
		}
	}
	for path, want := range map[string]string{
		"XRPETH-3m-2019-10-11.zip":  "klines of 3m: want 1m, 5m, 15m, 1h, 4h or 1d",
		"XRPETH-1mo-2019-10-11.zip": "klines of 1mo",
		"trades.csv":                "does not start with a symbol",
		"xrp/eth-trades.csv":        "does not start with a symbol",
	} {
		if _, err := dump.NameOf(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}

func TestReadingTradesAllocatesNothingPerLine(t *testing.T) {
	text := strings.Builder{}
	for id := range 50_000 {
		fmt.Fprintf(&text, "%d,0.00141342,23.00000000,0.03250866,1570752011620,True,True\n", id+1)
	}
	r := dump.NewReader(strings.NewReader(text.String()), "X-trades.csv", xrpeth, dump.Options{})
	if n := testing.AllocsPerRun(40_000, func() {
		if _, err := r.NextTick(); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations for a trade", n)
	}
}
