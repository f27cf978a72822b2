package metrics

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hedgehog/cluster/forward"
	"hedgehog/data/bus"
	"hedgehog/data/collector"
	"hedgehog/data/streamer"
	"hedgehog/exchange/binance"
)

// emit takes one value of a family, with its labels' values.
type emit func(value float64, labels ...string)

// family is a metric that is read from the Figures.
type family struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	read func(f Figures, to emit)
}

// figures is what hands the families to Prometheus.
type figures struct {
	metrics  *Metrics
	families []family
}

func (c *figures) Describe(to chan<- *prometheus.Desc) {
	for _, f := range c.families {
		to <- f.desc
	}
}

// patience is how long the figures may take to be read.
const patience = 5 * time.Second

func (c *figures) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	now, err := c.metrics.read(ctx)
	if err != nil {
		to <- prometheus.NewInvalidMetric(prometheus.NewInvalidDesc(err), err)
	}
	for _, f := range c.families {
		f.read(now, func(value float64, labels ...string) {
			to <- prometheus.MustNewConstMetric(f.desc, f.kind, value, labels...)
		})
	}
}

func gauge(name, help string, read func(Figures, emit), labels ...string) family {
	return family{prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil), prometheus.GaugeValue, read}
}

func counter(name, help string, read func(Figures, emit), labels ...string) family {
	return family{prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil), prometheus.CounterValue, read}
}

// one reads a single value.
func one[T int | int64 | uint64 | float64](value func(Figures) T) func(Figures, emit) {
	return func(f Figures, to emit) { to(float64(value(f))) }
}

// yes reads a single condition, 1 when it holds.
func yes(holds func(Figures) bool) func(Figures, emit) {
	return func(f Figures, to emit) { to(flag(holds(f))) }
}

func flag(holds bool) float64 {
	if holds {
		return 1
	}
	return 0
}

func families() []family {
	var all []family
	for _, some := range [][]family{ofNode(), ofCluster(), ofBus(), ofDatabase(), ofExchange(), ofStreams(), ofTrading()} {
		all = append(all, some...)
	}
	return all
}

func ofNode() []family {
	return []family{
		gauge("build_info", "1, with the program's version.", func(f Figures, to emit) { to(1, f.Version) }, "version"),
		gauge("node_info", "1, with how the node was configured.",
			func(f Figures, to emit) { to(1, f.Node, f.Zone, f.Profile, f.Venue) }, "node", "zone", "profile", "exchange"),
		gauge("ready", "Whether the node is ready, as /readyz says.", yes(func(f Figures) bool { return f.Ready })),
	}
}

func ofCluster() []family {
	return []family{
		gauge("lease_left_seconds", "How long the node's lease lasts yet; 0 without one.",
			one(func(f Figures) float64 { return f.Cluster.LeaseLeft.Seconds() })),
		gauge("symbols_owned", "Symbols that the cluster has assigned to this node.", one(func(f Figures) int { return f.Cluster.Owned })),
		gauge("symbols_covered", "Owned symbols that the lease covers: the others are not traded.",
			one(func(f Figures) int { return f.Cluster.Covered })),
		gauge("symbols_left_off", "Owned symbols that have no metrics of their own, because there are too many.",
			one(func(f Figures) int { return f.LeftOff })),
		gauge("raft_leader", "Whether this node leads.", yes(func(f Figures) bool { return f.Cluster.Leads })),
		gauge("raft_quorum", "Whether a majority of the voters is there, as far as this node knows.",
			yes(func(f Figures) bool { return f.Cluster.Quorum })),
		gauge("raft_term", "The newest term that this node has seen.", one(func(f Figures) uint64 { return f.Cluster.Term })),
		gauge("raft_applied_index", "The last entry of the cluster's log that is in this node's database.",
			one(func(f Figures) uint64 { return f.Cluster.Applied })),
		gauge("raft_servers", "Members of the Raft group.", func(f Figures, to emit) {
			to(float64(f.Cluster.Voters), "voter")
			to(float64(f.Cluster.NonVoters), "non_voter")
		}, "role"),
		gauge("members", "Members of the cluster as this node sees them.", func(f Figures, to emit) {
			for state, count := range f.Cluster.Members {
				to(float64(count), state)
			}
		}, "state"),
	}
}

func ofBus() []family {
	buses := func(value func(bus.Stats) float64) func(Figures, emit) {
		return func(f Figures, to emit) {
			to(value(f.Bus), "own")
			to(value(f.Watched), "watched")
		}
	}
	peers := func(value func(forward.PeerStats) float64) func(Figures, emit) {
		return func(f Figures, to emit) {
			for _, p := range f.Peers {
				to(value(p), p.Name)
			}
		}
	}
	return []family{
		gauge("bus_subscriptions", "Who listens on a bus.", buses(func(b bus.Stats) float64 { return float64(b.Subscriptions) }), "bus"),
		gauge("bus_waiting_events", "Events in the queues of a bus.", buses(func(b bus.Stats) float64 { return float64(b.Waiting) }), "bus"),
		gauge("bus_fullest_queue_ratio", "How full the fullest queue is that may drop nothing: at 1 it holds the streams back.",
			buses(func(b bus.Stats) float64 { return b.Fullest }), "bus"),
		counter("bus_dropped_events_total", "Events that those who watch were too slow for.",
			buses(func(b bus.Stats) float64 { return float64(b.Dropped) }), "bus"),
		gauge("forward_connected", "Whether events can come from a peer.", peers(func(p forward.PeerStats) float64 { return flag(p.Connected) }), "peer"),
		gauge("forward_waiting_events", "Events in the queue for a peer.", peers(func(p forward.PeerStats) float64 { return float64(p.Waiting) }), "peer"),
		counter("forward_sent_events_total", "Events that went to a peer.", peers(func(p forward.PeerStats) float64 { return float64(p.Sent) }), "peer"),
		counter("forward_dropped_events_total", "Events for a peer that did not go.",
			peers(func(p forward.PeerStats) float64 { return float64(p.Dropped) }), "peer"),
		counter("forward_received_events_total", "Events of a peer that were published here.",
			peers(func(p forward.PeerStats) float64 { return float64(p.Received) }), "peer"),
		counter("forward_missed_events_total", "Events of a peer that were not.", peers(func(p forward.PeerStats) float64 { return float64(p.Missed) }), "peer"),
	}
}

func ofDatabase() []family {
	return []family{
		gauge("database_waiting_writes", "Writes of the database that wait for their turn.", one(func(f Figures) int64 { return f.Database.Waiting })),
		counter("database_failed_writes_total", "Transactions that the disk or the file did not take.",
			one(func(f Figures) int64 { return f.Database.Failed })),
		gauge("database_size_bytes", "Size of the database's file.", one(func(f Figures) int64 { return f.Database.Size })),
		gauge("database_log_size_bytes", "Size of the write-ahead log beside it.", one(func(f Figures) int64 { return f.Database.Log })),
	}
}

func ofExchange() []family {
	limits := func(value func(binance.LimitUse) int) func(Figures, emit) {
		return func(f Figures, to emit) {
			for _, l := range f.Exchange.Limits.Uses {
				to(float64(value(l)), strings.ToLower(l.Type), fmt.Sprintf("%d%s", l.IntervalNum, strings.ToLower(l.Interval[:1])))
			}
		}
	}
	return []family{
		gauge("exchange_info_known", "Whether the exchange has told its symbols and filters.", yes(func(f Figures) bool { return f.Exchange.InfoKnown })),
		gauge("exchange_limit", "What the exchange allows in an interval.", limits(func(l binance.LimitUse) int { return l.Limit }), "type", "interval"),
		gauge("exchange_limit_used", "What of that is used in the present interval, by others at the same address or account as well.",
			limits(func(l binance.LimitUse) int { return l.Used }), "type", "interval"),
		gauge("exchange_silence_seconds", "For how long the exchange wants no request at all.",
			one(func(f Figures) float64 { return f.Exchange.Limits.Silence.Seconds() })),
		counter("exchange_requests_total", "Requests that were sent to the exchange.", one(func(f Figures) int64 { return f.Exchange.Client.Requests })),
		counter("exchange_connections_total", "Websockets that were opened to the exchange.", one(func(f Figures) int64 { return f.Exchange.Client.Connections })),
		counter("exchange_bad_frames_total", "Frames of the exchange that were not understood.", one(func(f Figures) int64 { return f.Exchange.Client.BadFrames })),
		gauge("exchange_clock_error_seconds", "By how much the estimate of the exchange's clock may be wrong.", func(f Figures, to emit) {
			if f.Exchange.ClockError >= 0 {
				to(f.Exchange.ClockError.Seconds())
			}
		}),
	}
}

// perSymbol reads what a symbol has a value of.
func perSymbol(value func(s Symbol, to emit)) func(Figures, emit) {
	return func(f Figures, to emit) {
		for _, s := range f.Symbols {
			value(s, func(v float64, labels ...string) { to(v, append([]string{s.Name}, labels...)...) })
		}
	}
}

func ofStreams() []family {
	streamed := func(value func(streamer.Stats) int64) func(Figures, emit) {
		return perSymbol(func(s Symbol, to emit) {
			if s.Streamer != nil {
				to(float64(value(*s.Streamer)))
			}
		})
	}
	collected := func(value func(collector.Stats) uint64) func(Figures, emit) {
		return perSymbol(func(s Symbol, to emit) {
			if s.Collector != nil {
				to(float64(value(*s.Collector)))
			}
		})
	}
	last := func(value func(LastTrade) float64) func(Figures, emit) {
		return perSymbol(func(s Symbol, to emit) {
			if s.Last != nil {
				to(value(*s.Last))
			}
		})
	}
	return []family{
		counter("stream_connections_total", "Times that a symbol's stream was connected.", streamed(func(s streamer.Stats) int64 { return s.Connections }), "symbol"),
		counter("trades_published_total", "Trades that were published, fetched ones among them.", streamed(func(s streamer.Stats) int64 { return s.Published }), "symbol"),
		counter("trade_gaps_total", "Times that trades were missing behind the last one.", streamed(func(s streamer.Stats) int64 { return s.Gaps }), "symbol"),
		counter("trades_backfilled_total", "Trades that were fetched to fill gaps.", streamed(func(s streamer.Stats) int64 { return s.Backfilled }), "symbol"),
		counter("trades_missing_total", "Trades of gaps that could not be filled.", streamed(func(s streamer.Stats) int64 { return s.Missing }), "symbol"),
		counter("trades_stored_total", "Trades that were stored.", collected(func(s collector.Stats) uint64 { return s.Trades }), "symbol"),
		counter("storing_retries_total", "Writes of a symbol's events that failed and were tried again.",
			collected(func(s collector.Stats) uint64 { return s.Retries }), "symbol"),
		gauge("last_trade_timestamp_seconds", "When the exchange sent the newest trade, by its clock.", last(func(l LastTrade) float64 {
			return float64(l.Sent) / float64(time.Second/time.Microsecond)
		}), "symbol"),
		gauge("last_trade_lag_seconds", "From then to its arrival here.", last(func(l LastTrade) float64 { return l.Lag.Seconds() }), "symbol"),
	}
}

func ofTrading() []family {
	return []family{
		gauge("trading", "Whether a trader runs for the symbol.", perSymbol(func(s Symbol, to emit) { to(flag(s.Trading)) }), "symbol"),
		gauge("trading_refused", "Whether its latest order could not be placed.", perSymbol(func(s Symbol, to emit) { to(flag(s.Refused)) }), "symbol"),
		gauge("positions_open", "Positions that are open.", perSymbol(func(s Symbol, to emit) { to(float64(s.Earned.Open)) }), "symbol"),
		counter("cycles_total", "Positions that were bought and sold, of all time.", perSymbol(func(s Symbol, to emit) { to(float64(s.Earned.Finished)) }), "symbol"),
		gauge("profit", "Profit of those of all time less fees, in the quote asset.", perSymbol(func(s Symbol, to emit) {
			to(s.Earned.Profit.InexactFloat64(), s.QuoteAsset)
		}), "symbol", "asset"),
		counter("part_restarts_total", "Times that a running part of the symbol has failed and begun again.", perSymbol(func(s Symbol, to emit) {
			for part, restarts := range s.Restarts {
				to(float64(restarts), part)
			}
		}), "symbol", "part"),
	}
}
