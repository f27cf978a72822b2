package simulation_test

import (
	"testing"
	"time"
)

func TestAClockThatIsSetKeepsItsMonotonicReading(t *testing.T) {
	began := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	c := clock{boot: time.Minute, ppm: 1000}
	first := c.at(began, 0)
	c.offset = -time.Hour
	second := c.at(began, 10*time.Second)
	if took := second.Sub(first); took != 10*time.Second+10*time.Millisecond {
		t.Errorf("by its monotonic reading %v have passed, want 10.01 s", took)
	}
	if day := first.UTC().Round(0); !day.Equal(began) {
		t.Errorf("the time of day is %v, want %v", day, began)
	}
	if day := second.Round(0).Sub(first.Round(0)); day != 10*time.Second+10*time.Millisecond-time.Hour {
		t.Errorf("the time of day has moved by %v", day)
	}
}
