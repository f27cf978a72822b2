package binance_test

import (
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"hedgehog/exchange"
	"hedgehog/exchange/binance"
)

const tradeFrame = `{"e":"trade","E":1672515782136,"s":"BNBBTC","t":12345,"p":"0.00100000","q":"100.00000000","T":1672515782135,"m":true,"M":true}`

func TestDecodeTradeReadsWhatTheExchangeSends(t *testing.T) {
	want := exchange.TradeEvent{
		Symbol: "BNBBTC", ID: 12345, Price: decimal.RequireFromString("0.001"), Quantity: decimal.NewFromInt(100),
		TradeTime: 1672515782135000, EventTime: 1672515782136000, BuyerIsMaker: true,
	}
	for _, c := range []struct {
		name, frame string
		change      func(*exchange.TradeEvent)
	}{
		{"a raw stream", tradeFrame, nil},
		{"a combined stream", `{"stream":"bnbbtc@trade","data":` + tradeFrame + `}`, nil},
		{"white space", strings.NewReplacer(":", " : ", ",", " ,\n\t").Replace(tradeFrame), nil},
		{"fields in another order", `{"M":true,"m":true,"T":1672515782135,"q":"100","p":"0.001","t":12345,"s":"BNBBTC","E":1672515782136,"e":"trade"}`, nil},
		{"the seller is the maker", strings.Replace(tradeFrame, `"m":true`, `"m":false`, 1),
			func(t *exchange.TradeEvent) { t.BuyerIsMaker = false }},
		{"microseconds", strings.NewReplacer("1672515782136", "1672515782136001", "1672515782135", "1672515782135002").Replace(tradeFrame),
			func(t *exchange.TradeEvent) { t.EventTime, t.TradeTime = 1672515782136001, 1672515782135002 }},
		{"order ids of an older source", strings.Replace(tradeFrame, `"T"`, `"b":88,"a":50,"T"`, 1),
			func(t *exchange.TradeEvent) { t.BuyerOrderID, t.SellerOrderID = 88, 50 }},
		{"fields that are not known", strings.Replace(tradeFrame, `"T"`, `"new":{"p":"5","x":[1,{"t":3}]},"Z":null,"T"`, 1), nil},
		{"a price of many digits", strings.Replace(tradeFrame, "0.00100000", "12345678901234567890.12345678901234567890", 1),
			func(t *exchange.TradeEvent) {
				t.Price = decimal.RequireFromString("12345678901234567890.1234567890123456789")
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := binance.DecodeTrade([]byte(c.frame))
			if err != nil {
				t.Fatal(err)
			}
			want := want
			if c.change != nil {
				c.change(&want)
			}
			if !got.Price.Equal(want.Price) || !got.Quantity.Equal(want.Quantity) {
				t.Errorf("price %s, quantity %s, want %s, %s", got.Price, got.Quantity, want.Price, want.Quantity)
			}
			got.Price, got.Quantity = want.Price, want.Quantity
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

func TestDecodeTradeNamesWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ name, old, new, field string }{
		{"another event", `"trade"`, `"aggTrade"`, `e "aggTrade"`},
		{"no event", `"e":"trade",`, ``, "e is missing"},
		{"no symbol", `"s":"BNBBTC",`, ``, "s is missing"},
		{"a symbol in lower case", "BNBBTC", "bnbbtc", `s "bnbbtc"`},
		{"a path for a symbol", "BNBBTC", "../X", `s "../X"`},
		{"no id", `"t":12345,`, ``, "t is missing"},
		{"id zero", `"t":12345`, `"t":0`, `t "0"`},
		{"a negative id", `"t":12345`, `"t":-1`, `t "-1"`},
		{"an id that is too large", `"t":12345`, `"t":99999999999999999999`, `t "99999999999999999999"`},
		{"a fraction for an id", `"t":12345`, `"t":1.5`, `t "1.5"`},
		{"no price", `"p":"0.00100000",`, ``, "p is missing"},
		{"price zero", "0.00100000", "0.00000000", `p "0.00000000"`},
		{"a negative price", "0.00100000", "-0.001", `p "-0.001"`},
		{"an exponent", "0.00100000", "1e999999999", `p "1e999999999"`},
		{"a price without digits", "0.00100000", ".", `p "."`},
		{"a price of two points", "0.00100000", "1.0.0", `p "1.0.0"`},
		{"an endless price", "0.00100000", strings.Repeat("9", 100), `p "` + strings.Repeat("9", 50) + `"`},
		{"no quantity", `"q":"100.00000000",`, ``, "q is missing"},
		{"quantity zero", "100.00000000", "0", `q "0"`},
		{"no time", `"T":1672515782135,`, ``, "T is missing"},
		{"a negative time", `"T":1672515782135`, `"T":-5`, `T "-5"`},
		{"a word for a side", `"m":true`, `"m":"yes"`, `m "yes"`},
		{"a truncated frame", `,"M":true}`, ``, "trade frame"},
		{"no object", tradeFrame, `[]`, "trade frame"},
		{"nothing", tradeFrame, ``, "trade frame"},
		{"an error of the exchange", tradeFrame, `{"error":{"code":2,"msg":"Invalid request"},"id":1}`, "Invalid request"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := binance.DecodeTrade([]byte(strings.Replace(tradeFrame, c.old, c.new, 1)))
			if err == nil || !strings.Contains(err.Error(), c.field) {
				t.Errorf("error %v, want one that has %q", err, c.field)
			}
		})
	}
}

func TestNumbersReadAsTheyAreWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`-?[0-9]{1,20}(\.[0-9]{1,20})?`).Draw(t, "number")
		got, err := binance.ParseDecimal([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if want := decimal.RequireFromString(text); !got.Equal(want) || got.Exponent() != want.Exponent() {
			t.Fatalf("%s reads as %s", text, got)
		}
	})
}

func FuzzDecodeTrade(f *testing.F) {
	f.Add([]byte(tradeFrame))
	f.Add([]byte(`{"stream":"bnbbtc@trade","data":` + tradeFrame + `}`))
	f.Add([]byte(`{"result":null,"id":1}`))
	f.Add([]byte(`{"e":"serverShutdown","E":1770123456789}`))
	f.Add([]byte(`{"data":{"data":{"data":{}}}}`))
	f.Fuzz(func(t *testing.T, frame []byte) {
		trade, err := binance.DecodeTrade(frame)
		if err != nil {
			return
		}
		if !exchange.ValidSymbolName(trade.Symbol) || trade.ID <= 0 || trade.Price.Sign() <= 0 || trade.Quantity.Sign() <= 0 ||
			trade.TradeTime <= 0 || trade.EventTime < 0 || trade.BuyerOrderID < 0 || trade.SellerOrderID < 0 {
			t.Errorf("%q reads as %+v", frame, trade)
		}
	})
}

func BenchmarkDecodeTrade(b *testing.B) {
	frame := []byte(tradeFrame)
	b.ReportAllocs()
	b.SetBytes(int64(len(frame)))
	for b.Loop() {
		if _, err := binance.DecodeTrade(frame); err != nil {
			b.Fatal(err)
		}
	}
}
