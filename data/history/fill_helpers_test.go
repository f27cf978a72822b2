package history_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"hedgehog/data/history"
	"hedgehog/exchange"
)

// market has the trades of an exchange: ids from first to last, one a second from
// start on, but for the ids that it lacks.
type market struct {
	start       exchange.Micros
	first, last int64
	lacks       func(id int64) bool

	mu    sync.Mutex
	pages []page // that were asked for
	err   error  // instead of the next page
}

type page struct {
	from  int64
	limit int
	at    time.Time
}

func (m *market) trade(id int64) exchange.TradeEvent {
	return exchange.TradeEvent{
		Symbol: "XRPETH", ID: id, TradeTime: m.start + exchange.Micros(id)*1_000_000,
		Price: decimal.New(100+id%7, -3), Quantity: decimal.New(1+id%3, 0), BuyerIsMaker: id%2 == 0,
	}
}

func (m *market) TradesFrom(ctx context.Context, symbol string, fromID int64, limit int) ([]exchange.TradeEvent, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pages = append(m.pages, page{fromID, limit, time.Now()})
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if m.err != nil {
		return nil, m.err
	}
	if symbol != "XRPETH" || limit < 1 || limit > exchange.TradesPage {
		return nil, fmt.Errorf("asked for %d of %s", limit, symbol)
	}
	if fromID == 0 {
		fromID = m.last - int64(limit) + 1
	}
	var trades []exchange.TradeEvent
	for id := max(m.first, fromID, 1); id <= m.last && len(trades) < limit; id++ {
		if m.lacks == nil || !m.lacks(id) {
			trades = append(trades, m.trade(id))
		}
	}
	return trades, nil
}

// asked returns how many pages were asked for.
func (m *market) asked() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.pages)
}

// shelf is a store in memory.
type shelf struct {
	mu    sync.Mutex
	ticks map[int64]exchange.Tick
	puts  int
	put   func(puts int) // is called after each
}

func newShelf() *shelf { return &shelf{ticks: make(map[int64]exchange.Tick)} }

// keep stores the trades of the market with these ids.
func (s *shelf) keep(t testing.TB, m *market, ids ...history.Gap) {
	t.Helper()
	for _, run := range ids {
		for id := run.First; id <= run.Last; id++ {
			e := m.trade(id)
			tick, err := exchange.TickOf(&e)
			if err != nil {
				t.Fatal(err)
			}
			s.ticks[id] = tick
		}
	}
}

func (s *shelf) sorted() []exchange.Tick {
	ticks := make([]exchange.Tick, 0, len(s.ticks))
	for _, tick := range s.ticks {
		ticks = append(ticks, tick)
	}
	slices.SortFunc(ticks, func(a, b exchange.Tick) int { return int(a.ID - b.ID) })
	return ticks
}

func (s *shelf) Around(_ context.Context, _ string, at exchange.Micros) (before, after int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, tick := range s.sorted() {
		if tick.Time >= at {
			return before, tick.ID, nil
		}
		before = tick.ID
	}
	return before, 0, nil
}

func (s *shelf) Gaps(_ context.Context, _ string, first, last int64, limit int) ([]history.Gap, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gaps(first, last, limit), nil
}

func (s *shelf) gaps(first, last int64, limit int) []history.Gap {
	var gaps []history.Gap
	for id := first; id <= last; id++ {
		if _, there := s.ticks[id]; there {
			continue
		}
		if n := len(gaps); n > 0 && gaps[n-1].Last == id-1 {
			gaps[n-1].Last = id
		} else if n == limit {
			break
		} else {
			gaps = append(gaps, history.Gap{First: id, Last: id})
		}
	}
	return gaps
}

func (s *shelf) PutTicks(ctx context.Context, _ string, ticks []exchange.Tick) (written int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	for _, tick := range ticks {
		stored, there := s.ticks[tick.ID]
		if there && stored != tick {
			return 0, errContradiction
		}
		if !there {
			s.ticks[tick.ID] = tick
			written++
		}
	}
	s.puts++
	if s.put != nil {
		s.put(s.puts)
	}
	return written, nil
}
