package history_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"hedgehog/data/history"
	"hedgehog/exchange"
	"hedgehog/exchange/dump"
)

// archiveStore keeps what is imported in memory. It stores ticks as a database does:
// what is there stays, and other values for it are a contradiction.
type archiveStore struct {
	mu       sync.Mutex
	ticks    map[string]map[int64]exchange.Tick
	agg      []exchange.AggTrade
	candles  []exchange.Candle
	imported []history.ImportedDump
	order    []int64 // the first id of every Put of ticks

	before func(puts int) error // is asked before each Put of ticks; nil: nobody
}

func newArchiveStore() *archiveStore {
	return &archiveStore{ticks: make(map[string]map[int64]exchange.Tick)}
}

func (s *archiveStore) PutTicks(ctx context.Context, symbol string, trades []exchange.Tick) (written int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.before != nil {
		if err := s.before(len(s.order)); err != nil {
			return 0, err
		}
	}
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	if s.ticks[symbol] == nil {
		s.ticks[symbol] = make(map[int64]exchange.Tick)
	}
	for _, t := range trades {
		if old, there := s.ticks[symbol][t.ID]; there && old != t {
			return 0, fmt.Errorf("%w: trade %d", history.ErrContradiction, t.ID)
		}
	}
	for _, t := range trades {
		if _, there := s.ticks[symbol][t.ID]; !there {
			s.ticks[symbol][t.ID] = t
			written++
		}
	}
	s.order = append(s.order, trades[0].ID)
	return written, nil
}

func (s *archiveStore) PutAggTrades(_ context.Context, _ string, trades []exchange.AggTrade) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.agg = append(s.agg, trades...)
	return int64(len(trades)), nil
}

func (s *archiveStore) PutOldCandles(_ context.Context, candles []exchange.Candle) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.candles = append(s.candles, candles...)
	return int64(len(candles)), nil
}

func (s *archiveStore) Imported(_ context.Context, name string, sum [sha256.Size]byte) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.imported, func(d history.ImportedDump) bool { return d.File == name && d.Sum == sum }), nil
}

func (s *archiveStore) PutImported(_ context.Context, d history.ImportedDump) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.imported = append(s.imported, d)
	return nil
}

// dumpTick returns trade id of those that the dumps of these tests have.
func dumpTick(id int64) exchange.Tick {
	return exchange.Tick{ID: id, Time: exchange.MicrosOfMillis(1570752011620 + id), Price: exchange.Units(100_000 + id), Quantity: 150_000_000, BuyerIsMaker: id%2 == 0}
}

// dumpOf returns a dump of the trades first to last.
func dumpOf(first, last int64) []byte {
	var text bytes.Buffer
	for id := first; id <= last; id++ {
		t := dumpTick(id)
		fmt.Fprintf(&text, "%d,0.%08d,1.5,1,%d,%t,true\n", id, t.Price, t.Time.Millis(), t.BuyerIsMaker)
	}
	return text.Bytes()
}

// mustFile writes a file into dir and returns its path.
func mustFile(tb testing.TB, dir, name string, content []byte) string {
	tb.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// importInto imports the files.
func importInto(tb testing.TB, ctx context.Context, store history.ImportStore, files ...string) (*history.Importer, error) {
	tb.Helper()
	importer, err := history.NewImporter(history.DefaultImport(files...), store)
	if err != nil {
		tb.Fatal(err)
	}
	return importer, importer.Run(ctx)
}

// checkTrades checks that the store has the trades of XRPETH first to last, no others.
func checkTrades(tb testing.TB, s *archiveStore, first, last int64) {
	tb.Helper()
	if n := len(s.ticks["XRPETH"]); n != int(last-first+1) {
		tb.Errorf("%d trades are stored, want %d", n, last-first+1)
	}
	for id := first; id <= last; id++ {
		if s.ticks["XRPETH"][id] != dumpTick(id) {
			tb.Fatalf("trade %d is stored as %+v, want %+v", id, s.ticks["XRPETH"][id], dumpTick(id))
		}
	}
}

func TestFilesAreStoredInTheOrderOfTheirDates(t *testing.T) {
	dir, store := t.TempDir(), newArchiveStore()
	third := mustFile(t, dir, "XRPETH-trades-2019-10-13.csv", dumpOf(30_001, 50_000))
	first := mustFile(t, dir, "XRPETH-trades-2019-10-11.csv", dumpOf(1, 20_000))
	second := mustFile(t, dir, "XRPETH-trades-2019-10-12.csv", dumpOf(20_001, 30_000))
	importer, err := importInto(t, t.Context(), store, third, first, second)
	if err != nil {
		t.Fatal(err)
	}
	checkTrades(t, store, 1, 50_000)
	if !slices.IsSorted(store.order) {
		t.Errorf("stored in the order %v", store.order)
	}
	if p := importer.Progress(); p != (history.ImportProgress{Files: 3, Done: 3, Share: 1, Rows: 50_000}) {
		t.Errorf("at the end the progress is %+v", p)
	}
	var done []string
	for _, r := range importer.Results() {
		done = append(done, fmt.Sprintf("%s %s %d %d", filepath.Base(r.File), r.Kind, r.Rows, r.Written))
	}
	if want := []string{"XRPETH-trades-2019-10-11.csv trades 20000 20000", "XRPETH-trades-2019-10-12.csv trades 10000 10000", "XRPETH-trades-2019-10-13.csv trades 20000 20000"}; !slices.Equal(done, want) {
		t.Errorf("results %q, want %q", done, want)
	}
}

func TestEveryKindGoesWhereItBelongs(t *testing.T) {
	dir, store := t.TempDir(), newArchiveStore()
	agg := mustFile(t, dir, "XRPETH-aggTrades-2019-10-11.csv", []byte("7,0.1,23,11,13,1570752011620,True,True\n"))
	klines := mustFile(t, dir, "XRPETH-1m-2019-10-11.csv", []byte(
		"1570752000000,2,3,1,2,9,1570752059999,18,4,1,1,0\n1570752060000,2,2,2,2,0,1570752119999,0,0,0,0,0\n1570752120000,2,3,1,2,9,1570752179999,18,5,1,1,0\n"))
	importer, err := importInto(t, t.Context(), store, klines, agg)
	if err != nil {
		t.Fatal(err)
	}
	if len(store.agg) != 1 || store.agg[0].ID != 7 || store.agg[0].LastID != 13 {
		t.Errorf("aggregate trades %+v", store.agg)
	}
	if len(store.candles) != 2 || store.candles[0].Trades != 4 || store.candles[1].Trades != 5 {
		t.Errorf("candles %+v, want those with trades", store.candles)
	}
	if r := importer.Results()[1]; r.Rows != 2 || r.Empty != 1 || r.Minutes != 1 {
		t.Errorf("result %+v, want one empty candle", r)
	}
	want := []history.ImportedDump{
		{Name: dump.Name{Symbol: "XRPETH", Kind: dump.AggTrades}, File: "XRPETH-aggTrades-2019-10-11.csv", FirstTime: 1570752011620000},
		{Name: dump.Name{Symbol: "XRPETH", Kind: dump.Klines, Minutes: 1}, File: "XRPETH-1m-2019-10-11.csv", FirstTime: 1570752000000000},
	}
	for i, d := range store.imported {
		d.Sum = [sha256.Size]byte{}
		if d != want[i] {
			t.Errorf("noted %+v, want %+v", d, want[i])
		}
	}
}

func TestAFileThatWasImportedIsPassedOverUntilItChanges(t *testing.T) {
	dir, store := t.TempDir(), newArchiveStore()
	path := mustFile(t, dir, "XRPETH-trades.csv", dumpOf(1, 10))
	for _, want := range []struct {
		skipped bool
		written int64
		content []byte // before the run
	}{{false, 10, dumpOf(1, 10)}, {true, 0, dumpOf(1, 10)}, {false, 5, dumpOf(1, 15)}, {true, 0, dumpOf(1, 15)}} {
		mustFile(t, dir, "XRPETH-trades.csv", want.content)
		importer, err := importInto(t, t.Context(), store, path)
		if err != nil {
			t.Fatal(err)
		}
		if r := importer.Results()[0]; r.Skipped != want.skipped || r.Written != want.written {
			t.Errorf("result %+v, want %+v", r, want)
		}
	}
	checkTrades(t, store, 1, 15)
}

func TestABadFileKeepsNoOtherFromBeingImported(t *testing.T) {
	whole := dumpOf(1, 10_000) // more than one transaction
	for name, c := range map[string]struct {
		file    string
		content []byte
		sum     string // in the CHECKSUM, where there is one
		want    string // in the error
		stored  int64  // of the trades 1 to 10000
	}{
		"wrong columns":         {"XRPETH-trades-1.csv", append(slices.Clone(whole), "10001,1,1\n"...), "", "line 10001", 10_000},
		"a bad first line":      {"XRPETH-trades-1.csv", []byte("hello\n"), "", `line 1: "hello"`, 0},
		"times that go back":    {"XRPETH-trades-1.csv", append(slices.Clone(whole), "10001,1,1,1,1570752011620,True,True\n"...), "", "times must not fall", 10_000},
		"wrong checksum":        {"XRPETH-trades-1.csv", whole, strings.Repeat("0", 64) + "  XRPETH-trades-1.csv", "wrong checksum", 0},
		"checksum of another":   {"XRPETH-trades-1.csv", whole, strings.Repeat("0", 64) + "  XRPETH-trades-2.csv", "wrong checksum", 0},
		"a truncated zip":       {"XRPETH-trades-1.zip", mustZipOf(t, whole)[:5000], "", "not a valid zip file", 0},
		"a zip bomb":            {"XRPETH-trades-1.zip", mustZipOf(t, bytes.Repeat([]byte{'0'}, 8<<20)), "", "the zip is not a dump", 0},
		"nothing in it":         {"XRPETH-trades-1.csv", nil, "", "no trades in it", 0},
		"names of columns only": {"XRPETH-trades-1.csv", []byte("id,price,qty,quote_qty,time,is_buyer_maker\n"), "", "no trades in it", 0},
		"a name without symbol": {"trades.csv", whole, "", "does not start with a symbol", 0},
		"3-minute candles":      {"XRPETH-3m-1.csv", whole, "", "klines of 3m", 0},
		"a contradiction":       {"XRPETH-trades-1.csv", []byte("20000,7,7,49,1570752011620,True,True\n"), "", "contradicts what is stored: trade 20000", 0},
	} {
		t.Run(name, func(t *testing.T) {
			dir, store := t.TempDir(), newArchiveStore()
			before := mustFile(t, dir, "XRPETH-trades-0.csv", dumpOf(20_000, 20_000))
			bad := mustFile(t, dir, c.file, c.content)
			if c.sum != "" {
				mustFile(t, dir, c.file+".CHECKSUM", []byte(c.sum))
			}
			after := mustFile(t, dir, "XRPETH-trades-2.csv", dumpOf(20_001, 20_002))
			importer, err := importInto(t, t.Context(), store, before, bad, after)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), bad) {
				t.Errorf("error %v, want %q and %s", err, c.want, bad)
			}
			if n := int64(len(store.ticks["XRPETH"])); n != c.stored+3 {
				t.Errorf("%d trades are stored, want %d of the bad file and 3 of the others", n, c.stored)
			}
			if n := len(store.imported); n != 2 {
				t.Errorf("%d files are noted as imported, want the two good ones", n)
			}
			for _, r := range importer.Results() {
				if (r.Error != "") != (r.File == bad) {
					t.Errorf("result %+v", r)
				}
			}
		})
	}
}

// mustZipOf returns a zip with the text as its one file.
func mustZipOf(tb testing.TB, text []byte) []byte {
	tb.Helper()
	var out bytes.Buffer
	archive := zip.NewWriter(&out)
	w, err := archive.Create("XRPETH-trades-1.csv")
	if err == nil {
		_, err = w.Write(text)
	}
	if err := errors.Join(err, archive.Close()); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

func TestAStoreThatFailsEndsTheImportAndAnotherRunGoesOn(t *testing.T) {
	dir, store, full := t.TempDir(), newArchiveStore(), errors.New("the disk is full")
	var files []string
	for i := range int64(10) {
		files = append(files, mustFile(t, dir, fmt.Sprintf("XRPETH-trades-%d.csv", i), dumpOf(20_000*i+1, 20_000*i+20_000)))
	}
	store.before = func(puts int) error {
		if puts == 5 {
			return full
		}
		return nil
	}
	importer, err := importInto(t, t.Context(), store, files...)
	if !errors.Is(err, full) || strings.Count(err.Error(), "\n") > 0 || !strings.Contains(err.Error(), files[1]) {
		t.Errorf("error %v, want %v once, and the file", err, full)
	}
	if p := importer.Progress(); p.Rows != int64(len(store.ticks["XRPETH"])) || p.Rows == 0 || len(store.imported) != 1 {
		t.Errorf("progress %+v with %d trades and %d files stored", p, len(store.ticks["XRPETH"]), len(store.imported))
	}
	store.before = nil
	importer, err = importInto(t, t.Context(), store, files...)
	if err != nil {
		t.Fatal(err)
	}
	if r := importer.Results(); !r[0].Skipped || r[1].Skipped || r[1].Written >= 20_000 {
		t.Errorf("second run %+v, want the first file passed over and the second gone on with", r[:2])
	}
	checkTrades(t, store, 1, 200_000)
}

func TestAnInterruptedImportIsGoneOnWith(t *testing.T) {
	dir, store := t.TempDir(), newArchiveStore()
	var files []string
	for i := range int64(5) {
		files = append(files, mustFile(t, dir, fmt.Sprintf("XRPETH-trades-%d.csv", i), dumpOf(20_000*i+1, 20_000*i+20_000)))
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	interrupted := errors.New("interrupted")
	store.before = func(puts int) error {
		if puts == 4 {
			cancel(interrupted)
		}
		return nil
	}
	if _, err := importInto(t, ctx, store, files...); !errors.Is(err, interrupted) {
		t.Errorf("error %v, want %v", err, interrupted)
	}
	if len(store.imported) != 1 || len(store.order) != 4 {
		t.Errorf("%d files noted, %d transactions; want 1 and 4", len(store.imported), len(store.order))
	}
	store.before = nil
	if _, err := importInto(t, t.Context(), store, files...); err != nil {
		t.Fatal(err)
	}
	checkTrades(t, store, 1, 100_000)
}

func TestHoweverFilesOverlapEveryTradeIsStoredOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatal(err)
		}
		store, want := newArchiveStore(), make(map[int64]exchange.Tick)
		var files []string
		for i := range rapid.IntRange(1, 6).Draw(rt, "files") {
			first := rapid.Int64Range(1, 200).Draw(rt, "first")
			last := first + rapid.Int64Range(0, 100).Draw(rt, "trades")
			for id := first; id <= last; id++ {
				want[id] = dumpTick(id)
			}
			files = append(files, filepath.Join(dir, fmt.Sprintf("XRPETH-trades-%d.csv", i)))
			if err := os.WriteFile(files[i], dumpOf(first, last), 0o600); err != nil {
				rt.Fatal(err)
			}
		}
		config := history.DefaultImport(files...)
		config.Jobs = rapid.IntRange(1, 4).Draw(rt, "jobs")
		importer, err := history.NewImporter(config, store)
		if err != nil {
			rt.Fatal(err)
		}
		if err := importer.Run(t.Context()); err != nil {
			rt.Fatal(err)
		}
		var written int64
		for _, r := range importer.Results() {
			written += r.Written
		}
		got := store.ticks["XRPETH"]
		if written != int64(len(want)) || len(got) != len(want) {
			rt.Fatalf("%d trades are stored, %d new ones told, want %d", len(got), written, len(want))
		}
		for id, tick := range want {
			if got[id] != tick {
				rt.Fatalf("trade %d is %+v", id, got[id])
			}
		}
	})
}

// counter is a store that keeps nothing, so that what memory there is is the importer's.
type counter struct {
	*archiveStore
	puts, most uint64
}

func (c *counter) PutTicks(_ context.Context, _ string, trades []exchange.Tick) (int64, error) {
	if c.puts%8 == 0 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		c.most = max(c.most, m.HeapAlloc)
	}
	c.puts++
	return int64(len(trades)), nil
}

func TestImportingTakesTheSameMemoryForManyRows(t *testing.T) {
	dir := t.TempDir()
	peak := func(files int64, rows int64) uint64 {
		var paths []string
		for i := range files {
			paths = append(paths, mustFile(t, dir, fmt.Sprintf("XRPETH-trades-%d-%d.csv", rows, i), dumpOf(1+i*rows, rows+i*rows)))
		}
		store := &counter{archiveStore: newArchiveStore()}
		if _, err := importInto(t, t.Context(), store, paths...); err != nil {
			t.Fatal(err)
		}
		return store.most
	}
	const few, many = 20_000, 150_000
	small, large := peak(2, few), peak(2, many)
	if large > small+4<<20 {
		t.Errorf("%d bytes for two files of %d rows, %d for two of %d: it grows", small, few, large, many)
	}
}

func TestSenselessImportsAreRefused(t *testing.T) {
	jobs := history.DefaultImport("XRPETH-trades.csv")
	jobs.Jobs = 0
	for want, config := range map[string]history.ImportConfig{"Files": history.DefaultImport(), "Jobs 0": jobs} {
		if _, err := history.NewImporter(config, newArchiveStore()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func TestRealDumpsAreImportedWhole(t *testing.T) {
	files, err := filepath.Glob("../../../shared/data/XRPETH-trades-2019-10-1[12].csv")
	if err != nil || len(files) != 2 {
		t.Skipf("recorded trades are not beside the repository: %v, %v", files, err)
	}
	store := newArchiveStore()
	if _, err := importInto(t, t.Context(), store, files...); err != nil {
		t.Fatal(err)
	}
	for id := int64(13519807); id <= 13529869; id++ {
		if store.ticks["XRPETH"][id].ID != id {
			t.Fatalf("trade %d is missing", id)
		}
	}
	first := exchange.Tick{ID: 13519807, Time: 1570752011620000, Price: 141342, Quantity: 2_300_000_000, BuyerIsMaker: true}
	if n := len(store.ticks["XRPETH"]); n != 10_063 || store.ticks["XRPETH"][first.ID] != first {
		t.Errorf("%d trades, the first %+v; want 10063 and %+v", n, store.ticks["XRPETH"][first.ID], first)
	}
}
