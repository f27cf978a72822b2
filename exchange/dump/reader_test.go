package dump_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
	"hedgehog/exchange/dump"
)

// recorded is a real day of trades, beside the repository.
const recorded = "../../../shared/data/XRPETH-trades-2019-10-11.csv"

// xrpeth is what most dumps of the tests are of.
var xrpeth = dump.Name{Symbol: "XRPETH"}

const goodLine = "7,0.00141342,23.00000000,0.03250866,1570752011620,True,True\n"

func TestRealDumpHasEveryTradeOfTheDay(t *testing.T) {
	if _, err := os.Stat(recorded); err != nil {
		t.Skipf("the recorded trades are not there: %v", err)
	}
	r, err := dump.Open(recorded, dump.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer closeReader(t, r)
	next := int64(13519807)
	for event, err := range trades(r) {
		if err != nil {
			t.Fatal(err)
		}
		if event.ID != next || event.Symbol != "XRPETH" {
			t.Fatalf("trade %s %d, want XRPETH %d", event.Symbol, event.ID, next)
		}
		next++
	}
	if last := next - 1; last != 13525735 {
		t.Errorf("last trade %d, want 13525735", last)
	}
}

func TestLinesAreReadWhole(t *testing.T) {
	cases := map[string]struct {
		text  string
		price string
		time  exchange.Micros
		maker bool
	}{
		"milliseconds":           {goodLine, "0.00141342", 1570752011620000, true},
		"microseconds":           {"7,0.00141342,23,0.03,1735689600000001,False,True\n", "0.00141342", 1735689600000001, false},
		"six columns":            {"7,25,23,575,1570752011620,true\n", "25", 1570752011620000, true},
		"no end of line":         {strings.TrimSuffix(goodLine, "\n"), "0.00141342", 1570752011620000, true},
		"windows end of line":    {strings.TrimSuffix(goodLine, "\n") + "\r\n", "0.00141342", 1570752011620000, true},
		"columns named at start": {"id,price,qty,quote_qty,time,is_buyer_maker,is_best_match\n" + goodLine, "0.00141342", 1570752011620000, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := dump.NewReader(strings.NewReader(c.text), "X-trades.csv", xrpeth, dump.Options{})
			event, err := r.Next()
			if err != nil {
				t.Fatal(err)
			}
			if event.ID != 7 || !event.Price.Equal(decimal.RequireFromString(c.price)) || event.TradeTime != c.time || event.BuyerIsMaker != c.maker {
				t.Errorf("read %+v", event)
			}
			if !event.Quantity.Equal(decimal.New(23, 0)) {
				t.Errorf("quantity %s, want 23", event.Quantity)
			}
			if _, err := r.Next(); err != io.EOF {
				t.Errorf("after the last line: %v, want io.EOF", err)
			}
		})
	}
}

// What a time begins with is remembered from line to line; before the first nothing is.
func TestATimeOfNoDigitsIsRefusedOnTheFirstLineToo(t *testing.T) {
	time := strings.Repeat("\x00", 8) + "52011620"
	r := dump.NewReader(strings.NewReader("7,0.1,1,0.1,"+time+",True,True\n"), "X-trades.csv", xrpeth, dump.Options{})
	_, err := r.Next()
	var bad *dump.LineError
	if !errors.As(err, &bad) || bad.Column != "time" || bad.Value != time {
		t.Errorf("error %v, want that the time %q is bad", err, time)
	}
}

func TestBadLinesNameWhereTheyAre(t *testing.T) {
	cases := map[string]struct{ line, column, value string }{
		"empty line":             {"", "", ""},
		"few columns":            {"8,0.1,1,0.1,1570752011620", "", "8,0.1,1,0.1,1570752011620"},
		"many columns":           {"8,0.1,1,0.1,1570752011620,True,True,1", "", "8,0.1,1,0.1,1570752011620,True,True,1"},
		"fewer than before":      {"8,0.1,1,0.1,1570752011620,True", "", "8,0.1,1,0.1,1570752011620,True"},
		"id not a number":        {"x,0.1,1,0.1,1570752011620,True,True", "id", "x"},
		"id of before":           {"7,0.1,1,0.1,1570752011620,True,True", "id", "7"},
		"negative id":            {"-8,0.1,1,0.1,1570752011620,True,True", "id", "-8"},
		"zero price":             {"8,0.000,1,0.1,1570752011620,True,True", "price", "0.000"},
		"negative price":         {"8,-0.1,1,0.1,1570752011620,True,True", "price", "-0.1"},
		"price with an exponent": {"8,1e9,1,0.1,1570752011620,True,True", "price", "1e9"},
		"price with two points":  {"8,1.0.0,1,0.1,1570752011620,True,True", "price", "1.0.0"},
		"price without digits":   {"8,.,1,0.1,1570752011620,True,True", "price", "."},
		"price of 19 digits":     {"8,1234567890.123456789,1,0.1,1570752011620,True,True", "price", "1234567890.123456789"},
		"price of nine places":   {"8,1.000000001,1,0.1,1570752011620,True,True", "price", "1.000000001"},
		"price of 100 billion":   {"8,100000000000.5,1,0.1,1570752011620,True,True", "price", "100000000000.5"},
		"no quantity":            {"8,0.1,,0.1,1570752011620,True,True", "quantity", ""},
		"zero quantity":          {"8,0.1,0,0.1,1570752011620,True,True", "quantity", "0"},
		"bad quote quantity":     {"8,0.1,1,nan,1570752011620,True,True", "quote quantity", "nan"},
		"time in seconds":        {"8,0.1,1,0.1,1570752011,True,True", "time", "1570752011"},
		"time in nanoseconds":    {"8,0.1,1,0.1,1570752011620000000,True,True", "time", "1570752011620000000"},
		"bad flag":               {"8,0.1,1,0.1,1570752011620,yes,True", "buyer is maker", "yes"},
		"truncated last flag":    {"8,0.1,1,0.1,1570752011620,True,Tr", "best match", "Tr"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := dump.NewReader(strings.NewReader(goodLine+c.line+"\n"), "X-trades.csv", xrpeth, dump.Options{})
			if _, err := r.Next(); err != nil {
				t.Fatal(err)
			}
			_, err := r.Next()
			var bad *dump.LineError
			if !errors.As(err, &bad) {
				t.Fatalf("error %v, want a *LineError", err)
			}
			if bad.File != "X-trades.csv" || bad.Line != 2 || bad.Column != c.column || bad.Value != c.value || bad.Reason == "" {
				t.Errorf("error %+v", bad)
			}
		})
	}
}

func TestOverlongLineIsPassedOverWithoutBeingKept(t *testing.T) {
	text := goodLine + strings.Repeat("9", 100_000) + "\n" + "8" + goodLine[1:]
	r := dump.NewReader(strings.NewReader(text), "X-trades.csv", xrpeth, dump.Options{SkipBad: true})
	var ids []int64
	for event, err := range trades(r) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, event.ID)
	}
	if len(ids) != 2 || ids[1] != 8 {
		t.Errorf("ids %v, want 7 and 8", ids)
	}
	n, first := r.Skipped()
	if n != 1 || first == nil || !strings.Contains(first.Error(), "line 2") {
		t.Errorf("skipped %d lines, first %v; want line 2", n, first)
	}
}

func TestZipIsReadLikeThePlainFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "XRPETH-trades-2019-10-11.zip")
	writeZip(t, path, map[string]string{"XRPETH-trades-2019-10-11.csv": goodLine})
	r, err := dump.Open(path, dump.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer closeReader(t, r)
	event, err := r.Next()
	if err != nil || event.ID != 7 || event.Symbol != "XRPETH" {
		t.Errorf("read %+v, %v", event, err)
	}
}

func TestDamagedZipIsAnErrorEvenWhenBadLinesAreSkipped(t *testing.T) {
	path := filepath.Join(t.TempDir(), "XRPETH-trades-2019-10-11.zip")
	writeZip(t, path, map[string]string{"XRPETH-trades-2019-10-11.csv": goodLine})
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(content, []byte("23.0"))
	content[at] = '9'
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := dump.Open(path, dump.Options{SkipBad: true})
	if err != nil {
		t.Fatal(err)
	}
	defer closeReader(t, r)
	for err == nil {
		_, err = r.Next()
	}
	if !errors.Is(err, zip.ErrChecksum) {
		t.Errorf("error %v, want %v", err, zip.ErrChecksum)
	}
}

func TestWhatIsNotADumpIsRefused(t *testing.T) {
	dir := t.TempDir()
	two := filepath.Join(dir, "XRPETH-two.zip")
	writeZip(t, two, map[string]string{"a.csv": goodLine, "b.csv": goodLine})
	text := filepath.Join(dir, "XRPETH-text.zip")
	writeZip(t, text, map[string]string{"readme.txt": goodLine})
	plain := filepath.Join(dir, "XRPETH-plain.zip")
	if err := os.WriteFile(plain, []byte(goodLine), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{two, text, plain, filepath.Join(dir, "XRPETH-none.csv"), filepath.Join(dir, "trades.csv"), filepath.Join(dir, "xrp-trades.csv")} {
		t.Run(filepath.Base(path), func(t *testing.T) {
			if r, err := dump.Open(path, dump.Options{}); err == nil {
				closeReader(t, r)
				t.Error("opened, want an error")
			}
		})
	}
}

func TestReadErrorIsNotABadLine(t *testing.T) {
	broken := errors.New("the disk is gone")
	r := dump.NewReader(io.MultiReader(strings.NewReader(goodLine), failing{broken}), "X-trades.csv", xrpeth, dump.Options{SkipBad: true})
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(); !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte(goodLine), false, uint8(0))
	f.Add([]byte("id,price\n"+goodLine+"8,0.1,1,0.1,1735689600000001,False,Tr"), true, uint8(0))
	f.Add([]byte("\n\r\n,,,,,,\n9223372036854775807,1,1,1,1570752011620,True"), true, uint8(0))
	f.Add([]byte(aggLine+"8,1,1,14,14,1570752011620,False"), true, uint8(1))
	f.Add([]byte(klineLine+"1570752060000,1,1,1,1,0,1570752119999,0,0,0,0,0"), true, uint8(2))
	f.Fuzz(func(t *testing.T, text []byte, skip bool, kind uint8) {
		name := []dump.Name{xrpeth, aggregate, minutes}[kind%3]
		r := dump.NewReader(bytes.NewReader(text), "X.csv", name, dump.Options{SkipBad: skip})
		var last exchange.Tick
		for {
			next, err := fuzzed(t, r)
			if err == io.EOF {
				return
			}
			if err != nil {
				var bad *dump.LineError
				if !errors.As(err, &bad) || skip {
					t.Fatalf("error %v from a reader that can't fail", err)
				}
				return
			}
			if next.ID <= last.ID || next.Time < last.Time || next.Price <= 0 || next.Quantity <= 0 || next.Time < 1e15 || next.Time >= 1e16 {
				t.Fatalf("not what can come after %+v: %+v", last, next)
			}
			last = next
		}
	})
}

// fuzzed reads a row of any kind as a trade, after looking at what only its kind has.
func fuzzed(t *testing.T, r *dump.Reader) (exchange.Tick, error) {
	switch r.Name().Kind {
	case dump.AggTrades:
		a, err := r.NextAggTrade()
		if err == nil && (a.FirstID <= 0 || a.LastID < a.FirstID) {
			t.Fatalf("not an aggregate trade: %+v", a)
		}
		return a.Tick, err
	case dump.Klines:
		c, err := r.NextCandle()
		if err == nil && (c.Low.Sign() <= 0 || c.High.LessThan(c.Low) || c.Volume.IsNegative() || c.Trades < 0) {
			t.Fatalf("not a candle: %+v", c)
		}
		return exchange.Tick{ID: int64(c.StartTime), Time: c.StartTime, Price: 1, Quantity: 1}, err
	default:
		return r.NextTick()
	}
}
