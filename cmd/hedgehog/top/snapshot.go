package top

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"hedgehog/data/bus"
	"hedgehog/exchange"
	"hedgehog/node/api"
)

// Snapshot is the cluster at one moment, as one node tells of it.
type Snapshot struct {
	TimeUS  exchange.Micros    `json:"time_us"` // of the node
	Address string             `json:"address"` // of the node
	Cluster *api.ClusterStatus `json:"cluster"`
	Symbols []Row              `json:"symbols"`
	// Events are the latest that the node knows of, oldest first.
	Events []api.ClusterEvent `json:"events"`
	// Missing are nodes that did not answer: what only they know is not there.
	Missing []string `json:"missing"`
}

// lookFor is how long one look may take; lookAgain is how long it goes on for what is
// still unknown once all that is needed is there.
const (
	lookFor   = 10 * time.Second
	lookAgain = 3 * time.Second
)

// Once takes one look at the cluster, which takes a second or two: trades a second and
// prices need it. It fails where the node does not answer.
func Once(ctx context.Context, client *api.Client) (Snapshot, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, lookFor, fmt.Errorf("%s has not told all within %s", client.Address(), lookFor))
	defer cancel()
	news := make(chan any)
	f := newFollower(client, usualPace(), func(what any) {
		select {
		case news <- what:
		case <-ctx.Done():
		}
	})
	var following sync.WaitGroup
	defer following.Wait()
	defer cancel()
	following.Go(func() { f.run(ctx) })
	return look(ctx, f, news)
}

// look takes what the follower tells until that is enough for a snapshot.
func look(ctx context.Context, f *follower, news <-chan any) (Snapshot, error) {
	s := newState(f.client.Address())
	var enough <-chan time.Time
	for !s.complete() || enough == nil {
		select {
		case what := <-news:
			if failed, ok := what.(lost); ok {
				return Snapshot{}, failed.err
			}
			s.apply(what)
			if t, ok := what.(told); ok && t.frame.Kind == api.LiveSymbols {
				f.watch(topicsOf(s.rows(), 0))
			}
			if enough == nil && s.cluster != nil && s.ownersKnown && s.eventsKnown {
				timer := time.NewTimer(lookAgain)
				defer timer.Stop()
				enough = timer.C
			}
		case <-enough:
			return s.snapshot(), nil
		case <-ctx.Done():
			return Snapshot{}, context.Cause(ctx)
		}
	}
	return s.snapshot(), nil
}

// complete says whether a second look would tell no more.
func (s *State) complete() bool {
	return s.cluster != nil && s.ownersKnown && s.eventsKnown && s.profitsAsked && s.looks > 1
}

func (s *State) snapshot() Snapshot {
	return Snapshot{TimeUS: s.nodeTime, Address: s.address, Cluster: s.cluster, Symbols: s.rows(),
		Events: append([]api.ClusterEvent{}, s.events...), Missing: append([]string{}, s.missing...)}
}

// topicsOf returns the topics of the trades of as many symbols as can be watched at a
// time, that of the given row among them.
func topicsOf(rows []Row, among int) []string {
	from := max(0, min(among-api.MaxLiveTopics/2, len(rows)-api.MaxLiveTopics))
	var topics []string
	for _, row := range rows[from:min(len(rows), from+api.MaxLiveTopics)] {
		topics = append(topics, string(bus.TradeEvents(row.Symbol)))
	}
	return topics
}

// shownEvents is how many events a snapshot shows to people.
const shownEvents = 10

// Write writes the snapshot for people. Cells of a row end with a tab.
func (s Snapshot) Write(w io.Writer, zone *time.Location) {
	c := s.Cluster
	fmt.Fprintf(w, "%s\t%s\n", "leader", leaderOf(c))
	fmt.Fprintf(w, "%s\t%s\n", "quorum", quorumOf(c))
	if len(s.Missing) > 0 {
		fmt.Fprintf(w, "%s\t%s: what only they know is not shown\n", "no answer", clean(strings.Join(s.Missing, ", ")))
	}
	for _, t := range []struct {
		columns []column
		count   int
		cell    func(i int, c column) string
	}{
		{nodeColumns, len(c.Nodes), func(i int, col column) string { return col.node(c.Nodes[i]) }},
		{symbolColumns, len(s.Symbols), func(i int, col column) string { return col.symbol(s.Symbols[i]) }},
	} {
		if t.count == 0 {
			continue
		}
		columns := slices.DeleteFunc(slices.Clone(t.columns), func(c column) bool { return c.from > usualWidth })
		fmt.Fprintln(w)
		writeRow(w, columns, func(c column) string { return c.title })
		for i := range t.count {
			writeRow(w, columns, func(c column) string { return t.cell(i, c) })
		}
	}
	if len(s.Events) > 0 {
		fmt.Fprintln(w)
	}
	for _, e := range s.Events[max(0, len(s.Events)-shownEvents):] {
		fmt.Fprintln(w, eventLine(e, zone))
	}
}

func writeRow(w io.Writer, columns []column, cell func(column) string) {
	cells := make([]string, len(columns))
	for i, c := range columns {
		cells[i] = cell(c)
	}
	fmt.Fprintln(w, strings.Join(cells, "\t"))
}
