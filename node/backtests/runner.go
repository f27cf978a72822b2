package backtests

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"

	"hedgehog/data/backtest"
	"hedgehog/exchange"
	"hedgehog/node/api"
	"hedgehog/storage"
)

// Store has the trades: *storage.DB.
type Store interface {
	Ticks(ctx context.Context, symbol string, r storage.TradeRange, batch func([]exchange.Tick) error) error
	LastTradeID(ctx context.Context, symbol string) (id int64, ok bool, err error)
	LastTradeBefore(ctx context.Context, symbol string, at exchange.Micros) (id int64, ok bool, err error)
}

// Config says how much a runner takes on.
type Config struct {
	// Dir is where results are kept. It is made when it is needed.
	Dir string
	// Waiting is how many may wait for the one that runs.
	Waiting int
	// Kept is how many there may be in all; the oldest that have ended make way.
	Kept int
	// Now is the node's time.
	Now func() exchange.Micros
}

var (
	// ErrUnknown is returned for an id that no backtest has.
	ErrUnknown = errors.New("no such backtest")
	// ErrBusy is returned while as many wait as may.
	ErrBusy = errors.New("too many backtests wait already: wait for one, or delete one")
	// ErrNoTrades is returned where there is nothing to try settings on.
	ErrNoTrades = errors.New("this node has no trades of that symbol in that period")
	// ErrNoReport is returned for the report of what is not done.
	ErrNoReport = errors.New("there is no report: the backtest is not done")
)

// errDeleted ends a backtest that nobody wants any more.
var errDeleted = errors.New("deleted")

// Task is what to try.
type Task struct {
	Config   backtest.Config // without hooks
	From, To exchange.Micros // bounds of the trade times, as storage.TradeRange has them
	Notes    []string        // for the report: where settings and rules are from
}

// Runner runs backtests. New is the only way to one; its methods may be called from any
// goroutine, Run once.
type Runner struct {
	config Config
	store  Store
	log    *slog.Logger
	wake   chan struct{} // has something when one may wait

	mu   sync.Mutex // guards what follows, and the fields of jobs
	jobs []*job     // in the order in which they were asked for
	last exchange.Micros
}

// job is one backtest.
type job struct {
	task   Task
	ids    idRange
	now    api.BacktestResult // as it is known
	cancel context.CancelCauseFunc
	gone   bool // deleted
}

// idRange bounds the ids of trades, both included.
type idRange struct{ first, last int64 }

// New returns a runner with what its directory has.
func New(c Config, store Store, log *slog.Logger) *Runner {
	r := &Runner{config: c, store: store, log: log, wake: make(chan struct{}, 1)}
	for _, kept := range r.load() {
		r.jobs, r.last = append(r.jobs, &job{now: kept}), kept.CreatedUS
	}
	r.trimLocked() // nobody else knows of it yet
	return r
}

// Add has a task run when its turn comes: ErrNoTrades when there is nothing to run it
// on, ErrBusy while there is no room.
func (r *Runner) Add(ctx context.Context, t Task) (api.Backtest, error) {
	ids, err := r.extent(ctx, t)
	if err != nil {
		return api.Backtest{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	waiting := 0
	for _, j := range r.jobs {
		if j.now.State == api.BacktestWaiting {
			waiting++
		}
	}
	if waiting >= r.config.Waiting {
		return api.Backtest{}, ErrBusy
	}
	s := t.Config.Settings
	r.last = max(r.last+1, r.config.Now()) // two of one microsecond are two all the same
	j := &job{task: t, ids: ids, now: api.BacktestResult{Backtest: api.Backtest{
		ID: strconv.FormatInt(int64(r.last), 36), Symbol: s.Symbol, FromUS: t.From, ToUS: t.To, CreatedUS: r.last,
		AllowHoles: t.Config.AllowHoles, State: api.BacktestWaiting,
		Settings: api.BacktestSettings{
			Chunks: s.Chunks, Budget: s.Budget, BuyDownInterval: s.BuyDownInterval, ProfitTarget: s.ProfitTarget, RebuyInterval: s.RebuyInterval,
		},
	}}}
	r.jobs = append(r.jobs, j)
	r.trimLocked()
	r.wakeUp()
	return j.now.Backtest, nil
}

// extent returns the ids of the first and the last trade of the task.
func (r *Runner) extent(ctx context.Context, t Task) (ids idRange, err error) {
	symbol := t.Config.Symbol.Name
	err = r.store.Ticks(ctx, symbol, storage.TradeRange{From: t.From, To: t.To, Limit: 1}, func(ticks []exchange.Tick) error {
		ids.first = ticks[0].ID
		return nil
	})
	if err != nil {
		return ids, err
	}
	known := false
	if t.To == 0 {
		ids.last, known, err = r.store.LastTradeID(ctx, symbol)
	} else {
		ids.last, known, err = r.store.LastTradeBefore(ctx, symbol, t.To)
	}
	if err != nil {
		return ids, err
	}
	if ids.first == 0 || !known {
		return ids, ErrNoTrades
	}
	return ids, nil
}

// List returns all backtests, newest first.
func (r *Runner) List() []api.Backtest {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]api.Backtest, 0, len(r.jobs))
	for _, j := range slices.Backward(r.jobs) {
		all = append(all, j.now.Backtest)
	}
	return all
}

// Get returns one backtest, or ErrUnknown.
func (r *Runner) Get(id string) (api.BacktestResult, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, j, err := r.findLocked(id)
	if err != nil {
		return api.BacktestResult{}, err
	}
	return j.now, nil
}

// findLocked returns the backtest of that id, or ErrUnknown. The caller holds mu.
func (r *Runner) findLocked(id string) (at int, j *job, err error) {
	at = slices.IndexFunc(r.jobs, func(j *job) bool { return j.now.ID == id })
	if at < 0 {
		return at, nil, fmt.Errorf("%w: %q", ErrUnknown, id)
	}
	return at, r.jobs[at], nil
}

// Delete ends a backtest where it waits or runs, and forgets it, or returns ErrUnknown.
func (r *Runner) Delete(id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	at, j, err := r.findLocked(id)
	if err != nil {
		return err
	}
	r.jobs = slices.Delete(r.jobs, at, at+1)
	j.gone = true
	if j.cancel != nil {
		j.cancel(errDeleted)
	}
	r.remove(id)
	return nil
}

// trimLocked forgets the oldest that have ended while there are too many. The caller
// holds mu.
func (r *Runner) trimLocked() {
	for len(r.jobs) > r.config.Kept {
		at := slices.IndexFunc(r.jobs, func(j *job) bool { return j.now.EndedUS != 0 })
		if at < 0 {
			return
		}
		r.remove(r.jobs[at].now.ID)
		r.jobs = slices.Delete(r.jobs, at, at+1)
	}
}

func (r *Runner) wakeUp() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Run runs what waits, one after the other, until ctx ends, and returns ctx's cause. What
// has not ended by then has failed.
func (r *Runner) Run(ctx context.Context) error {
	for {
		for j := r.next(); j != nil; j = r.next() {
			r.run(ctx, j)
		}
		select {
		case <-r.wake:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// next returns the oldest that waits, which then runs; nil where there is none.
func (r *Runner) next() *job {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, j := range r.jobs {
		if j.now.State == api.BacktestWaiting {
			j.now.State = api.BacktestRunning
			return j
		}
	}
	return nil
}
