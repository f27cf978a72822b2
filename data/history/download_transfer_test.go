package history_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hedgehog/data/history"
)

func TestABrokenOffTransferGoesOnWhereItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, into := newArchive(t, "2026-01-05"), newSink()
		a.times(a.half, a.half)
		d := mustDownloader(t, a.download(t, "2026-01-05", "2026-01-06"), into)
		if err := d.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		into.has(t, "2026-01-05")
		size := len(a.files[path("2026-01-05")])
		asked := a.asked("2026-01-05")
		// The second answer ignored the range and broke off too.
		want := []string{"", fmt.Sprintf("bytes=%d-", size/2), fmt.Sprintf("bytes=%d-", size/2)}
		if len(asked) != 3 || asked[0].span != want[0] || asked[1].span != want[1] || asked[2].span != want[2] || asked[2].status != http.StatusPartialContent {
			t.Errorf("asked for %+v, want spans %q", asked, want)
		}
		if p := d.Progress(); p.Bytes != int64(size/2*2+size-size/2) || p.Fetched != 1 {
			t.Errorf("progress %+v", p)
		}
	})
}

func TestATransferThatAlwaysBreaksOffIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, into := newArchive(t, "2026-01-05"), newSink()
		a.times(slices.Repeat([]http.HandlerFunc{a.half}, 50)...)
		err := mustDownloader(t, a.download(t, "2026-01-05", "2026-01-06"), into).Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), "broke off") {
			t.Errorf("error %v, want one about the transfer", err)
		}
		if asked := a.asked("2026-01-05"); len(asked) != 9 { // the first has brought something
			t.Errorf("asked %d times, want 9", len(asked))
		}
	})
}

func TestAChangedFileIsBegunAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, into := newArchive(t, "2026-01-05"), newSink()
		a.times(a.half, func(w http.ResponseWriter, r *http.Request) {
			a.put(t, "2026-01-05", 90)
			a.serveFile(w, r)
		}, a.serveFile)
		if err := mustDownloader(t, a.download(t, "2026-01-05", "2026-01-06"), into).Run(t.Context()); err == nil {
			// The checksum was read before the change: the new file can't match it.
			t.Fatal("no error, want one about the checksum")
		}
		if asked := a.asked("2026-01-05"); asked[1].status != http.StatusOK {
			t.Errorf("asked for %+v: want the changed file as a whole", asked)
		}
		if err := mustDownloader(t, a.download(t, "2026-01-05", "2026-01-06"), into).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		into.has(t, "2026-01-05")
	})
}

func TestAWrongChecksumIsFetchedOnceMoreAndThenAnError(t *testing.T) {
	for _, test := range []struct {
		name    string
		spoilt  int // how many times the content is spoilt
		damaged bool
	}{{"spoilt once", 1, false}, {"spoilt twice", 2, true}} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, into := newArchive(t, "2026-01-05", "2026-01-06"), newSink()
				spoil := func(w http.ResponseWriter, r *http.Request) {
					content := slices.Clone(a.files[r.URL.Path])
					content[50] ^= 1
					_, _ = w.Write(content)
				}
				cfg := a.download(t, "2026-01-05", "2026-01-07")
				cfg.Connections = 1
				a.times(slices.Repeat([]http.HandlerFunc{spoil}, test.spoilt)...)
				err := mustDownloader(t, cfg, into).Run(t.Context())
				if !test.damaged {
					if err != nil {
						t.Fatal(err)
					}
					into.has(t, "2026-01-05", "2026-01-06")
					return
				}
				var lacks *history.IncompleteError
				if !errors.As(err, &lacks) || !slices.Equal(lacks.Damaged, []string{name("2026-01-05")}) || len(lacks.Absent) != 0 {
					t.Errorf("error %v, want one about the first dump", err)
				}
				into.has(t, "2026-01-06")
				if asked := a.asked("2026-01-05"); len(asked) != 2 {
					t.Errorf("asked %d times, want 2", len(asked))
				}
				empty(t, cfg.Dir)
			})
		})
	}
}

func TestAnAskedForPauseIsKept(t *testing.T) {
	answer := func(status int, header string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if header != "" {
				w.Header().Set("Retry-After", header)
			}
			http.Error(w, "", status)
		}
	}
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		pause  time.Duration
	}{
		{"429 with seconds", answer(429, "77"), 77 * time.Second},
		{"429 without", answer(429, ""), time.Minute},
		{"418 without", answer(418, ""), 2 * time.Minute},
		{"503 with seconds", answer(503, "90"), 90 * time.Second},
		{"429 with a date", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", "Wed, 18 Feb 2026 12:00:00 GMT")
			w.Header().Set("Retry-After", "Wed, 18 Feb 2026 12:01:30 GMT")
			w.WriteHeader(429)
		}, 90 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, into := newArchive(t, "2026-01-05", "2026-01-06", "2026-01-07", "2026-01-08"), newSink()
				a.times(test.answer)
				began := time.Now()
				if err := mustDownloader(t, a.download(t, "2026-01-05", "2026-01-09"), into).Run(t.Context()); err != nil {
					t.Fatal(err)
				}
				into.has(t, "2026-01-05", "2026-01-06", "2026-01-07", "2026-01-08")
				if took := time.Since(began); took < test.pause || took > test.pause+2*time.Second {
					t.Errorf("took %s, want %s", took, test.pause)
				}
				// Neither connection asks meanwhile, but for what was on its way.
				for _, r := range a.all() {
					if after := r.at.Sub(began); after > time.Second && after < test.pause {
						t.Errorf("%s was asked for after %s", r.path, after)
					}
				}
			})
		})
	}
}

func TestAPauseIsToldWhileItLasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, into := newArchive(t, "2026-01-05"), newSink()
		a.times(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) })
		d := mustDownloader(t, a.download(t, "2026-01-05", "2026-01-06"), into)
		ended := make(chan error)
		go func() { ended <- d.Run(t.Context()) }()
		synctest.Wait()
		if why := d.Progress().Waiting; why != "status 429 Too Many Requests: the server asks for a pause of 1m0s; again in 1m0s" {
			t.Errorf("waits because %q", why)
		}
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		if why := d.Progress().Waiting; why != "" {
			t.Errorf("in the end it waits because %q", why)
		}
	})
}

func TestALongPauseEndsTheDownload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, into := newArchive(t, "2026-01-05"), newSink()
		a.times(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "259200")
			w.WriteHeader(http.StatusTeapot)
		})
		err := mustDownloader(t, a.download(t, "2026-01-05", "2026-01-06"), into).Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), "asks for a pause of 72h0m0s") {
			t.Errorf("error %v, want one that tells the pause", err)
		}
	})
}

func TestPassingFailuresAreTriedAgainForAWhile(t *testing.T) {
	busy := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }
	synctest.Test(t, func(t *testing.T) {
		a, into := newArchive(t, "2026-01-05"), newSink()
		a.times(slices.Repeat([]http.HandlerFunc{busy}, 7)...)
		if err := mustDownloader(t, a.download(t, "2026-01-05", "2026-01-06"), into).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		into.has(t, "2026-01-05")
	})
	synctest.Test(t, func(t *testing.T) {
		a, into := newArchive(t, "2026-01-05"), newSink()
		a.times(slices.Repeat([]http.HandlerFunc{busy}, 9)...)
		err := mustDownloader(t, a.download(t, "2026-01-05", "2026-01-06"), into).Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), "502") {
			t.Errorf("error %v, want status 502", err)
		}
		if asked := a.asked("2026-01-05"); len(asked) != 8 {
			t.Errorf("asked %d times, want 8", len(asked))
		}
	})
}

func TestASilentConnectionIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, into := newArchive(t, "2026-01-05"), newSink()
		a.times(func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		})
		began := time.Now()
		if err := mustDownloader(t, a.download(t, "2026-01-05", "2026-01-06"), into).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		into.has(t, "2026-01-05")
		if took := time.Since(began); took < time.Minute || took > 2*time.Minute {
			t.Errorf("took %s, want a minute", took)
		}
	})
}

func TestSenselessAnswersAreRefusedAtOnce(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer func(a *archive) http.HandlerFunc
		want   string
	}{
		{"a redirect to another host", func(*archive) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "http://elsewhere.test"+r.URL.Path, http.StatusFound)
			}
		}, "redirected from http://archive.test to http://elsewhere.test: refused"},
		{"a redirect in a circle", func(*archive) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, r.URL.Path, http.StatusFound)
			}
		}, "redirected more than 5 times"},
		{"no access", func(*archive) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }
		}, "status 403 Forbidden"},
		{"more than may be", func(a *archive) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "1000001") }
		}, "1000001 bytes are announced, more than 1000000"},
		{"without end", func(a *archive) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				for r.Context().Err() == nil {
					if _, err := w.Write(make([]byte, 10_000)); err != nil {
						return
					}
				}
			}
		}, "the server sends more than it has announced, or than 1000000 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, into := newArchive(t, "2026-01-05"), newSink()
				answer := test.answer(a)
				a.times(slices.Repeat([]http.HandlerFunc{answer}, 10)...)
				cfg := a.download(t, "2026-01-05", "2026-01-06")
				cfg.MaxFile = 1_000_000
				err := mustDownloader(t, cfg, into).Run(t.Context())
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("error %v, want %q", err, test.want)
				}
				into.has(t)
			})
		})
	}
}

func TestARangeThatWasNotAskedForIsRefused(t *testing.T) {
	for _, test := range []struct {
		name   string
		header func(have, whole int) string
		want   string
	}{
		{"begins elsewhere", func(_, whole int) string { return fmt.Sprintf("bytes 7-%d/%d", whole-1, whole) }, "after 7 of"},
		{"has another size", func(have, _ int) string { return fmt.Sprintf("bytes %d-999999/1000000", have) }, "of 1000000"},
		{"ends early", func(have, whole int) string { return fmt.Sprintf("bytes %d-%d/%d", have, whole-2, whole) }, "does not go to the end"},
		{"is none", func(int, int) string { return "all of it" }, "want one like"},
		{"has no end", func(have, whole int) string { return fmt.Sprintf("bytes %d-/%d", have, whole) }, "want one like"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, into := newArchive(t, "2026-01-05"), newSink()
				a.times(a.half, func(w http.ResponseWriter, r *http.Request) {
					content := a.files[r.URL.Path]
					w.Header().Set("Content-Range", test.header(len(content)/2, len(content)))
					w.Header().Set("Content-Length", fmt.Sprint(len(content)-len(content)/2))
					w.WriteHeader(http.StatusPartialContent)
					_, _ = w.Write(content[len(content)/2:])
				})
				err := mustDownloader(t, a.download(t, "2026-01-05", "2026-01-06"), into).Run(t.Context())
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("error %v, want one with %q", err, test.want)
				}
			})
		})
	}
}

func TestBadChecksumFilesAreErrors(t *testing.T) {
	good := strings.Repeat("0f", 32)
	for _, test := range []struct{ name, text string }{
		{"of another file", good + "  XRPETH-trades-2026-01-06.zip\n"},
		{"too short", good[2:] + "  " + name("2026-01-05") + "\n"},
		{"too long", good + "00  " + name("2026-01-05") + "\n"},
		{"not hexadecimal", "x" + good[1:] + "  " + name("2026-01-05") + "\n"},
		{"a page", "<html>" + strings.Repeat(" ", 5000)},
		{"nothing", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, into := newArchive(t, "2026-01-05"), newSink()
				a.files[path("2026-01-05")+".CHECKSUM"] = []byte(test.text)
				err := mustDownloader(t, a.download(t, "2026-01-05", "2026-01-06"), into).Run(t.Context())
				if err == nil || !strings.Contains(err.Error(), name("2026-01-05")+".CHECKSUM") {
					t.Errorf("error %v, want one about the checksum file", err)
				}
				into.has(t)
			})
		})
	}
}
