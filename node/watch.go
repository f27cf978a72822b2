package node

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"hedgehog/data/bus"
	"hedgehog/node/api"
	"hedgehog/node/live"
)

// watchQueue is how many events may wait for a watcher before the oldest is dropped.
const watchQueue = 1024

// A line is sent at least this often, if only an empty one, so that both ends
// notice when the other is gone.
const watchHeartbeat = 15 * time.Second

// getWatch sends what passes on a topic, one JSON object a line, until the
// watcher leaves. A watcher that is too slow misses events and is told how many.
func (n *Node) getWatch(w http.ResponseWriter, r *http.Request) error {
	sub, release, err := n.subscribeWatched(r.Context(), r.URL.Query().Get("topic"))
	if err != nil {
		return err
	}
	defer release()
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.WriteHeader(http.StatusOK)
	_ = sendWatched(r.Context(), w, sub) // the answer has begun: it ends with the connection
	return nil
}

// subscribeWatched subscribes to a topic, on whichever node it is published, until
// release is called. Who is too slow misses events.
func (n *Node) subscribeWatched(ctx context.Context, name string) (sub *bus.Subscription, release func(), err error) {
	topic, err := bus.ParseTopic(name)
	if err != nil {
		return nil, nil, badRequest("%v", err)
	}
	if _, err := n.store.db.Settings(ctx, topic.Symbol()); err != nil {
		return nil, nil, err
	}
	sub = n.watched.Subscribe(bus.Options{Name: "watch " + name, Capacity: watchQueue, Lossy: true}, topic)
	end := n.watch(topic)
	return sub, func() {
		end()
		sub.Close()
	}, nil
}

// sendWatched sends what the subscription has until ctx ends or writing fails.
func sendWatched(ctx context.Context, w http.ResponseWriter, sub *bus.Subscription) error {
	out := http.NewResponseController(w)
	if err := out.Flush(); err != nil {
		return err
	}
	var told uint64
	var known live.Fresh
	batch := make([]bus.Message, 256)
	for {
		count, err := nextWithin(ctx, sub, batch)
		if err != nil {
			return err
		}
		var lines bytes.Buffer
		encoder := json.NewEncoder(&lines)
		if count == 0 {
			lines.WriteByte('\n')
		}
		for _, m := range batch[:count] {
			if !known.IsNew(m.Event) {
				continue
			}
			if err := encoder.Encode(api.Message{Topic: string(m.Topic), Event: m.Event}); err != nil {
				return err
			}
		}
		if dropped := sub.Dropped(); dropped > told {
			if err := encoder.Encode(api.Message{Dropped: dropped - told}); err != nil {
				return err
			}
			told = dropped
		}
		if _, err := w.Write(lines.Bytes()); err != nil {
			return err
		}
		if err := out.Flush(); err != nil {
			return err
		}
	}
}

// nextWithin returns the next messages, none when the heartbeat's time passes
// before there is one.
func nextWithin(ctx context.Context, sub *bus.Subscription, batch []bus.Message) (int, error) {
	beat, cancel := context.WithTimeout(ctx, watchHeartbeat)
	defer cancel()
	count, err := sub.NextBatch(beat, batch)
	if err != nil && ctx.Err() == nil && beat.Err() != nil {
		return 0, nil
	}
	return count, err
}
