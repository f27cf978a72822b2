package main

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hedgehog/exchange"
)

// shelves is an archive of dumps on a loopback port.
type shelves struct {
	url   string
	files map[string][]byte // by path
	asked func(path string) // is called before a file is served
}

func newShelves(t testing.TB) *shelves {
	s := &shelves{files: make(map[string][]byte), asked: func(string) {}}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked(r.URL.Path)
		content, known := s.files[r.URL.Path]
		if !known {
			http.NotFound(w, r)
			return
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	}))
	t.Cleanup(web.Close)
	s.url = web.URL
	return s
}

// dump adds the trades of a day and returns the dump's name.
func (s *shelves) dump(t testing.TB, day time.Time, trades []exchange.TradeEvent) string {
	t.Helper()
	name := "XRPUSDT-trades-" + day.Format(time.DateOnly)
	var packed bytes.Buffer
	w := zip.NewWriter(&packed)
	file, err := w.Create(name + ".csv")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range trades {
		if e.TradeTime.Time().Truncate(24 * time.Hour).Equal(day) {
			fmt.Fprintf(file, "%d,%s,%s,%s,%d,%t,True\n", e.ID, e.Price, e.Quantity, e.Price.Mul(e.Quantity), e.TradeTime, e.BuyerIsMaker)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := "/data/spot/daily/trades/XRPUSDT/" + name + ".zip"
	s.files[path] = packed.Bytes()
	s.files[path+".CHECKSUM"] = fmt.Appendf(nil, "%x  %s.zip\n", sha256.Sum256(packed.Bytes()), name)
	return name + ".zip"
}

// fourDays returns an exchange with a trade each ten minutes for four days and more,
// and an archive that has the dumps of the first days of it up to the day before
// yesterday. days are midnights, from four days ago to today.
func fourDays(t testing.TB) (x venue, s *shelves, days []time.Time) {
	t.Helper()
	x, s = newVenue(t, 6*24*6, 100_000, 10*time.Minute), newShelves(t)
	today := time.Now().UTC().Truncate(24 * time.Hour)
	for ago := 4; ago >= 0; ago-- {
		days = append(days, today.AddDate(0, 0, -ago))
	}
	for _, day := range days[:3] {
		s.dump(t, day, x.trades)
	}
	return x, s, days
}

// since returns the ids of the trades from the time on.
func (x venue) since(day time.Time) []int64 {
	var ids []int64
	for _, trade := range x.trades {
		if !trade.TradeTime.Time().Before(day) {
			ids = append(ids, trade.ID)
		}
	}
	return ids
}

func TestDownloadBringsAllTradesUpToNow(t *testing.T) {
	x, s, days := fourDays(t)
	dir := t.TempDir()
	args := []string{"data", "download", "XRPUSDT", "--from", days[0].Format(time.DateOnly), "--data-dir", dir, "--base-url", s.url, "--rest-url", x.url}
	shown := mustHedgehog(t, args...)
	want := x.since(days[0])
	recent := len(x.since(days[3])) // of yesterday and today
	if !strings.HasPrefix(shown, "XRPUSDT: 3 dumps of trades fetched (") || !strings.HasSuffix(shown, fmt.Sprintf("), and %d trades from the exchange\n", recent)) {
		t.Errorf("shown %q, want 3 dumps and %d trades", shown, recent)
	}
	if ids := x.stored(t, dir); !slices.Equal(ids, want) {
		t.Errorf("%d trades are stored, want %d", len(ids), len(want))
	}
	// Again: nothing is fetched twice.
	var answer struct{ Files, Trades int }
	if err := json.Unmarshal([]byte(mustHedgehog(t, append(args, "--json")...)), &answer); err != nil || answer.Files != 0 || answer.Trades != 0 {
		t.Errorf("the second time %+v is fetched, %v; want nothing", answer, err)
	}
}

func TestDownloadNamesWhatIsNotThereAndKeepsTheRest(t *testing.T) {
	x, s, days := fourDays(t)
	dir, files := t.TempDir(), t.TempDir()
	name := s.dump(t, days[1], x.trades)
	delete(s.files, "/data/spot/daily/trades/XRPUSDT/"+name+".CHECKSUM")
	r := hedgehog(t.Context(), "data", "download", "XRPUSDT", "--from", days[0].Format(time.DateOnly), "--to", days[3].Format(time.DateOnly),
		"--data-dir", dir, "--base-url", s.url, "--rest-url", x.url, "--keep-files", files)
	if want := "hedgehog: not in the archive (1): " + name + "\n"; r.code != exitFailure || r.stderr != want {
		t.Errorf("exit code %d, errors %q, want %q", r.code, r.stderr, want)
	}
	want := slices.DeleteFunc(x.since(days[0]), func(id int64) bool {
		at := x.trades[id-1].TradeTime.Time()
		return !at.Before(days[1]) && at.Before(days[2]) || !at.Before(days[3])
	})
	if ids := x.stored(t, dir); !slices.Equal(ids, want) {
		t.Errorf("%d trades are stored, want %d", len(ids), len(want))
	}
	if kept, err := filepath.Glob(filepath.Join(files, "*")); err != nil || len(kept) != 4 {
		t.Errorf("kept are %v, %v; want two dumps with their checksums", kept, err)
	}
}

func TestAnInterruptedDownloadSaysThatItGoesOn(t *testing.T) {
	x, s, days := fourDays(t)
	dir := t.TempDir()
	ctx, interrupt := context.WithCancel(t.Context())
	last := days[2].Format(time.DateOnly) + ".zip"
	s.asked = func(path string) {
		if strings.HasSuffix(path, last) {
			interrupt()
			<-ctx.Done()
		}
	}
	args := []string{"data", "download", "XRPUSDT", "--from", days[0].Format(time.DateOnly), "--data-dir", dir, "--base-url", s.url, "--rest-url", x.url}
	r := hedgehog(ctx, args...)
	if r.code != exitFailure || !strings.HasPrefix(r.stderr, "XRPUSDT: ") || !strings.HasSuffix(r.stderr, "; the same command goes on from there\nhedgehog: interrupted\n") {
		t.Errorf("exit code %d, errors %q", r.code, r.stderr)
	}
	s.asked = func(string) {}
	mustHedgehog(t, args...)
	if ids, want := x.stored(t, dir), x.since(days[0]); !slices.Equal(ids, want) {
		t.Errorf("%d trades are stored, want %d", len(ids), len(want))
	}
	if left, err := os.ReadDir(filepath.Join(dir, "downloads")); err != nil || len(left) > 0 {
		t.Errorf("left are %v, %v", left, err)
	}
}

func TestDownloadTellsWhatIsWrong(t *testing.T) {
	for _, test := range []struct{ args, want string }{
		{"XRPUSDT", "from when on? want --from, such as --from 2026-01-01"},
		{"XRPUSDT --from 2999-01-01", "--from 2999-01-01: want a time in the past"},
		{"XRPUSDT --from 1999-01-01", "config field From 1999-01-01: the exchange's history begins with 2017-07-01"},
		{"XRPUSDT --from 2020-01-01 --kind depth", `--kind "depth": want trades, aggTrades or klines`},
		{"XRPUSDT --from 2020-01-01 --kind klines --minutes 3", "--minutes 3: want 1, 5, 15, 60, 240 or 1440"},
		{"XRPUSDT --from 2020-01-01 --base-url archive", `config field BaseURL "archive": want an address like https://data.binance.vision`},
	} {
		dir := t.TempDir()
		r := hedgehog(t.Context(), append(strings.Fields("data download "+test.args), "--data-dir", dir)...)
		checkFailure(t, r, exitUsage, test.want+"; see hedgehog data download --help")
	}
}
