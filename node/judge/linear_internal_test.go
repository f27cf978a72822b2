package judge

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"pgregory.net/rapid"
)

// explained says, by trying every order, whether one explains the calls.
func explained(calls []call, state map[string]string) bool {
	mayEnd := true
	for i, c := range calls {
		mayEnd = mayEnd && c.returned == open
		if slices.ContainsFunc(calls, func(o call) bool { return o.returned < c.invoked }) {
			continue // another one has to come first
		}
		rest := slices.Delete(slices.Clone(calls), i, i+1)
		if ok, after := register.Step(state, c, nil); ok && explained(rest, after.(map[string]string)) {
			return true
		}
	}
	return mayEnd
}

func drawCalls(t *rapid.T) []call {
	calls := make([]call, rapid.IntRange(2, 6).Draw(t, "calls"))
	var steps []int64
	for i := range calls {
		steps = append(steps, int64(2*i+1), int64(2*i+2))
	}
	steps = rapid.Permutation(steps).Draw(t, "steps")
	for i := range calls {
		c := &calls[i]
		c.invoked, c.returned = min(steps[2*i], steps[2*i+1]), max(steps[2*i], steps[2*i+1])
		value := map[string]string{
			rapid.SampledFrom([]string{"chunks", "pin"}).Draw(t, "field"): fmt.Sprint(rapid.IntRange(0, 1).Draw(t, "value")),
		}
		switch {
		case rapid.Bool().Draw(t, "read"):
			c.read = value
		case rapid.Bool().Draw(t, "answered"):
			c.Write = value
		default:
			c.Write, c.returned = value, open
		}
	}
	return calls
}

func TestTheCheckerAgreesWithTryingEveryOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		calls := drawCalls(t)
		want := porcupine.Illegal
		if explained(calls, map[string]string{}) {
			want = porcupine.Ok
		}
		got, part := judgeCalls(calls, time.Now().Add(time.Minute))
		if got != want {
			t.Fatalf("%s, want %s:\n%s", got, want, describeCalls(calls))
		}
		if want == porcupine.Illegal && explained(part, map[string]string{}) {
			t.Fatalf("the part has an order:\n%s\nof\n%s", describeCalls(part), describeCalls(calls))
		}
	})
}

func TestAShortenedHistoryStillHasNoOrderAndNoReadToSpare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		calls := drawCalls(t)
		if explained(calls, map[string]string{}) {
			t.Skip("this one has an order")
		}
		short := shorten(calls, time.Now().Add(time.Minute))
		if explained(short, map[string]string{}) {
			t.Fatalf("has an order:\n%s\nof\n%s", describeCalls(short), describeCalls(calls))
		}
		for i := range short {
			part := slices.Delete(slices.Clone(short), i, i+1)
			if short[i].Write == nil && !explained(part, map[string]string{}) {
				t.Fatalf("the read %d is to spare:\n%s", i, describeCalls(short))
			}
		}
	})
}
