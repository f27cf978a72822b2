package binance

import (
	"errors"
	"fmt"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
)

// firstMicros tells times apart by their size: as milliseconds it is in the
// year 5138, as microseconds in 1973.
const firstMicros = 100_000_000_000_000

// microsOf reads a time in milliseconds or microseconds.
func microsOf(field string, n int64) (exchange.Micros, error) {
	switch {
	case n < 0:
		return 0, fmt.Errorf("%s %d: want 0 or more", field, n)
	case n < firstMicros:
		return exchange.MicrosOfMillis(n), nil
	default:
		return exchange.Micros(n), nil
	}
}

// maxNumber is how long a number may be: the exchange's have up to 20 digits on
// either side of the point.
const maxNumber = 42

var errNumber = errors.New("want a decimal number")

// parseDecimal reads digits with an optional minus and point; no exponent, which
// could make a short text an endless number.
func parseDecimal(text []byte) (decimal.Decimal, error) {
	digits, negative := text, false
	if len(digits) > 0 && digits[0] == '-' {
		digits, negative = digits[1:], true
	}
	if len(digits) == 0 || len(digits) > maxNumber {
		return decimal.Decimal{}, errNumber
	}
	var n int64
	point := -1
	for i, c := range digits {
		switch {
		case c == '.' && point < 0 && i > 0 && i < len(digits)-1:
			point = i
		case c >= '0' && c <= '9':
			n = n*10 + int64(c-'0') // only used when the number is short
		default:
			return decimal.Decimal{}, errNumber
		}
	}
	if len(digits) > 18 {
		return decimal.NewFromString(string(text))
	}
	if negative {
		n = -n
	}
	if point < 0 {
		return decimal.New(n, 0), nil
	}
	return decimal.New(n, int32(point+1-len(digits))), nil
}

// amount is a decimal in the exchange's JSON: a string of digits.
type amount struct{ decimal.Decimal }

// UnmarshalJSON reads the amount; a missing one stays 0.
func (a *amount) UnmarshalJSON(text []byte) error {
	if len(text) >= 2 && text[0] == '"' && text[len(text)-1] == '"' {
		text = text[1 : len(text)-1]
	}
	d, err := parseDecimal(text)
	if err != nil {
		return fmt.Errorf("%.50q: %w", text, err)
	}
	a.Decimal = d
	return nil
}
