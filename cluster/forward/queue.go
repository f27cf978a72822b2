package forward

import "sync"

// item is an event that waits to be sent.
type item struct {
	topic string
	event any
}

// queue holds what waits for one peer: a ring that grows up to a limit and then
// gives up its oldest item for a new one. Items are numbered from 0 in the order
// in which they were put in.
type queue struct {
	limit int
	ready chan struct{} // has a value once items wait that nobody was told of

	mu     sync.Mutex
	ring   []item
	head   int    // where the oldest is
	length int    // how many wait
	oldest uint64 // the number of the oldest, or of the next when none waits
	closed bool
}

// firstRing is how many items a queue has room for at first.
const firstRing = 64

func newQueue(limit int) *queue {
	return &queue{limit: limit, ready: make(chan struct{}, 1), ring: make([]item, min(firstRing, limit))}
}

// put adds an item and reports whether the oldest one had to go. A closed queue
// takes nothing.
func (q *queue) put(i item) (dropped bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	if q.length == len(q.ring) {
		if dropped = q.length == q.limit; dropped {
			q.advance(1)
		} else {
			q.grow()
		}
	}
	q.ring[(q.head+q.length)%len(q.ring)] = i
	q.length++
	if q.length == 1 {
		select {
		case q.ready <- struct{}{}:
		default:
		}
	}
	return dropped
}

// take moves the oldest items into into, as many as there are and fit, and
// returns how many, and the number of the first. The others follow it without a gap.
func (q *queue) take(into []item) (first uint64, n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	first, n = q.oldest, min(len(into), q.length)
	end := min(q.head+n, len(q.ring))
	copied := copy(into, q.ring[q.head:end])
	copy(into[copied:n], q.ring)
	clear(q.ring[q.head:end])
	clear(q.ring[:n-copied])
	q.advance(n)
	return first, n
}

func (q *queue) waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.length
}

// close drops what waits, and says how much that was.
func (q *queue) close() (dropped int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	dropped = q.length
	q.closed, q.ring, q.head, q.length = true, nil, 0, 0
	return dropped
}

// advance is called with mu held.
func (q *queue) advance(n int) {
	if n == 0 {
		return
	}
	q.head = (q.head + n) % len(q.ring)
	q.length -= n
	q.oldest += uint64(n)
}

// grow is called with mu held and the ring full.
func (q *queue) grow() {
	ring := make([]item, min(2*len(q.ring), q.limit))
	n := copy(ring, q.ring[q.head:])
	copy(ring[n:], q.ring[:q.head])
	q.ring, q.head = ring, 0
}
