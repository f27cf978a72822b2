package main

import (
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

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
// a second apart before it, of which it remembers the newest.
func newVenue(t testing.TB, trades, remembered int) venue {
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
	begin := exchange.MicrosOf(time.Now().Truncate(time.Second)) - exchange.Micros(trades)*1_000_000
	for id := 1; id <= trades; id++ {
		trade := exchange.TradeEvent{
			Symbol: "XRPUSDT", ID: int64(id), TradeTime: begin + exchange.Micros(id)*1_000_000,
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
	x, dir := newVenue(t, 700, 1000), t.TempDir()
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
	x, dir := newVenue(t, 500, 300), t.TempDir()
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

func TestFillTellsWhatIsWrong(t *testing.T) {
	x, dir := newVenue(t, 10, 10), t.TempDir()
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
