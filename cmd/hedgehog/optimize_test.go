package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hedgehog/exchange"
	"hedgehog/storage"
)

// newPast stores trades of XRPUSDT whose price swings, a second apart from 2024-01-01
// on, in a database of its own and returns its directory.
func newPast(t testing.TB, trades int) string {
	t.Helper()
	dir := t.TempDir()
	db := mustOpenHistory(t, dir)
	defer mustClose(t, db)
	ticks := make([]exchange.Tick, trades)
	for i := range ticks {
		price := 5000 + i*7%31 - i*3%17 + i/40%25
		ticks[i] = exchange.Tick{ID: int64(i) + 1, Time: 1_704_067_200e6 + exchange.Micros(i)*1e6, Price: exchange.Units(price) * 1e4, Quantity: 1e10}
	}
	if _, err := db.PutTicks(t.Context(), "XRPUSDT", ticks); err != nil {
		t.Fatal(err)
	}
	return dir
}

// optimized runs optimize on the trades in dir and returns what it printed.
func optimized(t testing.TB, dir string, args ...string) string {
	t.Helper()
	r := hedgehog(t.Context(), append([]string{"optimize", "XRPUSDT", "--data-dir", dir}, args...)...)
	if r.code != exitOK || !strings.HasPrefix(r.stderr, "note: built-in rules") || strings.Count(r.stderr, "\n") != 1 {
		t.Fatalf("hedgehog optimize %q: exit code %d, errors %q", args, r.code, r.stderr)
	}
	return r.stdout
}

func TestOptimizeShowsOutOfSampleBesideInSample(t *testing.T) {
	dir := newPast(t, 600)
	args := strings.Fields("--param profit_target=0.0005:0.002:4 --param chunks=1,5 --walk-forward 2 --top 2 --objective realized")
	first := optimized(t, dir, args...)
	checkGolden(t, "optimize", first)
	again := optimized(t, dir, append(args, "--jobs", "1")...)
	if want := strings.Replace(first, " 0 of them made before", " 16 of them made before", 1); again != want {
		t.Errorf("the second time it prints\n%s\nwant\n%s", again, want)
	}
}

func TestOptimizeMakesNoTrialTwice(t *testing.T) {
	dir := newPast(t, 200)
	few := optimized(t, dir, strings.Fields("--param profit_target=0.001,0.003 --json")...)
	more := optimized(t, dir, strings.Fields("--param profit_target=0.001:0.004:4 --method tpe --trials 9 --json")...)
	var a, b outcome
	for text, into := range map[string]*outcome{few: &a, more: &b} {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			t.Fatal(err)
		}
	}
	if a.Kept != 0 || len(a.Windows[0].Trials) != 3 || b.Kept != 3 || len(b.Windows[0].Trials) != 4 || a.Study != b.Study {
		t.Errorf("study %s kept %d and has %d trials, then %s kept %d and has %d; want 0 and 3, then of the same 3 and 4",
			a.Study, a.Kept, len(a.Windows[0].Trials), b.Study, b.Kept, len(b.Windows[0].Trials))
	}
	if costly := optimized(t, dir, strings.Fields("--param profit_target=0.001,0.003 --commission 0.002")...); !strings.Contains(costly, " 0 of them made before") {
		t.Errorf("with another commission:\n%s\nwant that no trial was made before", costly)
	}
}

func TestOptimizeThatIsInterruptedSaysHowToGoOn(t *testing.T) {
	dir := newPast(t, 200)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := hedgehog(ctx, "optimize", "XRPUSDT", "--data-dir", dir, "--param", "profit_target=0.001,0.003")
	if r.code != exitFailure || !strings.Contains(r.stderr, "hedgehog: interrupted") || r.stdout != "" {
		t.Errorf("exit code %d, %q and %q; want 1 and that it was interrupted", r.code, r.stdout, r.stderr)
	}
}

func TestStudiesAreListedAndShown(t *testing.T) {
	dir := newPast(t, 300)
	run := optimized(t, dir, strings.Fields("--param profit_target=0.001:0.004:4 --name mine --top 2")...)
	var list []studyEntry
	if err := json.Unmarshal([]byte(mustHedgehog(t, "optimize", "list", "--data-dir", dir, "--json")), &list); err != nil {
		t.Fatal(err)
	}
	if len(list) != 1 || list[0].Name != "mine" || list[0].Symbol != "XRPUSDT" || list[0].Objective != "profit" || list[0].Trials != 4 || list[0].Changed == 0 {
		t.Errorf("list %+v, want the study mine with 4 trials", list)
	}
	if text := mustHedgehog(t, "optimize", "list", "--data-dir", dir); !strings.Contains(text, "mine") {
		t.Errorf("list\n%s\nwant the study mine", text)
	}
	_, windows, _ := strings.Cut(run, "\n\n")
	shown := mustHedgehog(t, "optimize", "show", "mine", "--data-dir", dir, "--top", "2")
	if _, same, _ := strings.Cut(shown, "\n\n"); same != windows {
		t.Errorf("shown\n%s\nthe run printed\n%s", same, windows)
	}
	checkFailure(t, hedgehog(t.Context(), "optimize", "show", "yours", "--data-dir", dir), exitFailure,
		"study yours: no such study: hedgehog optimize list lists them")
	r := hedgehog(t.Context(), "optimize", "XRPUSDT", "--data-dir", dir, "--param", "chunks=1,2", "--name", "mine", "--split", "0.5")
	if r.code != exitFailure || !strings.Contains(r.stderr, "of other trades or conditions: give it another --name, or none") {
		t.Errorf("the same name for other windows: exit code %d, %q", r.code, r.stderr)
	}
}

func TestSettingsAreTriedOnWhatARunningNodeHasStored(t *testing.T) {
	dir := newPast(t, 300)
	backtest := []string{"backtest", "XRPUSDT", "--data-dir", dir, "--json"}
	before := hedgehog(t.Context(), backtest...)
	node := mustOpenHistory(t, dir)
	defer mustClose(t, node)
	if got := hedgehog(t.Context(), backtest...); got.code != exitOK || got != before {
		t.Errorf("backtest %+v\nbefore the node ran %+v", got, before)
	}
	optimized(t, dir, "--param", "chunks=1,3", "--name", "mine")
	if text := mustHedgehog(t, "optimize", "list", "--data-dir", dir); !strings.Contains(text, "mine") {
		t.Errorf("list\n%s\nwant the study mine", text)
	}
}

func TestTwoThatOptimizeDoNotWriteTheSameStudies(t *testing.T) {
	dir := newPast(t, 300)
	optimized(t, dir, "--param", "chunks=1,3", "--name", "mine")
	other, err := storage.Open(t.Context(), filepath.Join(dir, studiesFile))
	if err != nil {
		t.Fatal(err)
	}
	defer mustClose(t, other)
	r := hedgehog(t.Context(), "optimize", "XRPUSDT", "--data-dir", dir, "--param", "chunks=1,3")
	if r.code != exitFailure || !strings.Contains(r.stderr, studiesFile+": database is in use by process") {
		t.Errorf("%+v", r)
	}
	mustHedgehog(t, "optimize", "show", "mine", "--data-dir", dir)
}

func TestWithoutStudiesThatIsSaid(t *testing.T) {
	dir := newPast(t, 10)
	r := hedgehog(t.Context(), "optimize", "list", "--data-dir", dir)
	if r.code != exitFailure || !strings.Contains(r.stderr, "no studies are kept in "+dir+": hedgehog optimize SYMBOL --param") {
		t.Errorf("%+v", r)
	}
}

func TestTrialsAsValuesSeparatedByCommas(t *testing.T) {
	dir := newPast(t, 300)
	text := optimized(t, dir, strings.Fields("--param profit_target=0.001:0.004:4 --walk-forward 2 --csv")...)
	lines, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(lines) != 9 || strings.Join(lines[0][:8], ",") != "window,rank,budget,chunks,buy_down_interval,profit_target,rebuy_interval,score" {
		t.Errorf("%d lines, the first %q; want names and 8 trials", len(lines), lines[0])
	}
	if last := strings.Join(lines[8][:5], ","); last != "2,4,1000,5,0.0001" {
		t.Errorf("the last line begins %q", last)
	}
}

func TestOptimizeOnDumpsNeedsNoDatabase(t *testing.T) {
	const day = "../../../shared/data/XRPETH-trades-2019-10-11.csv"
	if _, err := os.Stat(day); errors.Is(err, os.ErrNotExist) {
		t.Skip("the recorded trades are not beside the repository")
	}
	dir := filepath.Join(t.TempDir(), "new")
	r := hedgehog(t.Context(), "optimize", "XRPETH", "--file", day, "--data-dir", dir, "--set", "budget=10", "--param", "profit_target=0.001,0.003", "--json")
	var o outcome
	if err := json.Unmarshal([]byte(r.stdout), &o); err != nil {
		t.Fatalf("exit code %d, %q: %v", r.code, r.stderr, err)
	}
	if o.Trades < 1000 || len(o.Windows[0].Trials) != 3 || o.Windows[0].Trials[0].In.Cycles == 0 {
		t.Errorf("%d trades, %d trials, %+v; want three trials with cycles", o.Trades, len(o.Windows[0].Trials), o.Windows[0].Trials[0])
	}
	if list := mustHedgehog(t, "optimize", "list", "--data-dir", dir); !strings.Contains(list, o.Study) {
		t.Errorf("list\n%s\nwant %s", list, o.Study)
	}
}

func TestWhatOptimizeCanNotDoIsNamed(t *testing.T) {
	dir := newPast(t, 100)
	const usage = "; see hedgehog optimize --help"
	for _, test := range []struct {
		args, want string
		code       int
	}{
		{"", "which settings? --param profit_target=0.0005:0.01:20" + usage, exitUsage},
		{"--param profit=1:2:3", `--param "profit=1:2:3": unknown parameter "profit": want one of budget, chunks, buy_down_interval, profit_target, rebuy_interval` + usage, exitUsage},
		{"--param profit_target=0.5:1.5:3", "parameter profit_target: profit_target 1: want a share of the price below 1 (0.001 is 0.1 %); parameter profit_target: profit_target 1.5: want a share of the price below 1 (0.001 is 0.1 %)" + usage, exitUsage},
		{"--param chunks=1,2 --method guess", `method "guess": want grid, random or tpe` + usage, exitUsage},
		{"--param chunks=1,2 --objective luck", `objective "luck": want one of profit, profit_share, realized, drawdown_adjusted` + usage, exitUsage},
		{"--param chunks=1,2 --split half", `--split "half": want a decimal number such as 0.001` + usage, exitUsage},
		{"--param chunks=1,2 --split 1", "split 1: want a share of the time above 0 and below 1, such as 0.7" + usage, exitUsage},
		{"--param chunks=1,2 --walk-forward 0", "windows 0: want 1 to 1000" + usage, exitUsage},
		{"--param chunks=1,2 --jobs 0", "jobs 0: want 1 to 1024" + usage, exitUsage},
		{"--param chunks=1,2 --trials 5", "--trials and --seed have a meaning only with --method random or tpe" + usage, exitUsage},
		{"--param chunks=1,2 --memory 4", `--memory "4": want a size such as 500MiB or 4GiB` + usage, exitUsage},
		{"--param chunks=1,2 --name a/b", `"a/b" is no study's name: want 1 to 64 letters, digits, '.', '_' or '-', the first a letter or digit` + usage, exitUsage},
		{"--param chunks=1,2 --top 0", "--top 0: want 1 or more" + usage, exitUsage},
		{"--param chunks=1,2 --walk-forward 90", "too few trades for these windows: window 2 of 90 has none in its first part: take a longer time, or fewer windows with --walk-forward", exitFailure},
	} {
		t.Run(test.args, func(t *testing.T) {
			r := hedgehog(t.Context(), append([]string{"optimize", "XRPUSDT", "--data-dir", dir}, strings.Fields(test.args)...)...)
			_, r.stderr, _ = strings.Cut("\n"+r.stderr, "\nhedgehog: ")
			r.stderr = "hedgehog: " + r.stderr
			checkFailure(t, r, test.code, test.want)
		})
	}
	checkFailure(t, hedgehog(t.Context(), "optimize", "show"), exitUsage, "which study? hedgehog optimize list lists them; see hedgehog optimize show --help")
}

func TestTradesThatNeedMoreMemoryThanTheyMayHaveAreRefused(t *testing.T) {
	dir := newPast(t, 30_000) // 1.2 MB
	r := hedgehog(t.Context(), "optimize", "XRPUSDT", "--data-dir", dir, "--param", "chunks=1,2", "--memory", "1MiB")
	for _, want := range []string{"1048560 bytes hold 26214 trades, those up to 2024-01-01T07:16:53Z", "give a shorter time with --from and --to, or more with --memory"} {
		if r.code != exitFailure || !strings.Contains(r.stderr, want) {
			t.Errorf("exit code %d, %q; want 1 and %q", r.code, r.stderr, want)
		}
	}
	if r := hedgehog(t.Context(), "optimize", "XRPUSDT", "--data-dir", dir, "--param", "chunks=1,2", "--memory", "9999999999GiB"); r.code != exitUsage {
		t.Errorf("a size that does not fit: exit code %d, %q; want wrong usage", r.code, r.stderr)
	}
}
