package server

import (
	"sync"

	"hedgehog/exchange"
)

// item is one frame that waits to be written: a trade, which the writer puts
// into words, or a ready payload.
type item struct {
	trade   *exchange.TradeEvent
	opcode  byte // of payload
	payload []byte
}

// outbox is the queue between those who have something for a client, the engine
// among them, and the one goroutine that writes to it. Nobody waits to put
// something in.
type outbox struct {
	limit int
	ready chan struct{} // holds a token while there may be items

	mu     sync.Mutex
	items  []item // guarded by mu
	full   bool   // guarded by mu: something had to be dropped
	closed bool   // guarded by mu: what comes is dropped
}

func newOutbox(limit int) *outbox {
	return &outbox{limit: limit, ready: make(chan struct{}, 1)}
}

// push adds i. It returns false when the queue is full.
func (o *outbox) push(i item) bool {
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return true
	}
	if len(o.items) >= o.limit {
		o.full = true
		o.mu.Unlock()
		return false
	}
	o.items = append(o.items, i)
	o.mu.Unlock()
	select {
	case o.ready <- struct{}{}:
	default:
	}
	return true
}

// take returns all items and leaves empty, a slice that is no longer used, in
// their place. full says that the queue has lost something.
func (o *outbox) take(empty []item) (items []item, full bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	items, o.items = o.items, empty[:0]
	return items, o.full
}

// close drops what is queued and what will come.
func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed, o.items = true, nil
}
