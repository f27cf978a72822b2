package history_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hedgehog/data/history"
	"hedgehog/exchange"
	"hedgehog/exchange/dump"
)

// incomplete checks that err is about these dumps, by their dates.
func incomplete(t testing.TB, err error, absent ...string) {
	t.Helper()
	var lacks *history.IncompleteError
	if !errors.As(err, &lacks) {
		t.Fatalf("error %v, want a *IncompleteError", err)
	}
	for i := range absent {
		absent[i] = name(absent[i])
	}
	if !slices.Equal(lacks.Absent, absent) {
		t.Errorf("absent are %v, want %v", lacks.Absent, absent)
	}
	for _, f := range absent {
		if !strings.Contains(err.Error(), f) {
			t.Errorf("%q does not name %s", err, f)
		}
	}
}

func TestWholeMonthsComeByTheMonthAndTheRestByTheDay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, into := newArchive(t, "2025-10-31", "2025-11", "2025-12", "2026-01-01", "2026-01-02"), newSink()
		cfg := a.download(t, "2025-10-31", "2026-01-02T08:30:00Z")
		d := mustDownloader(t, cfg, into)
		if err := d.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		into.has(t, "2025-10-31", "2025-11", "2025-12", "2026-01-01", "2026-01-02")
		for _, date := range []string{"2025-11", "2026-01-02"} {
			if string(into.dumps[name(date)]) != string(a.files[path(date)]) {
				t.Errorf("the dump of %s is not the archive's", date)
			}
		}
		if p := d.Progress(); p.Files != 5 || p.Done != 5 || p.Fetched != 5 || p.Share != 1 || p.Bytes == 0 || p.Importing != "" {
			t.Errorf("progress %+v", p)
		}
		empty(t, cfg.Dir)
		if n := a.busiest(); n > 2 {
			t.Errorf("%d requests at once, want at most 2", n)
		}
		for _, r := range a.all() {
			if r.agent != "hedgehog" {
				t.Errorf("User-Agent %q", r.agent)
			}
		}
	})
}

func TestAMonthThatIsNotThereYetComesByTheDay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, into := newArchive(t), newSink()
		var days []string
		for at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC); at.Month() == 1; at = at.AddDate(0, 0, 1) {
			days = append(days, at.Format(time.DateOnly))
			a.put(t, days[len(days)-1], 2)
		}
		cfg := a.download(t, "2026-01-01", "2026-02-01")
		cfg.Now = func() time.Time { return time.Date(2026, 2, 1, 12, 0, 0, 0, time.UTC) }
		d := mustDownloader(t, cfg, into)
		if err := d.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		into.has(t, days...)
		if p := d.Progress(); p.Files != 31 || p.Done != 31 || p.Share != 1 {
			t.Errorf("progress %+v, want 31 files done", p)
		}
	})
}

func TestWhatIsNotInTheArchiveIsNamedAndTheRestKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, into := newArchive(t, "2025-09", "2025-11", "2025-12-01", "2025-12-03"), newSink()
		err := mustDownloader(t, a.download(t, "2025-08-31", "2025-12-05"), into).Run(t.Context())
		incomplete(t, err, "2025-08-31", "2025-10", "2025-12-02", "2025-12-04")
		into.has(t, "2025-09", "2025-11", "2025-12-01", "2025-12-03")
	})
}

func TestAnotherRunGoesOnWhereTheFirstWasInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, into := newArchive(t, "2026-01-05", "2026-01-06"), newSink()
		cfg := a.download(t, "2026-01-05", "2026-01-07")
		cfg.Connections = 1
		ctx, cancel := context.WithCancelCause(t.Context())
		enough := errors.New("enough")
		a.times(a.serveFile, func(w http.ResponseWriter, r *http.Request) {
			content := a.files[r.URL.Path]
			w.Header().Set("ETag", fmt.Sprintf(`"%x"`, sha256.Sum256(content)))
			w.Header().Set("Content-Length", fmt.Sprint(len(content)))
			_, _ = w.Write(content[:100])
			_ = http.NewResponseController(w).Flush()
			synctest.Wait() // until what was sent is written down
			cancel(enough)
			<-r.Context().Done()
		})
		if err := mustDownloader(t, cfg, into).Run(ctx); !errors.Is(err, enough) {
			t.Fatalf("error %v, want %v", err, enough)
		}
		into.has(t, "2026-01-05")
		a.forget()
		a.answer = nil
		if err := mustDownloader(t, cfg, into).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		into.has(t, "2026-01-05", "2026-01-06")
		if asked := a.asked("2026-01-05"); len(asked) != 0 {
			t.Errorf("the first dump was asked for again: %+v", asked)
		}
		if asked := a.asked("2026-01-06"); len(asked) != 1 || asked[0].span != "bytes=100-" || asked[0].status != http.StatusPartialContent {
			t.Errorf("asked for %+v, want what follows 100 bytes", asked)
		}
		empty(t, cfg.Dir)
	})
}

func TestKeptFilesAreNotFetchedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, into := newArchive(t, "2026-01-05", "2026-01-06"), newSink()
		cfg := a.download(t, "2026-01-05", "2026-01-07")
		cfg.Keep = true
		if err := mustDownloader(t, cfg, into).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, date := range []string{"2026-01-05", "2026-01-06"} {
			for _, suffix := range []string{"", ".CHECKSUM"} {
				kept, err := os.ReadFile(filepath.Join(cfg.Dir, name(date)+suffix))
				if err != nil || string(kept) != string(a.files[path(date)+suffix]) {
					t.Errorf("%s%s is not kept as it was: %v", date, suffix, err)
				}
			}
		}
		// One is spoilt on the disk.
		if err := os.WriteFile(filepath.Join(cfg.Dir, name("2026-01-06")), []byte("spoilt"), 0o600); err != nil {
			t.Fatal(err)
		}
		a.forget()
		again := newSink()
		if err := mustDownloader(t, cfg, again).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		again.has(t, "2026-01-05", "2026-01-06")
		if len(a.asked("2026-01-05")) != 0 || len(a.asked("2026-01-06")) != 1 {
			t.Errorf("asked for %+v, want only the spoilt one", a.all())
		}
	})
}

func TestAFailedImportEndsTheDownloadAndKeepsTheFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, into := newArchive(t, "2026-01-05"), newSink()
		into.failed = history.ErrContradiction
		cfg := a.download(t, "2026-01-05", "2026-01-06")
		if err := mustDownloader(t, cfg, into).Run(t.Context()); !errors.Is(err, into.failed) {
			t.Fatalf("error %v, want %v", err, into.failed)
		}
		into.failed = nil
		a.forget()
		if err := mustDownloader(t, cfg, into).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		into.has(t, "2026-01-05")
		if asked := a.asked("2026-01-05"); len(asked) != 0 {
			t.Errorf("asked for %+v, want nothing", asked)
		}
	})
}

func TestADumpThatCanNotBeImportedKeepsNoOtherFromIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, into := newArchive(t, "2026-01-05", "2026-01-06"), newSink()
		into.bad = name("2026-01-05")
		err := mustDownloader(t, a.download(t, "2026-01-05", "2026-01-07"), into).Run(t.Context())
		incomplete(t, err)
		if !strings.Contains(err.Error(), into.bad+" is no dump") {
			t.Errorf("error %v, want one about the first dump", err)
		}
		into.has(t, "2026-01-06")
	})
}

func TestTheNewestTradesComeFromTheExchange(t *testing.T) {
	for _, test := range []struct {
		name    string
		there   []string // in the archive
		absent  []string // that are named in the end
		firstID int64    // that is stored from the exchange; a trade a second from the 16th on
	}{
		{"today", []string{"2026-02-15", "2026-02-16", "2026-02-17"}, nil, 2 * 86400},
		{"yesterday and today", []string{"2026-02-15", "2026-02-16"}, nil, 86400},
		{"the last days, but no gap", []string{"2026-02-16"}, []string{"2026-02-15"}, 86400},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, into := newArchive(t, test.there...), newSink()
				m, s := &market{start: day, first: 1, last: 2*86400 + 43_000}, newShelf()
				cfg := a.download(t, "2026-02-15", "2026-03-01")
				d, err := history.NewDownloader(cfg, into, m, s)
				if err != nil {
					t.Fatal(err)
				}
				err = d.Run(t.Context())
				if len(test.absent) > 0 {
					incomplete(t, err, test.absent...)
				} else if err != nil {
					t.Fatal(err)
				}
				into.has(t, test.there...)
				s.whole(t, m, test.firstID, m.last)
				if n := int64(len(s.ticks)); n != m.last-test.firstID+1 {
					t.Errorf("%d trades stored, want those from id %d on", n, test.firstID)
				}
				if p := d.Progress(); p.Recent.Stored != int64(len(s.ticks)) {
					t.Errorf("progress %+v", p)
				}
			})
		})
	}
}

func TestOnlyTradesComeFromTheExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, into := newArchive(t), newSink()
		cfg := a.download(t, "2026-02-16", "2026-02-19")
		cfg.Kind, cfg.Minutes = dump.Klines, 240
		d, err := history.NewDownloader(cfg, into, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		var lacks *history.IncompleteError
		if err := d.Run(t.Context()); !errors.As(err, &lacks) || !slices.Equal(lacks.Absent, []string{"XRPETH-4h-2026-02-16.zip", "XRPETH-4h-2026-02-17.zip"}) {
			t.Errorf("error %v, want one about two days", err)
		}
		if want := "/data/spot/daily/klines/XRPETH/4h/XRPETH-4h-2026-02-16.zip.CHECKSUM"; !slices.ContainsFunc(a.all(), func(r request) bool { return r.path == want }) {
			t.Errorf("asked for %+v, want %s", a.all(), want)
		}
	})
}

func TestSenselessDownloadsAreRefused(t *testing.T) {
	for _, test := range []struct {
		field  string
		change func(*history.DownloadConfig)
	}{
		{"Symbol", func(c *history.DownloadConfig) { c.Symbol = "../XRP" }},
		{"Kind", func(c *history.DownloadConfig) { c.Kind = dump.Klines + 1 }},
		{"Minutes", func(c *history.DownloadConfig) { c.Kind, c.Minutes = dump.Klines, 3 }},
		{"BaseURL", func(c *history.DownloadConfig) { c.BaseURL = "ftp://archive.test" }},
		{"From", func(c *history.DownloadConfig) { c.From = 0 }},
		{"To", func(c *history.DownloadConfig) { c.To = c.From }},
		{"To", func(c *history.DownloadConfig) { c.From = exchange.MicrosOf(noon.Add(time.Hour)); c.To = c.From + 1 }},
		{"Dir", func(c *history.DownloadConfig) { c.Dir = "" }},
		{"UserAgent", func(c *history.DownloadConfig) { c.UserAgent = "" }},
		{"Connections", func(c *history.DownloadConfig) { c.Connections = 3 }},
		{"Tries", func(c *history.DownloadConfig) { c.Tries = 0 }},
		{"Jitter", func(c *history.DownloadConfig) { c.Jitter = 2 }},
		{"FirstRetry", func(c *history.DownloadConfig) { c.FirstRetry = 2 * c.LongestRetry }},
		{"Stall", func(c *history.DownloadConfig) { c.Stall = 0 }},
		{"MaxFile", func(c *history.DownloadConfig) { c.MaxFile = 0 }},
	} {
		t.Run(test.field, func(t *testing.T) {
			cfg := history.DefaultDownload()
			cfg.Symbol, cfg.From, cfg.To, cfg.Dir = "XRPETH", micros(t, "2026-01-01"), micros(t, "2026-01-02"), t.TempDir()
			cfg.Now = func() time.Time { return noon }
			if _, err := history.NewDownloader(cfg, newSink(), &market{}, newShelf()); err != nil {
				t.Fatal(err)
			}
			test.change(&cfg)
			_, err := history.NewDownloader(cfg, newSink(), &market{}, newShelf())
			if err == nil || !strings.Contains(err.Error(), "config field "+test.field+" ") && !strings.Contains(err.Error(), "config field "+test.field+":") {
				t.Errorf("error %v, want one about %s", err, test.field)
			}
		})
	}
}
