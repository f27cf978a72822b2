package exchange

import (
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"
)

// ExchangeInfo is what the exchange says of itself: its symbols and the limits
// on requests.
type ExchangeInfo struct {
	ServerTime Micros
	RateLimits []RateLimit
	Symbols    []Symbol
}

// Symbol returns the rules of the named symbol, ErrUnknownSymbol when there is none.
func (i ExchangeInfo) Symbol(name string) (Symbol, error) {
	for _, s := range i.Symbols {
		if s.Name == name {
			return s, nil
		}
	}
	return Symbol{}, fmt.Errorf("%w: %q", ErrUnknownSymbol, name)
}

// RateLimit bounds what may be asked in one interval.
type RateLimit struct {
	Type        string // REQUEST_WEIGHT, ORDERS or RAW_REQUESTS
	Interval    string // SECOND, MINUTE or DAY
	IntervalNum int    // how many of Interval
	Limit       int
}

// Symbol is a market: what is traded against what, and the rules for its orders.
type Symbol struct {
	Name                string
	Status              string // TRADING when orders are taken
	BaseAsset           string
	QuoteAsset          string
	BaseAssetPrecision  int // decimal places of the base asset
	QuoteAssetPrecision int // decimal places of the quote asset
	Filters             Filters
}

// Filters are the rules that an order of a symbol has to satisfy. A zero value
// switches a rule off, as it does at the exchange.
type Filters struct {
	// PRICE_FILTER, in the quote asset.
	MinPrice, MaxPrice, TickSize decimal.Decimal
	// LOT_SIZE, in the base asset.
	MinQuantity, MaxQuantity, StepSize decimal.Decimal
	// MIN_NOTIONAL or NOTIONAL: bounds of price × quantity, in the quote asset.
	// NotionalFilter is the name of the one that the symbol has.
	NotionalFilter           string
	MinNotional, MaxNotional decimal.Decimal
	// PERCENT_PRICE or PERCENT_PRICE_BY_SIDE: factors of the average price that
	// an order's price has to stay within. PERCENT_PRICE has the same for both
	// sides. PercentPriceFilter is the name of the one that the symbol has.
	PercentPriceFilter                 string
	BidMultiplierUp, BidMultiplierDown decimal.Decimal
	AskMultiplierUp, AskMultiplierDown decimal.Decimal
	// AvgPriceMinutes is what the average price is taken over; 0: the last price.
	AvgPriceMinutes int
	// MAX_NUM_ORDERS: open orders of the account in this symbol.
	MaxNumOrders int
	// MAX_POSITION: base asset held plus open buys.
	MaxPosition decimal.Decimal
}

// FloorPrice rounds price down to a multiple of the tick size.
func (s Symbol) FloorPrice(price decimal.Decimal) decimal.Decimal {
	return floorTo(price, s.Filters.TickSize)
}

// FloorQuantity rounds quantity down to a multiple of the step size.
func (s Symbol) FloorQuantity(quantity decimal.Decimal) decimal.Decimal {
	return floorTo(quantity, s.Filters.StepSize)
}

// floorTo rounds d down to a multiple of unit; unchanged when unit is zero. The
// result has no more decimal places than unit: the exchange refuses even zeros
// beyond its precision.
func floorTo(d, unit decimal.Decimal) decimal.Decimal {
	if unit.Sign() <= 0 {
		return d
	}
	if floored, ok := floorWhole(d, unit); ok {
		return floored
	}
	remainder := d.Mod(unit)
	if remainder.IsNegative() {
		remainder = remainder.Add(unit)
	}
	return d.Sub(remainder).Truncate(max(0, -unit.Exponent()))
}

// floorWhole is floorTo for numbers of at most eighteen digits, on whole numbers; ok is
// false for others. The unit is above zero.
func floorWhole(d, unit decimal.Decimal) (floored decimal.Decimal, ok bool) {
	exponent, places := min(d.Exponent(), unit.Exponent()), max(0, -unit.Exponent())
	value, ok := wholeIn(d, exponent)
	step, fits := wholeIn(unit, exponent)
	if !ok || !fits || value < 0 {
		return d, false
	}
	value -= value % step
	for ; exponent < -places; exponent++ {
		value /= 10 // a multiple of the unit ends with zeros there
	}
	return decimal.New(value, exponent), true
}

// MarketState is what the filters need to know beside the order itself.
type MarketState struct {
	// AveragePrice is the average over AvgPriceMinutes, or the last price; zero
	// when there was no trade yet, and the percent price rules are passed over.
	AveragePrice decimal.Decimal
	// OpenOrders is how many orders of the account rest in this symbol.
	OpenOrders int
	// BaseHeld is what the account holds of the base asset, free and locked, plus
	// the quantity of its open buys.
	BaseHeld decimal.Decimal
}

// CheckOrder returns a *FilterError for the first of the symbol's rules that the
// order breaks, nil when it breaks none.
func (s Symbol) CheckOrder(o LimitOrder, m MarketState) error {
	f := s.Filters
	fail := func(filter, format string, args ...any) error {
		return &FilterError{Symbol: s.Name, Filter: filter, Reason: fmt.Sprintf(format, args...)}
	}
	switch {
	case o.Price.Sign() <= 0:
		return fail("PRICE_FILTER", "price %s is not above 0", o.Price)
	case f.MinPrice.Sign() > 0 && o.Price.LessThan(f.MinPrice):
		return fail("PRICE_FILTER", "price %s is below the minimum %s", o.Price, f.MinPrice)
	case f.MaxPrice.Sign() > 0 && o.Price.GreaterThan(f.MaxPrice):
		return fail("PRICE_FILTER", "price %s is above the maximum %s", o.Price, f.MaxPrice)
	case !multipleOf(o.Price, f.TickSize):
		return fail("PRICE_FILTER", "price %s is not a multiple of the tick size %s", o.Price, f.TickSize)
	case o.Quantity.Sign() <= 0:
		return fail("LOT_SIZE", "quantity %s is not above 0", o.Quantity)
	case f.MinQuantity.Sign() > 0 && o.Quantity.LessThan(f.MinQuantity):
		return fail("LOT_SIZE", "quantity %s is below the minimum %s", o.Quantity, f.MinQuantity)
	case f.MaxQuantity.Sign() > 0 && o.Quantity.GreaterThan(f.MaxQuantity):
		return fail("LOT_SIZE", "quantity %s is above the maximum %s", o.Quantity, f.MaxQuantity)
	case !multipleOf(o.Quantity, f.StepSize):
		return fail("LOT_SIZE", "quantity %s is not a multiple of the step size %s", o.Quantity, f.StepSize)
	}
	notional := o.Price.Mul(o.Quantity)
	switch {
	case f.MinNotional.Sign() > 0 && notional.LessThan(f.MinNotional):
		return fail(f.NotionalFilter, "price × quantity %s is below the minimum %s %s", notional, f.MinNotional, s.QuoteAsset)
	case f.MaxNotional.Sign() > 0 && notional.GreaterThan(f.MaxNotional):
		return fail(f.NotionalFilter, "price × quantity %s is above the maximum %s %s", notional, f.MaxNotional, s.QuoteAsset)
	}
	up, down := f.BidMultiplierUp, f.BidMultiplierDown
	if o.Side == Sell {
		up, down = f.AskMultiplierUp, f.AskMultiplierDown
	}
	if m.AveragePrice.Sign() > 0 {
		if highest := m.AveragePrice.Mul(up); up.Sign() > 0 && o.Price.GreaterThan(highest) {
			return fail(f.PercentPriceFilter, "price %s is above %s, %s × the average price", o.Price, highest, up)
		}
		if lowest := m.AveragePrice.Mul(down); down.Sign() > 0 && o.Price.LessThan(lowest) {
			return fail(f.PercentPriceFilter, "price %s is below %s, %s × the average price", o.Price, lowest, down)
		}
	}
	if f.MaxNumOrders > 0 && m.OpenOrders >= f.MaxNumOrders {
		return fail("MAX_NUM_ORDERS", "%d orders are open, at most %d may be", m.OpenOrders, f.MaxNumOrders)
	}
	if o.Side == Buy && f.MaxPosition.Sign() > 0 && m.BaseHeld.Add(o.Quantity).GreaterThan(f.MaxPosition) {
		return fail("MAX_POSITION", "%s %s held and ordered and %s more are above the maximum %s", m.BaseHeld, s.BaseAsset, o.Quantity, f.MaxPosition)
	}
	return nil
}

// multipleOf says whether d is a whole multiple of unit; so it is of a zero unit.
func multipleOf(d, unit decimal.Decimal) bool {
	if unit.Sign() <= 0 {
		return true
	}
	exponent := min(d.Exponent(), unit.Exponent())
	if value, ok := wholeIn(d, exponent); ok {
		if step, ok := wholeIn(unit, exponent); ok {
			return value%step == 0
		}
	}
	return d.Mod(unit).IsZero()
}

// ValidSymbolName says whether s can be a symbol's name: 1 to 20 of A-Z, 0-9, - _ and .
// as the exchange has it. A name goes into addresses, topics and file names, so
// anything else is refused early.
func ValidSymbolName(s string) bool {
	if len(s) == 0 || len(s) > 20 || strings.Trim(s, ".") == "" {
		return false
	}
	for _, c := range []byte(s) {
		if !(c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.') {
			return false
		}
	}
	return true
}

// Names returns the names of the symbols, sorted.
func (i ExchangeInfo) Names() []string {
	names := make([]string, 0, len(i.Symbols))
	for _, s := range i.Symbols {
		names = append(names, s.Name)
	}
	slices.Sort(names)
	return names
}
