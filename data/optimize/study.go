package optimize

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"hedgehog/strategy/naive"
)

// Runner makes trials. Its method is called by several goroutines at once.
type Runner interface {
	// Try returns what comes of the settings in the two parts of the window. It
	// blocks until then, or until ctx ends.
	Try(ctx context.Context, w Window, s naive.Settings) (in, out Figures, err error)
}

// Store keeps the trials of a study. Its methods are called by one goroutine at a
// time.
type Store interface {
	// Trials returns all trials that are kept.
	Trials(ctx context.Context) ([]Trial, error)
	// Keep keeps a trial that was not there.
	Keep(ctx context.Context, t Trial) error
}

// Study looks for the best settings.
type Study struct {
	config   Config
	windows  []Window
	runner   Runner
	store    Store
	searches []search  // one for each window
	tried    [][]tried // likewise

	mu       sync.Mutex // for what is below, and the store
	known    map[key]Trial
	progress Progress
}

// Progress says how far a study has come.
type Progress struct {
	Trials int // that are wanted
	Done   int // of those
	Kept   int // of those done: had been made by an earlier run
	// Best is the best score in sample so far, of any window; nil before the first.
	Best *Trial
}

// key tells the trials of a study apart.
type key struct {
	window, chunks                               int
	budget, buyDown, profitTarget, rebuyInterval string
}

func keyOf(window int, s naive.Settings) key {
	return key{
		window: window, chunks: s.Chunks, budget: s.Budget.String(), buyDown: s.BuyDownInterval.String(),
		profitTarget: s.ProfitTarget.String(), rebuyInterval: s.RebuyInterval.String(),
	}
}

// New returns a study over the windows, which the function Windows has cut as config
// says, or an error that says what is wrong with config.
func New(config Config, windows []Window, runner Runner, store Store) (*Study, error) {
	if err := config.Validate(); err != nil {
		return nil, fmt.Errorf("optimize: %w", err)
	}
	s := &Study{
		config: config, windows: windows, runner: runner, store: store,
		tried: make([][]tried, len(windows)), known: make(map[key]Trial),
	}
	for range windows {
		s.searches = append(s.searches, config.search())
	}
	perWindow, _ := config.perWindow()
	s.progress.Trials = perWindow * len(windows)
	return s, nil
}

// Run makes all trials and reports them. When ctx ends it returns the cause; what had
// been finished is in the store.
func (s *Study) Run(ctx context.Context) (Report, error) {
	kept, err := s.store.Trials(ctx)
	if err != nil {
		return Report{}, fmt.Errorf("optimize: %w", err)
	}
	for _, t := range kept {
		s.known[keyOf(t.Window, t.Settings)] = t
	}
	base := s.config.Backtest.Settings
	var trials []Trial
	for window := range s.windows {
		trials = append(trials, Trial{Window: window, Settings: base})
	}
	s.expect(len(trials))
	for {
		choices := s.choose(&trials)
		if len(choices) == 0 {
			break
		}
		if err := s.tryAll(ctx, trials); err != nil {
			return Report{}, fmt.Errorf("optimize: %w", err)
		}
		s.note(choices)
	}
	return NewReport(s.config.Objective, base, s.windows, trials), nil
}

// choose asks each window's search what to try next and appends what is not among the
// trials yet.
func (s *Study) choose(trials *[]Trial) []choice {
	there := make(map[key]bool)
	for _, t := range *trials {
		there[keyOf(t.Window, t.Settings)] = true
	}
	var choices []choice
	for window, search := range s.searches {
		for _, n := range search.next(s.tried[window]) {
			c := choice{window: window, number: n, settings: space(s.config.Parameters).settings(s.config.Backtest.Settings, n)}
			choices = append(choices, c)
			if k := keyOf(window, c.settings); !there[k] {
				there[k] = true
				*trials = append(*trials, Trial{Window: window, Settings: c.settings})
			} else {
				s.expect(-1)
			}
		}
	}
	return choices
}

// choice is a choice of settings for a window.
type choice struct {
	window, number int
	settings       naive.Settings
}

// note tells the searches what came of the choices.
func (s *Study) note(choices []choice) {
	for _, c := range choices {
		t := s.known[keyOf(c.window, c.settings)]
		s.tried[c.window] = append(s.tried[c.window], tried{c.number, s.config.Objective.Score(&t.In)})
	}
}

// tryAll completes the trials that have not been made.
func (s *Study) tryAll(ctx context.Context, trials []Trial) error {
	workers, working := errgroup.WithContext(ctx)
	workers.SetLimit(s.config.Jobs)
	for i := range trials {
		t := &trials[i]
		if t.In.Trades > 0 {
			continue // of an earlier round
		}
		if working.Err() != nil {
			break
		}
		if s.recall(t) {
			continue
		}
		workers.Go(func() error { return s.try(working, t) })
	}
	if err := workers.Wait(); err != nil {
		return err
	}
	return context.Cause(ctx) // where no trial was under way
}

// recall completes a trial that the store had; false when it had not.
func (s *Study) recall(t *Trial) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	known, ok := s.known[keyOf(t.Window, t.Settings)]
	if ok {
		known.Settings = t.Settings // the store has no status of them
		*t = known
		s.progress.Kept++
		s.count(t)
	}
	return ok
}

// try makes a trial and keeps it.
func (s *Study) try(ctx context.Context, t *Trial) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var err error
	if t.In, t.Out, err = s.runner.Try(ctx, s.windows[t.Window], t.Settings); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.store.Keep(context.WithoutCancel(ctx), *t); err != nil {
		return err
	}
	s.known[keyOf(t.Window, t.Settings)] = *t
	s.count(t)
	return nil
}

// expect corrects how many trials are wanted.
func (s *Study) expect(more int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.progress.Trials += more
}

// count takes a finished trial into the progress. mu is held.
func (s *Study) count(t *Trial) {
	s.progress.Done++
	objective := s.config.Objective
	if best := s.progress.Best; best == nil || objective.Score(&t.In).GreaterThan(objective.Score(&best.In)) {
		done := *t
		s.progress.Best = &done
	}
}

// Progress returns how far Run has come. It may be called meanwhile.
func (s *Study) Progress() Progress {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.progress
}
