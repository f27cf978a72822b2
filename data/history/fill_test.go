package history_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"hedgehog/data/history"
	"hedgehog/exchange"
)

var errContradiction = errors.New("stored otherwise")

// day is the start of the tests' market.
const day = exchange.Micros(1_771_200_000_000_000) // 2026-02-16, UTC

func ids(first, last int64) history.Gap { return history.Gap{First: first, Last: last} }

func mustFiller(t testing.TB, m *market, s *shelf, change func(*history.FillConfig)) *history.Filler {
	t.Helper()
	cfg := history.DefaultFill("XRPETH")
	cfg.Pause = 0
	if change != nil {
		change(&cfg)
	}
	f, err := history.NewFiller(cfg, m, s)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// whole checks that ids first to last are stored as the market has them.
func (s *shelf) whole(t testing.TB, m *market, first, last int64) {
	t.Helper()
	if gaps := s.gaps(first, last, 10); len(gaps) > 0 {
		t.Errorf("not stored: %v", gaps)
	}
	for _, tick := range s.ticks {
		e := m.trade(tick.ID)
		if want, err := exchange.TickOf(&e); err != nil || tick != want {
			t.Fatalf("stored %+v, want %+v, %v", tick, want, err)
		}
	}
}

func TestHolesAreFilledAndNothingElse(t *testing.T) {
	m, s := &market{start: day, first: 1, last: 10_000}, newShelf()
	s.keep(t, m, ids(100, 199), ids(210, 220), ids(222, 5000), ids(8001, 8100))
	f := mustFiller(t, m, s, nil)
	if err := f.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.whole(t, m, 100, 8100)
	if len(s.ticks) != 8001 {
		t.Errorf("%d trades are stored, want 8001", len(s.ticks))
	}
	want := history.FillProgress{Missing: 10 + 1 + 3000, Stored: 10 + 1 + 3000, Gaps: 3, Found: []history.Gap{ids(200, 209), ids(221, 221), ids(5001, 8000)}}
	if p := f.Progress(); p.Missing != want.Missing || p.Stored != want.Stored || p.Left != 0 || p.Gaps != want.Gaps || !slices.Equal(p.Found, want.Found) {
		t.Errorf("progress %+v, want %+v", p, want)
	}
	// One page for the two holes that are near each other, four for the large one with
	// the trade before it.
	if n := m.asked(); n != 5 {
		t.Errorf("%d pages were asked for: %v; want 5", n, m.pages)
	}
}

func TestADryRunLooksAndAsksNothing(t *testing.T) {
	m, s := &market{start: day, first: 1, last: 100}, newShelf()
	s.keep(t, m, ids(1, 10), ids(15, 20))
	f := mustFiller(t, m, s, func(c *history.FillConfig) { c.DryRun = true })
	if err := f.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p := f.Progress(); p.Missing != 4 || p.Stored != 0 || !slices.Equal(p.Found, []history.Gap{ids(11, 14)}) {
		t.Errorf("progress %+v", p)
	}
	if m.asked() != 0 || len(s.ticks) != 16 {
		t.Errorf("%d pages asked for, %d trades stored", m.asked(), len(s.ticks))
	}
}

func TestIDsThatTheExchangeLacksAreNamed(t *testing.T) {
	m, s := &market{start: day, first: 1, last: 5000, lacks: func(id int64) bool { return id >= 30 && id < 35 || id == 40 }}, newShelf()
	s.keep(t, m, ids(1, 24), ids(41, 50), ids(52, 60))
	f := mustFiller(t, m, s, nil)
	err := f.Run(t.Context())
	var left *history.LeftError
	if !errors.As(err, &left) || left.Missing != 6 || !slices.Equal(left.Gaps, []history.Gap{ids(30, 34), ids(40, 40)}) {
		t.Fatalf("error %v, want the ids 30 to 34 and 40", err)
	}
	if gaps := s.gaps(1, 60, 10); !slices.Equal(gaps, left.Gaps) {
		t.Errorf("not stored: %v, want what is named", gaps)
	}
	if p := f.Progress(); p.Missing != 17 || p.Stored != 11 || p.Left != 6 {
		t.Errorf("progress %+v, want 17 missing, 11 stored, 6 left", p)
	}
}

func TestAnotherExchangeFillsNoHoles(t *testing.T) {
	m, s := &market{start: day, first: 1, last: 100}, newShelf()
	s.keep(t, &market{start: day + 1}, ids(1, 10), ids(15, 20))
	if err := mustFiller(t, m, s, nil).Run(t.Context()); !errors.Is(err, errContradiction) {
		t.Errorf("error %v, want %v", err, errContradiction)
	}
	if len(s.ticks) != 16 {
		t.Errorf("%d trades are stored, want the 16 of before", len(s.ticks))
	}
}

func TestAPeriodBoundsWhatIsFilled(t *testing.T) {
	at := func(id int64) exchange.Micros { return day + exchange.Micros(id)*1_000_000 }
	tests := []struct {
		name       string
		from, to   exchange.Micros
		beyond     bool
		stored     []history.Gap
		fillsFirst int64
		fillsLast  int64
	}{
		{"within a hole", at(300), at(400), false, []history.Gap{ids(100, 200), ids(500, 600)}, 300, 399},
		{"from the middle of a hole on", at(300), 0, false, []history.Gap{ids(100, 200), ids(500, 600)}, 300, 499},
		{"not before the first stored", at(50), at(300), false, []history.Gap{ids(100, 200), ids(500, 600)}, 201, 299},
		{"not after the last stored", at(300), at(900), false, []history.Gap{ids(100, 200), ids(500, 600)}, 300, 499},
		{"beyond the last stored", at(300), at(900), true, []history.Gap{ids(100, 200), ids(500, 600)}, 300, 899},
		{"beyond, with nothing stored", at(300), at(900), true, nil, 300, 899},
		{"beyond, up to the newest", at(900), at(5000), true, []history.Gap{ids(100, 899)}, 900, 1000},
		{"beyond, before the first stored", at(20), at(150), true, []history.Gap{ids(100, 200)}, 20, 99},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m, s := &market{start: day, first: 1, last: 1000}, newShelf()
			s.keep(t, m, test.stored...)
			before := len(s.ticks)
			err := mustFiller(t, m, s, func(c *history.FillConfig) { c.From, c.To, c.Beyond = test.from, test.to, test.beyond }).Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			s.whole(t, m, test.fillsFirst, test.fillsLast)
			missing := int64(0)
			for id := test.fillsFirst; id <= test.fillsLast; id++ {
				if !slices.ContainsFunc(test.stored, func(g history.Gap) bool { return g.First <= id && id <= g.Last }) {
					missing++
				}
			}
			if n := int64(len(s.ticks) - before); n != missing {
				t.Errorf("%d trades were added, want %d", n, missing)
			}
		})
	}
}

func TestNothingStoredHasNoHoles(t *testing.T) {
	err := mustFiller(t, &market{start: day, first: 1, last: 10}, newShelf(), nil).Run(t.Context())
	if !errors.Is(err, history.ErrNothingStored) {
		t.Errorf("error %v, want %v", err, history.ErrNothingStored)
	}
}

func TestAnInterruptedFillGoesOnWhereItWas(t *testing.T) {
	m, s := &market{start: day, first: 1, last: 10_000}, newShelf()
	s.keep(t, m, ids(1, 10), ids(5011, 5020))
	interrupted := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	s.put = func(puts int) {
		if puts == 2 {
			cancel(interrupted)
		}
	}
	if err := mustFiller(t, m, s, nil).Run(ctx); !errors.Is(err, interrupted) && !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want that of the end", err)
	}
	kept, asked := len(s.ticks), m.asked()
	if kept != 20+1999 { // two pages, of which one trade was there
		t.Errorf("%d trades are stored after two pages, want %d", kept, 20+1999)
	}
	s.put = nil
	if err := mustFiller(t, m, s, nil).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.whole(t, m, 1, 5020)
	if n := m.asked() - asked; n > 4 {
		t.Errorf("%d further pages were asked for, want at most 4", n)
	}
}

func TestAFailingExchangeEndsTheFill(t *testing.T) {
	m, s := &market{start: day, first: 1, last: 100, err: exchange.ErrRateLimited}, newShelf()
	s.keep(t, m, ids(1, 10), ids(15, 20))
	if err := mustFiller(t, m, s, nil).Run(t.Context()); !errors.Is(err, exchange.ErrRateLimited) {
		t.Errorf("error %v, want %v", err, exchange.ErrRateLimited)
	}
}

func TestAFillOutlastsAnExchangeThatIsOutOfReachForAWhile(t *testing.T) {
	for _, test := range []struct {
		outage time.Duration
		want   error
	}{{2 * time.Minute, nil}, {20 * time.Minute, exchange.ErrUnavailable}} {
		synctest.Test(t, func(t *testing.T) {
			m, s := &market{start: day, first: 1, last: 5000}, newShelf()
			s.keep(t, m, ids(1, 10), ids(4001, 4010))
			reach := func(err error) {
				m.mu.Lock()
				defer m.mu.Unlock()
				m.err = err
			}
			s.put = func(puts int) {
				if puts == 2 {
					reach(exchange.ErrUnavailable)
					time.AfterFunc(test.outage, func() { reach(nil) })
				}
			}
			f := mustFiller(t, m, s, nil)
			ended := make(chan error)
			go func() { ended <- f.Run(t.Context()) }()
			synctest.Wait()
			if p := f.Progress(); p.Stored != 1999 || !strings.HasPrefix(p.Waiting, exchange.ErrUnavailable.Error()+"; again in ") {
				t.Errorf("an outage of %s: progress %+v, want two pages and why it waits", test.outage, p)
			}
			if err := <-ended; !errors.Is(err, test.want) {
				t.Fatalf("an outage of %s: error %v, want %v", test.outage, err, test.want)
			}
			if test.want == nil {
				s.whole(t, m, 1, 4010)
			}
			if why := f.Progress().Waiting; why != "" {
				t.Errorf("in the end it waits because %q", why)
			}
		})
	}
}

func TestAnExchangeThatWasNeverThereIsNotWaitedFor(t *testing.T) {
	m, s := &market{start: day, first: 1, last: 100, err: exchange.ErrUnavailable}, newShelf()
	s.keep(t, m, ids(1, 10), ids(15, 20))
	if err := mustFiller(t, m, s, nil).Run(t.Context()); !errors.Is(err, exchange.ErrUnavailable) || m.asked() != 1 {
		t.Errorf("error %v after %d requests, want %v after one", err, m.asked(), exchange.ErrUnavailable)
	}
}

func TestRequestsKeepTheirPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, s := &market{start: day, first: 1, last: 10_000}, newShelf()
		s.keep(t, m, ids(1, 10), ids(5011, 5020))
		err := mustFiller(t, m, s, func(c *history.FillConfig) { c.Pause = time.Second }).Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for i := 1; i < len(m.pages); i++ {
			if pause := m.pages[i].at.Sub(m.pages[i-1].at); pause < time.Second {
				t.Errorf("page %d after %s, want a second", i, pause)
			}
		}
	})
}

func TestWhateverIsStoredAFillLeavesWhatTheExchangeLacks(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		lacks := rapid.SliceOfN(rapid.Bool(), 4000, 4000).Draw(rt, "lacks")
		m, s := &market{start: day, first: 1, last: 3999}, newShelf()
		if rapid.Bool().Draw(rt, "the exchange lacks some") {
			m.lacks = func(id int64) bool { return lacks[id] }
		}
		for n := rapid.IntRange(1, 8).Draw(rt, "runs"); n > 0; n-- {
			first := rapid.Int64Range(1, 3999).Draw(rt, "first")
			s.keep(t, m, ids(first, min(3999, first+rapid.Int64Range(0, 800).Draw(rt, "length"))))
		}
		stored := s.sorted()
		oldest, newest := stored[0].ID, stored[len(stored)-1].ID
		gaps := s.gaps(oldest, newest, 1<<20)
		err := mustFiller(t, m, s, nil).Run(t.Context())
		var left *history.LeftError
		if err != nil && !errors.As(err, &left) {
			rt.Fatal(err)
		}
		for _, g := range gaps {
			for id := g.First; id <= g.Last; id++ {
				_, there := s.ticks[id]
				if has := m.lacks == nil || !m.lacks(id); there != has {
					rt.Fatalf("trade %d is stored: %t, the exchange has it: %t", id, there, has)
				}
			}
		}
		missing := int64(0)
		for _, g := range s.gaps(oldest, newest, 1<<20) {
			missing += g.Size()
		}
		if left == nil && missing > 0 || left != nil && left.Missing != missing {
			rt.Fatalf("%d stay missing, the error is %v", missing, err)
		}
		if sorted := s.sorted(); sorted[0].ID != oldest || sorted[len(sorted)-1].ID != newest {
			rt.Fatalf("trades outside of %d to %d were stored", oldest, newest)
		}
	})
}
