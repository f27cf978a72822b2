package judge_test

import (
	"testing"

	"hedgehog/node/judge"
)

// BenchmarkJournal judges a run of 5,000 entries.
func BenchmarkJournal(b *testing.B) {
	c := newCluster(b, 1, true)
	for len(c.record.events) < 5000 {
		c.trades(600)
	}
	events := c.record.events[:5000]
	b.ReportAllocs()
	for b.Loop() {
		j, err := judge.New(c.record.cfg)
		if err != nil {
			b.Fatal(err)
		}
		for _, e := range events {
			if e.entry != nil {
				j.Journal(*e.entry)
			} else {
				j.Assigned(e.assigned.at, symbol, e.assigned.node, 1, e.assigned.epoch)
			}
		}
		if v := j.Violations(); len(v) > 0 || j.Counts().Cycles < 500 {
			b.Fatalf("%+v\n%s", j.Counts(), lines(v))
		}
	}
}

// BenchmarkHistory checks 1,000 calls at one key, a third of unknown outcome.
func BenchmarkHistory(b *testing.B) {
	var h talk
	state := "0"
	for i := range 1000 {
		switch i % 3 {
		case 0:
			state = string(rune('a' + i%26))
			h.write("x", values{"chunks": state})
		case 1:
			h.read("y", values{"chunks": state})
		case 2:
			h.begin("z", values{"chunks": "unknown"})
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if found := h.Check(enough); len(found) > 0 {
			b.Fatal(lines(found))
		}
	}
}
