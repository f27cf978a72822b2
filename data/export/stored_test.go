package export_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"hedgehog/data/export"
	"hedgehog/exchange/dump"
	"hedgehog/storage"
)

func TestWhatIsStoredIsWhatIsExported(t *testing.T) {
	const path = "../../../shared/data/XRPETH-trades-2019-10-11.csv"
	if _, err := os.Stat(path); err != nil {
		t.Skipf("recorded trades are missing: %v", err)
	}
	db, err := storage.Open(t.Context(), filepath.Join(t.TempDir(), "hedgehog.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	source, err := dump.Open(path, dump.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	var batch storage.Batch
	for {
		next, err := source.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		next.Symbol = "XRPETH"
		batch.Trades = append(batch.Trades, &next)
	}
	if _, err := db.Write(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	lines := mustReadParquet(t, mustWrite(t, export.Trades(db.SelectTrades(t.Context(), storage.Selection{})), export.Parquet))
	if len(lines) != len(batch.Trades)+1 {
		t.Fatalf("%d rows exported of %d", len(lines)-1, len(batch.Trades))
	}
	for i, want := range batch.Trades {
		got := fmt.Sprint(lines[i+1][1:5])
		if got != fmt.Sprint([]string{fmt.Sprint(want.ID), want.Price.String(), want.Quantity.String(), want.TradeTime.Time().Format("2006-01-02T15:04:05.000000Z")}) {
			t.Fatalf("row %d: %s, want those of %+v", i+1, got, want)
		}
	}
}
