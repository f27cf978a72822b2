package main

import (
	"fmt"
	"io"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// redrawEvery is how often a terminal shows how far a command has come.
	redrawEvery = 250 * time.Millisecond
	// tellEvery is how often anything else is told.
	tellEvery = 10 * time.Second
)

// showProgress shows on the standard error stream what line returns, while a command
// runs: in place on a terminal, as a line every ten seconds elsewhere. stop ends that,
// and takes the line off a terminal.
func (p *program) showProgress(line func() string) (stop func()) {
	return showProgress(p.stderr, isTerminal(p.stderr), line)
}

func showProgress(w io.Writer, terminal bool, line func() string) (stop func()) {
	every, begin, end, last := tellEvery, "", "\n", ""
	if terminal {
		const clear = "\r\x1b[K"
		every, begin, end, last = redrawEvery, clear, "", clear
	}
	done := make(chan struct{})
	var showing sync.WaitGroup
	showing.Go(func() {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				fmt.Fprint(w, begin, line(), end)
			case <-done:
				fmt.Fprint(w, last)
				return
			}
		}
	})
	return sync.OnceFunc(func() {
		close(done)
		showing.Wait()
	})
}

// timeLeft says how long a command will need for the rest, when it has done the share
// of its work since it began: empty while that is a guess.
func timeLeft(began time.Time, share float64) string {
	passed := time.Since(began)
	if share < 0.01 || share >= 1 || passed < 3*time.Second {
		return ""
	}
	left := time.Duration(float64(passed) * (1 - share) / share)
	return fmt.Sprintf(", %s left", left.Round(time.Second))
}

// share is how much of its work a command has done, from 0 to 1. Any goroutine may ask.
type share struct{ bits atomic.Uint64 }

func (s *share) set(done float64) { s.bits.Store(math.Float64bits(done)) }

func (s *share) get() float64 { return math.Float64frombits(s.bits.Load()) }

// soFar says how much a command has done since it began and how long the rest takes.
func soFar(began time.Time, share float64) string {
	return fmt.Sprintf("%.0f%%%s", 100*share, timeLeft(began, share))
}

// megabytes writes a number of bytes for people.
func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
