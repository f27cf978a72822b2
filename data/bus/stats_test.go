package bus_test

import (
	"testing"

	"hedgehog/data/bus"
)

func TestStatsCountWhatWaitsAndWhatWasEverDropped(t *testing.T) {
	b := bus.New()
	if s := b.Stats(); s != (bus.Stats{}) {
		t.Errorf("a bus without subscriptions has %+v", s)
	}
	lossless := b.Subscribe(bus.Options{Capacity: 8}, "ORDERS:A", "OHLC:A")
	defer lossless.Close()
	lossy := b.Subscribe(bus.Options{Capacity: 1, Lossy: true}, "ORDERS:A")
	publish(t, b, "ORDERS:A", 1, 2, 3)
	publish(t, b, "OHLC:A", 4)
	if s, want := b.Stats(), (bus.Stats{Subscriptions: 2, Waiting: 5, Fullest: 0.5, Dropped: 2}); s != want {
		t.Errorf("got %+v, want %+v", s, want)
	}
	lossy.Close()
	lossy.Close()
	next(t, lossless)
	if s, want := b.Stats(), (bus.Stats{Subscriptions: 1, Waiting: 3, Fullest: 0.375, Dropped: 2}); s != want {
		t.Errorf("after one was closed: got %+v, want %+v", s, want)
	}
}
