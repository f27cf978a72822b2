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
