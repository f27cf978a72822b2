package bus

import (
	"fmt"
	"slices"
	"strings"

	"hedgehog/exchange"
)

// Topic names a flow of events: a kind and a symbol, "TRADE_EVENTS:XRPETH".
type Topic string

// The kinds of topics.
const (
	KindTradeEvents = "TRADE_EVENTS" // *exchange.TradeEvent
	KindOrders      = "ORDERS"       // *exchange.OrderUpdate
	KindOHLC        = "OHLC"         // *exchange.Candle
	KindPositions   = "POSITIONS"    // *naive.Position, as the trader's positions change
	KindSettings    = "SETTINGS"     // *naive.Settings, when a user changes them
)

// Kinds returns the kinds of topics that there are.
func Kinds() []string {
	return []string{KindTradeEvents, KindOrders, KindOHLC, KindPositions, KindSettings}
}

// TradeEvents is the topic of a symbol's trades.
func TradeEvents(symbol string) Topic { return Topic(KindTradeEvents + ":" + symbol) }

// Orders is the topic of the updates of our orders in a symbol.
func Orders(symbol string) Topic { return Topic(KindOrders + ":" + symbol) }

// OHLC is the topic of a symbol's finished candles, of all lengths.
func OHLC(symbol string) Topic { return Topic(KindOHLC + ":" + symbol) }

// Positions is the topic of our positions in a symbol, as they change.
func Positions(symbol string) Topic { return Topic(KindPositions + ":" + symbol) }

// Settings is the topic of a symbol's trading settings, when they change.
func Settings(symbol string) Topic { return Topic(KindSettings + ":" + symbol) }

// ParseTopic checks a topic that came from outside. The error names what is
// wrong and the kinds that there are.
func ParseTopic(s string) (Topic, error) {
	kind, symbol, found := strings.Cut(s, ":")
	switch {
	case !found || !slices.Contains(Kinds(), kind):
		return "", fmt.Errorf("topic %q: want KIND:SYMBOL with one of the kinds %s", s, strings.Join(Kinds(), ", "))
	case !exchange.ValidSymbolName(symbol):
		return "", fmt.Errorf("topic %q: %q is not a symbol's name", s, symbol)
	}
	return Topic(s), nil
}

// Symbol returns the part after the colon.
func (t Topic) Symbol() string {
	_, symbol, _ := strings.Cut(string(t), ":")
	return symbol
}
