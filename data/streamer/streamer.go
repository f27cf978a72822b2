package streamer

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"

	"hedgehog/data/bus"
	"hedgehog/exchange"
)

// TradeExchange is what a Streamer asks of the exchange.
type TradeExchange interface {
	exchange.TradeHistory
	StreamTrades(ctx context.Context, symbol string, sink exchange.TradeSink) error
}

// Config is what a Streamer needs to know.
type Config struct {
	Symbol string
	// Resume returns the id of the last trade that is stored, so that the stream
	// goes on right behind it; false when it may begin anywhere. Nil: anywhere.
	Resume func(ctx context.Context) (lastID int64, known bool, err error)
	// MaxBackfill is the most trades that are fetched before the stream goes on:
	// the newest ones. Those before are counted as missing. 0: no bound.
	MaxBackfill int64
	// Arrived, where set, is told of each trade that the stream brings in its turn,
	// before what is missing before it is fetched and before it is published. The
	// stream waits for it.
	Arrived func(t *exchange.TradeEvent)
}

// Streamer publishes one symbol's trades. Run may be called again after it has
// returned and goes on behind the last published trade.
type Streamer struct {
	config    Config
	exchange  TradeExchange
	publisher bus.Publisher
	log       *slog.Logger

	last  int64 // id of the last trade published; 0 before the first
	stats stats
}

type stats struct {
	last, published, backfilled, missing, gaps, connections atomic.Int64
	latest                                                  atomic.Pointer[exchange.TradeEvent]
}

// Stats are a Streamer's figures since it was made.
type Stats struct {
	LastID      int64 // of the last trade published; 0 before the first
	Published   int64 // trades, backfilled ones included
	Backfilled  int64 // trades fetched after a gap
	Missing     int64 // trades that the exchange no longer has, or too many to fetch
	Gaps        int64 // times that trades were missing behind the last one, a stored one at the start
	Connections int64 // times that the stream was connected
}

// New returns a Streamer that publishes on b.
func New(c Config, ex TradeExchange, b *bus.Bus, log *slog.Logger) *Streamer {
	return &Streamer{
		config:    c,
		exchange:  ex,
		publisher: b.Publisher(bus.TradeEvents(c.Symbol)),
		log:       log.With("symbol", c.Symbol),
	}
}

// Stats returns the figures so far.
func (s *Streamer) Stats() Stats {
	return Stats{
		LastID:      s.stats.last.Load(),
		Published:   s.stats.published.Load(),
		Backfilled:  s.stats.backfilled.Load(),
		Missing:     s.stats.missing.Load(),
		Gaps:        s.stats.gaps.Load(),
		Connections: s.stats.connections.Load(),
	}
}

// Latest returns the last trade published, nil before the first.
func (s *Streamer) Latest() *exchange.TradeEvent { return s.stats.latest.Load() }

// Run streams until ctx ends (it returns ctx's cause), or something fails that a
// new Run may mend.
func (s *Streamer) Run(ctx context.Context) error {
	if s.last == 0 && s.config.Resume != nil {
		last, known, err := s.config.Resume(ctx)
		if err != nil {
			return fmt.Errorf("stream %s: last stored trade: %w", s.config.Symbol, err)
		}
		if known {
			s.last = last
		}
	}
	if err := s.exchange.StreamTrades(ctx, s.config.Symbol, sink{s}); err != nil {
		return fmt.Errorf("stream %s: %w", s.config.Symbol, err)
	}
	return nil
}

// sink is the Streamer as the exchange's stream sees it.
type sink struct{ *Streamer }

// Connected fetches what passed while there was no connection.
func (s sink) Connected(ctx context.Context) error {
	s.stats.connections.Add(1)
	s.log.Info("trade stream connected", "last_id", s.last)
	if s.last == 0 {
		return nil
	}
	before := s.last
	err := s.backfill(ctx, 0)
	if s.last > before {
		s.stats.gaps.Add(1)
	}
	return err
}

// Trade publishes t, after what is missing before it.
func (s sink) Trade(ctx context.Context, t *exchange.TradeEvent) error {
	if t.ID <= s.last {
		return nil
	}
	if s.config.Arrived != nil {
		s.config.Arrived(t)
	}
	if s.last != 0 && t.ID > s.last+1 {
		s.stats.gaps.Add(1)
		if err := s.backfill(ctx, t.ID-1); err != nil {
			return err
		}
		if missing := t.ID - s.last - 1; missing > 0 {
			s.missed(s.last+1, t.ID-1)
		}
	}
	return s.publish(ctx, t)
}

// backfill publishes the trades after the last one, up to id to, or to the
// newest when to is 0.
func (s *Streamer) backfill(ctx context.Context, to int64) error {
	// A gap that one request brings costs that one: only who misses more has to know
	// how many more there are.
	later := to == 0 && s.config.MaxBackfill >= exchange.TradesPage
	if !later {
		if err := s.giveUp(ctx, to); err != nil {
			return err
		}
	}
	from := s.last + 1
	for t, err := range exchange.MissedTrades(ctx, s.exchange, s.config.Symbol, from, to) {
		if err != nil {
			return err
		}
		if t.ID > s.last+1 {
			s.missed(s.last+1, t.ID-1)
		}
		if err := s.publish(ctx, t); err != nil {
			return err
		}
		s.stats.backfilled.Add(1)
		if later && t.ID == from+exchange.TradesPage-1 {
			if err := s.giveUp(ctx, 0); err != nil {
				return err
			}
			if s.last > t.ID {
				return s.backfill(ctx, 0)
			}
		}
	}
	if s.last >= from {
		s.log.Info("trades backfilled", "first_id", from, "last_id", s.last)
	}
	return nil
}

// giveUp passes over the oldest of the trades that backfill would fetch where
// they are more than MaxBackfill.
func (s *Streamer) giveUp(ctx context.Context, to int64) error {
	if s.config.MaxBackfill == 0 {
		return nil
	}
	if to == 0 {
		newest, err := s.exchange.TradesFrom(ctx, s.config.Symbol, 0, 1)
		if err != nil {
			return fmt.Errorf("newest trade of %s: %w", s.config.Symbol, err)
		}
		if len(newest) == 0 {
			return nil
		}
		to = newest[0].ID
	}
	if given := to - s.config.MaxBackfill; given > s.last {
		s.missed(s.last+1, given)
		s.last = given
	}
	return nil
}

func (s *Streamer) missed(first, last int64) {
	s.stats.missing.Add(last - first + 1)
	s.log.Warn("trades missing", "first_id", first, "last_id", last)
}

func (s *Streamer) publish(ctx context.Context, t *exchange.TradeEvent) error {
	if err := s.publisher.Publish(ctx, t); err != nil {
		return err
	}
	s.last = t.ID
	s.stats.last.Store(t.ID)
	s.stats.latest.Store(t)
	s.stats.published.Add(1)
	return nil
}
