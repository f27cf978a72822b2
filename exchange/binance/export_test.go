package binance

import "hedgehog/exchange"

// The parsers of answers and account events, for the fuzz targets.
var (
	DecodeOrder  = decodeOrder
	DecodePlaced = decodePlaced
	DecodeFills  = decodeFills
	DecodeTrades = decodeTrades
	ParseDecimal = parseDecimal
)

// DecodeAccountEvent returns the update of an execution report, nil for other events.
func DecodeAccountEvent(message []byte) (*exchange.OrderUpdate, error) {
	update := new(exchange.OrderUpdate)
	kind, err := decodeAccountEvent(message, update)
	if err != nil || kind != eventOrder {
		return nil, err
	}
	return update, nil
}
