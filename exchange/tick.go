package exchange

import (
	"fmt"

	"github.com/shopspring/decimal"
)

// UnitPlaces is how many decimal places a Units has: as many as the exchange
// writes prices, quantities and balances with.
const UnitPlaces = 8

// Units is an amount in whole units of 10^-8. It is for work on millions of trades,
// where a decimal costs too much; money that is reckoned with is a decimal.
type Units int64

// UnitsOf returns d in units; ok is false when d has more than eight decimal places
// or does not fit, as from 92 billion on.
func UnitsOf(d decimal.Decimal) (u Units, ok bool) {
	if whole, ok := wholeIn(d, -UnitPlaces); ok {
		return Units(whole), true
	}
	shifted := d.Shift(UnitPlaces)
	if !shifted.IsInteger() {
		return 0, false
	}
	whole := shifted.BigInt()
	return Units(whole.Int64()), whole.IsInt64()
}

// wholeIn returns d as a whole number of 10^exponent, which takes no memory; ok is false
// when it is none, and when that has more than eighteen digits.
func wholeIn(d decimal.Decimal, exponent int32) (whole int64, ok bool) {
	shift, digits := int64(d.Exponent())-int64(exponent), d.NumDigits()
	if digits > mostDigits || shift < -mostDigits || int64(digits)+shift > mostDigits {
		return 0, false
	}
	whole = d.CoefficientInt64()
	for ; shift > 0; shift-- {
		whole *= 10
	}
	for ; shift < 0; shift++ {
		if whole%10 != 0 {
			return 0, false
		}
		whole /= 10
	}
	return whole, true
}

// mostDigits is how many digits a number may have that fits an int64, whatever they are.
const mostDigits = 18

// ParseUnits reads a plain decimal above or equal to zero, without sign or exponent:
// digits with at most one point between them, at most eight of them behind it
// other than zeros.
func ParseUnits[T string | []byte](text T) (Units, error) {
	const most = (1<<63 - 1) / 10
	u, behind := int64(0), -1 // behind: digits behind the point
	for i := range len(text) {
		switch c := text[i]; {
		case c == '.' && behind < 0 && i > 0 && i < len(text)-1:
			behind = 0
		case c < '0' || c > '9':
			return 0, fmt.Errorf("%q: want a plain decimal number", text)
		case behind >= UnitPlaces:
			if c != '0' {
				return 0, fmt.Errorf("%q: more than %d decimal places", text, UnitPlaces)
			}
		default:
			if u >= most {
				return 0, fmt.Errorf("%q: larger than 92 billion", text)
			}
			u = u*10 + int64(c-'0')
			if behind >= 0 {
				behind++
			}
		}
	}
	if len(text) == 0 {
		return 0, fmt.Errorf("%q: want a plain decimal number", text)
	}
	for range UnitPlaces - max(behind, 0) {
		if u > most {
			return 0, fmt.Errorf("%q: larger than 92 billion", text)
		}
		u *= 10
	}
	return Units(u), nil
}

// Decimal returns the amount as a decimal with eight decimal places.
func (u Units) Decimal() decimal.Decimal { return decimal.New(int64(u), -UnitPlaces) }

// String returns the amount as a plain decimal without trailing zeros.
func (u Units) String() string { return u.Decimal().String() }

// Tick is a trade in plain integers, forty bytes without a pointer: what a backtest
// and an import work on. It lacks what the exchange's dumps lack.
type Tick struct {
	ID           int64
	Time         Micros // when the exchange matched the trade
	Price        Units  // quote asset per unit of the base asset
	Quantity     Units  // base asset
	BuyerIsMaker bool
}

// Event returns the tick as an event of history.
func (t Tick) Event(symbol string) TradeEvent {
	return TradeEvent{
		Symbol: symbol, ID: t.ID, Price: t.Price.Decimal(), Quantity: t.Quantity.Decimal(),
		TradeTime: t.Time, BuyerIsMaker: t.BuyerIsMaker, Source: Replay,
	}
}

// TickOf returns the event as a tick, an error when its price or quantity does not
// fit Units.
func TickOf(e *TradeEvent) (Tick, error) {
	price, ok := UnitsOf(e.Price)
	if !ok {
		return Tick{}, fmt.Errorf("trade %s %d: price %s does not fit %d decimal places", e.Symbol, e.ID, e.Price, UnitPlaces)
	}
	quantity, ok := UnitsOf(e.Quantity)
	if !ok {
		return Tick{}, fmt.Errorf("trade %s %d: quantity %s does not fit %d decimal places", e.Symbol, e.ID, e.Quantity, UnitPlaces)
	}
	return Tick{ID: e.ID, Time: e.TradeTime, Price: price, Quantity: quantity, BuyerIsMaker: e.BuyerIsMaker}, nil
}
