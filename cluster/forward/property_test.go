package forward_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"hedgehog/cluster/forward"
)

// step is one thing that is done to a pair of nodes, of which b listens to a.
type step struct {
	Do     string
	Topics []string // the one that is wanted or released, or those of the events
}

func steps() *rapid.Generator[[]step] {
	topic := rapid.SampledFrom([]string{"T:X", "T:Y", "O:X"})
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
		s := step{Do: rapid.SampledFrom([]string{"want", "release", "happen", "happen", "cut"}).Draw(t, "do")}
		s.Topics = rapid.SliceOfN(topic, 1, 1).Draw(t, "topic")
		if s.Do == "happen" {
			s.Topics = rapid.SliceOfN(topic, 1, 40).Draw(t, "topics")
		}
		return s
	}), 1, 25)
}

// Whatever is wanted, released, published and cut, a node gets the events that
// happen while it is connected and wants their topic, all, in order, once.
func TestANodeGetsWhatItWants(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		batch := rapid.IntRange(1, 5).Draw(rt, "batch")
		script := steps().Draw(rt, "steps")
		var failure error
		synctest.Test(t, func(t *testing.T) { failure = play(t, batch, script) })
		if failure != nil {
			rt.Fatal(failure)
		}
	})
}

// play carries out the steps and says where they do not end as they should.
func play(t *testing.T, batch int, script []step) error {
	n, a, b := pair(t, func(c *forward.Config) { c.Batch = batch })
	defer stop(t, a, b)
	held := make(map[string][]func())
	event := 0
	for i, s := range script {
		topic, want := s.Topics[0], []string(nil)
		switch s.Do {
		case "want":
			held[topic] = append(held[topic], b.Want(topic))
		case "release":
			if last := len(held[topic]) - 1; last >= 0 {
				held[topic][last]()
				held[topic] = held[topic][:last]
			}
		case "cut":
			n.cut()
			elapse(10 * time.Second)
		case "happen":
			for _, topic := range s.Topics {
				event++
				a.happen(topic, fmt.Sprint(event))
				if len(held[topic]) > 0 {
					want = append(want, fmt.Sprint(topic, " ", event))
				}
			}
		}
		synctest.Wait()
		if got := b.take(); !slices.Equal(got, want) {
			return fmt.Errorf("step %d: received %q, want %q", i, got, want)
		}
	}
	return nil
}
