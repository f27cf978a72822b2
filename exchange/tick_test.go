package exchange_test

import (
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"hedgehog/exchange"
)

func TestUnitsAreTheNumberThatWasWritten(t *testing.T) {
	for text, want := range map[string]exchange.Units{
		"0": 0, "1": 1e8, "0.00141342": 141342, "23.00000000": 23e8, "0.1000000000": 1e7, "92000000000": 92e17,
	} {
		if u, err := exchange.ParseUnits([]byte(text)); err != nil || u != want {
			t.Errorf("%s is %d units, %v; want %d", text, u, err, want)
		}
	}
}

func TestWhatIsNoPlainDecimalIsNoUnits(t *testing.T) {
	for _, text := range []string{"", ".", "1.", ".1", "-1", "+1", "1e3", "1.0.0", "0.000000001", "93000000000", "1234567890123456789", " 1", "1,0"} {
		if u, err := exchange.ParseUnits([]byte(text)); err == nil {
			t.Errorf("%q is %d units, want an error", text, u)
		}
	}
}

func TestUnitsAndDecimalsAreTheSameNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := exchange.Units(rapid.Int64Range(0, 1<<62).Draw(t, "units"))
		d := want.Decimal()
		if u, ok := exchange.UnitsOf(d); !ok || u != want {
			t.Fatalf("%s is %d units, %t; want %d", d, u, ok, want)
		}
		if d.NumDigits() > 18 {
			return
		}
		if u, err := exchange.ParseUnits([]byte(d.String())); err != nil || u != want {
			t.Fatalf("%s is read as %d units, %v; want %d", d, u, err, want)
		}
	})
}

func TestUnitsOfADecimalAreItsShiftedNumber(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := decimal.New(rapid.Int64().Draw(t, "value"), rapid.Int32Range(-30, 12).Draw(t, "exponent"))
		shifted := d.Shift(exchange.UnitPlaces)
		fits := shifted.IsInteger() && shifted.BigInt().IsInt64()
		u, ok := exchange.UnitsOf(d)
		if ok != fits || ok && !u.Decimal().Equal(d) {
			t.Fatalf("%s is %d units, %t; want them: %t", d, u, ok, fits)
		}
	})
}

func TestDecimalsThatDoNotFitAreNoUnits(t *testing.T) {
	for _, text := range []string{"0.000000001", "92233720369"} {
		if u, ok := exchange.UnitsOf(decimal.RequireFromString(text)); ok {
			t.Errorf("%s is %d units, want none", text, u)
		}
	}
}

func FuzzParseUnits(f *testing.F) {
	for _, text := range []string{"0.00141342", "23", "1.", "99999999999.99999999", "0.0000000000000000001"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		u, err := exchange.ParseUnits(text)
		if err != nil {
			return
		}
		if d, err := decimal.NewFromString(string(text)); err != nil || !d.Equal(u.Decimal()) {
			t.Errorf("%q is read as %s, want %s (%v)", text, u, d, err)
		}
	})
}
