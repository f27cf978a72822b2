package storage

import (
	"strconv"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
)

// text returns the form in which an amount is stored, decimal.String's. Two
// amounts per trade make it the dearest step of writing outside SQLite, so
// those of up to 18 digits go a shorter way.
func text(d decimal.Decimal) string {
	places, n := -int(d.Exponent()), d.CoefficientInt64()
	if places <= 0 || places > 18 || d.NumDigits() > 18 || n < 0 {
		return d.String()
	}
	return plain(n, places)
}

// unitsText is text for an amount in units, which is not below 0.
func unitsText(u exchange.Units) string { return plain(int64(u), exchange.UnitPlaces) }

// plain returns n × 10^-places, with n not below 0 and up to 18 places, without
// trailing zeros.
func plain(n int64, places int) string {
	for places > 0 && n%10 == 0 {
		n /= 10
		places--
	}
	// Zeros in front, so that there is a digit before the point.
	var buffer [40]byte
	b := strconv.AppendInt(buffer[:20], n, 10)
	start := 20
	for len(b)-start <= places {
		start--
		b[start] = '0'
	}
	if places == 0 {
		return string(b[20:])
	}
	point := len(b) - places
	return string(b[start:point]) + "." + string(b[point:])
}
