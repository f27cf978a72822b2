package metrics

import (
	"sync/atomic"
	"time"

	"hedgehog/exchange"
	"hedgehog/exchange/binance"
)

// kept is how many of the latest trades Arrivals remember: more than may wait for a
// trader.
const kept = 256

// Arrivals are when the latest trades of one symbol came in. One goroutine at a time
// may call Add, any the others.
type Arrivals struct {
	metrics *Metrics
	trades  [kept]arrival
	sent    atomic.Int64 // when the exchange sent the newest, in µs since the epoch; 0: not told
	lag     atomic.Int64 // of the newest, in ns
}

// arrival is one trade's. While it is replaced its id is 0.
type arrival struct{ id, at atomic.Int64 }

// Arrivals returns those of a symbol from now on.
func (m *Metrics) Arrivals() *Arrivals { return &Arrivals{metrics: m} }

// Add notes that a trade comes in now. clock is what is known of the exchange's.
func (a *Arrivals) Add(t *exchange.TradeEvent, clock binance.ClockEstimate) {
	now := a.metrics.now()
	slot := &a.trades[uint64(t.ID)%kept]
	slot.id.Store(0)
	slot.at.Store(int64(now.Sub(a.metrics.started)))
	slot.id.Store(t.ID)
	if t.EventTime != 0 && !clock.IsZero() {
		lag := clock.Exchange(now).Sub(t.EventTime.Time())
		a.lag.Store(int64(lag))
		a.sent.Store(int64(t.EventTime))
		a.metrics.lag.Observe(max(lag, 0).Seconds()) // below 0 within the error of the clock
	}
}

// Decided notes that a position acts on the trade from now on. A trade that is not
// remembered is passed over.
func (a *Arrivals) Decided(id int64) {
	slot := &a.trades[uint64(id)%kept]
	if id == 0 || slot.id.Load() != id {
		return
	}
	at := slot.at.Load()
	if slot.id.Load() != id {
		return // replaced meanwhile
	}
	took := a.metrics.now().Sub(a.metrics.started) - time.Duration(at)
	a.metrics.decisions.Observe(max(took, 0).Seconds())
}

// LastTrade is the newest trade that came in.
type LastTrade struct {
	Sent exchange.Micros // by the exchange, by its clock
	Lag  time.Duration   // from then to its arrival; may be a little below 0, for clocks are not exact
}

// Last returns the newest trade; false when none came yet, or its times are not known.
func (a *Arrivals) Last() (LastTrade, bool) {
	l := LastTrade{Sent: exchange.Micros(a.sent.Load()), Lag: time.Duration(a.lag.Load())}
	return l, l.Sent != 0
}
