package node_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
	"hedgehog/node"
	"hedgehog/storage"
)

func TestANodeDeletesTradesThatAreOlderThanItsRetention(t *testing.T) {
	dir := t.TempDir()
	var trades []*exchange.TradeEvent
	for i, age := range []time.Duration{100 * time.Hour, 73 * time.Hour, 71 * time.Hour, time.Hour} {
		trades = append(trades, &exchange.TradeEvent{
			Symbol: "XRPUSDT", ID: int64(i) + 1, Price: decimal.New(1, 0), Quantity: decimal.New(1, 0), TradeTime: exchange.MicrosOf(time.Now().Add(-age)),
		})
	}
	db, err := storage.Open(t.Context(), filepath.Join(dir, "hedgehog.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Write(t.Context(), storage.Batch{Trades: trades}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	n := startNode(t, func(c *node.Config) { c.DataDir, c.KeepTrades = dir, 72*time.Hour })
	waitFor(t, "the old trades to go", func() ([]int64, bool) {
		stored, err := n.Trades(t.Context(), "XRPUSDT", 10)
		if err != nil {
			return nil, false
		}
		var ids []int64
		for _, s := range stored {
			ids = append(ids, s.ID)
		}
		return ids, slices.Equal(ids, []int64{3, 4})
	})
}

func TestARetentionThatLeavesTooLittleForCandlesIsRefused(t *testing.T) {
	c := node.DefaultConfig()
	c.KeepTrades = 47 * time.Hour
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "keep trades 47h0m0s") {
		t.Errorf("validate: %v, want an error that names the retention", err)
	}
}
