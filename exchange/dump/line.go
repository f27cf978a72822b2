package dump

import (
	"bytes"
	"fmt"
)

// LineError is returned for a line that is not what the dump has.
type LineError struct {
	File   string
	Line   int    // from 1
	Column string // its name; empty where the line as a whole is wrong
	Value  string // as it stands there
	Reason string
}

// Error names the file, the line, the column and the value.
func (e *LineError) Error() string {
	if e.Column == "" {
		return fmt.Sprintf("dump %s: line %d: %q: %s", e.File, e.Line, e.Value, e.Reason)
	}
	return fmt.Sprintf("dump %s: line %d: %s %q: %s", e.File, e.Line, e.Column, e.Value, e.Reason)
}

// column is a column of a dump: its name, and what its fields have to be.
type column struct{ name, want string }

const (
	wantID     = "want a whole number above 0"
	wantAmount = "want a decimal number above 0 and below 92 billion, with at most 8 decimal places"
	wantNumber = "want a decimal number"
	wantTime   = "want milliseconds (13 digits) or microseconds (16 digits) since 1970"
	wantFlag   = "want True or False"
)

// columnsOf are the columns of each kind. Of trades and aggregate trades the last
// is missing in some files.
var columnsOf = map[Kind][]column{
	Trades: {{"id", wantID}, {"price", wantAmount}, {"quantity", wantAmount}, {"quote quantity", wantNumber},
		{"time", wantTime}, {"buyer is maker", wantFlag}, {"best match", wantFlag}},
	AggTrades: {{"id", wantID}, {"price", wantAmount}, {"quantity", wantAmount}, {"first id", wantID}, {"last id", wantID},
		{"time", wantTime}, {"buyer is maker", wantFlag}, {"best match", wantFlag}},
	Klines: {{"start", wantTime}, {"open", wantPrice}, {"high", wantPrice}, {"low", wantPrice}, {"close", wantPrice},
		{"volume", wantNumber}, {"end", wantTime}, {"quote volume", wantNumber}, {"trades", wantCount},
		{"taker buy volume", wantNumber}, {"taker buy quote volume", wantNumber}, {"ignore", wantNumber}},
}

// optional says whether files may lack the last column of the kind.
func (k Kind) optional() bool { return k != Klines }

// refuse returns what is wrong with the line: its length, the number of its columns,
// or else the field of the column at bad, for the reason or what the column wants.
func (r *Reader) refuse(line []byte, bad int, reason string) error {
	if len(line) > maxLine {
		return r.lineError("", string(line[:40])+"…", fmt.Sprintf("the line is longer than %d bytes", maxLine))
	}
	columns := columnsOf[r.name.Kind]
	fields := bytes.Split(line, []byte{','})
	n, most := len(fields), len(columns)
	switch {
	case n != most && !(n == most-1 && r.name.Kind.optional()):
		want := fmt.Sprint(most)
		if r.name.Kind.optional() {
			want = fmt.Sprintf("%d or %d", most-1, most)
		}
		return r.lineError("", string(line), fmt.Sprintf("%d columns, want the %s of %s", n, want, r.name.Kind))
	case r.columns != 0 && n != r.columns:
		return r.lineError("", string(line), fmt.Sprintf("%d columns, the lines before have %d", n, r.columns))
	}
	if reason == "" {
		reason = columns[bad].want
	}
	return r.lineError(columns[bad].name, string(fields[bad]), reason)
}

func (r *Reader) lineError(column, value, reason string) error {
	return &LineError{File: r.file, Line: r.line, Column: column, Value: value, Reason: reason}
}
