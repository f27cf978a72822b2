package storage_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"hedgehog/storage"
)

func TestStatsCountWritesAndWhatTheyWaitFor(t *testing.T) {
	db := newDB(t)
	writing, goOn := make(chan struct{}), make(chan struct{})
	type write struct{ waited, took time.Duration }
	var seen []write
	db.OnWrite(func(waited, took time.Duration) {
		seen = append(seen, write{waited, took})
		if len(seen) == 1 {
			close(writing)
			<-goOn
		}
	})
	ended := make(chan error, 2)
	go func() { ended <- db.Probe(context.Background()) }()
	<-writing
	go func() { ended <- db.Probe(context.Background()) }()
	for db.Stats().Waiting == 0 {
		runtime.Gosched()
	}
	waits := time.Now()
	runtime.Gosched()
	least := time.Since(waits)
	close(goOn)
	for range 2 {
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
	}
	if len(seen) != 2 || seen[1].waited < least || seen[1].took <= 0 {
		t.Errorf("seen %v, want two writes, the second of which waited for the first", seen)
	}
	s := db.Stats()
	if s.Waiting != 0 || s.Writes != 2 || s.Failed != 0 {
		t.Errorf("stats %+v, want 2 writes that worked", s)
	}
	if s.Size == 0 || s.Log == 0 {
		t.Errorf("stats %+v, want the sizes of file and log", s)
	}
}

func TestAWriteThatTheRulesRefuseIsNoFailureOfTheDisk(t *testing.T) {
	db := newDB(t)
	bad := trade(1)
	bad.Symbol = ""
	if _, err := db.Write(t.Context(), storage.Batch{Trades: append(trades(1), bad)}); !errors.Is(err, storage.ErrRefused) {
		t.Fatalf("a trade without a symbol: %v, want ErrRefused", err)
	}
	if s := db.Stats(); s.Writes != 1 || s.Failed != 0 {
		t.Errorf("stats %+v, want one write and no failure", s)
	}
}
