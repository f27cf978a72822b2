package gossip

import (
	"bytes"
	"context"
	"log"
	"log/slog"

	"golang.org/x/time/rate"
)

// textLimit bounds what is kept of a line, in bytes.
const textLimit = 300

// bridge takes memberlist's lines to slog. A stranger can cause warnings, with
// garbage sent to the port; so their number is bounded.
type bridge struct {
	log      *slog.Logger
	warnings *rate.Limiter
	dropped  int // since the last warning; guarded by log.Logger's own lock
}

// newLogger returns the logger for memberlist.
func newLogger(to *slog.Logger) *log.Logger {
	return log.New(&bridge{log: to, warnings: rate.NewLimiter(1, 20)}, "", 0)
}

// Write takes one line, "[LEVEL] memberlist: text".
func (b *bridge) Write(line []byte) (int, error) {
	level, text := slog.LevelDebug, bytes.TrimSpace(line)
	if name, rest, ok := bytes.Cut(text, []byte("] ")); ok && bytes.HasPrefix(name, []byte("[")) {
		text = bytes.TrimPrefix(rest, []byte("memberlist: "))
		switch string(name[1:]) {
		case "WARN", "ERR", "ERROR":
			level = slog.LevelWarn
		}
	}
	if level == slog.LevelWarn && !b.warnings.Allow() {
		b.dropped++
		return len(line), nil
	}
	attrs := []slog.Attr{slog.String("text", string(text[:min(len(text), textLimit)]))}
	if level == slog.LevelWarn && b.dropped > 0 {
		attrs = append(attrs, slog.Int("dropped", b.dropped))
		b.dropped = 0
	}
	b.log.LogAttrs(context.Background(), level, "gossip", attrs...)
	return len(line), nil
}
