package bus

import (
	"context"
	"sync"
	"sync/atomic"
)

// Event is what travels: a pointer to a type of package exchange or of the
// topic's owner. It is never changed once published.
type Event any

// Message is an event with the topic that it came on.
type Message struct {
	Topic Topic
	Event Event
}

// Bus connects publishers and subscriptions. All methods may be called by
// several goroutines at once.
type Bus struct {
	mu      sync.Mutex
	topics  map[Topic]*topic
	dropped uint64 // by lossy subscriptions that are closed
}

// topic holds its subscriptions in a slice that is replaced, never changed, so
// that publishing takes no lock.
type topic struct {
	subs atomic.Pointer[[]*Subscription]
}

// New returns a bus without subscriptions.
func New() *Bus { return &Bus{topics: make(map[Topic]*topic)} }

func (b *Bus) topic(name Topic) *topic {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.topicLocked(name)
}

func (b *Bus) topicLocked(name Topic) *topic {
	t := b.topics[name]
	if t == nil {
		t = new(topic)
		t.subs.Store(new([]*Subscription))
		b.topics[name] = t
	}
	return t
}

// Publisher publishes on one topic. It saves the topic's look-up per event.
type Publisher struct {
	name  Topic
	topic *topic
}

// Publisher returns a publisher for the topic.
func (b *Bus) Publisher(name Topic) Publisher {
	return Publisher{name: name, topic: b.topic(name)}
}

// Publish hands the event to every subscription of the topic. It blocks while
// a lossless one has a full queue, and returns an error only when ctx ends
// meanwhile, with ctx's cause: some subscriptions may then have the event and
// others not.
func (p Publisher) Publish(ctx context.Context, e Event) error {
	m := Message{Topic: p.name, Event: e}
	for _, s := range *p.topic.subs.Load() {
		if err := s.offer(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// Publish hands the event to every subscription of the topic, as
// Publisher.Publish does.
func (b *Bus) Publish(ctx context.Context, name Topic, e Event) error {
	return b.Publisher(name).Publish(ctx, e)
}

// Options describe a subscription.
type Options struct {
	// Name says whose it is, for figures and logs.
	Name string
	// Capacity is how many events may wait in the queue; DefaultCapacity when 0.
	Capacity int
	// Lossy drops the oldest waiting event instead of holding the publisher back.
	Lossy bool
}

// DefaultCapacity is the queue's length where Options names none.
const DefaultCapacity = 1024

// Subscribe returns a subscription that sees what is published on the topics
// from now on. The caller closes it.
func (b *Bus) Subscribe(o Options, topics ...Topic) *Subscription {
	if o.Capacity <= 0 {
		o.Capacity = DefaultCapacity
	}
	s := &Subscription{
		bus:     b,
		options: o,
		topics:  topics,
		queue:   make(chan Message, o.Capacity),
		closed:  make(chan struct{}),
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, name := range topics {
		t := b.topicLocked(name)
		subs := append(append([]*Subscription(nil), *t.subs.Load()...), s)
		t.subs.Store(&subs)
	}
	return s
}

func (b *Bus) unsubscribe(s *Subscription) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dropped += s.Dropped()
	for _, name := range s.topics {
		t := b.topicLocked(name)
		var subs []*Subscription
		for _, other := range *t.subs.Load() {
			if other != s {
				subs = append(subs, other)
			}
		}
		t.subs.Store(&subs)
	}
}

// Settle waits until every lossless subscription of the topics has dealt with
// all that it had been given: its owner has come back and asked for more. It
// returns ctx's cause when ctx ends first.
func (b *Bus) Settle(ctx context.Context, topics ...Topic) error {
	for _, name := range topics {
		for _, s := range *b.topic(name).subs.Load() {
			if err := s.settle(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}
