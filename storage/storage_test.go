package storage_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
	"hedgehog/storage"
)

// mustOpen opens a database that is closed with the test.
func mustOpen(tb testing.TB, path string) *storage.DB {
	tb.Helper()
	return mustOpenWith(tb, storage.Open, path)
}

func mustOpenWith(tb testing.TB, open func(context.Context, string) (*storage.DB, error), path string) *storage.DB {
	tb.Helper()
	db, err := open(tb.Context(), path)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Error(err)
		}
	})
	return db
}

func newDB(tb testing.TB) *storage.DB {
	tb.Helper()
	return mustOpen(tb, filepath.Join(tb.TempDir(), "hedgehog.db"))
}

func mustWrite(tb testing.TB, db *storage.DB, b storage.Batch) storage.Written {
	tb.Helper()
	w, err := db.Write(tb.Context(), b)
	if err != nil {
		tb.Fatal(err)
	}
	return w
}

// recorded returns a file of real data, and skips the test where there is none.
func recorded(tb testing.TB, name string) []byte {
	tb.Helper()
	content, err := os.ReadFile(filepath.Join("../../shared/data", name))
	if errors.Is(err, os.ErrNotExist) {
		tb.Skipf("recorded data %s is not beside the repository", name)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return content
}

// recordedTrades returns the trades of one real day of XRPETH.
func recordedTrades(tb testing.TB) []*exchange.TradeEvent {
	tb.Helper()
	var trades []*exchange.TradeEvent
	for line := range bytes.Lines(recorded(tb, "XRPETH-trades-2019-10-11.csv")) {
		f := strings.Split(strings.TrimSpace(string(line)), ",")
		trades = append(trades, &exchange.TradeEvent{
			Symbol: "XRPETH", ID: number(tb, f[0]), Price: amount(f[1]), Quantity: amount(f[2]),
			TradeTime: exchange.MicrosOfMillis(number(tb, f[4])), BuyerIsMaker: f[5] == "True", Source: exchange.Replay,
		})
	}
	return trades
}

func number(tb testing.TB, s string) int64 {
	tb.Helper()
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

func amount(s string) decimal.Decimal { return decimal.RequireFromString(s) }

// trade returns a trade of symbol A at id seconds.
func trade(id int64) *exchange.TradeEvent {
	return &exchange.TradeEvent{Symbol: "A", ID: id, Price: amount("1.5"), Quantity: amount("2"),
		TradeTime: exchange.Micros(id) * 1_000_000, Source: exchange.Replay}
}

func trades(ids ...int64) []*exchange.TradeEvent {
	var all []*exchange.TradeEvent
	for _, id := range ids {
		all = append(all, trade(id))
	}
	return all
}
