package sim

import (
	"context"
	"errors"
	"sync"
)

// streamBound is how many events a stream of a Local may fall behind.
const streamBound = 65_536

// errBehind ends a stream that has fallen behind by more than streamBound.
var errBehind = errors.New("stream has fallen behind")

// queue stands between the engine, which must not wait, and one sink.
type queue[T any] struct {
	mu      sync.Mutex // guards what follows
	events  []T
	pushed  int64
	handled int64         // by the sink, errors included
	behind  bool          // events was full
	ended   bool          // the sink takes no more
	changed chan struct{} // closed and made anew at every change
}

func newQueue[T any]() *queue[T] { return &queue[T]{changed: make(chan struct{})} }

// push adds an event and never blocks.
func (q *queue[T]) push(event T) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.events) == streamBound {
		q.behind = true
	} else if !q.behind {
		q.events = append(q.events, event)
	}
	q.pushed++
	q.signal()
}

// signal wakes whoever waits, with the lock held.
func (q *queue[T]) signal() {
	close(q.changed)
	q.changed = make(chan struct{})
}

// drain hands the events to handle until ctx ends (its cause), handle fails (its
// error) or the queue has overflowed (errBehind).
func (q *queue[T]) drain(ctx context.Context, handle func(context.Context, T) error) error {
	for {
		events, err := q.take(ctx)
		if err != nil {
			return err
		}
		for _, event := range events {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if err := handle(ctx, event); err != nil {
				return err
			}
			q.mu.Lock()
			q.handled++
			q.signal()
			q.mu.Unlock()
		}
	}
}

// take blocks until there are events and takes them all.
func (q *queue[T]) take(ctx context.Context) ([]T, error) {
	for {
		q.mu.Lock()
		events, behind, changed := q.events, q.behind, q.changed
		q.events = nil
		q.mu.Unlock()
		switch {
		case behind:
			return nil, errBehind
		case len(events) > 0:
			return events, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// end lets go of whoever awaits the sink.
func (q *queue[T]) end() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended = true
	q.signal()
}

// await blocks until the sink has handled what was pushed so far, or takes no
// more, or ctx ends.
func (q *queue[T]) await(ctx context.Context) error {
	q.mu.Lock()
	target := q.pushed
	q.mu.Unlock()
	for {
		q.mu.Lock()
		done, changed := q.ended || q.behind || q.handled >= target, q.changed
		q.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
