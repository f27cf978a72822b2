package collector

import (
	"log/slog"
	"sync"
	"time"
)

// Stats tells how far a Collector has come since it was made.
type Stats struct {
	Trades  uint64 // stored, with those that were in the store already
	Orders  uint64 // likewise, updates
	Candles uint64 // likewise
	Retries uint64 // writes that failed and were tried again
	// LastTradeID is the highest trade id that is stored; 0 before the first.
	LastTradeID int64
	// LastError is why the latest write failed; empty when it worked.
	LastError string
}

// progress keeps the Stats: written by Run, read by anybody.
type progress struct {
	mu    sync.Mutex
	stats Stats // guarded by mu
}

// Stats returns the figures of this moment. It may be called at any time.
func (c *Collector) Stats() Stats {
	c.progress.mu.Lock()
	defer c.progress.mu.Unlock()
	return c.progress.stats
}

func (p *progress) stored(b Batch) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stats.Trades += uint64(len(b.Trades))
	p.stats.Orders += uint64(len(b.Orders))
	p.stats.Candles += uint64(len(b.Candles))
	for _, t := range b.Trades { // a backfill may bring lower ids after higher ones
		p.stats.LastTradeID = max(p.stats.LastTradeID, t.ID)
	}
	p.stats.LastError = ""
}

func (p *progress) failed(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stats.Retries++
	p.stats.LastError = err.Error()
}

// failure logs one failure that lasts: its beginning, a reminder every so
// often, and its end.
type failure struct {
	log    *slog.Logger
	every  time.Duration
	count  int
	logged time.Time
}

func (f *failure) report(err error, events int, pause time.Duration) {
	f.count++
	if now := time.Now(); f.count == 1 || now.Sub(f.logged) >= f.every {
		f.logged = now
		f.log.Error("storing failed, trying again", "error", err, "events", events, "failures", f.count, "pause", pause)
	}
}

func (f *failure) over() {
	if f.count > 0 {
		f.log.Info("storing works again", "failures", f.count)
	}
}
