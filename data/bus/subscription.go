package bus

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
)

// ErrClosed is returned by Next and NextBatch once the subscription is closed.
var ErrClosed = errors.New("subscription is closed")

// Subscription is one consumer's queue. Next and NextBatch are for one
// goroutine; the other methods for any.
type Subscription struct {
	bus     *Bus
	options Options
	topics  []Topic

	queue     chan Message
	closed    chan struct{}
	closeOnce sync.Once
	dropped   atomic.Uint64

	// given counts what publishers handed over or are about to, handled what
	// the owner has dealt with; taken belongs to the owner's goroutine.
	given   atomic.Uint64
	handled atomic.Uint64
	taken   uint64

	waiting atomic.Int32 // settle calls under way
	mu      sync.Mutex
	wake    chan struct{} // closed and replaced when handled moves while somebody waits; guarded by mu
}

// offer hands m over, waiting for room or dropping the oldest as the options say.
func (s *Subscription) offer(ctx context.Context, m Message) error {
	if s.options.Lossy {
		s.offerLossy(m)
		return nil
	}
	s.given.Add(1)
	select {
	case s.queue <- m:
		return nil
	default:
	}
	select {
	case s.queue <- m:
		return nil
	case <-s.closed:
		return nil
	case <-ctx.Done():
		s.given.Add(^uint64(0))
		return context.Cause(ctx)
	}
}

func (s *Subscription) offerLossy(m Message) {
	for {
		select {
		case s.queue <- m:
			return
		default:
		}
		select {
		case <-s.queue:
			s.dropped.Add(1)
		default:
		}
	}
}

// Next returns the oldest waiting message, and waits for one when there is none.
// Coming back says that the message before is dealt with. It returns ErrClosed
// after Close and ctx's cause when ctx ends; a message that waits goes first.
func (s *Subscription) Next(ctx context.Context) (Message, error) {
	s.done()
	return s.take(ctx)
}

func (s *Subscription) take(ctx context.Context) (Message, error) {
	select {
	case m := <-s.queue:
		s.taken++
		return m, nil
	default:
	}
	select {
	case m := <-s.queue:
		s.taken++
		return m, nil
	case <-s.closed:
		return Message{}, ErrClosed
	case <-ctx.Done():
		return Message{}, context.Cause(ctx)
	}
}

// NextBatch waits as Next does for a first message and then takes what else is
// there, up to len(into) in all. It returns how many it took.
func (s *Subscription) NextBatch(ctx context.Context, into []Message) (int, error) {
	s.done()
	return s.More(ctx, into)
}

// More is NextBatch for who is not done with the messages before.
func (s *Subscription) More(ctx context.Context, into []Message) (int, error) {
	m, err := s.take(ctx)
	if err != nil {
		return 0, err
	}
	into[0] = m
	for n := 1; n < len(into); n++ {
		select {
		case into[n] = <-s.queue:
			s.taken++
		default:
			return n, nil
		}
	}
	return len(into), nil
}

// Close ends the subscription: publishers no longer see it, and what still
// waits is dropped. Closing again does nothing.
func (s *Subscription) Close() {
	s.closeOnce.Do(func() {
		s.bus.unsubscribe(s)
		close(s.closed)
	})
}

// Name returns the name given in the options.
func (s *Subscription) Name() string { return s.options.Name }

// Waiting returns how many messages wait in the queue.
func (s *Subscription) Waiting() int { return len(s.queue) }

// Dropped returns how many messages a lossy subscription has dropped.
func (s *Subscription) Dropped() uint64 { return s.dropped.Load() }

// done marks all that was taken as dealt with and wakes who waits for that.
func (s *Subscription) done() {
	if s.handled.Load() == s.taken {
		return
	}
	s.handled.Store(s.taken)
	if s.waiting.Load() == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wake != nil {
		close(s.wake)
		s.wake = nil
	}
}

// settle waits until all that was given has been dealt with. Lossy
// subscriptions have nothing to wait for.
func (s *Subscription) settle(ctx context.Context) error {
	if s.options.Lossy {
		return nil
	}
	s.waiting.Add(1)
	defer s.waiting.Add(-1)
	for {
		s.mu.Lock()
		if s.wake == nil {
			s.wake = make(chan struct{})
		}
		wake := s.wake
		s.mu.Unlock()
		if s.handled.Load() >= s.given.Load() {
			return nil
		}
		select {
		case <-wake:
		case <-s.closed:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
