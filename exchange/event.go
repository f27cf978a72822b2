package exchange

import (
	"fmt"
	"time"

	"github.com/shopspring/decimal"
)

// Micros is a point in time in microseconds since the Unix epoch, UTC. It is
// the resolution of the exchange's own dumps from 2025 on; older sources have
// milliseconds and are scaled when they are read.
type Micros int64

// MicrosOf returns t in microseconds since the Unix epoch.
func MicrosOf(t time.Time) Micros { return Micros(t.UnixMicro()) }

// MicrosOfMillis returns the point in time ms milliseconds after the Unix epoch.
func MicrosOfMillis(ms int64) Micros { return Micros(ms * 1000) }

// Millis returns m in whole milliseconds, rounded towards zero.
func (m Micros) Millis() int64 { return int64(m) / 1000 }

// Time returns m as a time in UTC.
func (m Micros) Time() time.Time { return time.UnixMicro(int64(m)).UTC() }

// Source says which way a trade event came. Only live events may make a trader
// act: the price of another one is history.
type Source uint8

const (
	// Live events come from the exchange's stream as they happen.
	Live Source = iota
	// Backfill events were asked for after a gap in the stream.
	Backfill
	// Replay events are stored ones, played again by a publisher.
	Replay
)

// String returns the source's name in lower case.
func (s Source) String() string {
	switch s {
	case Live:
		return "live"
	case Backfill:
		return "backfill"
	case Replay:
		return "replay"
	default:
		return "unknown"
	}
}

// MarshalText writes the source's name.
func (s Source) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a source's name, as MarshalText writes it.
func (s *Source) UnmarshalText(text []byte) error {
	for _, known := range [...]Source{Live, Backfill, Replay} {
		if string(text) == known.String() {
			*s = known
			return nil
		}
	}
	return fmt.Errorf("source %q: want live, backfill or replay", text)
}

// TradeEvent is one trade on the exchange between two of its users. Events are
// shared by pointer once published and never changed after that.
type TradeEvent struct {
	Symbol string `json:"symbol"`
	// ID rises by one from trade to trade of a symbol: a hole is a missed trade.
	ID       int64           `json:"trade_id"`
	Price    decimal.Decimal `json:"price"`    // quote asset per unit of the base asset
	Quantity decimal.Decimal `json:"quantity"` // base asset
	// TradeTime is when the exchange matched the trade.
	TradeTime Micros `json:"trade_time"`
	// EventTime is when the exchange sent the event; zero where the source has none.
	EventTime     Micros `json:"event_time"`
	BuyerIsMaker  bool   `json:"buyer_is_maker"`
	BuyerOrderID  int64  `json:"buyer_order_id,omitempty"`  // zero where the source has none, as today's streams
	SellerOrderID int64  `json:"seller_order_id,omitempty"` // likewise
	Source        Source `json:"source"`
}

// Candle sums up the trades of one symbol from StartTime on for Minutes minutes.
type Candle struct {
	Symbol    string          `json:"symbol"`
	Minutes   int             `json:"minutes"`
	StartTime Micros          `json:"start_time"`
	Open      decimal.Decimal `json:"open"`
	High      decimal.Decimal `json:"high"`
	Low       decimal.Decimal `json:"low"`
	Close     decimal.Decimal `json:"close"`
	Volume    decimal.Decimal `json:"volume"` // base asset
	Trades    int64           `json:"trades"`
}

// CandleMinutes are the lengths of the candles that Hedgehog builds, in minutes.
var CandleMinutes = [...]int{1, 5, 15, 60, 240, 1440}

// CandleStart returns the start of the candle of the given length that a trade
// at t belongs to: floor(seconds / (60 × minutes)) × 60 × minutes.
func CandleStart(t Micros, minutes int) Micros {
	length := Micros(minutes) * 60 * 1_000_000
	start := t - t%length
	if t < 0 && start != t {
		start -= length
	}
	return start
}
