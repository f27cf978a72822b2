package binance_test

import (
	"testing"

	"hedgehog/exchange/binance"
)

var tradeFrame = []byte(`{"e":"trade","E":1672515782136,"s":"BNBBTC","t":12345,"p":"0.00100000","q":"100.00000000","T":1672515782136,"m":true,"M":true}`)

func BenchmarkDecodeTrade(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := binance.DecodeTrade(tradeFrame); err != nil {
			b.Fatal(err)
		}
	}
}
