package node

import (
	"context"
	"errors"
	"time"

	"hedgehog/exchange"
	"hedgehog/storage"
)

// pruneEvery is how often a node with a retention deletes what has become too old.
const pruneEvery = time.Hour

// leastRetention is the shortest time that stored trades can be kept for: the
// longest candles are built again from those of the last day.
const leastRetention = 48 * time.Hour

// keepTrades deletes this node's stored trades once they are older than the
// retention, until ctx ends. A failure is logged and tried again an hour later.
func (n *Node) keepTrades(ctx context.Context) error {
	tick := time.NewTicker(pruneEvery)
	defer tick.Stop()
	for {
		if err := n.pruneTrades(ctx); err != nil && ctx.Err() == nil {
			n.log.Warn("old trades not deleted, trying again in an hour", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (n *Node) pruneTrades(ctx context.Context) error {
	symbols, err := n.store.db.HistorySymbols(ctx)
	if err != nil {
		return err
	}
	before := exchange.MicrosOf(n.now().Add(-n.config.KeepTrades))
	var errs []error
	for _, symbol := range symbols {
		pruned, err := n.store.db.Prune(ctx, symbol, storage.PruneOptions{Before: before})
		for _, p := range pruned {
			n.log.Info("old trades deleted", "symbol", symbol, "kind", p.Kind, "rows", p.Rows, "before", before.Time())
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
