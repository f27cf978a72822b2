package live

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"hedgehog/data/bus"
	"hedgehog/node/api"
)

// topics are what a client watches. All methods are for one goroutine.
type topics struct {
	source  Source
	frames  chan<- api.LiveFrame
	watched map[string]*watched
}

// watched is one topic that is being watched.
type watched struct {
	stop    func()
	pumping sync.WaitGroup
}

func newTopics(source Source, frames chan<- api.LiveFrame) topics {
	return topics{source: source, frames: frames, watched: make(map[string]*watched)}
}

// replace has exactly the named topics watched, until ctx ends, and returns them
// sorted. What is watched already goes on without a break. On an error everything
// stays as it was.
func (t *topics) replace(ctx context.Context, names []string) ([]string, error) {
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	if len(names) > api.MaxLiveTopics {
		return nil, fmt.Errorf("watch %d topics: %d at most", len(names), api.MaxLiveTopics)
	}
	var added []string
	for _, name := range names {
		if t.watched[name] != nil {
			continue
		}
		w, err := t.watch(ctx, name)
		if err != nil {
			for _, other := range added {
				t.drop(other)
			}
			return nil, err
		}
		t.watched[name] = w
		added = append(added, name)
	}
	for name := range t.watched {
		if !slices.Contains(names, name) {
			t.drop(name)
		}
	}
	return append([]string{}, names...), nil
}

func (t *topics) close() {
	for name := range t.watched {
		t.drop(name)
	}
}

func (t *topics) drop(name string) {
	t.watched[name].stop()
	t.watched[name].pumping.Wait()
	delete(t.watched, name)
}

// watch begins to pump a topic's events into frames.
func (t *topics) watch(ctx context.Context, name string) (*watched, error) {
	sub, release, err := t.source.Watch(ctx, name)
	if err != nil {
		return nil, err
	}
	pumpCtx, stop := context.WithCancel(ctx)
	w := &watched{stop: stop}
	w.pumping.Go(func() {
		defer release()
		t.pump(pumpCtx, name, sub)
	})
	return w, nil
}

// pump hands events on until ctx ends. What waits for the writer waits in the
// subscription, which counts what it drops.
func (t *topics) pump(ctx context.Context, name string, sub *bus.Subscription) {
	var told uint64
	var known Fresh
	for {
		message, err := sub.Next(ctx)
		if err != nil {
			return
		}
		if dropped := sub.Dropped(); dropped > told {
			if !t.hand(ctx, api.LiveFrame{Kind: api.LiveDropped, Topic: name, Count: dropped - told}) {
				return
			}
			told = dropped
		}
		if !known.IsNew(message.Event) {
			continue
		}
		frame := frameOf(api.LiveMessage, message.Event)
		frame.Topic = name
		if !t.hand(ctx, frame) {
			return
		}
	}
}

// hand gives a frame to the writer, false when ctx ends first.
func (t *topics) hand(ctx context.Context, frame api.LiveFrame) bool {
	select {
	case t.frames <- frame:
		return true
	case <-ctx.Done():
		return false
	}
}
