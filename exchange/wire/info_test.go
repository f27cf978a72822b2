package wire_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"hedgehog/exchange"
	"hedgehog/exchange/wire"
)

func amount(s string) decimal.Decimal { return decimal.RequireFromString(s) }

// failer is a testing.TB or a *rapid.T.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func mustParse(tb failer, document []byte) exchange.ExchangeInfo {
	tb.Helper()
	info, err := wire.ParseExchangeInfo(document)
	if err != nil {
		tb.Fatalf("parse: %v", err)
	}
	return info
}

func mustMarshal(tb failer, info exchange.ExchangeInfo) []byte {
	tb.Helper()
	document, err := wire.MarshalExchangeInfo(info)
	if err != nil {
		tb.Fatalf("marshal: %v", err)
	}
	return document
}

// amounts are the decimals of the filters, by the exchange's names.
func amounts(f exchange.Filters) map[string]decimal.Decimal {
	return map[string]decimal.Decimal{
		"minPrice": f.MinPrice, "maxPrice": f.MaxPrice, "tickSize": f.TickSize,
		"minQty": f.MinQuantity, "maxQty": f.MaxQuantity, "stepSize": f.StepSize,
		"minNotional": f.MinNotional, "maxNotional": f.MaxNotional,
		"bidMultiplierUp": f.BidMultiplierUp, "bidMultiplierDown": f.BidMultiplierDown,
		"askMultiplierUp": f.AskMultiplierUp, "askMultiplierDown": f.AskMultiplierDown,
		"maxPosition": f.MaxPosition,
	}
}

// wantSymbol compares two symbols, their amounts as decimals.
func wantSymbol(tb failer, got, want exchange.Symbol) {
	tb.Helper()
	wanted := amounts(want.Filters)
	for name, a := range amounts(got.Filters) {
		if !a.Equal(wanted[name]) {
			tb.Fatalf("%s: %s is %s, want %s", want.Name, name, a, wanted[name])
		}
	}
	rest := func(s exchange.Symbol) exchange.Symbol {
		f := s.Filters
		s.Filters = exchange.Filters{NotionalFilter: f.NotionalFilter, PercentPriceFilter: f.PercentPriceFilter,
			AvgPriceMinutes: f.AvgPriceMinutes, MaxNumOrders: f.MaxNumOrders}
		return s
	}
	if g, w := fmt.Sprintf("%+v", rest(got)), fmt.Sprintf("%+v", rest(want)); g != w {
		tb.Fatalf("%s\n got %s\nwant %s", want.Name, g, w)
	}
}

func wantInfo(tb failer, got, want exchange.ExchangeInfo) {
	tb.Helper()
	if got.ServerTime != want.ServerTime || !slices.Equal(got.RateLimits, want.RateLimits) || len(got.Symbols) != len(want.Symbols) {
		tb.Fatalf("time %d, limits %v, %d symbols; want %d, %v, %d", got.ServerTime, got.RateLimits, len(got.Symbols),
			want.ServerTime, want.RateLimits, len(want.Symbols))
	}
	for i := range want.Symbols {
		wantSymbol(tb, got.Symbols[i], want.Symbols[i])
	}
}

// recorded returns the exchange's document of one day in 2021.
func recorded(tb testing.TB) []byte {
	tb.Helper()
	document, err := os.ReadFile("../../../shared/data/exchangeInfo-2021-06-17.json")
	if errors.Is(err, os.ErrNotExist) {
		tb.Skip("the recorded exchange info is not beside the repository")
	}
	if err != nil {
		tb.Fatal(err)
	}
	return document
}

func TestARecordedExchangeInfoIsRead(t *testing.T) {
	info := mustParse(t, recorded(t))
	if len(info.Symbols) != 1505 || info.ServerTime != 1623931119196000 {
		t.Errorf("%d symbols at %d, want 1505 at 1623931119196000", len(info.Symbols), info.ServerTime)
	}
	limits := []exchange.RateLimit{
		{Type: "REQUEST_WEIGHT", Interval: "MINUTE", IntervalNum: 1, Limit: 1200},
		{Type: "ORDERS", Interval: "SECOND", IntervalNum: 10, Limit: 50},
		{Type: "ORDERS", Interval: "DAY", IntervalNum: 1, Limit: 160000},
	}
	if !slices.Equal(info.RateLimits, limits) {
		t.Errorf("limits %v, want %v", info.RateLimits, limits)
	}
	got, err := info.Symbol("XRPETH")
	if err != nil {
		t.Fatal(err)
	}
	wantSymbol(t, got, exchange.Symbol{
		Name: "XRPETH", Status: "TRADING", BaseAsset: "XRP", QuoteAsset: "ETH", BaseAssetPrecision: 8, QuoteAssetPrecision: 8,
		Filters: exchange.Filters{
			MinPrice: amount("0.00000001"), MaxPrice: amount("1000"), TickSize: amount("0.00000001"),
			MinQuantity: amount("1"), MaxQuantity: amount("90000000"), StepSize: amount("1"),
			NotionalFilter: "MIN_NOTIONAL", MinNotional: amount("0.005"),
			PercentPriceFilter: "PERCENT_PRICE", BidMultiplierUp: amount("5"), BidMultiplierDown: amount("0.2"),
			AskMultiplierUp: amount("5"), AskMultiplierDown: amount("0.2"), AvgPriceMinutes: 5, MaxNumOrders: 200,
		},
	})
	positions := 0
	for _, s := range info.Symbols {
		if s.Filters.MaxPosition.Sign() > 0 {
			positions++
		}
	}
	if positions != 10 {
		t.Errorf("%d symbols bound the position, want 10", positions)
	}
	wantInfo(t, mustParse(t, mustMarshal(t, info)), info)
}

// document returns an exchange info with one symbol that has the filters.
func document(filters ...string) string {
	return `{"timezone":"UTC","serverTime":1,"rateLimits":[],"exchangeFilters":[],"symbols":[{"symbol":"XRPETH","status":"TRADING",
		"baseAsset":"XRP","baseAssetPrecision":8,"quoteAsset":"ETH","quotePrecision":8,"filters":[` + strings.Join(filters, ",") + `]}]}`
}

const (
	priceFilter = `{"filterType":"PRICE_FILTER","minPrice":"0.01","maxPrice":"1000","tickSize":"0.01"}`
	lotSize     = `{"filterType":"LOT_SIZE","minQty":"1","maxQty":"900","stepSize":"1"}`
	notional    = `{"filterType":"NOTIONAL","minNotional":"5","applyMinToMarket":true,"maxNotional":"9000","applyMaxToMarket":false,"avgPriceMins":5}`
	bySide      = `{"filterType":"PERCENT_PRICE_BY_SIDE","bidMultiplierUp":"1.2","bidMultiplierDown":"0.2","askMultiplierUp":"5","askMultiplierDown":"0.8","avgPriceMins":1}`
)

func TestTodaysFiltersAreRead(t *testing.T) {
	info := mustParse(t, []byte(document(priceFilter, lotSize, notional, bySide,
		`{"filterType":"TRAILING_DELTA","minTrailingAboveDelta":10}`, `{"filterType":"MAX_NUM_ORDERS","maxNumOrders":200}`,
		`{"filterType":"MAX_POSITION","maxPosition":"70"}`)))
	wantSymbol(t, info.Symbols[0], exchange.Symbol{
		Name: "XRPETH", Status: "TRADING", BaseAsset: "XRP", QuoteAsset: "ETH", BaseAssetPrecision: 8, QuoteAssetPrecision: 8,
		Filters: exchange.Filters{
			MinPrice: amount("0.01"), MaxPrice: amount("1000"), TickSize: amount("0.01"),
			MinQuantity: amount("1"), MaxQuantity: amount("900"), StepSize: amount("1"),
			NotionalFilter: "NOTIONAL", MinNotional: amount("5"), MaxNotional: amount("9000"),
			PercentPriceFilter: "PERCENT_PRICE_BY_SIDE", BidMultiplierUp: amount("1.2"), BidMultiplierDown: amount("0.2"),
			AskMultiplierUp: amount("5"), AskMultiplierDown: amount("0.8"), AvgPriceMinutes: 1, MaxNumOrders: 200, MaxPosition: amount("70"),
		},
	})
}

func TestAWrongExchangeInfoIsRefusedWithSymbolAndField(t *testing.T) {
	good := document(priceFilter, lotSize, notional, bySide)
	for _, c := range []struct{ name, old, new, want string }{
		{"a missing tick size", `,"tickSize":"0.01"`, ``, `symbol "XRPETH": filter PRICE_FILTER: tickSize is missing`},
		{"a tick size of null", `"tickSize":"0.01"`, `"tickSize":null`, `symbol "XRPETH": filter PRICE_FILTER: tickSize is missing`},
		{"a negative step size", `"stepSize":"1"`, `"stepSize":"-1"`, `symbol "XRPETH": filter LOT_SIZE: stepSize -1 is below 0`},
		{"a word for a notional", `"minNotional":"5"`, `"minNotional":"five"`, `symbol "XRPETH": filter NOTIONAL: minNotional "five": want a decimal number`},
		{"an empty notional", `"maxNotional":"9000"`, `"maxNotional":""`, `symbol "XRPETH": filter NOTIONAL: maxNotional "": want a decimal number`},
		{"an endless number", `"maxPrice":"1000"`, `"maxPrice":"1e1000000000"`, `symbol "XRPETH": filter PRICE_FILTER: maxPrice "1e1000000000": want a decimal number`},
		{"a list for a number", `"maxQty":"900"`, `"maxQty":[900]`, `symbol "XRPETH": filter LOT_SIZE: maxQty "[900]": want a decimal number`},
		{"a missing multiplier", `"askMultiplierDown":"0.8",`, ``, `symbol "XRPETH": filter PERCENT_PRICE_BY_SIDE: askMultiplierDown is missing`},
		{"negative minutes", `"avgPriceMins":1`, `"avgPriceMins":-1`, `symbol "XRPETH": filter PERCENT_PRICE_BY_SIDE: avgPriceMins -1 is below 0`},
		{"a word for minutes", `"avgPriceMins":1`, `"avgPriceMins":"one"`, `symbol "XRPETH": json: cannot unmarshal string into Go struct field`},
		{"a negative number of orders", bySide, bySide + `,{"filterType":"MAX_NUM_ORDERS","maxNumOrders":-2}`, `symbol "XRPETH": filter MAX_NUM_ORDERS: maxNumOrders -2 is below 0`},
		{"a negative precision", `"baseAssetPrecision":8`, `"baseAssetPrecision":-8`, `symbol "XRPETH": baseAssetPrecision -8 is below 0`},
		{"a missing asset", `"quoteAsset":"ETH",`, ``, `symbol "XRPETH": quoteAsset is missing`},
		{"a symbol that is none", `"symbol":"XRPETH"`, `"symbol":"XRP/ETH"`, `symbol "XRP/ETH": not a symbol's name`},
		{"a cut document", `]}]}`, ``, `unexpected end of JSON input`},
	} {
		bad := strings.Replace(good, c.old, c.new, 1)
		if bad == good {
			t.Fatalf("%s: nothing is wrong", c.name)
		}
		_, err := wire.ParseExchangeInfo([]byte(bad))
		if want := "exchange info: " + c.want; err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s\n got %v\nwant %s", c.name, err, want)
		}
	}
}

// drawAmount returns zero or an amount with up to 8 decimals, as the exchange has them.
func drawAmount(name string) *rapid.Generator[decimal.Decimal] {
	return rapid.Custom(func(rt *rapid.T) decimal.Decimal {
		return decimal.New(rapid.Int64Range(0, 1_000_000_000_000).Draw(rt, name), -rapid.Int32Range(0, 8).Draw(rt, "places"))
	})
}

func drawSymbol(rt *rapid.T) exchange.Symbol {
	draw := func(name string) decimal.Decimal { return drawAmount(name).Draw(rt, name) }
	s := exchange.Symbol{
		Name: rapid.StringMatching(`[A-Z0-9]{1,20}`).Draw(rt, "symbol"), Status: rapid.SampledFrom([]string{"TRADING", "BREAK"}).Draw(rt, "status"),
		BaseAsset: rapid.StringMatching(`[A-Z]{1,8}`).Draw(rt, "base"), QuoteAsset: rapid.StringMatching(`[A-Z]{1,8}`).Draw(rt, "quote"),
		BaseAssetPrecision: rapid.IntRange(0, 8).Draw(rt, "base precision"), QuoteAssetPrecision: rapid.IntRange(0, 8).Draw(rt, "quote precision"),
		Filters: exchange.Filters{
			MinPrice: draw("minPrice"), MaxPrice: draw("maxPrice"), TickSize: draw("tickSize"),
			MinQuantity: draw("minQty"), MaxQuantity: draw("maxQty"), StepSize: draw("stepSize"),
			NotionalFilter:     rapid.SampledFrom([]string{"", "MIN_NOTIONAL", "NOTIONAL"}).Draw(rt, "notional"),
			PercentPriceFilter: rapid.SampledFrom([]string{"", "PERCENT_PRICE", "PERCENT_PRICE_BY_SIDE"}).Draw(rt, "percent price"),
			MaxNumOrders:       rapid.IntRange(0, 500).Draw(rt, "maxNumOrders"), MaxPosition: draw("maxPosition"),
		},
	}
	f := &s.Filters
	if f.NotionalFilter != "" {
		f.MinNotional = draw("minNotional")
	}
	if f.NotionalFilter == "NOTIONAL" {
		f.MaxNotional = draw("maxNotional")
	}
	if f.PercentPriceFilter != "" {
		f.AvgPriceMinutes = rapid.IntRange(0, 10).Draw(rt, "minutes")
		f.BidMultiplierUp, f.BidMultiplierDown = draw("multiplierUp"), draw("multiplierDown")
		f.AskMultiplierUp, f.AskMultiplierDown = f.BidMultiplierUp, f.BidMultiplierDown
	}
	if f.PercentPriceFilter == "PERCENT_PRICE_BY_SIDE" {
		f.AskMultiplierUp, f.AskMultiplierDown = draw("askMultiplierUp"), draw("askMultiplierDown")
	}
	return s
}

func TestWhatIsWrittenIsReadAsItWas(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		info := exchange.ExchangeInfo{
			ServerTime: exchange.MicrosOfMillis(rapid.Int64Range(0, 4_000_000_000_000).Draw(rt, "time")),
			RateLimits: rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) exchange.RateLimit {
				return exchange.RateLimit{Type: rapid.SampledFrom([]string{"REQUEST_WEIGHT", "ORDERS"}).Draw(rt, "type"), Interval: "MINUTE",
					IntervalNum: rapid.IntRange(1, 10).Draw(rt, "intervals"), Limit: rapid.IntRange(1, 10_000).Draw(rt, "limit")}
			}), 0, 3).Draw(rt, "limits"),
			Symbols: rapid.SliceOfN(rapid.Custom(drawSymbol), 0, 4).Draw(rt, "symbols"),
		}
		wantInfo(rt, mustParse(rt, mustMarshal(rt, info)), info)
	})
}

func FuzzParseExchangeInfo(f *testing.F) {
	f.Add([]byte(document(priceFilter, lotSize, notional, bySide)))
	f.Add([]byte(document(`{"filterType":"MIN_NOTIONAL","minNotional":"1e400","avgPriceMins":5}`, `{"filterType":"PERCENT_PRICE","multiplierUp":5,"multiplierDown":0.2}`)))
	f.Add([]byte(`{"symbols":[null,{"symbol":"A","filters":[null]}]}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, document []byte) {
		info, err := wire.ParseExchangeInfo(document)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\x00") {
				t.Errorf("the error is not one clean line: %q", err)
			}
			return
		}
		for _, s := range info.Symbols {
			if !exchange.ValidSymbolName(s.Name) {
				t.Errorf("symbol %q is taken", s.Name)
			}
			for name, a := range amounts(s.Filters) {
				if a.IsNegative() {
					t.Errorf("%s: %s %s is taken", s.Name, name, a)
				}
			}
		}
		// What was read can be written, and reading that gives the same bytes.
		written := mustMarshal(t, info)
		if again := mustMarshal(t, mustParse(t, written)); !bytes.Equal(again, written) {
			t.Errorf("written %s, then %s", written, again)
		}
	})
}
