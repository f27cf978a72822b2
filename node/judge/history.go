package judge

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"

	"hedgehog/exchange"
)

// Call is something that a user of the cluster asks for: a change of what is
// there under a key, or what is there. A key is what changes as one, such as a
// symbol with its settings, its assignment and its pin; each of these is a field.
type Call struct {
	Client string
	Key    string
	// Write are the fields that are changed with their new values; nil for a read.
	Write map[string]string
	// Behind says that a read is answered from one node's own copy, which may be
	// behind: what it shows has to have been there at some time before the answer.
	Behind bool
}

// History records calls and what became of them, in the order in which it is told.
// Its zero value is ready. Its methods may be called by several goroutines at once:
// Invoke before the call is sent, the others after its answer has come. A call
// that is neither returned nor refused has an unknown outcome: it may happen at
// any later time, or never.
type History struct {
	mu    sync.Mutex
	calls []call
	steps int64 // invocations and returns so far
}

// call is a call with its outcome. Calls are shared by slices and never changed
// once History has handed them on.
type call struct {
	Call
	read              map[string]string // what the answer says is there after the call
	invoked, returned int64             // steps
	from, to          exchange.Micros   // the same as times, for people
	refused           bool
}

// open is the step at which calls with an unknown outcome return.
const open = math.MaxInt64

// Invoke notes that a call is made, at a time that is for people alone, and
// returns the id to end it with.
func (h *History) Invoke(at exchange.Micros, c Call) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.steps++
	c.Write = maps.Clone(c.Write)
	h.calls = append(h.calls, call{Call: c, invoked: h.steps, returned: open, from: at})
	return len(h.calls) - 1
}

// Return notes that a call has happened, and the fields that its answer shows: of
// a write as they are after it, nil where it shows none.
func (h *History) Return(at exchange.Micros, id int, shown map[string]string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.steps++
	c := &h.calls[id]
	c.read, c.returned, c.to = maps.Clone(shown), h.steps, at
}

// Refuse notes that a call was refused and has changed nothing.
func (h *History) Refuse(id int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls[id].refused = true
}

// Check looks, key by key, for one order of the calls that explains all answers:
// each call takes effect at one moment between its invocation and its return. A
// field's first value is what it is first seen to be. It takes up to timeout of
// real time, and half as much again to shorten what it shows.
func (h *History) Check(timeout time.Duration) []Violation {
	h.mu.Lock()
	byKey := make(map[string][]call)
	for _, c := range h.calls {
		if !c.refused && (c.Write != nil || c.returned != open) {
			byKey[c.Key] = append(byKey[c.Key], c)
		}
	}
	h.mu.Unlock()
	deadline := time.Now().Add(timeout)
	var found []Violation
	for _, key := range slices.Sorted(maps.Keys(byKey)) {
		result, calls := judgeCalls(byKey[key], deadline)
		switch result {
		case porcupine.Illegal:
			calls = shorten(calls, time.Now().Add(timeout/2))
			found = append(found, Violation{At: lastTime(calls), Rule: Linearizable, Symbol: key,
				Text: "no order of these calls explains their answers:\n" + describeCalls(calls)})
		case porcupine.Unknown:
			found = append(found, Violation{At: lastTime(calls), Rule: Undecided, Symbol: key,
				Text: fmt.Sprintf("%d calls could not be judged within %s", len(calls), timeout)})
		}
	}
	return found
}

func lastTime(calls []call) (last exchange.Micros) {
	for _, c := range calls {
		last = max(last, c.from, c.to)
	}
	return last
}

// describeCalls shows the calls one a line, in the order in which they were made.
func describeCalls(calls []call) string {
	const clock = "15:04:05.000000"
	lines := make([]string, 0, len(calls))
	for _, c := range slices.SortedFunc(slices.Values(calls), func(a, b call) int { return cmp.Compare(a.invoked, b.invoked) }) {
		did := "reads"
		if c.Write != nil {
			did = "writes " + fields(c.Write)
		} else if c.Behind {
			did = "reads a copy"
		}
		line := fmt.Sprintf("  %s %s %s", c.from.Time().Format(clock), c.Client, did)
		if c.returned == open {
			line += ", outcome unknown"
		} else {
			line += ", done at " + c.to.Time().Format(clock)
		}
		if len(c.read) > 0 {
			line += ", shows " + fields(c.read)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func fields(f map[string]string) string {
	text := make([]string, 0, len(f))
	for _, name := range slices.Sorted(maps.Keys(f)) {
		text = append(text, name+"="+f[name])
	}
	return strings.Join(text, " ")
}
