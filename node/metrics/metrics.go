package metrics

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Outcome is what became of an order that a trader sent.
type Outcome string

// The outcomes of orders.
const (
	Placed      Outcome = "placed"       // the exchange has acknowledged it
	Filtered    Outcome = "filter"       // it breaks one of the symbol's filters
	Rejected    Outcome = "rejected"     // the exchange does not want it, for another reason
	NoLease     Outcome = "no_lease"     // it was not sent: the node may not act
	RateLimited Outcome = "rate_limited" // there was no room in the exchange's limits
	Unavailable Outcome = "unavailable"  // it did not reach the exchange; it does not exist
	Unknown     Outcome = "unknown"      // it may exist or not: it will be looked up
	Failed      Outcome = "failed"       // anything else
)

// Outcomes are all of them.
func Outcomes() []Outcome {
	return []Outcome{Placed, Filtered, Rejected, NoLease, RateLimited, Unavailable, Unknown, Failed}
}

// Takeover is how a symbol came to a node.
type Takeover string

// The kinds of takeovers.
const (
	HandedOver Takeover = "handed_over" // the owner before gave it up for this node
	FailedOver Takeover = "failed_over" // the owner before had lost it
)

// Metrics are a node's. New is the only way in; all methods may be called by several
// goroutines at once.
type Metrics struct {
	now     func() time.Time
	started time.Time
	read    func(ctx context.Context) (Figures, error)
	log     *slog.Logger

	lag, decisions, orderLatency, writeWaits, writes prometheus.Histogram
	orders, takeovers                                *prometheus.CounterVec

	open    sync.Once
	handler http.Handler // made by the first request: most tests ask for none
}

// New returns the metrics of a node whose other figures read returns. It may return
// some of them with an error, of which log hears.
func New(now func() time.Time, read func(ctx context.Context) (Figures, error), log *slog.Logger) *Metrics {
	histogram := func(name, help string, buckets ...float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets})
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	}
	m := &Metrics{
		now: now, started: now(), read: read, log: log,
		lag: histogram("market_data_lag_seconds", "From the exchange's sending of a trade, by the exchange's clock, to its arrival here.",
			.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 60),
		decisions: histogram("decision_latency_seconds", "From the arrival of a trade to the decision that a position acts on it.",
			1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, .001, .0025, .005, .01, .05, .25, 1),
		orderLatency: histogram("order_latency_seconds", "From an order on its way to the exchange's acknowledgement, waiting for its limits included.",
			.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10),
		writeWaits: histogram("database_write_wait_seconds", "What writes of the database waited for their turn.",
			1e-5, 1e-4, 5e-4, .001, .0025, .005, .01, .025, .05, .1, .25, 1, 5),
		writes: histogram("database_write_seconds", "What transactions of the database took in their turn.",
			1e-5, 1e-4, 5e-4, .001, .0025, .005, .01, .025, .05, .1, .25, 1, 5),
		orders:    counter("orders_total", "Orders that traders have sent, by what became of the sending.", "side", "outcome"),
		takeovers: counter("takeovers_total", "Symbols that came to this node from another, by how.", "kind"),
	}
	// All series are there from the start: an alert can't compare with nothing.
	for _, o := range Outcomes() {
		for _, side := range []string{"BUY", "SELL"} {
			m.orders.WithLabelValues(side, string(o))
		}
	}
	m.takeovers.WithLabelValues(string(HandedOver))
	m.takeovers.WithLabelValues(string(FailedOver))
	return m
}

const namespace = "hedgehog"

// Ordered counts an order of a side, BUY or SELL. took is from sending it to the answer.
func (m *Metrics) Ordered(side string, o Outcome, took time.Duration) {
	m.orders.WithLabelValues(side, string(o)).Inc()
	if o == Placed {
		m.orderLatency.Observe(took.Seconds())
	}
}

// TookOver counts a symbol that came from another node.
func (m *Metrics) TookOver(t Takeover) { m.takeovers.WithLabelValues(string(t)).Inc() }

// Wrote notes a write of the database: what it waited and what it took then.
func (m *Metrics) Wrote(waited, took time.Duration) {
	m.writeWaits.Observe(waited.Seconds())
	m.writes.Observe(took.Seconds())
}

// ServeHTTP answers with all metrics in Prometheus' format.
func (m *Metrics) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.open.Do(func() {
		registry := prometheus.NewRegistry()
		registry.MustRegister(m.lag, m.decisions, m.orderLatency, m.writeWaits, m.writes, m.orders, m.takeovers,
			&figures{m, families()}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
		m.handler = promhttp.HandlerFor(registry, promhttp.HandlerOpts{
			ErrorLog:            errorLog{m.log},
			ErrorHandling:       promhttp.ContinueOnError, // what there is, is better than nothing
			MaxRequestsInFlight: 4,
		})
	})
	m.handler.ServeHTTP(w, r)
}

// errorLog is a logger as the library wants it.
type errorLog struct{ *slog.Logger }

func (l errorLog) Println(v ...any) { l.Warn("metrics not whole", "error", fmt.Sprint(v...)) }
