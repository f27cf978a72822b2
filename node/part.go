package node

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/thejerf/suture/v4"

	"hedgehog/exchange"
)

// The names of a symbol's parts, as the status shows them.
const (
	partStream    = "stream"
	partTrade     = "trade"
	partCollect   = "collect"
	partAggregate = "aggregate"
	partJournal   = "journal" // of positions, in the replicated log
)

// part is one thing that runs under a supervisor: run returns when ctx ends, or
// with an error when it is to be started again.
type part struct {
	name  string
	since exchange.Micros
	epoch uint64 // under which it acts; 0 for a part that does not act
	run   func(ctx context.Context) error
	// release gives back what the part holds while it is not running, such as its
	// subscription; called once, after run has returned for the last time.
	release func()

	token     suture.ServiceToken
	restarts  atomic.Int64
	lastError atomic.Pointer[string]
}

// Serve is how the supervisor calls run.
func (p *part) Serve(ctx context.Context) error { return p.run(ctx) }

// String names the part in the supervisor's events.
func (p *part) String() string { return p.name }

// failed counts a restart.
func (p *part) failed(reason string) {
	p.restarts.Add(1)
	p.lastError.Store(&reason)
}

// A part that fails is started again at once, and one that fails again soon
// after a pause.
const (
	failuresBeforePause = 1
	failurePause        = 2 * time.Second
	failuresForgotten   = 30 // seconds in which a failure's weight halves
)

// newSupervisor returns a supervisor that counts its parts' failures and logs
// them once each.
func newSupervisor(name string, log *slog.Logger) *suture.Supervisor {
	return suture.New(name, suture.Spec{
		EventHook:        func(e suture.Event) { onEvent(e, log) },
		FailureThreshold: failuresBeforePause,
		FailureBackoff:   failurePause,
		FailureDecay:     failuresForgotten,
		// A part is waited for as long as it takes: its successor must not run
		// beside it.
		Timeout: 24 * time.Hour,
	})
}

func onEvent(e suture.Event, log *slog.Logger) {
	switch e := e.(type) {
	case suture.EventServicePanic:
		if p, ok := e.Service.(*part); ok {
			p.failed("panic: " + e.PanicMsg)
		}
		log.Error("part panicked, starting it again", "part", e.ServiceName, "panic", e.PanicMsg, "stack", e.Stacktrace)
	case suture.EventServiceTerminate:
		err, _ := e.Err.(error)
		if errors.Is(err, context.Canceled) {
			return // stopped on purpose
		}
		reason := "ended without an error"
		if err != nil {
			reason = err.Error()
		}
		if p, ok := e.Service.(*part); ok {
			p.failed(reason)
		}
		log.Warn("part failed, starting it again", "part", e.ServiceName, "error", reason, "pause", !e.Restarting)
	}
}
