package binance

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is a key that must not be shown: whichever way it is printed, logged or
// marshalled, it reads "[redacted]". Convert it to a string to use it.
type Secret string

const redacted = "[redacted]"

// Format writes "[redacted]" for every verb.
func (s Secret) Format(f fmt.State, _ rune) {
	if s != "" {
		_, _ = io.WriteString(f, redacted)
	}
}

// MarshalText gives "[redacted]".
func (s Secret) MarshalText() ([]byte, error) { return fmt.Append(nil, s), nil }

// LogValue gives "[redacted]".
func (s Secret) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(s)) }
