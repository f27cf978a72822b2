package history

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hedgehog/exchange/dump"
)

func FuzzContentRange(f *testing.F) {
	for _, text := range []string{"bytes 7-99/100", "bytes 0-0/1", "bytes */100", "bytes 7-99/*", "", "bytes 99-7/100", "bytes -1-2/3", "bytes 1-9223372036854775807/9223372036854775808"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, whole, err := contentRange(text)
		if err != nil {
			return
		}
		if at < 0 || whole <= at {
			t.Errorf("%q: from %d of %d", text, at, whole)
		}
		var first, last, size int64
		if n, err := fmt.Sscanf(strings.TrimPrefix(text, "bytes "), "%d-%d/%d", &first, &last, &size); n != 3 || first != at || size != whole || last != whole-1 {
			t.Errorf("%q is read as from %d of %d (%v)", text, at, whole, err)
		}
	})
}

func TestAPlanCoversEachDayOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Date(2026, 2, 18, 12, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 100*24).Draw(t, "hours")) * time.Hour)
		from := now.Add(-time.Duration(rapid.Int64Range(1, int64(400*24*time.Hour)).Draw(t, "from")))
		to := from.Add(time.Duration(rapid.Int64Range(1, int64(500*24*time.Hour)).Draw(t, "to")))
		s := series{"XRPETH", dump.Trades, 0}
		plan := s.plan(from, to, now)
		at := midnight(from)
		for _, f := range plan {
			if !f.from.Equal(at) {
				t.Fatalf("%s follows what ends at %s", f.name, at)
			}
			if f.length() > 1 && (f.to.After(to) || f.from.Day() != 1 || f.to.Day() != 1) {
				t.Fatalf("%s is no month within the period", f.name)
			}
			if n := len(f.days); n > 0 && (n != int(f.length()) || !f.days[0].from.Equal(f.from) || !f.days[n-1].to.Equal(f.to)) {
				t.Fatalf("the days of %s are %v", f.name, f.days)
			}
			at = f.to
		}
		// All that is in the archive, and no day more than has to be.
		if end := to; at.After(midnight(now)) || at.Before(midnight(now)) && (at.Before(end) || at.Add(-24*time.Hour).After(end)) {
			t.Fatalf("from %s to %s, now %s: the plan ends at %s", from, to, now, at)
		}
	})
}
