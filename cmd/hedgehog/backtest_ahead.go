package main

import (
	"sync"

	"hedgehog/data/backtest"
	"hedgehog/exchange"
)

const (
	// ticksPerBatch is how many trades are read at once: few enough that all batches
	// under way stay in the processor's cache.
	ticksPerBatch = 2048
	// batchesAhead is how many batches are read before they are wanted.
	batchesAhead = 4
)

// spaces are what batches are read into, one after the other. A batch stays as it is
// until as many further ones have been begun: while it is worked on, batchesAhead
// wait, one waits for its turn and one is being read.
type spaces struct {
	all  [batchesAhead + 3][]exchange.Tick
	next int
}

// take returns the next space.
func (s *spaces) take() []exchange.Tick {
	space := &s.all[s.next]
	s.next = (s.next + 1) % len(s.all)
	if *space == nil {
		*space = make([]exchange.Tick, ticksPerBatch)
	}
	return *space
}

// ahead returns the trades of source, which is read in a goroutine of its own while the
// trades before are worked on: where there is a second core, reading costs nothing or
// working does not. The batches of source must be in spaces. The goroutine ends with
// the loop over the trades.
func ahead(source backtest.Ticks) backtest.Ticks {
	type batch struct {
		ticks []exchange.Tick
		err   error
	}
	return func(yield func([]exchange.Tick, error) bool) {
		read, stop := make(chan batch, batchesAhead), make(chan struct{})
		var reader sync.WaitGroup
		reader.Go(func() {
			defer close(read)
			for ticks, err := range source {
				select {
				case read <- batch{ticks, err}:
				case <-stop:
					return
				}
			}
		})
		defer reader.Wait()
		defer close(stop)
		for b := range read {
			if !yield(b.ticks, b.err) {
				return
			}
		}
	}
}
