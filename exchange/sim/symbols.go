package sim

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
	"hedgehog/exchange/dump"
)

// builtin is what is known of a symbol without an exchange info: its units, and
// where a random walk starts.
type builtin struct {
	tick, step string
	start      string // price
	lots       int64  // steps in a large trade
}

// builtins are well-known symbols with units as the exchange has had them and
// prices of the right magnitude.
var builtins = map[string]builtin{
	"BTCUSDT":  {tick: "0.01", step: "0.00001", start: "60000", lots: 50_000},
	"ETHUSDT":  {tick: "0.01", step: "0.0001", start: "3000", lots: 50_000},
	"BNBUSDT":  {tick: "0.01", step: "0.001", start: "600", lots: 20_000},
	"XRPUSDT":  {tick: "0.0001", step: "0.1", start: "0.5", lots: 50_000},
	"ADAUSDT":  {tick: "0.0001", step: "0.1", start: "0.8", lots: 50_000},
	"SOLUSDT":  {tick: "0.01", step: "0.001", start: "150", lots: 50_000},
	"DOGEUSDT": {tick: "0.00001", step: "1", start: "0.2", lots: 20_000},
	"LTCUSDT":  {tick: "0.01", step: "0.001", start: "100", lots: 50_000},
	"XRPETH":   {tick: "0.00000001", step: "1", start: "0.0014", lots: 2_000},
	"ETHBTC":   {tick: "0.00001", step: "0.0001", start: "0.05", lots: 50_000},
	"BNBBTC":   {tick: "0.000001", step: "0.001", start: "0.01", lots: 20_000},
}

// other stands for every symbol that is not among the builtins.
var other = builtin{tick: "0.0001", step: "0.1", lots: 10_000}

// quoteAssets are the assets that a symbol's name may end with, and the least
// worth of an order in them. Where one ends with another the longer stands first.
var quoteAssets = []struct{ asset, minNotional string }{
	{"FDUSD", "5"}, {"TUSD", "5"}, {"USDT", "5"}, {"BUSD", "5"}, {"USDC", "5"}, {"USD", "5"},
	{"BTC", "0.0001"}, {"ETH", "0.005"}, {"BNB", "0.05"}, {"EUR", "5"}, {"TRY", "10"},
}

// InfoFor returns an exchange info with the symbols and the rate limits that the
// exchange has at present.
func InfoFor(symbols []exchange.Symbol) exchange.ExchangeInfo {
	return exchange.ExchangeInfo{
		RateLimits: []exchange.RateLimit{
			{Type: "REQUEST_WEIGHT", Interval: "MINUTE", IntervalNum: 1, Limit: 6000},
			{Type: "ORDERS", Interval: "SECOND", IntervalNum: 10, Limit: 100},
			{Type: "ORDERS", Interval: "DAY", IntervalNum: 1, Limit: 200_000},
			{Type: "RAW_REQUESTS", Interval: "MINUTE", IntervalNum: 5, Limit: 61_000},
		},
		Symbols: symbols,
	}
}

// SymbolFor returns the built-in rules of the named symbol: its own where it is
// well known, else general ones. The name must end with a known quote asset.
func SymbolFor(name string) (exchange.Symbol, error) {
	units, known := builtins[name]
	if !known {
		units = other
	}
	return newSymbol(name, decimal.RequireFromString(units.tick), decimal.RequireFromString(units.step))
}

// SymbolOfDump returns the built-in rules of the symbol that the dump at path is
// of. A symbol that is not well known gets the units that its first thousand
// trades are written in.
func SymbolOfDump(path string) (exchange.Symbol, error) {
	name, err := dump.SymbolOf(path)
	if err != nil {
		return exchange.Symbol{}, err
	}
	if _, known := builtins[name]; known {
		return SymbolFor(name)
	}
	tick, step, err := unitsOf(path)
	if err != nil {
		return exchange.Symbol{}, err
	}
	return newSymbol(name, tick, step)
}

// unitsOf returns the smallest units that the dump's first thousand prices and
// quantities are whole multiples of, as powers of ten up to one. Lines that are
// no trades are passed over: whoever plays the dump says what to do with them.
func unitsOf(path string) (tick, step decimal.Decimal, err error) {
	reader, err := dump.Open(path, dump.Options{SkipBad: true})
	if err != nil {
		return tick, step, err
	}
	defer func() { err = errors.Join(err, reader.Close()) }()
	var pricePlaces, quantityPlaces int32
	for range 1000 {
		t, err := reader.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return tick, step, err
		}
		pricePlaces = max(pricePlaces, places(t.Price))
		quantityPlaces = max(quantityPlaces, places(t.Quantity))
	}
	return decimal.New(1, -pricePlaces), decimal.New(1, -quantityPlaces), nil
}

// places returns how many decimal places d needs.
func places(d decimal.Decimal) int32 {
	n := max(0, -d.Exponent())
	for n > 0 && d.Truncate(n-1).Equal(d) {
		n--
	}
	return n
}

func newSymbol(name string, tick, step decimal.Decimal) (exchange.Symbol, error) {
	if !exchange.ValidSymbolName(name) {
		return exchange.Symbol{}, fmt.Errorf("%q is not a symbol's name", name)
	}
	for _, quote := range quoteAssets {
		base, found := strings.CutSuffix(name, quote.asset)
		if !found || base == "" {
			continue
		}
		five, fifth := decimal.New(5, 0), decimal.New(2, -1)
		return exchange.Symbol{
			Name:                name,
			Status:              "TRADING",
			BaseAsset:           base,
			QuoteAsset:          quote.asset,
			BaseAssetPrecision:  8,
			QuoteAssetPrecision: 8,
			Filters: exchange.Filters{
				MinPrice:           tick,
				MaxPrice:           decimal.New(1_000_000, 0),
				TickSize:           tick,
				MinQuantity:        step,
				MaxQuantity:        decimal.New(90_000_000, 0),
				StepSize:           step,
				NotionalFilter:     "NOTIONAL",
				MinNotional:        decimal.RequireFromString(quote.minNotional),
				PercentPriceFilter: "PERCENT_PRICE",
				BidMultiplierUp:    five,
				BidMultiplierDown:  fifth,
				AskMultiplierUp:    five,
				AskMultiplierDown:  fifth,
				AvgPriceMinutes:    5,
				MaxNumOrders:       200,
			},
		}, nil
	}
	return exchange.Symbol{}, fmt.Errorf("%s: no built-in rules, its name ends with no known quote asset; give an exchange info that lists it", name)
}
