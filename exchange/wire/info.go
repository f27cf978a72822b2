package wire

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
)

type infoJSON struct {
	Timezone        string            `json:"timezone"`
	ServerTime      int64             `json:"serverTime"`
	RateLimits      []rateLimitJSON   `json:"rateLimits"`
	ExchangeFilters []struct{}        `json:"exchangeFilters"`
	Symbols         []json.RawMessage `json:"symbols"` // each a symbolJSON
}

type rateLimitJSON struct {
	Type        string `json:"rateLimitType"`
	Interval    string `json:"interval"`
	IntervalNum int    `json:"intervalNum"`
	Limit       int    `json:"limit"`
}

type symbolJSON struct {
	Symbol              string       `json:"symbol"`
	Status              string       `json:"status"`
	BaseAsset           string       `json:"baseAsset"`
	BaseAssetPrecision  int          `json:"baseAssetPrecision"`
	QuoteAsset          string       `json:"quoteAsset"`
	QuotePrecision      int          `json:"quotePrecision"`
	QuoteAssetPrecision int          `json:"quoteAssetPrecision"`
	BaseCommission      int          `json:"baseCommissionPrecision"`
	QuoteCommission     int          `json:"quoteCommissionPrecision"`
	OrderTypes          []string     `json:"orderTypes"`
	SpotAllowed         bool         `json:"isSpotTradingAllowed"`
	Filters             []filterJSON `json:"filters"`
	Permissions         []string     `json:"permissions"`
}

// filterJSON is the union of the filters' fields; each filter uses its own.
// Amounts are strings of digits, read once it is known whose they are.
type filterJSON struct {
	Type              string          `json:"filterType"`
	MinPrice          json.RawMessage `json:"minPrice,omitempty"`
	MaxPrice          json.RawMessage `json:"maxPrice,omitempty"`
	TickSize          json.RawMessage `json:"tickSize,omitempty"`
	MinQty            json.RawMessage `json:"minQty,omitempty"`
	MaxQty            json.RawMessage `json:"maxQty,omitempty"`
	StepSize          json.RawMessage `json:"stepSize,omitempty"`
	MinNotional       json.RawMessage `json:"minNotional,omitempty"`
	MaxNotional       json.RawMessage `json:"maxNotional,omitempty"`
	ApplyToMarket     *bool           `json:"applyToMarket,omitempty"`
	ApplyMinToMarket  *bool           `json:"applyMinToMarket,omitempty"`
	ApplyMaxToMarket  *bool           `json:"applyMaxToMarket,omitempty"`
	MultiplierUp      json.RawMessage `json:"multiplierUp,omitempty"`
	MultiplierDown    json.RawMessage `json:"multiplierDown,omitempty"`
	BidMultiplierUp   json.RawMessage `json:"bidMultiplierUp,omitempty"`
	BidMultiplierDown json.RawMessage `json:"bidMultiplierDown,omitempty"`
	AskMultiplierUp   json.RawMessage `json:"askMultiplierUp,omitempty"`
	AskMultiplierDown json.RawMessage `json:"askMultiplierDown,omitempty"`
	AvgPriceMins      *int            `json:"avgPriceMins,omitempty"`
	MaxNumOrders      *int            `json:"maxNumOrders,omitempty"`
	MaxPosition       json.RawMessage `json:"maxPosition,omitempty"`
}

// ParseExchangeInfo reads an exchange info document: the answer of
// GET /api/v3/exchangeInfo, or a file with one. Filters that it does not know
// are passed over. Errors name the symbol and the field.
func ParseExchangeInfo(document []byte) (exchange.ExchangeInfo, error) {
	var doc infoJSON
	if err := json.Unmarshal(document, &doc); err != nil {
		return exchange.ExchangeInfo{}, fmt.Errorf("exchange info: %w", err)
	}
	info := exchange.ExchangeInfo{
		ServerTime: exchange.MicrosOfMillis(doc.ServerTime),
		Symbols:    make([]exchange.Symbol, 0, len(doc.Symbols)),
	}
	for _, l := range doc.RateLimits {
		info.RateLimits = append(info.RateLimits, exchange.RateLimit(l))
	}
	for _, raw := range doc.Symbols {
		var s symbolJSON
		err := json.Unmarshal(raw, &s)
		var symbol exchange.Symbol
		if err == nil {
			symbol, err = parseSymbol(s)
		}
		if err != nil {
			return exchange.ExchangeInfo{}, fmt.Errorf("exchange info: symbol %q: %w", s.Symbol, err)
		}
		info.Symbols = append(info.Symbols, symbol)
	}
	return info, nil
}

func parseSymbol(s symbolJSON) (exchange.Symbol, error) {
	switch {
	case !exchange.ValidSymbolName(s.Symbol):
		return exchange.Symbol{}, fmt.Errorf("not a symbol's name")
	case s.BaseAsset == "":
		return exchange.Symbol{}, fmt.Errorf("baseAsset is missing")
	case s.QuoteAsset == "":
		return exchange.Symbol{}, fmt.Errorf("quoteAsset is missing")
	case s.BaseAssetPrecision < 0:
		return exchange.Symbol{}, fmt.Errorf("baseAssetPrecision %d is below 0", s.BaseAssetPrecision)
	case s.QuoteAssetPrecision < 0 || s.QuotePrecision < 0:
		return exchange.Symbol{}, fmt.Errorf("quoteAssetPrecision %d is below 0", min(s.QuoteAssetPrecision, s.QuotePrecision))
	}
	symbol := exchange.Symbol{
		Name:                s.Symbol,
		Status:              s.Status,
		BaseAsset:           s.BaseAsset,
		QuoteAsset:          s.QuoteAsset,
		BaseAssetPrecision:  s.BaseAssetPrecision,
		QuoteAssetPrecision: s.QuoteAssetPrecision,
	}
	if symbol.QuoteAssetPrecision == 0 {
		symbol.QuoteAssetPrecision = s.QuotePrecision
	}
	for _, f := range s.Filters {
		if err := applyFilter(&symbol.Filters, f); err != nil {
			return exchange.Symbol{}, fmt.Errorf("filter %s: %w", f.Type, err)
		}
	}
	return symbol, nil
}

func applyFilter(to *exchange.Filters, f filterJSON) error {
	var err error
	set := func(target *decimal.Decimal, name string, value json.RawMessage, needed bool) {
		missing := len(value) == 0 || string(value) == "null"
		switch {
		case err != nil:
		case missing && needed:
			err = fmt.Errorf("%s is missing", name)
		case !missing:
			*target, err = parseAmount(name, value)
		}
	}
	setCount := func(target *int, name string, value *int) {
		switch {
		case err != nil || value == nil:
		case *value < 0:
			err = fmt.Errorf("%s %d is below 0", name, *value)
		default:
			*target = *value
		}
	}
	switch f.Type {
	case "PRICE_FILTER":
		set(&to.MinPrice, "minPrice", f.MinPrice, true)
		set(&to.MaxPrice, "maxPrice", f.MaxPrice, true)
		set(&to.TickSize, "tickSize", f.TickSize, true)
	case "LOT_SIZE":
		set(&to.MinQuantity, "minQty", f.MinQty, true)
		set(&to.MaxQuantity, "maxQty", f.MaxQty, true)
		set(&to.StepSize, "stepSize", f.StepSize, true)
	case "MIN_NOTIONAL", "NOTIONAL":
		to.NotionalFilter = f.Type
		set(&to.MinNotional, "minNotional", f.MinNotional, true)
		set(&to.MaxNotional, "maxNotional", f.MaxNotional, false)
	case "PERCENT_PRICE":
		to.PercentPriceFilter = f.Type
		set(&to.BidMultiplierUp, "multiplierUp", f.MultiplierUp, true)
		set(&to.BidMultiplierDown, "multiplierDown", f.MultiplierDown, true)
		to.AskMultiplierUp, to.AskMultiplierDown = to.BidMultiplierUp, to.BidMultiplierDown
		setCount(&to.AvgPriceMinutes, "avgPriceMins", f.AvgPriceMins)
	case "PERCENT_PRICE_BY_SIDE":
		to.PercentPriceFilter = f.Type
		set(&to.BidMultiplierUp, "bidMultiplierUp", f.BidMultiplierUp, true)
		set(&to.BidMultiplierDown, "bidMultiplierDown", f.BidMultiplierDown, true)
		set(&to.AskMultiplierUp, "askMultiplierUp", f.AskMultiplierUp, true)
		set(&to.AskMultiplierDown, "askMultiplierDown", f.AskMultiplierDown, true)
		setCount(&to.AvgPriceMinutes, "avgPriceMins", f.AvgPriceMins)
	case "MAX_NUM_ORDERS":
		setCount(&to.MaxNumOrders, "maxNumOrders", f.MaxNumOrders)
	case "MAX_POSITION":
		set(&to.MaxPosition, "maxPosition", f.MaxPosition, true)
	}
	return err
}

// The exchange's amounts have up to 20 digits on either side of the point. An
// exponent makes a short text an endless number.
const (
	maxAmount   = 42 // characters
	maxExponent = 20
)

// parseAmount reads an amount that is not below zero, a string or a bare number.
func parseAmount(name string, raw json.RawMessage) (decimal.Decimal, error) {
	text := strings.Trim(string(raw), `"`)
	d, err := decimal.NewFromString(text[:min(len(text), maxAmount+1)])
	switch {
	case err != nil || len(text) > maxAmount || d.Exponent() < -maxExponent || d.Exponent() > maxExponent:
		return decimal.Zero, fmt.Errorf("%s %.50q: want a decimal number", name, text)
	case d.IsNegative():
		return decimal.Zero, fmt.Errorf("%s %s is below 0", name, d)
	default:
		return d, nil
	}
}

// rawAmount writes an amount as the exchange does.
func rawAmount(d decimal.Decimal) json.RawMessage { return json.RawMessage(`"` + d.String() + `"`) }

// MarshalExchangeInfo writes info as the exchange's document.
func MarshalExchangeInfo(info exchange.ExchangeInfo) ([]byte, error) {
	doc := infoJSON{
		Timezone:        "UTC",
		ServerTime:      info.ServerTime.Millis(),
		RateLimits:      []rateLimitJSON{},
		ExchangeFilters: []struct{}{},
		Symbols:         make([]json.RawMessage, 0, len(info.Symbols)),
	}
	for _, l := range info.RateLimits {
		doc.RateLimits = append(doc.RateLimits, rateLimitJSON(l))
	}
	for _, s := range info.Symbols {
		symbol, err := json.Marshal(symbolJSON{
			Symbol:              s.Name,
			Status:              s.Status,
			BaseAsset:           s.BaseAsset,
			BaseAssetPrecision:  s.BaseAssetPrecision,
			QuoteAsset:          s.QuoteAsset,
			QuotePrecision:      s.QuoteAssetPrecision,
			QuoteAssetPrecision: s.QuoteAssetPrecision,
			BaseCommission:      8,
			QuoteCommission:     8,
			OrderTypes:          []string{"LIMIT"},
			SpotAllowed:         true,
			Filters:             filtersJSON(s.Filters),
			Permissions:         []string{"SPOT"},
		})
		if err != nil {
			return nil, fmt.Errorf("exchange info: symbol %q: %w", s.Name, err)
		}
		doc.Symbols = append(doc.Symbols, symbol)
	}
	return json.Marshal(doc)
}

func filtersJSON(f exchange.Filters) []filterJSON {
	filters := []filterJSON{
		{Type: "PRICE_FILTER", MinPrice: rawAmount(f.MinPrice), MaxPrice: rawAmount(f.MaxPrice), TickSize: rawAmount(f.TickSize)},
		{Type: "LOT_SIZE", MinQty: rawAmount(f.MinQuantity), MaxQty: rawAmount(f.MaxQuantity), StepSize: rawAmount(f.StepSize)},
	}
	yes := true
	switch f.NotionalFilter {
	case "MIN_NOTIONAL":
		filters = append(filters, filterJSON{Type: f.NotionalFilter, MinNotional: rawAmount(f.MinNotional), ApplyToMarket: &yes, AvgPriceMins: &f.AvgPriceMinutes})
	case "NOTIONAL":
		filters = append(filters, filterJSON{Type: f.NotionalFilter, MinNotional: rawAmount(f.MinNotional), MaxNotional: rawAmount(f.MaxNotional),
			ApplyMinToMarket: &yes, ApplyMaxToMarket: &yes, AvgPriceMins: &f.AvgPriceMinutes})
	}
	switch f.PercentPriceFilter {
	case "PERCENT_PRICE":
		filters = append(filters, filterJSON{Type: f.PercentPriceFilter, MultiplierUp: rawAmount(f.BidMultiplierUp), MultiplierDown: rawAmount(f.BidMultiplierDown),
			AvgPriceMins: &f.AvgPriceMinutes})
	case "PERCENT_PRICE_BY_SIDE":
		filters = append(filters, filterJSON{Type: f.PercentPriceFilter, BidMultiplierUp: rawAmount(f.BidMultiplierUp), BidMultiplierDown: rawAmount(f.BidMultiplierDown),
			AskMultiplierUp: rawAmount(f.AskMultiplierUp), AskMultiplierDown: rawAmount(f.AskMultiplierDown), AvgPriceMins: &f.AvgPriceMinutes})
	}
	if f.MaxNumOrders > 0 {
		filters = append(filters, filterJSON{Type: "MAX_NUM_ORDERS", MaxNumOrders: &f.MaxNumOrders})
	}
	if f.MaxPosition.Sign() > 0 {
		filters = append(filters, filterJSON{Type: "MAX_POSITION", MaxPosition: rawAmount(f.MaxPosition)})
	}
	return filters
}
