package gossip_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"hedgehog/cluster/gossip"
)

func TestLinesOfMemberlistBecomeRecords(t *testing.T) {
	for line, want := range map[string]string{
		"[DEBUG] memberlist: Stream connection":   `level=DEBUG msg=gossip text="Stream connection"`,
		"[INFO] memberlist: Marking n2 as failed": `level=DEBUG msg=gossip text="Marking n2 as failed"`,
		"[WARN] memberlist: Refuting":             `level=WARN msg=gossip text=Refuting`,
		"[ERR] memberlist: Decrypt failed":        `level=WARN msg=gossip text="Decrypt failed"`,
		"[ERROR] memberlist: Failed":              `level=WARN msg=gossip text=Failed`,
		"without a level":                         `level=DEBUG msg=gossip text="without a level"`,
		"":                                        `level=DEBUG msg=gossip text=""`,
	} {
		var out bytes.Buffer
		gossip.NewLogger(logTo(&out)).Print(line)
		if got := strings.TrimSpace(out.String()); got != want {
			t.Errorf("%q became %s, want %s", line, got, want)
		}
	}
}

func TestAStrangerCannotFillTheLog(t *testing.T) {
	var out bytes.Buffer
	l := gossip.NewLogger(logTo(&out))
	for range 10_000 {
		l.Printf("[ERR] memberlist: Decrypt packet failed: %s", strings.Repeat("x", 1000))
	}
	if out.Len() > 20_000 {
		t.Errorf("%d bytes of log", out.Len())
	}
}

// logTo returns a logger that writes text without times.
func logTo(to *bytes.Buffer) *slog.Logger {
	return slog.New(slog.NewTextHandler(to, &slog.HandlerOptions{Level: slog.LevelDebug,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}}))
}
