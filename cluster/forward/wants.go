package forward

import (
	"slices"
	"sync"
)

// wants counts who on this node listens to which topic.
type wants struct {
	mu      sync.RWMutex
	counts  map[string]int
	changed chan struct{} // closed and replaced when a topic comes or goes
}

func newWants() *wants {
	return &wants{counts: make(map[string]int), changed: make(chan struct{})}
}

func (w *wants) add(topic string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counts[topic]++
	if w.counts[topic] == 1 {
		w.signal()
	}
}

func (w *wants) remove(topic string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counts[topic]--
	if w.counts[topic] == 0 {
		delete(w.counts, topic)
		w.signal()
	}
}

// signal is called with mu held.
func (w *wants) signal() {
	close(w.changed)
	w.changed = make(chan struct{})
}

func (w *wants) has(topic string) bool {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.counts[topic] > 0
}

// any reports whether anything is wanted; changed is closed at the next change.
func (w *wants) any() (some bool, changed <-chan struct{}) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return len(w.counts) > 0, w.changed
}

// update makes told equal to what is wanted and returns the differences, sorted.
// changed is closed at the next change.
func (w *wants) update(told map[string]struct{}) (more, less []string, changed <-chan struct{}) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	for topic := range told {
		if w.counts[topic] == 0 {
			less = append(less, topic)
			delete(told, topic)
		}
	}
	for topic := range w.counts {
		if _, known := told[topic]; !known {
			more = append(more, topic)
			told[topic] = struct{}{}
		}
	}
	slices.Sort(more)
	slices.Sort(less)
	return more, less, w.changed
}
