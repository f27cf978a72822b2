package optimize

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"hedgehog/strategy/naive"
)

const (
	// mostFailures is how many times in a row a helper may fail before it gets nothing
	// any more.
	mostFailures = 3
	// patienceFactor is how many times as long as the longest trial before a trial may
	// take until it is given to somebody else as well.
	patienceFactor = 3
)

// Helper makes trials elsewhere, so many at once.
type Helper struct {
	Name   string
	Runner Runner
	Jobs   int
}

// Pool makes trials here and with helpers. A trial whose helper fails is given to
// another, and one that takes long is given to another as well: the first answer
// counts, and all answers are the same. Since this process helps as well every trial
// ends.
type Pool struct {
	free     chan *helper // the places, each as often as it has jobs
	patience time.Duration
	lost     func(name string, err error)

	mu      sync.Mutex
	longest time.Duration  // that a trial took
	made    map[string]int // trials by helper, of this process under ""
}

// helper is a Helper with what became of it.
type helper struct {
	Helper
	here     bool
	failures int // in a row; guarded by the pool's mu
	lost     bool
}

// NewPool returns a pool of this process's runner with so many jobs, and the helpers.
// No trial counts as late before the patience. lost is told once of each helper that
// gets nothing any more, and why.
func NewPool(here Runner, jobs int, helpers []Helper, patience time.Duration, lost func(name string, err error)) *Pool {
	places := jobs
	for _, h := range helpers {
		places += h.Jobs
	}
	p := &Pool{free: make(chan *helper, places), patience: patience, lost: lost, made: make(map[string]int)}
	for _, h := range helpers {
		away := &helper{Helper: h}
		for range h.Jobs {
			p.free <- away
		}
	}
	us := &helper{Helper: Helper{Runner: here}, here: true}
	for range jobs {
		p.free <- us
	}
	return p
}

// Jobs returns how many trials the pool makes at once.
func (p *Pool) Jobs() int { return cap(p.free) }

// Made returns how many trials each helper has made, and under no name this process.
func (p *Pool) Made() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.made)
}

// attempt is what came of giving a trial to somebody.
type attempt struct {
	by      *helper
	in, out Figures
	err     error
}

// Try is Runner's.
func (p *Pool) Try(ctx context.Context, w Window, s naive.Settings) (in, out Figures, err error) {
	trial, stop := context.WithCancel(ctx)
	var attempts sync.WaitGroup
	defer attempts.Wait()
	defer stop()
	answers := make(chan attempt)
	free := p.free
	late := time.NewTimer(0)
	late.Stop()
	defer late.Stop()
	for {
		select {
		case h := <-free:
			free = nil
			late.Reset(p.lateAfter())
			attempts.Go(func() {
				a := p.attempt(ctx, trial, h, w, s)
				select {
				case answers <- a:
				case <-trial.Done():
				}
			})
		case <-late.C:
			free = p.free
		case a := <-answers:
			if a.err == nil || a.by.here || ctx.Err() != nil {
				return a.in, a.out, a.err
			}
			free = p.free
		case <-ctx.Done():
			return Figures{}, Figures{}, context.Cause(ctx)
		}
	}
}

// attempt has h make the trial, until ctx ends or nobody needs it any more, and gives
// its place back.
func (p *Pool) attempt(ctx, needed context.Context, h *helper, w Window, s naive.Settings) attempt {
	began := time.Now()
	a := attempt{by: h}
	a.in, a.out, a.err = h.Runner.Try(needed, w, s)
	if ctx.Err() != nil || p.note(h, a.err, time.Since(began)) {
		p.free <- h
	}
	return a
}

// note counts how h did, and returns whether it gets further trials.
func (p *Pool) note(h *helper, err error, took time.Duration) (further bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		h.failures = 0
		p.made[h.Name]++
		p.longest = max(p.longest, took)
		return !h.lost
	}
	if h.here {
		return true
	}
	if h.failures++; h.failures < mostFailures {
		return true
	}
	if !h.lost {
		h.lost = true
		if errors.Is(err, context.Canceled) {
			err = errors.New("others were faster again and again")
		}
		p.lost(h.Name, err)
	}
	return false
}

func (p *Pool) lateAfter() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(p.patience, patienceFactor*p.longest)
}
