package history

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/time/rate"

	"hedgehog/exchange"
)

// ErrNothingStored is returned when there are no trades whose holes could be filled.
var ErrNothingStored = errors.New("no trades are stored")

const (
	// mostGaps is how many gaps are in memory at once: 16 MB of them.
	mostGaps = 1 << 20
	// leftShown is how many of the gaps that stay are named.
	leftShown = 100
)

// Gap is a run of trade ids that are not stored.
type Gap struct {
	First int64 `json:"first"`
	Last  int64 `json:"last"`
}

// Size returns how many ids the gap has.
func (g Gap) Size() int64 { return g.Last - g.First + 1 }

// String returns the ids: "7" or "7 to 9".
func (g Gap) String() string {
	if g.First == g.Last {
		return fmt.Sprint(g.First)
	}
	return fmt.Sprintf("%d to %d", g.First, g.Last)
}

// LeftError is returned when the exchange has not given trades that are not stored.
type LeftError struct {
	Symbol  string
	Missing int64 // how many
	Gaps    []Gap // the first 100 of them
}

// Error names the ids.
func (e *LeftError) Error() string {
	names := make([]string, len(e.Gaps))
	for i, g := range e.Gaps {
		names[i] = g.String()
	}
	if len(e.Gaps) == leftShown {
		names = append(names, "…")
	}
	return fmt.Sprintf("the exchange has no trades of %s with these ids, which stay missing (%d): %s", e.Symbol, e.Missing, strings.Join(names, ", "))
}

// TradeStore is where trades are looked for and put.
type TradeStore interface {
	// Around returns the id of the last stored trade before the time and of the first
	// one at it or later; 0 where there is none.
	Around(ctx context.Context, symbol string, at exchange.Micros) (before, after int64, err error)
	// Gaps returns the runs of ids from first to last that are not stored, in order,
	// and at most limit of them.
	Gaps(ctx context.Context, symbol string, first, last int64, limit int) ([]Gap, error)
	// PutTicks stores those of the trades that are not there and says how many. One
	// that is there and differs is an error.
	PutTicks(ctx context.Context, symbol string, trades []exchange.Tick) (int64, error)
}

// FillConfig says which holes a Filler fills. Start from DefaultFill.
type FillConfig struct {
	Symbol string
	// From and To bound the trades by time: From is in, To is not. 0 sets no bound.
	From, To exchange.Micros
	// Beyond takes what is missing before the first and after the last stored trade
	// for a hole too, up to the exchange's newest one. It needs From.
	Beyond bool
	// DryRun looks for the holes and leaves them.
	DryRun bool
	// Pause is the least time between two requests. One of them weighs 25 of the 6000
	// that an address may use up in a minute, all its programs together.
	Pause time.Duration
	// Patience is how long the exchange, which has answered before, may be out of reach
	// until filling ends.
	Patience time.Duration
}

// DefaultFill returns the configuration that fills all holes of symbol and leaves
// half of what the exchange allows to others.
func DefaultFill(symbol string) FillConfig {
	return FillConfig{Symbol: symbol, Pause: 500 * time.Millisecond, Patience: 5 * time.Minute}
}

// Validate returns an error that names the first field that can't be right.
func (c FillConfig) Validate() error {
	switch {
	case !exchange.ValidSymbolName(c.Symbol):
		return fmt.Errorf("config field Symbol %q: not a symbol's name", c.Symbol)
	case c.From < 0 || c.To < 0 || c.To != 0 && c.To <= c.From:
		return fmt.Errorf("config field To %d: want a time after From %d", c.To, c.From)
	case c.Pause < 0:
		return fmt.Errorf("config field Pause %s: want 0 or more", c.Pause)
	case c.Patience <= 0:
		return fmt.Errorf("config field Patience %s: want more than 0", c.Patience)
	}
	return nil
}

// FillProgress tells how far filling has come, in trades.
type FillProgress struct {
	Missing int64 `json:"missing"` // found missing
	Stored  int64 `json:"stored"`  // of them
	Left    int64 `json:"left"`    // of them the exchange does not have
	Gaps    int64 `json:"gaps"`    // that the missing ones are in
	Found   []Gap `json:"found"`   // the first 100 of these
	// Waiting says why the exchange is not asked at the moment; empty: it is.
	Waiting string `json:"-"`
}

// Filler closes holes in the stored trades of a symbol with what the exchange has.
type Filler struct {
	cfg    FillConfig
	trades exchange.TradeHistory
	store  TradeStore
	pace   *rate.Limiter
	left   LeftError
	// answered says that the exchange has answered: it is there.
	answered bool

	mu       sync.Mutex
	progress FillProgress
}

// NewFiller returns a Filler, or what is wrong with cfg.
func NewFiller(cfg FillConfig, trades exchange.TradeHistory, store TradeStore) (*Filler, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("fill: %w", err)
	}
	return &Filler{cfg: cfg, trades: trades, store: store, pace: rate.NewLimiter(rate.Every(cfg.Pause), 1)}, nil
}

// Progress returns how far filling has come. It may be called at any time.
func (f *Filler) Progress() FillProgress {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.progress
	p.Found = slices.Clone(p.Found)
	return p
}

// Run fills the holes, or returns with the cause when ctx ends. Each page of trades
// that the exchange gives is stored at once, so that another Run goes on from there.
// It returns a *LeftError when the exchange lacks trades too, after all others are
// stored, and ErrNothingStored.
func (f *Filler) Run(ctx context.Context) error {
	f.left = LeftError{Symbol: f.cfg.Symbol}
	f.report(func(p *FillProgress) { *p = FillProgress{} })
	first, last, err := f.bounds(ctx)
	if err != nil {
		return fmt.Errorf("fill %s: %w", f.cfg.Symbol, err)
	}
	for first <= last {
		gaps, err := f.store.Gaps(ctx, f.cfg.Symbol, first, last, mostGaps)
		if err != nil {
			return fmt.Errorf("fill %s: %w", f.cfg.Symbol, err)
		}
		f.found(gaps)
		if !f.cfg.DryRun {
			if err := f.close(ctx, first, gaps); err != nil {
				return fmt.Errorf("fill %s: %w", f.cfg.Symbol, err)
			}
		}
		if len(gaps) < mostGaps {
			break
		}
		first = gaps[len(gaps)-1].Last + 1
	}
	if f.left.Missing > 0 {
		return &f.left
	}
	return nil
}

func (f *Filler) found(gaps []Gap) {
	f.report(func(p *FillProgress) {
		p.Gaps += int64(len(gaps))
		for _, g := range gaps {
			p.Missing += g.Size()
		}
		p.Found = append(p.Found, gaps[:min(len(gaps), leftShown-len(p.Found))]...)
	})
}

func (f *Filler) report(change func(*FillProgress)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.progress)
}

// close fills the gaps, all from id first on, one after the other; those that one
// page reaches together.
func (f *Filler) close(ctx context.Context, first int64, gaps []Gap) error {
	for len(gaps) > 0 {
		together := 1
		for together < len(gaps) && gaps[together].Last-gaps[0].First < exchange.TradesPage {
			together++
		}
		span := Gap{gaps[0].First, gaps[together-1].Last}
		// The stored trade before the gap is asked for too: where it differs, what is
		// stored is of another exchange.
		if err := f.fetch(ctx, Gap{max(first, span.First-1), span.Last}); err != nil {
			return err
		}
		if err := f.lookFor(ctx, span); err != nil {
			return err
		}
		gaps = gaps[together:]
	}
	return nil
}

// fetch stores what the exchange has of the ids.
func (f *Filler) fetch(ctx context.Context, ids Gap) error {
	var page []exchange.Tick
	put := func() error {
		if len(page) == 0 {
			return nil
		}
		stored, err := f.store.PutTicks(ctx, f.cfg.Symbol, page)
		page = page[:0]
		f.report(func(p *FillProgress) { p.Stored += stored })
		return err
	}
	for t, err := range exchange.MissedTrades(ctx, paced{f, ids.Last}, f.cfg.Symbol, ids.First, ids.Last) {
		if err != nil {
			return err
		}
		tick, err := exchange.TickOf(t)
		if err != nil {
			return err
		}
		if page = append(page, tick); len(page) < exchange.TradesPage {
			continue
		}
		if err := put(); err != nil {
			return err
		}
	}
	return put()
}

// lookFor notes which of the ids are still not stored.
func (f *Filler) lookFor(ctx context.Context, ids Gap) error {
	for first := ids.First; first <= ids.Last; {
		left, err := f.store.Gaps(ctx, f.cfg.Symbol, first, ids.Last, mostGaps)
		if err != nil {
			return err
		}
		for _, g := range left {
			f.left.Missing += g.Size()
			if len(f.left.Gaps) < leftShown {
				f.left.Gaps = append(f.left.Gaps, g)
			}
		}
		if len(left) < mostGaps {
			break
		}
		first = left[len(left)-1].Last + 1
	}
	f.report(func(p *FillProgress) { p.Left = f.left.Missing })
	return nil
}

// paced asks the exchange with the filler's pause between requests, and for no ids
// above last.
type paced struct {
	*Filler
	last int64
}

// TradesFrom is exchange.TradeHistory's.
func (p paced) TradesFrom(ctx context.Context, _ string, fromID int64, limit int) ([]exchange.TradeEvent, error) {
	return p.page(ctx, fromID, int(min(int64(limit), p.last-fromID+1)))
}

// page asks the exchange for trades; again and again while it is out of reach, if it
// has been there.
func (f *Filler) page(ctx context.Context, fromID int64, limit int) ([]exchange.TradeEvent, error) {
	page, err := backoff.Retry(ctx, func() ([]exchange.TradeEvent, error) {
		if err := f.pace.Wait(ctx); err != nil {
			return nil, backoff.Permanent(err)
		}
		page, err := f.trades.TradesFrom(ctx, f.cfg.Symbol, fromID, limit)
		if err != nil && !(f.answered && errors.Is(err, exchange.ErrUnavailable)) {
			err = backoff.Permanent(err)
		}
		return page, err
	}, backoff.WithMaxElapsedTime(f.cfg.Patience), backoff.WithNotify(func(err error, pause time.Duration) {
		f.waits(fmt.Sprintf("%v; again in %s", err, pause.Round(time.Second)))
	}))
	f.waits("")
	f.answered = f.answered || err == nil
	return page, err
}

func (f *Filler) waits(why string) { f.report(func(p *FillProgress) { p.Waiting = why }) }
