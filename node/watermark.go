package node

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"hedgehog/cluster"
	"hedgehog/data/collector"
	"hedgehog/exchange"
	"hedgehog/storage"
)

// watermarkEvery is how often the cluster is told how far the trades of the
// owned symbols are stored. The next owner fetches again what lies behind that.
const watermarkEvery = time.Second

// reportWatermarks tells the cluster until ctx ends.
func (n *Node) reportWatermarks(ctx context.Context) error {
	tick := time.NewTicker(watermarkEvery)
	defer tick.Stop()
	told := make(map[string]int64)
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		change := n.watermarks(told)
		if len(change.Watermarks) == 0 {
			continue
		}
		if err := n.tellStored(ctx, change); err != nil {
			n.log.Debug("watermarks not told, trying again", "error", err)
			continue
		}
		maps.Copy(told, change.Watermarks)
	}
}

// watermarks returns what has been stored beyond what was told.
func (n *Node) watermarks(told map[string]int64) *storage.WatermarksChange {
	change := &storage.WatermarksChange{Node: n.config.Name, Epochs: make(map[string]int64), Watermarks: make(map[string]int64)}
	for symbol, a := range n.state.Load().Assignments {
		if a.Node != n.config.Name {
			continue
		}
		c := n.view(symbol).collector.Load()
		if c == nil {
			continue
		}
		if id := c.Stats().LastTradeID; id > told[symbol] {
			change.Watermarks[symbol], change.Epochs[symbol] = id, int64(a.Epoch)
		}
	}
	return change
}

// tellStored tells the cluster of trades that are stored by now, once they survive
// a loss of power as well: nobody will fetch them again.
func (n *Node) tellStored(ctx context.Context, change *storage.WatermarksChange) error {
	if err := n.store.db.Sync(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, watermarkEvery)
	defer cancel()
	_, err := n.propose(ctx, storage.Command{Watermarks: change})
	return err
}

// beginPatience is how long the first trades of a symbol wait in memory for the
// cluster to know of them: longer than it takes to elect a leader. Without a
// majority they are stored all the same after that.
const beginPatience = 3 * time.Second

// beginCollecting returns when the cluster knows from where on the symbol's trades
// are stored, and all up to the first of this collector are. Else a next owner
// would begin anywhere, and leave a hole.
func (n *Node) beginCollecting(ctx context.Context, symbol string, first int64) error {
	patient, cancel := context.WithTimeout(ctx, beginPatience)
	defer cancel()
	watermark, err := n.firstWatermark(patient, symbol, first-1)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		n.log.Warn("trades are stored of which the cluster does not know yet", "symbol", symbol, "first_id", first, "error", err)
		return nil
	}
	stored, _, err := n.store.db.LastTradeID(ctx, symbol)
	if err != nil {
		return err
	}
	return n.storeMissed(ctx, symbol, max(stored, watermark)+1, first-1)
}

// firstWatermark returns the symbol's watermark. Where there is none, the owner
// tells it, namely last, and others wait for that.
func (n *Node) firstWatermark(ctx context.Context, symbol string, last int64) (int64, error) {
	for {
		// In this order: whoever owned the symbol before has told by the time that it
		// is ours.
		a := n.state.Load().Assignments[symbol]
		id, known, err := n.store.db.Watermark(ctx, symbol)
		switch {
		case err != nil:
		case known:
			return id, nil
		case a.Node != n.config.Name:
			err = errNotOwner
		default:
			if err = n.tellFirst(ctx, a, last); err == nil {
				return last, nil
			}
		}
		if over := pause(ctx, proposePause); over != nil {
			return 0, fmt.Errorf("%w: %w", over, err)
		}
	}
}

// errNotOwner is returned when another node has to tell the watermark.
var errNotOwner = errors.New("the symbol's owner has not told the watermark")

// tellFirst tells the first watermark of a symbol, for its owner.
func (n *Node) tellFirst(ctx context.Context, a cluster.Assignment, id int64) error {
	_, some, err := n.store.db.LastTradeID(ctx, a.Symbol)
	if err == nil && some { // of before there were watermarks, or of a time without a majority
		err = n.store.db.Sync(ctx)
	}
	if err != nil {
		return err
	}
	r, err := n.propose(ctx, storage.Command{Watermarks: &storage.WatermarksChange{Node: a.Node,
		Epochs: map[string]int64{a.Symbol: int64(a.Epoch)}, Watermarks: map[string]int64{a.Symbol: id}}})
	if err == nil && r.Applied == 0 {
		err = errNotOwner
	}
	return err
}

// storeMissed stores the trades from first to last, of a stream that began before
// there was a watermark for it to go on from.
func (n *Node) storeMissed(ctx context.Context, symbol string, first, last int64) error {
	if first > last || last-first >= n.config.MaxBackfill { // else the streamer has given them up
		return nil
	}
	var missed collector.Batch
	for t, err := range exchange.MissedTrades(ctx, n.client, symbol, first, last) {
		if err != nil {
			return err
		}
		missed.Trades = append(missed.Trades, t)
	}
	return n.store.Write(ctx, missed)
}
