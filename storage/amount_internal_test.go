package storage

import (
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"
)

func TestAnAmountsTextIsThatOfTheDecimal(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := decimal.New(rapid.Int64().Draw(rt, "coefficient"), rapid.Int32Range(-30, 5).Draw(rt, "exponent"))
		if rapid.Bool().Draw(rt, "zeros") {
			d = decimal.New(rapid.Int64Range(-1000, 1000).Draw(rt, "small")*1_000_000, rapid.Int32Range(-20, 0).Draw(rt, "exponent of small"))
		}
		if got, want := text(d), d.String(); got != want {
			rt.Fatalf("%q, want %q", got, want)
		}
	})
}

func BenchmarkText(b *testing.B) {
	d := decimal.RequireFromString("0.00141342")
	b.ReportAllocs()
	for b.Loop() {
		text(d)
	}
}
