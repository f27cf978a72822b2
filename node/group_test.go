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

func (s *scene) make(name string) *part {
	return &part{
		name: name,
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

func (s *scene) streamPart(string) *part               { return s.make(partStream) }
func (s *scene) tradePart(string) *part                { return s.make(partTrade) }
func (s *scene) collectPart(string, []bus.Topic) *part { return s.make(partCollect) }
func (s *scene) aggregatePart(string) *part            { return s.make(partAggregate) }
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
	g := newGroup(context.Background(), symbol, s, func() exchange.Micros { return 1 }, slog.New(slog.DiscardHandler))
	t.Cleanup(func() {
		if err := g.close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return g
}

func mustApply(t *testing.T, g *group, w wanted) {
	t.Helper()
	g.changing.Lock()
	defer g.changing.Unlock()
	if err := g.apply(w); err != nil {
		t.Fatalf("apply: %v", err)
	}
}

func all(symbol string) wanted {
	return wanted{stream: true, trade: true, aggregate: true, topics: []bus.Topic{bus.TradeEvents(symbol), bus.OHLC(symbol)}}
}

func runningParts(g *group) []string {
	var names []string
	for _, p := range g.status() {
		names = append(names, p.Name)
	}
	return names
}

func TestPartsStopFromTheStreamToTheDisk(t *testing.T) {
	s := newScene(t)
	g := openGroup(t, "A", s)
	mustApply(t, g, all("A"))
	if got := runningParts(g); !slices.Equal(got, []string{partAggregate, partCollect, partStream, partTrade}) {
		t.Fatalf("running: %v", got)
	}
	for range 4 {
		<-s.changed // all have begun
	}
	s.events()
	mustApply(t, g, wanted{})
	want := []string{
		"end stream", "release stream", "end trade", "release trade",
		"end aggregate", "release aggregate", "end collect", "release collect",
	}
	if got := s.events(); !slices.Equal(got, want) {
		t.Errorf("stopped in the order %v, want %v", got, want)
	}
}

func TestApplyingTheSameAgainTouchesNothing(t *testing.T) {
	s := newScene(t)
	g := openGroup(t, "A", s)
	mustApply(t, g, all("A"))
	for range 4 {
		<-s.changed
	}
	s.events()
	mustApply(t, g, all("A"))
	if got := s.events(); len(got) != 0 {
		t.Errorf("happened: %v", got)
	}
}

func TestANewCollectorIsThereBeforeTheOldOneEnds(t *testing.T) {
	s := newScene(t)
	g := openGroup(t, "A", s)
	mustApply(t, g, wanted{topics: []bus.Topic{bus.OHLC("A")}})
	s.await("start collect", 10*time.Second)
	s.events()
	mustApply(t, g, wanted{topics: []bus.Topic{bus.OHLC("A"), bus.Orders("A")}})
	s.await("release collect", 10*time.Second)
	if got := runningParts(g); !slices.Equal(got, []string{partCollect}) {
		t.Errorf("running: %v, want one collector", got)
	}
}

func TestCollectingThatBeginsStartsTheStreamAnew(t *testing.T) {
	s := newScene(t)
	g := openGroup(t, "A", s)
	mustApply(t, g, wanted{stream: true})
	s.await("start stream", 10*time.Second)
	mustApply(t, g, wanted{stream: true, topics: []bus.Topic{bus.TradeEvents("A")}})
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
			mustApply(t, neighbour, all("B"))
			for range 4 {
				<-other.changed
			}
			other.events()
			mustApply(t, g, all("A"))
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
