package simulation_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"strings"
	"sync"
	"time"
)

// wires is a small network to try the models on.
type wires struct {
	seed  uint64
	began time.Time

	mu     sync.Mutex
	loss   int // of a hundred messages
	lives  map[string]*life
	cuts   map[link]bool
	pauses map[string]chan struct{} // closed when the node goes on
	text   strings.Builder
}

func newWires(seed uint64) *wires {
	return &wires{
		seed: seed, began: time.Now(),
		lives: make(map[string]*life), cuts: make(map[link]bool), pauses: make(map[string]chan struct{}),
	}
}

// begin begins a life of the node.
func (w *wires) begin(name string) *life {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := &life{name: name, ended: make(chan struct{})}
	w.lives[name] = l
	return l
}

// end ends a life, unless it is over.
func (w *wires) end(l *life) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if l.over() {
		return
	}
	close(l.ended)
	if w.lives[l.name] == l {
		delete(w.lives, l.name)
		w.resumeLocked(l.name)
	}
}

func (w *wires) alive(name string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lives[name] != nil
}

func (w *wires) pause(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lives[name] != nil && w.pauses[name] == nil {
		w.pauses[name] = make(chan struct{})
	}
}

func (w *wires) resume(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.resumeLocked(name)
}

func (w *wires) resumeLocked(name string) {
	if p := w.pauses[name]; p != nil {
		close(p)
		delete(w.pauses, name)
	}
}

// cut keeps messages from one of the nodes away from another, or lets them through.
func (w *wires) cut(from, to string, cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cuts[link{from, to}] = cut
}

// isolate cuts the node off from the others, or connects it.
func (w *wires) isolate(name string, cut bool, others ...string) {
	for _, other := range others {
		if other != name {
			w.cut(name, other, cut)
			w.cut(other, name, cut)
		}
	}
}

func (w *wires) reach(from, to string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lives[from] != nil && w.lives[to] != nil && !w.cuts[link{from, to}]
}

func (w *wires) paused(name string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.pauses[name] != nil
}

func (w *wires) gate(ctx context.Context, l *life) error {
	for {
		w.mu.Lock()
		pause := w.pauses[l.name]
		w.mu.Unlock()
		switch {
		case l.over():
			return errOver
		case pause == nil:
			return ctx.Err()
		}
		select {
		case <-pause:
		case <-l.ended:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// lose has so many of a hundred messages get lost.
func (w *wires) lose(loss int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.loss = loss
}

func (w *wires) way(from, to, what string) (time.Duration, bool) {
	w.mu.Lock()
	loss := w.loss
	w.mu.Unlock()
	what = from + ">" + to + " " + what
	return 50*time.Microsecond + time.Duration(w.dice(what, 1_500_000)), w.dice(what+" lost", 100) < loss
}

func (w *wires) dice(what string, n int) int {
	h := fnv.New64a()
	_, _ = h.Write(binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, w.seed), uint64(time.Since(w.began))))
	_, _ = h.Write([]byte(what))
	return int((h.Sum64() * 0x9e3779b97f4a7c15 >> 17) % uint64(n))
}

func (w *wires) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fmt.Fprintf(&w.text, "%12.6f  %s\n", time.Since(w.began).Seconds(), fmt.Sprintf(format, args...))
}

// timeline is what was noted.
func (w *wires) timeline() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}
