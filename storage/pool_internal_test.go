package storage

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
)

func openNew(t *testing.T) *DB {
	t.Helper()
	db, err := Open(t.Context(), filepath.Join(t.TempDir(), "hedgehog.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func TestWhoFindsTheConnectionTakenWaitsForItOrForTheEndOfHisContext(t *testing.T) {
	db := openNew(t)
	c, err := db.writer.take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	waited := make(chan error)
	go func() { waited <- db.Sync(ctx) }()
	gone := errors.New("no longer the owner")
	cancel(gone)
	if err := <-waited; !errors.Is(err, gone) {
		t.Errorf("sync with its context ended: %v, want %v", err, gone)
	}
	go func() { waited <- db.Sync(t.Context()) }()
	db.writer.give(c)
	if err := <-waited; err != nil {
		t.Errorf("sync when the connection is free again: %v", err)
	}
}

// Statements stay prepared, so their number must not grow with what is done.
func TestTheSameWorkPreparesNothingMore(t *testing.T) {
	db, index := openNew(t), uint64(0)
	work := func() {
		t.Helper()
		index++
		data, err := Command{Seed: []string{"A", "B"}}.Encode()
		if err != nil {
			t.Fatal(err)
		}
		_, applyErr := db.ApplyEntries(t.Context(), []Entry{{Index: index, Term: 1, Data: data}})
		_, writeErr := db.Write(t.Context(), Batch{Trades: []*exchange.TradeEvent{{Symbol: "A", ID: int64(index),
			Price: decimal.New(1, 0), Quantity: decimal.New(1, 0), TradeTime: exchange.Micros(index)}}})
		_, listErr := db.Candles(t.Context(), "A", 1, CandleRange{Limit: int(index)})
		_, stateErr := db.ClusterState(t.Context())
		if err := errors.Join(applyErr, writeErr, listErr, stateErr, db.Sync(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	prepared := func(p *pool) int {
		t.Helper()
		if len(p.idle) != 1 {
			t.Fatalf("%d connections are open, want the one that is used again", len(p.idle))
		}
		c := <-p.idle
		defer p.give(c)
		return len(c.prepared)
	}
	work()
	work()
	writer, reader := prepared(db.writer), prepared(db.reader)
	for range 10 {
		work()
	}
	if w, r := prepared(db.writer), prepared(db.reader); w != writer || r != reader || w == 0 || r == 0 {
		t.Errorf("%d and %d statements are prepared to write and to read, %d and %d before", w, r, writer, reader)
	}
}
