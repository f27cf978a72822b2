package main

import (
	"encoding/json"
	"log/slog"
	"math"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"hedgehog/data/history"
	"hedgehog/exchange"
	"hedgehog/exchange/sim"
	"hedgehog/exchange/sim/server"
	"hedgehog/storage"
)

// venue is a simulated exchange on which XRPUSDT has been traded.
type venue struct {
	url    string
	trades []exchange.TradeEvent // ids 1 upwards
}

// newVenue returns an exchange with so many trades, the last one now and the others
// before it, so far apart. It remembers the newest of them.
func newVenue(t testing.TB, trades, remembered int, apart time.Duration) venue {
	t.Helper()
	symbol, err := sim.SymbolFor("XRPUSDT")
	if err != nil {
		t.Fatal(err)
	}
	config := sim.DefaultConfig(sim.InfoFor([]exchange.Symbol{symbol}))
	config.KeepTrades = remembered
	engine, err := sim.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	})
	var made venue
	now := time.Now().Truncate(time.Second)
	for id := 1; id <= trades; id++ {
		trade := exchange.TradeEvent{
			Symbol: "XRPUSDT", ID: int64(id), TradeTime: exchange.MicrosOf(now.Add(-time.Duration(trades-id) * apart)),
			Price: decimal.New(int64(5000+id%9), -4), Quantity: decimal.New(int64(1+id%5), 0), BuyerIsMaker: id%2 == 0,
		}
		if err := engine.Trade(trade); err != nil {
			t.Fatal(err)
		}
		made.trades = append(made.trades, trade)
	}
	front, err := server.New(server.DefaultConfig(), engine, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(front.Handler())
	t.Cleanup(web.Close)
	t.Cleanup(front.Close)
	made.url = web.URL
	return made
}

// store puts trades first to last into the database in dir.
func (x venue) store(t testing.TB, dir string, first, last int) {
	t.Helper()
	db := mustOpenHistory(t, dir)
	defer mustClose(t, db)
	var trades []*exchange.TradeEvent
	for i := first - 1; i < last; i++ {
		trades = append(trades, &x.trades[i])
	}
	if _, err := db.Write(t.Context(), storage.Batch{Trades: trades}); err != nil {
		t.Fatal(err)
	}
}

// stored returns the ids of the trades in the database, which have to be the
// exchange's trades.
func (x venue) stored(t testing.TB, dir string) []int64 {
	t.Helper()
	db := mustOpenHistory(t, dir)
	defer mustClose(t, db)
	var ids []int64
	for trade, err := range db.Trades(t.Context(), "XRPUSDT", storage.TradeRange{}) {
		if err != nil {
			t.Fatal(err)
		}
		want := x.trades[trade.ID-1]
		if !trade.Price.Equal(want.Price) || !trade.Quantity.Equal(want.Quantity) || trade.TradeTime != want.TradeTime || trade.BuyerIsMaker != want.BuyerIsMaker {
			t.Fatalf("stored %+v, traded %+v", trade, want)
		}
		ids = append(ids, trade.ID)
	}
	return ids
}

func mustOpenHistory(t testing.TB, dir string) *storage.DB {
	t.Helper()
	db, err := storage.Open(t.Context(), filepath.Join(dir, historyFile))
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func mustClose(t testing.TB, db *storage.DB) {
	t.Helper()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestFillClosesTheHolesOfADatabase(t *testing.T) {
	x, dir := newVenue(t, 700, 1000, time.Second), t.TempDir()
	for _, run := range [][2]int{{11, 100}, {102, 300}, {601, 650}} {
		x.store(t, dir, run[0], run[1])
	}
	holes := "XRPUSDT: 301 trades are missing in 2 holes\nFIRST  LAST  TRADES\n101    101   1\n301    600   300\n"
	if shown := mustHedgehog(t, "data", "fill", "XRPUSDT", "--dry-run", "--data-dir", dir); shown != holes {
		t.Errorf("shown %q, want %q", shown, holes)
	}
	if shown := mustHedgehog(t, "data", "fill", "xrpusdt", "--data-dir", dir, "--rest-url", x.url); shown != "XRPUSDT: 301 of 301 missing trades are stored now\n" {
		t.Errorf("shown %q", shown)
	}
	if ids := x.stored(t, dir); len(ids) != 640 || ids[0] != 11 || ids[639] != 650 {
		t.Errorf("%d trades are stored, want those from 11 to 650", len(ids))
	}
	if shown := mustHedgehog(t, "data", "fill", "XRPUSDT", "--data-dir", dir, "--rest-url", x.url); shown != "XRPUSDT: no trades are missing\n" {
		t.Errorf("shown %q", shown)
	}
}

func TestFillNamesWhatTheExchangeHasForgotten(t *testing.T) {
	x, dir := newVenue(t, 500, 300, time.Second), t.TempDir()
	x.store(t, dir, 1, 100)
	x.store(t, dir, 451, 500)
	r := hedgehog(t.Context(), "data", "fill", "XRPUSDT", "--data-dir", dir, "--rest-url", x.url, "--json")
	if want := "hedgehog: the exchange has no trades of XRPUSDT with these ids, which stay missing (100): 101 to 200\n"; r.code != exitFailure || r.stderr != want {
		t.Errorf("exit code %d, errors %q, want %q", r.code, r.stderr, want)
	}
	var shown struct {
		Symbol                string
		Missing, Stored, Left int64
	}
	if err := json.Unmarshal([]byte(r.stdout), &shown); err != nil || shown.Symbol != "XRPUSDT" || shown.Missing != 350 || shown.Stored != 250 || shown.Left != 100 {
		t.Errorf("shown %s, %v", r.stdout, err)
	}
	if ids := x.stored(t, dir); len(ids) != 400 {
		t.Errorf("%d trades are stored, want 400", len(ids))
	}
}

func TestFillRefusesTheTradesOfAnotherExchange(t *testing.T) {
	x, other, dir := newVenue(t, 30, 30, time.Second), newVenue(t, 30, 30, time.Minute), t.TempDir()
	x.store(t, dir, 1, 10)
	x.store(t, dir, 12, 30)
	r := hedgehog(t.Context(), "data", "fill", "XRPUSDT", "--data-dir", dir, "--rest-url", other.url)
	if r.code != exitFailure || !strings.HasSuffix(r.stderr, "; name the exchange that the trades are of with --rest-url\n") {
		t.Errorf("exit code %d, errors %q", r.code, r.stderr)
	}
	if ids := x.stored(t, dir); len(ids) != 29 {
		t.Errorf("%d trades are stored, want 29", len(ids))
	}
}

func TestGapsOfADatabaseAreTheIDsThatAreNotThere(t *testing.T) {
	db := mustOpenHistory(t, t.TempDir())
	defer mustClose(t, db)
	stored := make(map[int64]bool)
	var trades []*exchange.TradeEvent
	for _, id := range []int64{3, 4, 5, 9, 10, 12, 14, 15, 16, 17, 30} {
		stored[id] = true
		trades = append(trades, &exchange.TradeEvent{Symbol: "XRPUSDT", ID: id, TradeTime: exchange.Micros(1000 * id), Price: decimal.New(1, 0), Quantity: decimal.New(1, 0)})
	}
	if _, err := db.Write(t.Context(), storage.Batch{Trades: trades}); err != nil {
		t.Fatal(err)
	}
	for first := int64(1); first < 33; first++ {
		for last := first - 1; last < 33; last++ {
			var all []history.Gap
			for id := first; id <= last; id++ {
				if n := len(all); !stored[id] && n > 0 && all[n-1].Last == id-1 {
					all[n-1].Last = id
				} else if !stored[id] {
					all = append(all, history.Gap{First: id, Last: id})
				}
			}
			for _, limit := range []int{1, 2, 8} {
				want := all[:min(limit, len(all))]
				got, err := tradeStore{db}.Gaps(t.Context(), "XRPUSDT", first, last, limit)
				if err != nil || !slices.Equal(got, want) {
					t.Fatalf("gaps of %d to %d, at most %d: %v, %v; want %v", first, last, limit, got, err, want)
				}
			}
		}
	}
	for at, want := range map[exchange.Micros][2]int64{0: {0, 3}, 3000: {0, 3}, 3001: {3, 4}, 9000: {5, 9}, 30_000: {17, 30}, 30_001: {30, 0}, math.MaxInt64: {30, 0}} {
		before, after, err := tradeStore{db}.Around(t.Context(), "XRPUSDT", at)
		if err != nil || [2]int64{before, after} != want {
			t.Errorf("around %d are %d and %d, %v; want %v", at, before, after, err, want)
		}
	}
}

func TestFillTellsWhatIsWrong(t *testing.T) {
	x, dir := newVenue(t, 10, 10, time.Second), t.TempDir()
	x.store(t, dir, 1, 10)
	for _, test := range []struct{ args, want string }{
		{"XRPUSDT --rest-url ftp://x", `--rest-url "ftp://x": want an address like https://api.binance.com; see hedgehog data fill --help`},
		{"", "which symbol?; see hedgehog data fill --help"},
	} {
		r := hedgehog(t.Context(), append(strings.Fields("data fill "+test.args), "--data-dir", dir)...)
		checkFailure(t, r, exitUsage, test.want)
	}
	r := hedgehog(t.Context(), "data", "fill", "BNBBTC", "--data-dir", dir, "--rest-url", x.url)
	checkFailure(t, r, exitFailure, "fill BNBBTC: no trades are stored")
	r = hedgehog(t.Context(), "data", "fill", "XRPUSDT", "--data-dir", t.TempDir())
	if r.code != exitFailure || !strings.Contains(r.stderr, "there is no database in") {
		t.Errorf("exit code %d, errors %q", r.code, r.stderr)
	}
}
