package dump_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"pgregory.net/rapid"

	"hedgehog/exchange"
	"hedgehog/exchange/dump"
)

// outcome is all that a reader tells of a dump.
type outcome struct {
	ticks   []exchange.Tick
	err     string
	skipped int
	first   string // of what was skipped
}

func (o outcome) equal(p outcome) bool {
	return slices.Equal(o.ticks, p.ticks) && o.err == p.err && o.skipped == p.skipped && o.first == p.first
}

// alone reads line by line.
func alone(r *dump.Reader) (o outcome) {
	var err error
	for {
		var t exchange.Tick
		if r.Name().Kind == dump.AggTrades {
			var agg exchange.AggTrade
			agg, err = r.NextAggTrade()
			t = agg.Tick
		} else {
			t, err = r.NextTick()
		}
		if err != nil {
			break
		}
		o.ticks = append(o.ticks, t)
	}
	return o.ended(r, err)
}

// together reads in sections of that size.
func together(r *dump.Reader, size int) (o outcome) {
	var failed error
	for ticks, err := range r.BatchesOf(size) {
		o.ticks = append(o.ticks, ticks...)
		if err != nil {
			failed = err
		}
	}
	return o.ended(r, failed)
}

func (o outcome) ended(r *dump.Reader, err error) outcome {
	if err != nil && err != io.EOF {
		o.err = err.Error()
	}
	var first error
	if o.skipped, first = r.Skipped(); first != nil {
		o.first = first.Error()
	}
	return o
}

// tradeLine writes the trade of that number, in milliseconds.
func tradeLine(kind dump.Kind, n int) string {
	if kind == dump.AggTrades {
		return fmt.Sprintf("%d,0.%08d,%d,%d,%d,%d,True,True\n", n, 1+n%1000, n, 2*n, 2*n+1, 1570752011620+n)
	}
	return fmt.Sprintf("%d,0.%08d,%d,0.5,%d,False,True\n", n, 1+n%1000, n, 1570752011620+n)
}

// spoilt are what a line may be instead of the one that belongs there.
var spoilt = map[string]func(kind dump.Kind, n int) string{
	"the line before again": func(kind dump.Kind, n int) string { return tradeLine(kind, n-1) },
	"a time that falls": func(kind dump.Kind, n int) string {
		return strings.Replace(tradeLine(kind, n), fmt.Sprint(1570752011620+n), fmt.Sprint(1570752011620+n-2), 1)
	},
	"a column less":      func(kind dump.Kind, n int) string { return strings.Replace(tradeLine(kind, n), ",True\n", "\n", 1) },
	"no price":           func(kind dump.Kind, n int) string { return strings.Replace(tradeLine(kind, n), ",0.", ",x.", 1) },
	"the columns' names": func(dump.Kind, int) string { return "id,price,qty\n" },
	"an empty line":      func(dump.Kind, int) string { return "\n" },
	"a very long line":   func(dump.Kind, int) string { return strings.Repeat("1", 10_000) + "\n" },
	"a windows end": func(kind dump.Kind, n int) string {
		return strings.Replace(tradeLine(kind, n), "\n", "\r\n", 1)
	},
}

// checkTogether compares both ways to read the text.
func checkTogether(t interface{ Errorf(string, ...any) }, title string, name dump.Name, opts dump.Options, size int, text func() io.Reader) {
	want := alone(dump.NewReader(text(), "X.csv", name, opts))
	if got := together(dump.NewReader(text(), "X.csv", name, opts), size); !got.equal(want) {
		t.Errorf("%s: %d trades, error %q, %d skipped, the first %q\nwant %d, %q, %d, %q", title,
			len(got.ticks), got.err, got.skipped, got.first, len(want.ticks), want.err, want.skipped, want.first)
	}
}

func TestWhatIsWrongIsFoundAtBothEndsOfEverySection(t *testing.T) {
	const lines = 200 // three sections
	for _, kind := range []dump.Kind{dump.Trades, dump.AggTrades} {
		places := []int{1, 2, 3, lines}
		for n, section := 1, 0; n <= lines; n++ {
			if section += len(tradeLine(kind, n)); section > dump.SmallestSection {
				section = 0
				places = append(places, n-2, n-1, n, n+1, n+2)
			}
		}
		for title, spoil := range spoilt {
			for _, at := range places {
				var b strings.Builder
				for n := 1; n <= lines; n++ {
					if n == at {
						b.WriteString(spoil(kind, n))
					} else {
						b.WriteString(tradeLine(kind, n))
					}
				}
				for _, skip := range []bool{false, true} {
					checkTogether(t, fmt.Sprintf("%s: %s at line %d", kind, title, at), dump.Name{Symbol: "X", Kind: kind}, dump.Options{SkipBad: skip},
						dump.SmallestSection, func() io.Reader { return strings.NewReader(b.String()) })
				}
			}
		}
	}
}

func TestSectionsAreReadAsTheLinesOneByOne(t *testing.T) {
	titles := slices.Sorted(func(yield func(string) bool) {
		for title := range spoilt {
			if !yield(title) {
				return
			}
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]dump.Kind{dump.Trades, dump.AggTrades}).Draw(t, "kind")
		lines := rapid.IntRange(0, 2000).Draw(t, "lines")
		places := rapid.MapOfN(rapid.IntRange(1, max(lines, 1)), rapid.SampledFrom(titles), 0, 20).Draw(t, "spoilt")
		var b strings.Builder
		if rapid.Bool().Draw(t, "with names") {
			b.WriteString("agg_trade_id,price\n")
		}
		for n := 1; n <= lines; n++ {
			if title, ok := places[n]; ok {
				b.WriteString(spoilt[title](kind, n))
			} else {
				b.WriteString(tradeLine(kind, n))
			}
		}
		text := b.String()
		if rapid.Bool().Draw(t, "cut off") {
			text = text[:rapid.IntRange(0, len(text)).Draw(t, "bytes")]
		}
		source := func() io.Reader { return strings.NewReader(text) }
		if rapid.Bool().Draw(t, "failing") {
			source = func() io.Reader {
				return io.MultiReader(strings.NewReader(text), failing{errors.New("a bad sector")})
			}
		}
		checkTogether(t, "drawn", dump.Name{Symbol: "X", Kind: kind}, dump.Options{SkipBad: rapid.Bool().Draw(t, "skip")},
			rapid.SampledFrom([]int{dump.SmallestSection, 3 * dump.SmallestSection, 1 << 20}).Draw(t, "size"), source)
	})
}

func TestASourceThatGivesAByteAtATimeFillsSections(t *testing.T) {
	var b strings.Builder
	for n := 1; n <= 1000; n++ {
		b.WriteString(tradeLine(dump.Trades, n))
	}
	batches := 0
	r := dump.NewReader(iotest.OneByteReader(strings.NewReader(b.String())), "X.csv", dump.Name{Symbol: "X"}, dump.Options{})
	for _, err := range r.BatchesOf(dump.SmallestSection) {
		if err != nil {
			t.Fatal(err)
		}
		batches++
	}
	if want := b.Len()/dump.SmallestSection + 2; batches > want {
		t.Errorf("%d batches, want at most %d", batches, want)
	}
}

func TestZipsAndPlainFilesHaveTheSameBatches(t *testing.T) {
	text, err := os.ReadFile(recorded)
	if err != nil {
		t.Skipf("the recorded trades are not there: %v", err)
	}
	want := alone(dump.NewReader(strings.NewReader(string(text)), "X.csv", xrpeth, dump.Options{}))
	for name, content := range map[string][]byte{"XRPETH-trades.csv": text, "XRPETH-trades.zip": mustZip(t, text)} {
		r := mustOpen(t, mustWriteFile(t, name, content))
		defer closeReader(t, r)
		var got outcome
		share := 0.0
		for ticks, err := range r.Batches() {
			if err != nil {
				t.Fatal(err)
			}
			got.ticks = append(got.ticks, ticks...)
			if r.Share() <= share {
				t.Errorf("%s: a share of %v after %v", name, r.Share(), share)
			}
			share = r.Share()
		}
		if !got.equal(want) || share != 1 {
			t.Errorf("%s: %d trades, share %v; want %d, 1", name, len(got.ticks), share, len(want.ticks))
		}
		if _, err := r.NextTick(); err != io.EOF {
			t.Errorf("%s: after the batches: %v, want io.EOF", name, err)
		}
	}
}

func TestCandlesHaveNoBatches(t *testing.T) {
	r := dump.NewReader(strings.NewReader(""), "X-1m.csv", dump.Name{Symbol: "X", Kind: dump.Klines, Minutes: 1}, dump.Options{})
	if got := together(r, dump.SmallestSection); got.err != "dump X-1m.csv: it holds klines, want trades" {
		t.Errorf("error %q", got.err)
	}
}

// endless gives trades without an end and counts the bytes.
type endless struct {
	next  int
	rest  string
	given int
}

func (e *endless) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if e.rest == "" {
			e.next++
			e.rest = tradeLine(dump.Trades, e.next)
		}
		c := copy(p[n:], e.rest)
		e.rest, n = e.rest[c:], n+c
	}
	e.given += n
	return n, nil
}

// A bubble is over only when all its goroutines are.
func TestALoopThatIsLeftEndsTheReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &endless{}
		for ticks, err := range dump.NewReader(source, "X.csv", dump.Name{Symbol: "X"}, dump.Options{}).Batches() {
			if err != nil || ticks[0].ID != 1 {
				t.Fatalf("the first of %d trades is %d, %v", len(ticks), ticks[0].ID, err)
			}
			break
		}
		given := source.given
		synctest.Wait()
		if source.given != given {
			t.Errorf("%d bytes are read after the end", source.given-given)
		}
	})
}

func TestNoMoreIsReadAheadThanThereAreSections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &endless{}
		batches := 0
		for _, err := range dump.NewReader(source, "X.csv", dump.Name{Symbol: "X"}, dump.Options{}).Batches() {
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait() // all that can be read ahead has been
			batches++
			if most := (batches + runtime.GOMAXPROCS(0) + 4) * (128 << 10); source.given > most {
				t.Fatalf("%d bytes are read of %d batches, want at most %d", source.given, batches, most)
			}
			if batches == 30 {
				break
			}
		}
	})
}
