package main

import (
	"sync"

	"hedgehog/data/backtest"
	"hedgehog/exchange"
)

// batchesAhead is how many batches are read before they are wanted.
const batchesAhead = 3

// ahead returns the trades of source, which is read in a goroutine of its own while the
// trades before are worked on: where there is a second core, reading costs nothing or
// working does not. The goroutine ends with the loop over the trades.
func ahead(source backtest.Ticks) backtest.Ticks {
	type batch struct {
		ticks []exchange.Tick
		err   error
	}
	return func(yield func([]exchange.Tick, error) bool) {
		read, space := make(chan batch, batchesAhead), make(chan []exchange.Tick, batchesAhead)
		for range batchesAhead {
			space <- nil
		}
		stop := make(chan struct{})
		var reader sync.WaitGroup
		reader.Go(func() {
			defer close(read)
			for ticks, err := range source {
				select {
				case own := <-space:
					read <- batch{append(own[:0], ticks...), err} // there is room: as many batches as spaces
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
			space <- b.ticks
		}
	}
}
