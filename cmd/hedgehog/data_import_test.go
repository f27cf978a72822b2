package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hedgehog/data/history"
	"hedgehog/exchange"
	"hedgehog/storage"
)

// madeDump writes a dump of made-up trades into dir and returns its path.
func madeDump(t testing.TB, dir, name string, first, rows int) string {
	t.Helper()
	var text bytes.Buffer
	writeDump(&text, first, rows)
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// madeHistory imports trades with a hole, aggregate trades and candles, and returns
// the data directory.
func madeHistory(t testing.TB) (dir string) {
	t.Helper()
	dir = t.TempDir()
	agg, klines := filepath.Join(dir, "XRPETH-aggTrades-2019-10-11.csv"), filepath.Join(dir, "XRPETH-1m-2019-10-11.csv")
	for path, text := range map[string]string{
		agg:    "7,0.1,23,11,13,1570752011620,True,True\n",
		klines: "1570752000000,2,3,1,2,9,1570752059999,18,4,1,1,0\n1570752060000,2,2,2,2,0,1570752119999,0,0,0,0,0\n1570752120000,2,3,1,2,9,1570752179999,18,5,1,1,0\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	first, second := madeDump(t, dir, "XRPETH-trades-2019-10-11.csv", 0, 1000), madeDump(t, dir, "XRPETH-trades-2019-10-12.csv", 1200, 1000)
	checkGolden(t, "data_import", mustHedgehog(t, "data", "import", "--data-dir", dir, second, first, agg, klines))
	return dir
}

func TestWhatIsImportedIsListed(t *testing.T) {
	dir := madeHistory(t)
	list := mustHedgehog(t, "data", "list", "--data-dir", dir)
	checkGolden(t, "data_list", list)
	if one := mustHedgehog(t, "data", "list", "xrpeth", "--data-dir", dir); one != list {
		t.Errorf("of the one symbol that there is:\n%s", one)
	}
	var ranges []storage.Range
	if err := json.Unmarshal([]byte(mustHedgehog(t, "data", "list", "--data-dir", dir, "--json")), &ranges); err != nil || len(ranges) != 3 {
		t.Fatalf("JSON %+v, %v; want three ranges", ranges, err)
	}
	if r := ranges[0]; r.Count != 2000 || r.Missing != 200 || len(r.Holes) != 1 || r.Holes[0].FirstID != 13519807+1000 {
		t.Errorf("trades %+v", r)
	}
	if none := mustHedgehog(t, "data", "list", "XRPUSDT", "--data-dir", dir); !strings.Contains(none, "nothing is stored") {
		t.Errorf("of a symbol without history: %q", none)
	}
}

func TestAnImportThatIsRepeatedChangesNothing(t *testing.T) {
	dir := madeHistory(t)
	// The shell's pattern names checksums too, and trades of both files come again.
	overlap := madeDump(t, dir, "XRPETH-trades-2019-10.csv", 500, 1200)
	out := mustHedgehog(t, "data", "import", "--json", "--data-dir", dir, overlap, filepath.Join(dir, "XRPETH-trades-2019-10-11.csv"), "none.CHECKSUM")
	var results []history.FileResult
	if err := json.Unmarshal([]byte(strings.ReplaceAll(out, `"kind": "trades"`, `"kind": 0`)), &results); err != nil || len(results) != 2 {
		t.Fatalf("JSON %s: %v", out, err)
	}
	if !results[0].Skipped || results[1].Rows != 1200 || results[1].Written != 200 {
		t.Errorf("results %+v, want one passed over, and the 200 trades of the hole", results)
	}
	if list := mustHedgehog(t, "data", "list", "--data-dir", dir); strings.Contains(list, "holes in the trades") {
		t.Errorf("there still is a hole:\n%s", list)
	}
}

func TestABadFileIsToldAndTheOthersAreImported(t *testing.T) {
	dir := t.TempDir()
	good := madeDump(t, dir, "XRPETH-trades-2019-10-12.csv", 0, 10)
	bad := filepath.Join(dir, "XRPETH-trades-2019-10-11.csv")
	if err := os.WriteFile(bad, []byte("1,2,3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := hedgehog(t.Context(), "data", "import", "--data-dir", dir, bad, good)
	if want := fmt.Sprintf("hedgehog: dump %s: line 1: \"1,2,3\": 3 columns, want the 6 or 7 of trades\n", bad); r.code != exitFailure || r.stderr != want {
		t.Errorf("exit code %d, errors %q; want %q", r.code, r.stderr, want)
	}
	checkGolden(t, "data_import_bad", r.stdout)
}

func TestPruneSaysWhatGoes(t *testing.T) {
	dir := madeHistory(t)
	args := []string{"data", "prune", "--data-dir", dir, "--before", "2019-10-11T00:00:14Z"}
	checkGolden(t, "data_prune_dry_run", mustHedgehog(t, append(args, "--dry-run", "--candles")...))
	checkGolden(t, "data_prune", mustHedgehog(t, append(args, "XRPETH")...))
	checkGolden(t, "data_list_pruned", mustHedgehog(t, "data", "list", "--data-dir", dir))
	if again := mustHedgehog(t, args...); again != "nothing is older than 2019-10-11 00:00:14.000\n" {
		t.Errorf("once more: %q", again)
	}
	// All of it is years old, and the newest of each stays.
	if kept := mustHedgehog(t, "data", "prune", "--data-dir", dir, "--keep", "90d", "--json"); !strings.Contains(kept, `"rows"`) {
		t.Errorf("with --keep: %s", kept)
	}
}

func TestHistoryThatIsNotThereIsNotMade(t *testing.T) {
	dir := t.TempDir()
	for _, args := range [][]string{{"data", "list"}, {"data", "prune", "--keep", "1d"}} {
		r := hedgehog(t.Context(), append(args, "--data-dir", dir)...)
		checkFailure(t, r, exitFailure, "there is no database in "+dir+": import trades with hedgehog data import, or name another directory with --data-dir")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("the directory has %v, %v; want nothing", entries, err)
	}
}

func TestWrongUsageOfHistoryIsTold(t *testing.T) {
	for _, test := range []struct{ args, want string }{
		{"data import", "which files?; see hedgehog data import --help"},
		{"data import X-trades.csv.CHECKSUM", "which files?; see hedgehog data import --help"},
		{"data import X-trades.csv --jobs 0", "--jobs 0: want 1 to 64; see hedgehog data import --help"},
		{"data import X-trades.csv --data-dir=", `--data-dir "": want a directory; see hedgehog data import --help`},
		{"data list x/y", `"x/y" is not a symbol's name, which looks like XRPUSDT; see hedgehog data list --help`},
		{"data prune", "want one of --keep and --before; see hedgehog data prune --help"},
		{"data prune --keep 1d --before 2019-10-11", "want one of --keep and --before; see hedgehog data prune --help"},
		{"data prune --keep soon", `--keep "soon": want a time such as 90d or 12h, more than 0; see hedgehog data prune --help`},
		{"data prune --keep -5d", `--keep "-5d": want a time such as 90d or 12h, more than 0; see hedgehog data prune --help`},
		{"data prune --keep 0h", `--keep "0h": want a time such as 90d or 12h, more than 0; see hedgehog data prune --help`},
		{"data prune --keep 999999999999d", `--keep "999999999999d": want a time such as 90d or 12h, more than 0; see hedgehog data prune --help`},
		{"data prune --before then", `--before "then": want a date such as 2019-10-11 or a time such as 2019-10-11T08:30:00Z; see hedgehog data prune --help`},
	} {
		t.Run(test.args, func(t *testing.T) {
			checkFailure(t, hedgehog(t.Context(), strings.Fields(test.args)...), exitUsage, test.want)
		})
	}
}

func TestADatabaseThatANodeHoldsIsReadAndElseLeftAlone(t *testing.T) {
	dir := madeHistory(t)
	listed := mustHedgehog(t, "data", "list", "--data-dir", dir)
	db := mustOpenHistory(t, dir)
	defer mustClose(t, db)
	if got := mustHedgehog(t, "data", "list", "--data-dir", dir); got != listed {
		t.Errorf("listed\n%s\nbefore the node ran\n%s", got, listed)
	}
	for _, args := range []string{"import X-trades-2019-10-11.csv", "fill XRPETH", "prune --keep 1d", "download XRPETH --from 2019-10-11"} {
		r := hedgehog(t.Context(), append(strings.Fields("data "+args), "--data-dir", dir)...)
		for _, part := range []string{"database is in use by process", "wait for it, stop it", "--data-dir " + dir} {
			if r.code != exitFailure || !strings.Contains(r.stderr, part) {
				t.Errorf("%s: exit code %d, errors %q; want %q", args, r.code, r.stderr, part)
			}
		}
	}
}

func TestImportLineSaysHowFarItIs(t *testing.T) {
	p := history.ImportProgress{Files: 3, Done: 1, File: "dir/XRPETH-trades.csv", Share: 0.25, Rows: 1000}
	got := importLine(p, time.Now().Add(-10*time.Second))
	if want := "1 of 3 files, 1000 rows, 25%, 30s left: XRPETH-trades.csv"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The file system of the test is one that has room for some of the dump; it lives in
// a mount namespace of the process and ends with that.
func TestAFullDiskEndsTheImportAndWhatWasWholeIsKept(t *testing.T) {
	if err := exec.CommandContext(t.Context(), "unshare", "--mount", "true").Run(); err != nil {
		t.Skipf("no mount namespace for a small file system: %v", err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir, small := t.TempDir(), t.TempDir()
	dump := madeDump(t, dir, "XRPETH-trades-2019-10.csv", 0, 60_000)
	script := `mount -t tmpfs -o size=3m none "$2" && "$1" data import --data-dir "$2" "$3"
code=$?
rm -f "$2"/*.lock
cp "$2"/hedgehog.db* "$4"
exit $code`
	run := exec.CommandContext(t.Context(), "unshare", "--mount", "--", "sh", "-c", script, "sh", program, small, dump, dir)
	run.Env = append(os.Environ(), "HEDGEHOG_TEST_AS_PROGRAM=1")
	var stderr bytes.Buffer
	run.Stderr = &stderr
	err = run.Run()
	if code := run.ProcessState.ExitCode(); code != exitFailure || !strings.Contains(stderr.String(), "the disk is full: make room") || !strings.Contains(stderr.String(), dump) {
		t.Fatalf("exit code %d, %v, errors %q; want %d, a full disk and the dump", code, err, stderr.String(), exitFailure)
	}
	db := mustOpenHistory(t, dir)
	ranges, err := db.Ranges(t.Context(), "XRPETH", func(int64) {})
	if err != nil || len(ranges) != 1 || ranges[0].Count == 0 || ranges[0].Count == 60_000 || ranges[0].HoleCount > 0 {
		t.Errorf("stored are %+v, %v; want a beginning without holes", ranges, err)
	}
	mustClose(t, db)
	if r := hedgehog(t.Context(), "data", "import", "--data-dir", dir, dump); r.code != exitOK {
		t.Fatalf("with more room: exit code %d, errors %q", r.code, r.stderr)
	}
	db = mustOpenHistory(t, dir)
	defer mustClose(t, db)
	n := 0
	if err := db.Ticks(t.Context(), "XRPETH", storage.TradeRange{}, func(page []exchange.Tick) error {
		n += len(page)
		return nil
	}); err != nil || n != 60_000 {
		t.Errorf("with more room there are %d trades, %v; want all", n, err)
	}
}
