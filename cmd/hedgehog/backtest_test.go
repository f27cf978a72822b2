package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"hedgehog/data/backtest"
	"hedgehog/exchange"
	"hedgehog/exchange/sim"
	"hedgehog/storage"
)

// pastTicks returns trades of XRPETH of ids 1 to n, ten seconds apart from noon on, at
// prices that walk at random.
func pastTicks(n int) []exchange.Tick {
	random := rand.New(rand.NewPCG(3, 4))
	ticks := make([]exchange.Tick, n)
	price := int64(141_342)
	for i := range ticks {
		price += random.Int64N(801) - 400 - (price-141_342)/100
		ticks[i] = exchange.Tick{ID: int64(i) + 1, Time: noon + exchange.Micros(i)*10_000_000, Price: exchange.Units(price),
			Quantity: exchange.Units(1+random.Int64N(900)) * 1e8, BuyerIsMaker: random.Int64N(2) == 0}
	}
	return ticks
}

// mustDump writes the trades as the exchange does, as a dump of that name, and returns
// its path.
func mustDump(t testing.TB, name string, ticks []exchange.Tick) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(f)
	upper := map[bool]string{true: "True", false: "False"}
	for _, k := range ticks {
		price, quantity := k.Price.Decimal(), k.Quantity.Decimal()
		middle := price.Mul(quantity).StringFixed(8)
		if strings.Contains(name, "aggTrades") {
			middle = fmt.Sprintf("%d,%d", k.ID, k.ID)
		}
		fmt.Fprintf(w, "%d,%s,%s,%s,%d,%s,True\n", k.ID, price.StringFixed(8), quantity.StringFixed(8), middle, k.Time.Millis(), upper[k.BuyerIsMaker])
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// mustStore returns a data directory with the trades in its database, and the rules of
// XRPETH.
func mustStore(t testing.TB, ticks []exchange.Tick) (dir string) {
	t.Helper()
	dir = t.TempDir()
	db := mustOpenHistory(t, dir)
	defer mustClose(t, db)
	for part := range slices.Chunk(ticks, 50_000) {
		if _, err := db.PutTicks(t.Context(), "XRPETH", part); err != nil {
			t.Fatal(err)
		}
	}
	rules, err := sim.SymbolFor("XRPETH")
	if err == nil {
		err = db.PutRules(t.Context(), []exchange.Symbol{rules})
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

const builtInNote = "note: built-in rules of XRPETH, tick 0.00000001 and step 1; --exchange-info FILE gives the exchange's own\n"

// progressLine is what a backtest of XRPETH tells every ten seconds on a slow machine.
var progressLine = regexp.MustCompile(`(?m)^backtest XRPETH.*\n`)

// mustBacktest runs a backtest of XRPETH, where nothing but the note of the rules and
// progress may be on the standard error stream, and returns what it printed.
func mustBacktest(t testing.TB, args ...string) string {
	t.Helper()
	r := hedgehog(t.Context(), append([]string{"backtest", "XRPETH", "--set", "budget=10", "--set", "profit_target=0.001"}, args...)...)
	if r.code != exitOK || strings.TrimPrefix(progressLine.ReplaceAllString(r.stderr, ""), builtInNote) != "" {
		t.Fatalf("backtest %s: exit code %d, errors %q", strings.Join(args, " "), r.code, r.stderr)
	}
	return r.stdout
}

func TestABacktestIsShown(t *testing.T) {
	dump := mustDump(t, "XRPETH-trades-2019-10-11.csv", pastTicks(3000))
	checkGolden(t, "backtest", mustBacktest(t, "--file", dump))
	checkGolden(t, "backtest_options", mustBacktest(t, "--file", dump, "--partial-fills", "--latency", "20s", "--commission", "0", "--set", "chunks=2",
		"--from", "2019-10-11T13:00:00Z", "--to", "2019-10-11T13:30:00Z"))
}

func TestAResultIsPrintedForScripts(t *testing.T) {
	dump := mustDump(t, "XRPETH-trades-2019-10-11.csv", pastTicks(3000))
	text := mustBacktest(t, "--file", dump, "--json")
	var r backtest.Result
	var fields map[string]any
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(text), &fields); err != nil {
		t.Fatal(err)
	}
	want := strings.Fields("buy_and_hold buy_and_hold_share commission cycles exposure fees fills first_price from last_price max_drawdown " +
		"max_drawdown_share missing_trades open orders profit profit_factor profit_share realized refused settings symbol time_in_market to trades win_rate won")
	if got := slices.Sorted(maps.Keys(fields)); !slices.Equal(got, want) {
		t.Errorf("fields\n got %q\nwant %q", got, want)
	}
	if r.Trades != 3000 || r.Cycles < 10 || !r.Settings.Budget.Equal(dec("10")) {
		t.Errorf("%d trades, %d cycles, a budget of %s", r.Trades, r.Cycles, r.Settings.Budget)
	}
	records, err := csv.NewReader(strings.NewReader(mustBacktest(t, "--file", dump, "--csv"))).ReadAll()
	if err != nil || len(records) != 2 || records[0][0] != "symbol" || records[1][0] != "XRPETH" || !slices.Contains(records[1], r.Profit.String()) {
		t.Errorf("the CSV has %q, %v", records, err)
	}
}

func TestTheFilesHaveTheOrdersAndFillsOfTheRun(t *testing.T) {
	ticks := pastTicks(3000)
	rules, err := sim.SymbolFor("XRPETH")
	if err != nil {
		t.Fatal(err)
	}
	config := backtest.DefaultConfig(rules)
	config.Settings.Budget, config.Settings.ProfitTarget = dec("10"), dec("0.001")
	var orders, fills strings.Builder
	config.Order = func(o exchange.Order) error {
		fmt.Fprintf(&orders, "%s,%s,%s,%s\n", o.Side, o.Price, o.OriginalQuantity, o.Status)
		return nil
	}
	config.Fill = func(f exchange.Fill) error {
		at := f.Time.Time().Format("2006-01-02T15:04:05.000000Z")
		fmt.Fprintf(&fills, "%s,%s,%s,%s,%s,%s\n", at, f.Side, f.Price, f.Quantity, f.Commission, f.CommissionAsset)
		return nil
	}
	result, err := backtest.Run(t.Context(), config, backtest.Memory(ticks))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(orders.String(), "\n"); n != result.Orders || n < 100 {
		t.Fatalf("%d orders of %d", n, result.Orders)
	}
	for name, source := range map[string][]string{
		"dump":     {"--file", mustDump(t, "XRPETH-trades-2019-10-11.csv", ticks)},
		"aggTrade": {"--file", mustDump(t, "XRPETH-aggTrades-2019-10-11.csv", ticks)},
		"dumps that overlap, in disorder": {"--file", mustDump(t, "XRPETH-trades-2.csv", ticks[1000:]), "--file", mustDump(t, "XRPETH-trades-3.csv", ticks[1200:1300]),
			"--file", mustDump(t, "XRPETH-trades-1.csv", ticks[:2000]), "--file", mustDump(t, "XRPETH-trades-0.csv", nil)},
		"database": {"--data-dir", mustStore(t, ticks)},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			ordersFile, fillsFile := filepath.Join(dir, "orders.csv"), filepath.Join(dir, "fills.csv")
			mustBacktest(t, append(source, "--orders", ordersFile, "--fills", fillsFile)...)
			checkFile(t, ordersFile, orders.String())
			checkFile(t, fillsFile, fills.String())
		})
	}
}

func checkFile(t testing.TB, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
	} else if string(got) != want {
		t.Errorf("%s has\n%.400s…, want\n%.400s…", filepath.Base(path), got, want)
	}
}

func TestAPeriodIsTheSameFromDumpsAndDatabase(t *testing.T) {
	ticks := pastTicks(20_000)
	period := []string{"--from", "2019-10-12", "--to", "2019-10-13T06:00:00Z", "--json"}
	fromDump := mustBacktest(t, append(period, "--file", mustDump(t, "XRPETH-trades-a.csv", ticks[:9000]), "--file", mustDump(t, "XRPETH-trades-b.csv", ticks[9000:]))...)
	fromDatabase := mustBacktest(t, append(period, "--data-dir", mustStore(t, ticks))...)
	if fromDump != fromDatabase {
		t.Errorf("from dumps\n%s\nfrom the database\n%s", fromDump, fromDatabase)
	}
	var r backtest.Result
	if err := json.Unmarshal([]byte(fromDump), &r); err != nil {
		t.Fatal(err)
	}
	if r.Trades != 30*360 || r.From != noon+12*3600_000_000 || r.To != noon+42*3600_000_000-10_000_000 {
		t.Errorf("%d trades from %d to %d, want those of 30 hours", r.Trades, r.From, r.To)
	}
}

// mustStoreAggTrades stores the ticks as aggregate trades.
func mustStoreAggTrades(t testing.TB, dir string, ticks []exchange.Tick) {
	t.Helper()
	db := mustOpenHistory(t, dir)
	defer mustClose(t, db)
	agg := make([]exchange.AggTrade, len(ticks))
	for i, tick := range ticks {
		agg[i] = exchange.AggTrade{Tick: tick, FirstID: tick.ID, LastID: tick.ID}
	}
	if _, err := db.PutAggTrades(t.Context(), "XRPETH", agg); err != nil {
		t.Fatal(err)
	}
}

func TestAggregateTradesAreTakenWhereNoOthersAreStored(t *testing.T) {
	ticks := pastTicks(12_000)
	dir := mustStore(t, ticks[:6000])
	mustStoreAggTrades(t, dir, ticks)
	run := func(args ...string) result {
		return hedgehog(t.Context(), append([]string{"backtest", "XRPETH", "--set", "budget=10", "--json"}, args...)...)
	}
	const note = "note: only aggregate trades of XRPETH are stored of this time, so they are taken; hedgehog data download XRPETH brings single trades\n"
	late := []string{"--from", "2019-10-12T05:00:00Z"} // of which there are no trades
	want := run(append(late, "--file", mustDump(t, "XRPETH-aggTrades-2019-10.csv", ticks))...)
	got := run(append(late, "--data-dir", dir)...)
	if got.code != exitOK || got.stdout != want.stdout || progressLine.ReplaceAllString(got.stderr, "") != note {
		t.Errorf("%+v, want the result of the dump\n%s", got, want.stdout)
	}
	text := hedgehog(t.Context(), append([]string{"backtest", "XRPETH", "--data-dir", dir}, late...)...)
	if !strings.Contains(text.stdout, "The trades are aggregate trades") {
		t.Errorf("the output does not say so:\n%s", text.stdout)
	}
	// Where there are trades these are taken, however few.
	if both := run("--data-dir", dir); both.code != exitOK || !strings.Contains(both.stdout, `"trades": 6000,`) || strings.Contains(both.stderr, "aggregate") {
		t.Errorf("with trades: %+v", both)
	}
	none := run("--data-dir", dir, "--from", "2019-11-01")
	checkFailure(t, none, exitFailure, "there are no trades of XRPETH in this period; those in the database of "+dir+" are from 2019-10-11T12:00:00Z to 2019-10-12T04:39:50Z: choose another with --from and --to, or fetch them with hedgehog data download XRPETH --from DATE --to DATE, or name dumps with --file")

	holes := mustStore(t, nil)
	mustStoreAggTrades(t, holes, append(slices.Clone(ticks[:50]), ticks[60:100]...))
	r := run("--data-dir", holes)
	if r.code != exitFailure || !strings.HasSuffix(r.stderr, "trades 51 to 60 of XRPETH are missing (10), which are ids of aggregate trades: fetch them with hedgehog data download XRPETH --kind aggTrades --from DATE --to DATE, or go on with --allow-holes\n") {
		t.Errorf("with a hole: %+v", r)
	}
	none = run("--data-dir", holes, "--from", "2019-11-01")
	if !strings.Contains(none.stderr, "are from 2019-10-11T12:00:00Z to 2019-10-11T12:16:30Z") {
		t.Errorf("without trades in the period: %+v", none)
	}
}

func TestTheSameInputGivesTheSameBytes(t *testing.T) {
	dump := mustDump(t, "XRPETH-trades-2019-10-11.csv", pastTicks(5000))
	var all [2][4]string
	for i := range all {
		dir := t.TempDir()
		names := []string{"orders.csv", "fills.csv", "report.html"}
		all[i][3] = mustBacktest(t, "--file", dump, "--orders", filepath.Join(dir, names[0]), "--fills", filepath.Join(dir, names[1]), "--html", filepath.Join(dir, names[2]))
		for n, name := range names {
			content, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil || len(content) < 1000 {
				t.Fatalf("%s has %d bytes, %v", name, len(content), err)
			}
			all[i][n] = string(content)
		}
	}
	if all[0] != all[1] {
		t.Error("two runs differ")
	}
	if !strings.Contains(all[0][2], "Settings: the defaults, but budget, profit_target.") {
		t.Error("the report does not say where the settings are from")
	}
}

func TestABacktestBeginsWithTheSettingsAndRulesOfTheDatabase(t *testing.T) {
	ticks := pastTicks(1000)
	dir := mustStore(t, ticks)
	db := mustOpenHistory(t, dir)
	rules, _, err := db.Rules(t.Context(), "XRPETH")
	if err != nil {
		t.Fatal(err)
	}
	rules.Filters.StepSize = dec("10")
	if err := db.PutRules(t.Context(), []exchange.Symbol{rules}); err != nil {
		t.Fatal(err)
	}
	for i, command := range []storage.Command{{Seed: []string{"XRPETH"}}, {Settings: &storage.SettingsChange{Symbol: "XRPETH", Chunks: new(3), Budget: new(dec("20"))}}} {
		data, err := command.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.ApplyEntries(t.Context(), []storage.Entry{{Index: uint64(i) + 1, Term: 1, Data: data}}); err != nil {
			t.Fatal(err)
		}
	}
	mustClose(t, db)
	for _, source := range [][]string{nil, {"--file", mustDump(t, "XRPETH-trades-2019-10-11.csv", ticks)}} {
		text := mustHedgehog(t, append([]string{"backtest", "XRPETH", "--data-dir", dir, "--set", "profit_target=0.004"}, source...)...)
		for _, part := range []string{"Settings: the database, but profit_target.", "Rules of XRPETH: the database; tick 0.00000001, step 10.", "budget             20 ETH", "chunks             3 "} {
			if !strings.Contains(text, part) {
				t.Errorf("%q is not in\n%s", part, text)
			}
		}
	}
}

func TestRulesOfAnExchangeInfoAreUsed(t *testing.T) {
	info := "../../../shared/data/exchangeInfo-2021-06-17.json"
	if _, err := os.Stat(info); err != nil {
		t.Skip("the recorded exchange info is not beside the repository")
	}
	dump := mustDump(t, "XRPETH-trades-2019-10-11.csv", pastTicks(1000))
	text := mustHedgehog(t, "backtest", "XRPETH", "--file", dump, "--exchange-info", info)
	if !strings.Contains(text, "Rules of XRPETH: exchangeInfo-2021-06-17.json; tick 0.00000001, step 1.") {
		t.Error(text)
	}
	other := mustDump(t, "XYZABC-trades-2019-10-11.csv", pastTicks(10))
	r := hedgehog(t.Context(), "backtest", "XYZABC", "--file", other, "--exchange-info", info)
	checkFailure(t, r, exitFailure, "--exchange-info "+info+`: unknown symbol: "XYZABC"`)
}

func TestWhatABacktestCannotUseIsNamed(t *testing.T) {
	ticks := pastTicks(1000)
	hole := append(slices.Clone(ticks[:500]), ticks[510:]...)
	dump := mustDump(t, "XRPETH-trades-2019-10-11.csv", ticks)
	broken := mustDump(t, "XRPETH-trades-broken.csv", ticks[:3])
	if err := os.WriteFile(broken, []byte("1,0.1,5,0.5,1570795200000,true,true\n2,0.1,x,0.5,1570795200000,true,true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	holeDump := mustDump(t, "XRPETH-trades-hole.csv", hole)
	holeDir, emptyDir, dir := mustStore(t, hole), mustStore(t, nil), mustStore(t, ticks)
	elsewhere := filepath.Join(t.TempDir(), "XRPETH-trades-none.csv")
	other := mustDump(t, "XRPETH-trades-other.csv", ticks)
	if err := os.WriteFile(other+".CHECKSUM", fmt.Appendf(nil, "%064d  XRPETH-trades-other.csv\n", 0), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args string
		code int
		want string
	}{
		{"", exitUsage, "which symbol?; see hedgehog backtest --help"},
		{"XRPETH --set profit=0.1 --file " + dump, exitUsage, "--set profit=0.1: want KEY=VALUE with one of the keys budget, chunks, buy_down_interval, profit_target, rebuy_interval; see"},
		{"XRPETH --set budget --file " + dump, exitUsage, `--set budget "": want a decimal number such as 0.001; see`},
		{"XRPETH --set chunks=101 --file " + dump, exitUsage, "--set chunks=101: want a whole number, 1 to 100; see"},
		{"XRPETH --set chunks=1.5 --file " + dump, exitUsage, "--set chunks=1.5: want a whole number, 1 to 100; see"},
		{"XRPETH --set chunks=0 --file " + dump, exitUsage, "--set: chunks 0: want 1 to 100; see"},
		{"XRPETH --set profit_target=1 --file " + dump, exitUsage, "--set: profit_target 1: want a share of the price below 1"},
		{"XRPETH --set budget=-1 --set profit_target=0 --file " + dump, exitUsage, "--set: budget -1: want more than 0, in the quote asset; profit_target 0: want"},
		{"XRPETH --set budget=1e9 --file " + dump, exitUsage, `--set budget "1e9": want a decimal number such as 0.001`},
		{"XRPETH --commission 1 --file " + dump, exitUsage, "--commission 1: want a share from 0 up to below 1"},
		{"XRPETH --commission all --file " + dump, exitUsage, `--commission "all": want a decimal number`},
		{"XRPETH --latency 2h --file " + dump, exitUsage, "--latency 2h0m0s: want 0 to 1m"},
		{"XRPETH --json --csv --file " + dump, exitUsage, "--json and --csv: want one of the two"},
		{"XRPETH --orders x --html x --file " + dump, exitUsage, "--orders and --html: want two files, not x for both"},
		{"XRPETH --orders= --file " + dump, exitUsage, `--orders "": want a file`},
		{"BNBBTC --file " + dump, exitUsage, "--file " + dump + ": it is of XRPETH, not of BNBBTC"},
		{"XRPETH --file trades.csv", exitUsage, "--file: dump trades.csv: the file name does not start with a symbol"},
		{"XRPETH --file XRPETH-1m-2019-10-11.csv", exitUsage, "--file XRPETH-1m-2019-10-11.csv: it has candles"},
		{"XRPETH --file " + dump + " --file XRPETH-aggTrades-2019-10-11.csv", exitUsage, "--file XRPETH-aggTrades-2019-10-11.csv: it has aggTrades, the one before has trades"},
		{"XRPETH --file " + elsewhere, exitFailure, "open dump: open " + elsewhere + ": no such file or directory"},
		{"XRPETH --file " + dump + " --file " + other, exitFailure, "verify dump " + other + ": wrong checksum: sha256 is "},
		{"XRPETH --file " + broken, exitFailure, "backtest XRPETH: dump " + broken + `: line 2: quantity "x": want`},
		{"XRPETH --exchange-info " + elsewhere + " --file " + dump, exitFailure, "--exchange-info: open " + elsewhere},
		{"XRPETH --exchange-info " + dump + " --file " + dump, exitFailure, "--exchange-info: " + dump + ": "},
		{"XRPETH --orders /nowhere/at/all.csv --file " + dump, exitFailure, "open /nowhere/at/all.csv.partial: no such file or directory"},
		{"XRPETH --file " + holeDump, exitFailure, "backtest XRPETH: trades 501 to 510 of XRPETH are missing (10): give the dump that has them with --file too, or go on with --allow-holes"},
		{"XRPETH --data-dir " + holeDir, exitFailure, "backtest XRPETH: trades 501 to 510 of XRPETH are missing (10): fetch them with hedgehog data fill XRPETH, or go on with --allow-holes"},
		{"XRPETH --data-dir " + emptyDir, exitFailure, "there are no trades of XRPETH in the database of " + emptyDir + ": fetch them with hedgehog data download XRPETH --from DATE --to DATE, or name dumps with --file"},
		{"XRPETH --from 2020-01-01 --data-dir " + dir, exitFailure, "there are no trades of XRPETH in this period; those in the database of " + dir + " are from 2019-10-11T12:00:00Z to 2019-10-11T14:46:30Z: choose another with --from and --to, or fetch them with hedgehog data download"},
		{"XRPETH --to 2019-10-11 --file " + dump, exitFailure, "there are no trades of XRPETH in this period; those in the dumps are from 2019-10-11T12:00:00Z to 2019-10-11T14:46:30Z: choose"},
		{"XRPETH --data-dir " + t.TempDir(), exitFailure, "there is no database in"},
		{"XRPUSDT --data-dir " + emptyDir, exitFailure, "there are no trades of XRPUSDT in the database"},
	} {
		t.Run(test.args, func(t *testing.T) {
			r := hedgehog(t.Context(), append([]string{"backtest"}, strings.Fields(test.args)...)...)
			text := r.stderr[strings.LastIndex(r.stderr, "hedgehog: ")+len("hedgehog: "):] // behind a note
			if r.code != test.code || r.stdout != "" || !strings.HasPrefix(text, test.want) || strings.Count(text, "\n") != 1 {
				t.Errorf("exit code %d, printed %q, errors\n got %s\nwant %s…", r.code, r.stdout, r.stderr, test.want)
			}
		})
	}
	if text := mustBacktest(t, "--file", holeDump, "--allow-holes"); !strings.Contains(text, "missing trades    10 ") {
		t.Errorf("with holes allowed:\n%s", text)
	}
}

func TestABacktestWithRulesThatCannotBeRightIsRefused(t *testing.T) {
	dir := t.TempDir()
	db := mustOpenHistory(t, dir)
	if _, err := db.PutTicks(t.Context(), "SHIBUSDT", []exchange.Tick{{ID: 1, Time: noon, Price: 2345, Quantity: 1e8}}); err != nil {
		t.Fatal(err)
	}
	mustClose(t, db)
	r := hedgehog(t.Context(), "backtest", "SHIBUSDT", "--data-dir", dir)
	checkFailure(t, r, exitFailure, "the rules of SHIBUSDT are not known: give them with --exchange-info FILE: trade 1 has the price 0.00002345, no multiple of the built-in tick 0.0001")
}

// A backtest that fails or is interrupted leaves what was at the files' places.
func TestAFailedBacktestLeavesNoFile(t *testing.T) {
	ticks := pastTicks(3000)
	dump := mustDump(t, "XRPETH-trades-2019-10-11.csv", append(slices.Clone(ticks[:2000]), ticks[2001:]...))
	dir := t.TempDir()
	report := filepath.Join(dir, "report.html")
	if err := os.WriteFile(report, []byte("of yesterday"), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"backtest", "XRPETH", "--file", dump, "--set", "budget=10", "--orders", filepath.Join(dir, "orders.csv"), "--html", report}
	if r := hedgehog(t.Context(), args...); r.code != exitFailure || !strings.Contains(r.stderr, "trades 2001 to 2001 of XRPETH are missing") {
		t.Errorf("%+v", r)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	var stdout, stderr bytes.Buffer
	p := program{stdout: &stdout, stderr: io.MultiWriter(&stderr, onWrite(interrupt)), zone: time.UTC} // the note of the rules comes first
	if code := p.run(ctx, append(args, "--allow-holes")); code != exitFailure || stdout.Len() > 0 || !strings.HasSuffix(stderr.String(), "interrupted: nothing is written, begin anew\n") {
		t.Errorf("interrupted: exit code %d, printed %s, errors %s", code, stdout.String(), stderr.String())
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("left are %v, %v", left, err)
	}
	checkFile(t, report, "of yesterday")
}
