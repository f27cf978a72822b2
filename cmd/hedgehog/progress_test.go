package main

import (
	"bytes"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestProgressIsALineEveryTenSecondsOrOneInPlace(t *testing.T) {
	for _, test := range []struct {
		name     string
		terminal bool
		runs     time.Duration
		want     string
	}{
		{"a short command in a file", false, 9 * time.Second, ""},
		{"a long one", false, 25 * time.Second, "step 1\nstep 2\n"},
		{"on a terminal", true, 600 * time.Millisecond, "\r\x1b[Kstep 1\r\x1b[Kstep 2\r\x1b[K"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var shown bytes.Buffer
				steps := 0
				stop := showProgress(&shown, test.terminal, func() string {
					steps++
					return fmt.Sprintf("step %d", steps)
				})
				time.Sleep(test.runs) // of the test's clock
				stop()
				stop()
				if shown.String() != test.want {
					t.Errorf("shown %q, want %q", shown.String(), test.want)
				}
			})
		})
	}
}

func TestTheTimeLeftFollowsTheShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		if text := timeLeft(began, 0.5); text != "" {
			t.Errorf("at once: %q, want nothing", text)
		}
		time.Sleep(30 * time.Second) // of the test's clock
		for share, want := range map[float64]string{0: "", 0.25: ", 1m30s left", 0.5: ", 30s left", 1: ""} {
			if text := timeLeft(began, share); text != want {
				t.Errorf("after 30s with a share of %g: %q, want %q", share, text, want)
			}
		}
	})
}

func TestTheShareOfTradesThatAreReadRisesToAll(t *testing.T) {
	ticks := pastTicks(30_000)
	dir := mustStore(t, ticks)
	mustStoreAggTrades(t, dir, ticks)
	db := mustOpenHistory(t, dir)
	defer mustClose(t, db)
	from, to := ticks[10_000].Time, ticks[20_000].Time
	for name, h := range map[string]*past{
		"dumps":                {files: []string{mustDump(t, "XRPETH-trades-1.csv", ticks[:20_000]), mustDump(t, "XRPETH-trades-2.csv", ticks[20_000:])}},
		"database":             {db: db},
		"period of a database": {db: db, from: from, to: to},
		"aggregate trades":     {db: db, agg: true, from: from},
	} {
		h.symbol = "XRPETH"
		before, steps := h.read.get(), 0
		for _, err := range h.ticks(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if now := h.read.get(); now > before {
				before = now
				steps++
			} else if now < before {
				t.Errorf("%s: a share of %g after %g", name, now, before)
			}
		}
		// A database is read ahead, and all of it may be when the first trades come.
		if before != 1 || h.db == nil && steps < 2 {
			t.Errorf("%s: a share of %g after %d steps, want 1", name, before, steps)
		}
	}
}
