package node

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"hedgehog/data/bus"
	"hedgehog/exchange"
)

// scene makes parts that do nothing but tell what happens to them.
type scene struct {
	t  *testing.T
	mu sync.Mutex
	// log holds "start NAME", "end NAME" and "release NAME" in order; guarded by mu.
	log []string
	// fail is what the next run of a part does instead; guarded by mu.
	fail map[string]func() error
	// changed is told of each line of log.
	changed chan string
	// applied is told when the group has started or stopped parts.
	applied chan struct{}
}

func newScene(t *testing.T) *scene {
	return &scene{t: t, fail: make(map[string]func() error), changed: make(chan string, 100)}
}

func (s *scene) note(what string) {
	s.mu.Lock()
	s.log = append(s.log, what)
	s.mu.Unlock()
	s.changed <- what
}

func (s *scene) make(name string) *part { return s.acting(name, 0) }

func (s *scene) acting(name string, epoch uint64) *part {
	return &part{
		name:  name,
		epoch: epoch,
		run: func(ctx context.Context) error {
			s.note("start " + name)
			s.mu.Lock()
			fail := s.fail[name]
			delete(s.fail, name)
			s.mu.Unlock()
			if fail != nil {
				return fail()
			}
			<-ctx.Done()
			s.note("end " + name)
			return ctx.Err()
		},
		release: func() { s.note("release " + name) },
	}
}

func (s *scene) streamPart(string) *part                  { return s.make(partStream) }
func (s *scene) tradePart(_ string, epoch uint64) *part   { return s.acting(partTrade, epoch) }
func (s *scene) journalPart(_ string, epoch uint64) *part { return s.acting(partJournal, epoch) }
func (s *scene) collectPart(string, []bus.Topic) *part    { return s.make(partCollect) }
func (s *scene) aggregatePart(string) *part               { return s.make(partAggregate) }
func (s *scene) await(what string, within time.Duration) {
	s.t.Helper()
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	for {
		select {
		case got := <-s.changed:
			if got == what {
				return
			}
		case <-deadline.C:
			s.t.Fatalf("waited in vain for %q", what)
		}
	}
}

// events returns what has happened, and forgets it.
func (s *scene) events() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	log := s.log
	s.log = nil
	return log
}

func openGroup(t *testing.T, symbol string, s *scene) *group {
	t.Helper()
	changed := make(chan struct{}, 1)
	g := newGroup(context.Background(), symbol, s, func() exchange.Micros { return 1 }, func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}, slog.New(slog.DiscardHandler))
	s.applied = changed
	t.Cleanup(g.close)
	return g
}

// mustApply wants w and waits until it runs.
func mustApply(t *testing.T, g *group, s *scene, w wanted) {
	t.Helper()
	g.want(w)
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	for !g.follows() {
		select {
		case <-s.applied:
		case <-deadline.C:
			t.Fatalf("%+v does not come to run", w)
		}
	}
}

func all(symbol string) wanted {
	return wanted{stream: true, trade: 7, aggregate: true, topics: []bus.Topic{bus.TradeEvents(symbol), bus.OHLC(symbol)}}
}

func runningParts(g *group) []string {
	var names []string
	for _, p := range g.status() {
		names = append(names, p.Name)
	}
	return names
}

func TestPartsStopFromTheTraderToTheDisk(t *testing.T) {
	s := newScene(t)
	g := openGroup(t, "A", s)
	mustApply(t, g, s, all("A"))
	if got := runningParts(g); !slices.Equal(got, []string{partAggregate, partCollect, partJournal, partStream, partTrade}) {
		t.Fatalf("running: %v", got)
	}
	for range 5 {
		<-s.changed // all have begun
	}
	s.events()
	mustApply(t, g, s, wanted{})
	want := []string{
		"end trade", "release trade", "end journal", "release journal", "end stream", "release stream",
		"end aggregate", "release aggregate", "end collect", "release collect",
	}
	if got := s.events(); !slices.Equal(got, want) {
		t.Errorf("stopped in the order %v, want %v", got, want)
	}
}

func TestANewEpochStartsItsTraderAfterTheOldOneHasEnded(t *testing.T) {
	s := newScene(t)
	g := openGroup(t, "A", s)
	mustApply(t, g, s, all("A"))
	for range 5 {
		<-s.changed
	}
	s.events()
	if !g.acts(7) || g.acts(6) {
		t.Errorf("acts under 7: %t, under 6: %t, want true and false", g.acts(7), g.acts(6))
	}
	w := all("A")
	w.trade = 8
	mustApply(t, g, s, w)
	s.await("start trade", 10*time.Second)
	got := s.events()
	if end, start := slices.Index(got, "release trade"), slices.Index(got, "start trade"); end < 0 || start < end {
		t.Errorf("happened: %v, want the old trader's end before the new one's start", got)
	}
	if g.acts(7) {
		t.Error("something still acts under the old epoch")
	}
}

func TestApplyingTheSameAgainTouchesNothing(t *testing.T) {
	s := newScene(t)
	g := openGroup(t, "A", s)
	mustApply(t, g, s, all("A"))
	for range 5 {
		<-s.changed
	}
	s.events()
	mustApply(t, g, s, all("A"))
	if got := s.events(); len(got) != 0 {
		t.Errorf("happened: %v", got)
	}
}

func TestANewCollectorIsThereBeforeTheOldOneEnds(t *testing.T) {
	s := newScene(t)
	g := openGroup(t, "A", s)
	mustApply(t, g, s, wanted{topics: []bus.Topic{bus.OHLC("A")}})
	s.await("start collect", 10*time.Second)
	s.events()
	mustApply(t, g, s, wanted{topics: []bus.Topic{bus.OHLC("A"), bus.Orders("A")}})
	s.await("release collect", 10*time.Second)
	if got := runningParts(g); !slices.Equal(got, []string{partCollect}) {
		t.Errorf("running: %v, want one collector", got)
	}
}

func TestCollectingThatBeginsStartsTheStreamAnew(t *testing.T) {
	s := newScene(t)
	g := openGroup(t, "A", s)
	mustApply(t, g, s, wanted{stream: true})
	s.await("start stream", 10*time.Second)
	mustApply(t, g, s, wanted{stream: true, topics: []bus.Topic{bus.TradeEvents("A")}})
	s.await("release stream", 10*time.Second)
	s.await("start stream", 10*time.Second)
}

func TestAPartThatPanicsStartsAgainAndTouchesNobodyElse(t *testing.T) {
	for name, fail := range map[string]func() error{
		"panic": func() error { panic("boom") },
		"error": func() error { return errors.New("boom") },
	} {
		t.Run(name, func(t *testing.T) {
			s, other := newScene(t), newScene(t)
			s.fail[partTrade] = fail
			g, neighbour := openGroup(t, "A", s), openGroup(t, "B", other)
			mustApply(t, neighbour, other, all("B"))
			for range 5 {
				<-other.changed
			}
			other.events()
			mustApply(t, g, s, all("A"))
			s.await("start trade", 10*time.Second)
			s.await("start trade", 10*time.Second)
			for _, p := range g.status() {
				failed := p.Restarts == 1 && p.LastError != ""
				if failed != (p.Name == partTrade) {
					t.Errorf("%s: %d restarts, last error %q", p.Name, p.Restarts, p.LastError)
				}
			}
			if got := other.events(); len(got) != 0 {
				t.Errorf("at the other symbol happened: %v", got)
			}
		})
	}
}
