package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"hedgehog/exchange"
	"hedgehog/storage"
)

// storedHistory returns a data directory with trades 1 to 3 of XRPETH, a second
// apart from noon on, and an order with a fill.
func storedHistory(t testing.TB) (dir string) {
	t.Helper()
	dir = t.TempDir()
	db := mustOpenHistory(t, dir)
	defer mustClose(t, db)
	var batch storage.Batch
	for id := range int64(3) {
		batch.Trades = append(batch.Trades, &exchange.TradeEvent{Symbol: "XRPETH", ID: id + 1, Price: dec("0.00141342"), Quantity: dec("23"),
			TradeTime: noon + exchange.Micros(id)*1_000_000})
	}
	o := order(3, exchange.Buy, exchange.Filled, "0.0014", "12", "12")
	batch.Orders = []*exchange.OrderUpdate{{Order: o, Fills: []exchange.Fill{{Symbol: "XRPETH", OrderID: 3, TradeID: 2, Side: exchange.Buy,
		Price: dec("0.0014"), Quantity: dec("12"), Commission: dec("0.012"), CommissionAsset: "XRP", Maker: true, Time: noon}}}}
	batch.Candles = []*exchange.Candle{{Symbol: "XRPETH", Minutes: 1, StartTime: noon, Open: dec("1"), High: dec("1"), Low: dec("1"), Close: dec("1"), Volume: dec("9"), Trades: 3}}
	if _, err := db.Write(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	agg := []exchange.AggTrade{
		{Tick: exchange.Tick{ID: 8, Time: noon, Price: 141_342, Quantity: 23e8}, FirstID: 1, LastID: 1},
		{Tick: exchange.Tick{ID: 9, Time: noon + 1_000_000, Price: 141_342, Quantity: 46e8}, FirstID: 2, LastID: 3},
	}
	for _, symbol := range []string{"XRPETH", "XRPUSDT"} {
		if _, err := db.PutAggTrades(t.Context(), symbol, agg); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestExportWritesWhatIsAskedFor(t *testing.T) {
	dir := storedHistory(t)
	t.Setenv("HEDGEHOG_DATA_DIR", dir)
	for _, test := range []struct{ args, want string }{
		{"trades", "1 2 3"},
		{"trades xrpeth --from 2019-10-11T12:00:01Z", "2 3"},
		{"trades --to 2019-10-11T12:00:01Z", "1"},
		{"trades XRPETH --from 2019-10-11 --to 2019-10-12", "1 2 3"},
		{"aggtrades", "8 9 8 9"},
		{"aggTrades XRPUSDT --from 2019-10-11T12:00:01Z", "9"},
		{"aggtrades --to 2019-10-11T12:00:01Z", "8 8"},
		{"orders", "3"},
		{"fills XRPETH", "3"},
		{"candles", "1"},
		{"candles --minutes 1", "1"},
	} {
		lines := strings.Split(strings.TrimSpace(mustHedgehog(t, append([]string{"data", "export"}, strings.Fields(test.args+" --output -")...)...)), "\n")
		var got []string
		for _, line := range lines[1:] {
			got = append(got, strings.Split(line, ",")[1])
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%s: rows %v, want %s, in\n%s", test.args, got, test.want, strings.Join(lines, "\n"))
		}
	}
}

func TestExportWritesAParquetFileThatIsNamedSo(t *testing.T) {
	dir := storedHistory(t)
	path := filepath.Join(t.TempDir(), "trades.parquet")
	if got, want := mustHedgehog(t, "data", "export", "trades", "--data-dir", dir, "--output", path), "3 trades exported to "+path+"\n"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
	rows, err := parquet.ReadFile[struct {
		ID    int64 `parquet:"trade_id"`
		Price int64 `parquet:"price,decimal(8:18)"`
	}](path)
	if err != nil || len(rows) != 3 || rows[2].ID != 3 || rows[2].Price != 141342 {
		t.Errorf("the file has %+v, %v", rows, err)
	}

	r := hedgehog(t.Context(), "data", "export", "orders", "--data-dir", dir, "--output", path)
	checkFailure(t, r, exitFailure, path+": the file exists: choose another with --output, or replace it with --force")
	var done exportOrder
	text := mustHedgehog(t, "data", "export", "orders", "--data-dir", dir, "--output", path, "--format", "csv", "--force", "--json")
	if err := json.Unmarshal([]byte(text), &done); err != nil || done.Kind != "orders" || done.File != path || done.Format != "csv" || done.Rows != 1 {
		t.Errorf("printed %s: %+v, %v", text, done, err)
	}
	if content, err := os.ReadFile(path); err != nil || !strings.HasPrefix(string(content), "symbol,order_id,") {
		t.Errorf("the file has %q, %v", content, err)
	}
}

func TestExportOfNothingSaysSo(t *testing.T) {
	dir := storedHistory(t)
	path := filepath.Join(t.TempDir(), "equity.csv")
	r := hedgehog(t.Context(), "data", "export", "equity", "--data-dir", dir, "--output", path)
	if r.code != exitOK || r.stdout != "0 finished positions exported to "+path+"\n" || !strings.HasPrefix(r.stderr, "warning: no such finished positions are stored") {
		t.Errorf("%+v", r)
	}
	r = hedgehog(t.Context(), "data", "export", "equity", "--data-dir", filepath.Join(dir, "elsewhere"), "--output", path)
	if r.code != exitFailure || !strings.Contains(r.stderr, "there is no database in") {
		t.Errorf("without a database: %+v", r)
	}
}

func TestWhatARunningNodeHasStoredIsExported(t *testing.T) {
	dir := storedHistory(t)
	held := mustOpenHistory(t, dir)
	defer mustClose(t, held)
	path := filepath.Join(t.TempDir(), "x.csv")
	if got, want := mustHedgehog(t, "data", "export", "trades", "--data-dir", dir, "--output", path), "3 trades exported to "+path+"\n"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
}

func TestAnInterruptedExportLeavesNoFile(t *testing.T) {
	dir, out := storedHistory(t), t.TempDir()
	db := mustOpenHistory(t, dir)
	var more []exchange.Tick
	for id := range int64(100_000) {
		more = append(more, exchange.Tick{ID: 10 + id, Time: noon, Price: 1, Quantity: 1})
	}
	if _, err := db.PutTicks(t.Context(), "XRPETH", more); err != nil {
		t.Fatal(err)
	}
	mustClose(t, db)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	var problems strings.Builder
	p := program{stdout: onWrite(interrupt), stderr: &problems, zone: time.UTC}
	if code := p.run(ctx, []string{"data", "export", "trades", "--data-dir", dir, "--output", "-"}); code != exitFailure || !strings.Contains(problems.String(), "what was written is not whole") {
		t.Errorf("to the standard output: exit code %d, %s", code, problems.String())
	}
	interrupt()
	if r := hedgehog(ctx, "data", "export", "trades", "--data-dir", dir, "--output", filepath.Join(out, "x.csv")); r.code != exitFailure {
		t.Errorf("to a file: %+v", r)
	}
	if left, err := os.ReadDir(out); err != nil || len(left) != 0 {
		t.Errorf("left are %v, %v", left, err)
	}
}

func TestExportRefusesWhatItCannotDo(t *testing.T) {
	for args, want := range map[string]string{
		"":                                               `"": want one of the kinds trades, aggtrades, orders, fills, candles, equity`,
		"trade --output x":                               `"trade": want one of the kinds`,
		"trades A B --output x":                          "want a kind and at most one symbol, not 3 arguments",
		"trades xrp/eth --output x":                      `"xrp/eth" is not a symbol's name`,
		"trades":                                         "where to? --output FILE",
		"trades --output x --format x":                   `--format "x": want csv or parquet`,
		"trades --output - --format parquet":             "--output - takes CSV alone",
		"trades --output - --json":                       "--output - takes CSV alone",
		"trades --output x --minutes 5":                  "--minutes 5: want 1, 5, 15, 60, 240 or 1440, with the kind candles",
		"candles --output x --minutes 7":                 "--minutes 7: want 1, 5, 15",
		"trades --output x --from tomorrow":              `--from "tomorrow": want a date`,
		"trades --output x --from 2019-2 --data-dir ../": `--from "2019-2": want a date`,
	} {
		r := hedgehog(t.Context(), append([]string{"data", "export"}, strings.Fields(args)...)...)
		if r.code != exitUsage || !strings.HasPrefix(r.stderr, "hedgehog: "+want) {
			t.Errorf("%q: %+v, want %s…", args, r, want)
		}
	}
}
