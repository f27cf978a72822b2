package consensus

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
)

// repeatAfter is how long a message of the library stays at debug after it was
// logged: while a peer is down it has one for every attempt to reach it.
const repeatAfter = 10 * time.Second

// bridge is the hclog.Logger of raft and its log store on a slog.Logger. The
// library's levels are one lower here: its information is of use to who debugs
// it, and its errors are what it retries.
type bridge struct {
	hclog.Logger // the parts of the interface that the library does not use
	log          *slog.Logger
	repeats      *repeats
}

// repeats is shared by a bridge and those derived from it.
type repeats struct {
	quiet atomic.Bool // the end: broken connections are meant to be

	mu   sync.Mutex
	last map[string]time.Time
}

func newBridge(log *slog.Logger) *bridge {
	return &bridge{Logger: hclog.NewNullLogger(), log: log, repeats: &repeats{last: make(map[string]time.Time)}}
}

// quieten puts all that follows at debug.
func (b *bridge) quieten() { b.repeats.quiet.Store(true) }

func (b *bridge) Log(level hclog.Level, msg string, args ...any) {
	to := slog.LevelDebug
	switch level {
	case hclog.Warn:
		to = slog.LevelInfo
	case hclog.Error:
		to = slog.LevelWarn
	}
	if to > slog.LevelDebug && b.repeats.repeated(msg) {
		to = slog.LevelDebug
	}
	ctx := context.Background()
	if !b.log.Enabled(ctx, to) {
		return
	}
	b.log.Log(ctx, to, msg, plain(args)...)
}

func (r *repeats) repeated(msg string) bool {
	if r.quiet.Load() {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if last, ok := r.last[msg]; ok && now.Sub(last) < repeatAfter {
		return true
	}
	r.last[msg] = now
	return false
}

func (b *bridge) Trace(msg string, args ...any) { b.Log(hclog.Trace, msg, args...) }
func (b *bridge) Debug(msg string, args ...any) { b.Log(hclog.Debug, msg, args...) }
func (b *bridge) Info(msg string, args ...any)  { b.Log(hclog.Info, msg, args...) }
func (b *bridge) Warn(msg string, args ...any)  { b.Log(hclog.Warn, msg, args...) }
func (b *bridge) Error(msg string, args ...any) { b.Log(hclog.Error, msg, args...) }

func (b *bridge) With(args ...any) hclog.Logger {
	return &bridge{Logger: b.Logger, log: b.log.With(plain(args)...), repeats: b.repeats}
}

func (b *bridge) Named(string) hclog.Logger      { return b }
func (b *bridge) ResetNamed(string) hclog.Logger { return b }

// plain makes the library's values readable in any slog handler.
func plain(args []any) []any {
	out := make([]any, len(args))
	for i, arg := range args {
		switch v := arg.(type) {
		case string, bool, int, int64, uint64, time.Duration, error:
			out[i] = v
		case hclog.Format:
			if format, ok := v[0].(string); ok {
				out[i] = fmt.Sprintf(format, v[1:]...)
			}
		default:
			out[i] = fmt.Sprint(v)
		}
	}
	return out
}
