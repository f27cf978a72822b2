package server

import (
	"strconv"

	"github.com/shopspring/decimal"
)

const (
	places = 8 // decimal places that the exchange writes
	scale  = 100_000_000
)

// fixed is an amount as the exchange writes it: as a string with 8 decimal
// places. An amount that has more keeps them, so that nothing is lost.
type fixed struct{ decimal.Decimal }

// MarshalJSON writes the amount.
func (f fixed) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, 32)
	b = append(b, '"')
	b = appendFixed(b, f.Decimal)
	return append(b, '"'), nil
}

// appendFixed appends d with 8 decimal places. Amounts of up to 18 digits, that
// is all that the exchange has, are written without an allocation.
func appendFixed(b []byte, d decimal.Decimal) []byte {
	exponent := d.Exponent()
	if exponent < -places || exponent > 0 || d.NumDigits() > 18 {
		return appendLong(b, d)
	}
	n := d.CoefficientInt64()
	if n < 0 {
		b = append(b, '-')
		n = -n
	}
	// The digits before the point are n / 10^-exponent, those behind are filled
	// up with zeros to 8.
	unit := int64(1)
	for range -exponent {
		unit *= 10
	}
	b = strconv.AppendInt(b, n/unit, 10)
	b = append(b, '.')
	fraction := n % unit * (scale / unit)
	for digit := int64(scale / 10); digit > fraction && digit > 1; digit /= 10 {
		b = append(b, '0')
	}
	return strconv.AppendInt(b, fraction, 10)
}

// appendLong is appendFixed for any amount.
func appendLong(b []byte, d decimal.Decimal) []byte {
	if rounded := d.Truncate(places); rounded.Equal(d) {
		return append(b, rounded.StringFixed(places)...)
	}
	return append(b, d.String()...)
}
