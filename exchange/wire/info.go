package wire

import (
	"encoding/json"
	"fmt"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
)

type infoJSON struct {
	Timezone        string          `json:"timezone"`
	ServerTime      int64           `json:"serverTime"`
	RateLimits      []rateLimitJSON `json:"rateLimits"`
	ExchangeFilters []struct{}      `json:"exchangeFilters"`
	Symbols         []symbolJSON    `json:"symbols"`
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
type filterJSON struct {
	Type              string           `json:"filterType"`
	MinPrice          *decimal.Decimal `json:"minPrice,omitempty"`
	MaxPrice          *decimal.Decimal `json:"maxPrice,omitempty"`
	TickSize          *decimal.Decimal `json:"tickSize,omitempty"`
	MinQty            *decimal.Decimal `json:"minQty,omitempty"`
	MaxQty            *decimal.Decimal `json:"maxQty,omitempty"`
	StepSize          *decimal.Decimal `json:"stepSize,omitempty"`
	MinNotional       *decimal.Decimal `json:"minNotional,omitempty"`
	MaxNotional       *decimal.Decimal `json:"maxNotional,omitempty"`
	ApplyToMarket     *bool            `json:"applyToMarket,omitempty"`
	ApplyMinToMarket  *bool            `json:"applyMinToMarket,omitempty"`
	ApplyMaxToMarket  *bool            `json:"applyMaxToMarket,omitempty"`
	MultiplierUp      *decimal.Decimal `json:"multiplierUp,omitempty"`
	MultiplierDown    *decimal.Decimal `json:"multiplierDown,omitempty"`
	BidMultiplierUp   *decimal.Decimal `json:"bidMultiplierUp,omitempty"`
	BidMultiplierDown *decimal.Decimal `json:"bidMultiplierDown,omitempty"`
	AskMultiplierUp   *decimal.Decimal `json:"askMultiplierUp,omitempty"`
	AskMultiplierDown *decimal.Decimal `json:"askMultiplierDown,omitempty"`
	AvgPriceMins      *int             `json:"avgPriceMins,omitempty"`
	MaxNumOrders      *int             `json:"maxNumOrders,omitempty"`
	MaxPosition       *decimal.Decimal `json:"maxPosition,omitempty"`
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
	for _, s := range doc.Symbols {
		symbol, err := parseSymbol(s)
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
	set := func(target *decimal.Decimal, name string, value *decimal.Decimal, needed bool) {
		switch {
		case err != nil:
		case value == nil && needed:
			err = fmt.Errorf("%s is missing", name)
		case value == nil:
		case value.IsNegative():
			err = fmt.Errorf("%s %s is below 0", name, value)
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
	case "PERCENT_PRICE_BY_SIDE":
		to.PercentPriceFilter = f.Type
		set(&to.BidMultiplierUp, "bidMultiplierUp", f.BidMultiplierUp, true)
		set(&to.BidMultiplierDown, "bidMultiplierDown", f.BidMultiplierDown, true)
		set(&to.AskMultiplierUp, "askMultiplierUp", f.AskMultiplierUp, true)
		set(&to.AskMultiplierDown, "askMultiplierDown", f.AskMultiplierDown, true)
	case "MAX_NUM_ORDERS":
		if f.MaxNumOrders != nil {
			to.MaxNumOrders = *f.MaxNumOrders
		}
	case "MAX_POSITION":
		set(&to.MaxPosition, "maxPosition", f.MaxPosition, true)
	}
	if f.AvgPriceMins != nil && (f.Type == "PERCENT_PRICE" || f.Type == "PERCENT_PRICE_BY_SIDE") {
		to.AvgPriceMinutes = *f.AvgPriceMins
	}
	return err
}

// MarshalExchangeInfo writes info as the exchange's document.
func MarshalExchangeInfo(info exchange.ExchangeInfo) ([]byte, error) {
	doc := infoJSON{
		Timezone:        "UTC",
		ServerTime:      info.ServerTime.Millis(),
		RateLimits:      []rateLimitJSON{},
		ExchangeFilters: []struct{}{},
		Symbols:         make([]symbolJSON, 0, len(info.Symbols)),
	}
	for _, l := range info.RateLimits {
		doc.RateLimits = append(doc.RateLimits, rateLimitJSON(l))
	}
	for _, s := range info.Symbols {
		doc.Symbols = append(doc.Symbols, symbolJSON{
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
	}
	return json.Marshal(doc)
}

func filtersJSON(f exchange.Filters) []filterJSON {
	filters := []filterJSON{
		{Type: "PRICE_FILTER", MinPrice: &f.MinPrice, MaxPrice: &f.MaxPrice, TickSize: &f.TickSize},
		{Type: "LOT_SIZE", MinQty: &f.MinQuantity, MaxQty: &f.MaxQuantity, StepSize: &f.StepSize},
	}
	yes := true
	switch f.NotionalFilter {
	case "MIN_NOTIONAL":
		filters = append(filters, filterJSON{Type: f.NotionalFilter, MinNotional: &f.MinNotional, ApplyToMarket: &yes, AvgPriceMins: &f.AvgPriceMinutes})
	case "NOTIONAL":
		filters = append(filters, filterJSON{Type: f.NotionalFilter, MinNotional: &f.MinNotional, MaxNotional: &f.MaxNotional,
			ApplyMinToMarket: &yes, ApplyMaxToMarket: &yes, AvgPriceMins: &f.AvgPriceMinutes})
	}
	switch f.PercentPriceFilter {
	case "PERCENT_PRICE":
		filters = append(filters, filterJSON{Type: f.PercentPriceFilter, MultiplierUp: &f.BidMultiplierUp, MultiplierDown: &f.BidMultiplierDown, AvgPriceMins: &f.AvgPriceMinutes})
	case "PERCENT_PRICE_BY_SIDE":
		filters = append(filters, filterJSON{Type: f.PercentPriceFilter, BidMultiplierUp: &f.BidMultiplierUp, BidMultiplierDown: &f.BidMultiplierDown,
			AskMultiplierUp: &f.AskMultiplierUp, AskMultiplierDown: &f.AskMultiplierDown, AvgPriceMins: &f.AvgPriceMinutes})
	}
	if f.MaxNumOrders > 0 {
		filters = append(filters, filterJSON{Type: "MAX_NUM_ORDERS", MaxNumOrders: &f.MaxNumOrders})
	}
	if f.MaxPosition.Sign() > 0 {
		filters = append(filters, filterJSON{Type: "MAX_POSITION", MaxPosition: &f.MaxPosition})
	}
	return filters
}
