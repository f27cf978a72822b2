package node

import (
	"fmt"
	"testing"

	"hedgehog/node/api"
)

func TestNewEventsAreThoseSinceTheLastLook(t *testing.T) {
	var h history
	add := func(count int) {
		for range count {
			h.add(api.ClusterEvent{Text: fmt.Sprint(h.added)})
		}
	}
	var seen uint64
	for _, step := range []struct {
		added, events int
		first         string
	}{
		{0, 0, ""}, {3, 3, "0"}, {0, 0, ""}, {2, 2, "3"},
		{historyLength, historyLength, "5"},
		{historyLength + 7, historyLength, "1012"}, // what was forgotten before it was seen
	} {
		add(step.added)
		var events []api.ClusterEvent
		events, seen = h.since(seen)
		if len(events) != step.events || len(events) > 0 && events[0].Text != step.first {
			t.Errorf("after %d more: %d events %+v, want %d from %s on", step.added, len(events), events[:min(1, len(events))], step.events, step.first)
		}
	}
	if events, _ := h.since(0); len(events) != historyLength {
		t.Errorf("who has seen nothing gets %d events, want all that are remembered", len(events))
	}
}
