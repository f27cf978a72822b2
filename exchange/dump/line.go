package dump

import (
	"fmt"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
)

// LineError is returned for a line that is not a trade.
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

// maxColumns is the number of columns of a dump; old ones lack the last.
const maxColumns = 7

func (r *Reader) bad(column, value, reason string) error {
	return &LineError{File: r.file, Line: r.line, Column: column, Value: value, Reason: reason}
}

// parse reads one line. Every line has as many columns as the first trade: that
// is what tells a truncated last line from an old dump.
func (r *Reader) parse(line []byte) (exchange.TradeEvent, error) {
	var fields [maxColumns][]byte
	n := split(line, &fields)
	if n != maxColumns && n != maxColumns-1 {
		return exchange.TradeEvent{}, r.bad("", string(line), fmt.Sprintf("%d columns, want %d or %d", n, maxColumns-1, maxColumns))
	}
	if r.columns != 0 && n != r.columns {
		return exchange.TradeEvent{}, r.bad("", string(line), fmt.Sprintf("%d columns, the lines before have %d", n, r.columns))
	}
	t := exchange.TradeEvent{Symbol: r.symbol}
	var reason string
	if t.ID, reason = parseID(fields[0], r.lastID); reason != "" {
		return exchange.TradeEvent{}, r.bad("id", string(fields[0]), reason)
	}
	if t.Price, reason = parsePositive(fields[1]); reason != "" {
		return exchange.TradeEvent{}, r.bad("price", string(fields[1]), reason)
	}
	if t.Quantity, reason = parsePositive(fields[2]); reason != "" {
		return exchange.TradeEvent{}, r.bad("quantity", string(fields[2]), reason)
	}
	if _, _, ok := parseNumber(fields[3]); !ok {
		return exchange.TradeEvent{}, r.bad("quote quantity", string(fields[3]), notNumber)
	}
	if t.TradeTime, reason = parseTime(fields[4]); reason != "" {
		return exchange.TradeEvent{}, r.bad("time", string(fields[4]), reason)
	}
	var ok bool
	if t.BuyerIsMaker, ok = parseBool(fields[5]); !ok {
		return exchange.TradeEvent{}, r.bad("buyer is maker", string(fields[5]), notBool)
	}
	if n == maxColumns {
		if _, ok = parseBool(fields[6]); !ok {
			return exchange.TradeEvent{}, r.bad("best match", string(fields[6]), notBool)
		}
	}
	r.columns = n
	return t, nil
}

// split cuts line at its commas and returns the number of columns, also where
// there are more than fit.
func split(line []byte, fields *[maxColumns][]byte) int {
	n, start := 0, 0
	for i := 0; i <= len(line); i++ {
		if i < len(line) && line[i] != ',' {
			continue
		}
		if n < maxColumns {
			fields[n] = line[start:i]
		}
		n++
		start = i + 1
	}
	return n
}

const (
	notNumber = "want a decimal number of at most 18 digits"
	notBool   = "want True or False"
)

// parseNumber reads digits with at most one point between them. 18 digits are
// what fits an int64 whatever they are, and more than the exchange writes; no
// exponent, so a short text can't stand for a huge number.
func parseNumber(b []byte) (coefficient int64, places int32, ok bool) {
	digits, point := 0, -1
	for i, c := range b {
		switch {
		case c >= '0' && c <= '9':
			coefficient = coefficient*10 + int64(c-'0')
			if digits++; digits > 18 {
				return 0, 0, false
			}
		case c == '.' && point < 0 && i > 0 && i < len(b)-1:
			point = i
		default:
			return 0, 0, false
		}
	}
	if point >= 0 {
		places = int32(len(b) - point - 1)
	}
	return coefficient, places, digits > 0
}

func parsePositive(b []byte) (d decimal.Decimal, reason string) {
	coefficient, places, ok := parseNumber(b)
	switch {
	case !ok:
		return decimal.Decimal{}, notNumber
	case coefficient == 0:
		return decimal.Decimal{}, "want more than 0"
	default:
		return decimal.New(coefficient, -places), ""
	}
}

func parseID(b []byte, last int64) (id int64, reason string) {
	id, places, ok := parseNumber(b)
	switch {
	case !ok || places != 0 || id == 0:
		return 0, "want a whole number above 0"
	case id <= last:
		return 0, fmt.Sprintf("ids must rise, the one before is %d", last)
	default:
		return id, ""
	}
}

// parseTime tells milliseconds from microseconds by their 13 and 16 digits, which
// they have from 2001 to 2286.
func parseTime(b []byte) (t exchange.Micros, reason string) {
	n, places, ok := parseNumber(b)
	switch {
	case ok && places == 0 && n >= 1e12 && n < 1e13:
		return exchange.MicrosOfMillis(n), ""
	case ok && places == 0 && n >= 1e15 && n < 1e16:
		return exchange.Micros(n), ""
	default:
		return 0, "want milliseconds (13 digits) or microseconds (16 digits) since 1970"
	}
}

func parseBool(b []byte) (value, ok bool) {
	switch string(b) {
	case "True", "true", "TRUE":
		return true, true
	case "False", "false", "FALSE":
		return false, true
	default:
		return false, false
	}
}
