package simulation_test

import (
	"time"
	"unsafe"
)

// clock is the clock of one machine: it may run fast or slow all the time, and its
// time of day may be set while it runs.
type clock struct {
	offset time.Duration // of the time of day, from the true one
	boot   time.Duration // of the monotonic reading
	ppm    int64         // how much faster than true time, in parts per million
}

// at is what time.Now returns on the machine when elapsed has truly passed since
// the world began.
func (c clock) at(began time.Time, elapsed time.Duration) time.Time {
	ran := elapsed + elapsed*time.Duration(c.ppm)/1_000_000
	return stamp(began.Add(c.offset+ran), c.boot+ran)
}

// stamp returns a time of day with a monotonic reading that need not agree with
// it: package time makes none, but every clock that is set while a program runs
// does. It relies on how package time lays out a Time, which a test checks.
func stamp(day time.Time, monotonic time.Duration) time.Time {
	const (
		hasMonotonic  = 1 << 63
		secondsTo1885 = 2_682_288_000 // from 1885 to 1970
		nanosecondBit = 30
	)
	t := time.Unix(0, 0)
	raw := (*struct {
		wall uint64
		ext  int64
		loc  *time.Location
	})(unsafe.Pointer(&t))
	raw.wall = hasMonotonic | uint64(day.Unix()+secondsTo1885)<<nanosecondBit | uint64(day.Nanosecond())
	raw.ext = int64(monotonic)
	return t
}
