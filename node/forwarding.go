package node

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"hedgehog/data/bus"
	"hedgehog/exchange"
	"hedgehog/strategy/naive"
)

// forwardQueue is how many events may wait between the bus and the forwarder.
const forwardQueue = 4096

// localEvents is the node's bus as the forwarder sees it.
type localEvents struct{ *Node }

// Subscribe hands deliver the events that are published on this node.
func (l localEvents) Subscribe(topic string, deliver func(event any)) (cancel func()) {
	return l.pump(bus.Topic(topic), deliver)
}

// Publish takes an event of another node: it is for those who watch, not for the
// parts of this node.
func (l localEvents) Publish(ctx context.Context, topic string, event any) error {
	return l.watched.Publish(ctx, bus.Topic(topic), event)
}

// pump hands a topic's events that are this node's to tell to deliver, in a
// goroutine that cancel waits for. A slow deliver misses events and holds up
// nobody.
func (n *Node) pump(topic bus.Topic, deliver func(event any)) (cancel func()) {
	sub := n.bus.Subscribe(bus.Options{Name: "forward " + string(topic), Capacity: forwardQueue, Lossy: true}, topic)
	ctx, stop := context.WithCancel(context.Background())
	var pumping sync.WaitGroup
	pumping.Go(func() {
		batch := make([]bus.Message, 256)
		for {
			count, err := sub.NextBatch(ctx, batch)
			if err != nil {
				return
			}
			if !n.tells(topic) {
				continue
			}
			for _, m := range batch[:count] {
				deliver(m.Event)
			}
		}
	})
	return func() {
		stop()
		pumping.Wait()
		sub.Close()
	}
}

// tells says whether this node's events of a topic are for watchers. Every node
// hears of all the account's orders; their owner tells of them, so that they are
// seen once.
func (n *Node) tells(topic bus.Topic) bool {
	kind, symbol, _ := strings.Cut(string(topic), ":")
	owner := n.state.Load().Assignments[symbol].Node
	return kind != bus.KindOrders || owner == "" || owner == n.config.Name
}

// watch makes the events of a topic, whichever node they happen on, arrive at
// n.watched until release is called.
func (n *Node) watch(topic bus.Topic) (release func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	w := n.watches[topic]
	if w == nil {
		here := n.pump(topic, func(event any) {
			_ = n.watched.Publish(context.Background(), topic, event) // watchers are lossy: nothing waits
		})
		elsewhere := n.forwarder.Want(string(topic))
		w = &watching{end: func() { here(); elsewhere() }}
		n.watches[topic] = w
	}
	w.count++
	return sync.OnceFunc(func() {
		n.mu.Lock()
		w.count--
		last := w.count == 0
		if last {
			delete(n.watches, topic)
		}
		n.mu.Unlock()
		if last {
			w.end()
		}
	})
}

// watching is a topic that somebody at this node watches.
type watching struct {
	count int
	end   func()
}

// codec writes the events that cross between nodes: the topic, a zero byte, the
// event as JSON.
type codec struct{}

// Append implements forward.Codec.
func (codec) Append(dst []byte, topic string, event any) ([]byte, error) {
	content, err := json.Marshal(event)
	if err != nil {
		return dst, fmt.Errorf("event of %s: %w", topic, err)
	}
	dst = append(dst, topic...)
	dst = append(dst, 0)
	return append(dst, content...), nil
}

// Decode implements forward.Codec.
func (codec) Decode(data []byte) (topic string, event any, err error) {
	name, content, found := strings.Cut(string(data), "\x00")
	if !found {
		return "", nil, fmt.Errorf("event without a topic")
	}
	parsed, err := bus.ParseTopic(name)
	if err != nil {
		return "", nil, err
	}
	kind, _, _ := strings.Cut(name, ":")
	switch kind {
	case bus.KindTradeEvents:
		event = new(exchange.TradeEvent)
	case bus.KindOrders:
		event = new(exchange.OrderUpdate)
	case bus.KindOHLC:
		event = new(exchange.Candle)
	case bus.KindPositions:
		event = new(naive.Position)
	default:
		event = new(naive.Settings)
	}
	if err := json.Unmarshal([]byte(content), event); err != nil {
		return "", nil, fmt.Errorf("event of %s: %w", parsed, err)
	}
	return name, event, nil
}
