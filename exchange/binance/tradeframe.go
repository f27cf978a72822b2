package binance

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/buger/jsonparser"
	"github.com/shopspring/decimal"

	"hedgehog/exchange"
)

// errShutdown is what a frame decodes to when the exchange announces with it
// that it will end the connection soon.
var errShutdown = errors.New("the exchange announced the end of the connection")

// errAnswer is what a frame decodes to that answers a request without an error.
var errAnswer = errors.New("an answer to a request, not a trade")

// DecodeTrade reads a trade from a frame of a market stream, raw or combined.
// Times may be in milliseconds or microseconds; the order ids b and a are taken
// where they are present, other fields are passed over. Its errors name the
// field and the value.
func DecodeTrade(frame []byte) (exchange.TradeEvent, error) {
	var t exchange.TradeEvent
	err := decodeTrade(frame, "", &t)
	return t, err
}

// tradeFrame gathers the fields of a frame.
type tradeFrame struct {
	trade    *exchange.TradeEvent
	symbol   string // the one that is expected; "": any
	event    bool   // e was seen
	shutdown bool
	answer   bool
	nested   bool // inside the data of a combined frame
}

// decodeTrade fills t from the frame. symbol, where not empty, is the one that
// the trade has to be of.
func decodeTrade(frame []byte, symbol string, t *exchange.TradeEvent) error {
	f := tradeFrame{trade: t, symbol: symbol}
	if err := f.object(frame); err != nil {
		return fmt.Errorf("trade frame: %w", err)
	}
	var missing string
	switch {
	case f.shutdown:
		return errShutdown
	case f.answer && !f.event:
		return errAnswer
	case !f.event:
		missing = "e"
	case t.Symbol == "":
		missing = "s"
	case t.ID == 0:
		missing = "t"
	case t.Price.IsZero():
		missing = "p"
	case t.Quantity.IsZero():
		missing = "q"
	case t.TradeTime == 0:
		missing = "T"
	default:
		return nil
	}
	return fmt.Errorf("trade frame: %s is missing", missing)
}

func (f *tradeFrame) object(object []byte) error {
	return jsonparser.ObjectEach(object, f.field)
}

func (f *tradeFrame) field(key, value []byte, kind jsonparser.ValueType, _ int) error {
	if len(key) != 1 {
		return f.envelope(key, value, kind)
	}
	t := f.trade
	switch key[0] {
	case 'e':
		f.event, f.shutdown = true, string(value) == "serverShutdown"
		if string(value) != "trade" && !f.shutdown {
			return fmt.Errorf("e %.50q: want trade", value)
		}
	case 's':
		return f.setSymbol(value)
	case 't':
		return setID(&t.ID, "t", value)
	case 'p':
		return setPositive(&t.Price, "p", value)
	case 'q':
		return setPositive(&t.Quantity, "q", value)
	case 'T':
		return setTime(&t.TradeTime, "T", value)
	case 'E':
		return setTime(&t.EventTime, "E", value)
	case 'b':
		return setID(&t.BuyerOrderID, "b", value)
	case 'a':
		return setID(&t.SellerOrderID, "a", value)
	case 'm':
		if kind != jsonparser.Boolean {
			return fmt.Errorf("m %.50q: want true or false", value)
		}
		t.BuyerIsMaker = value[0] == 't'
	}
	return nil
}

// envelope reads the fields around a trade: the data of a combined frame, and
// what an answer to a request has.
func (f *tradeFrame) envelope(key, value []byte, kind jsonparser.ValueType) error {
	switch string(key) {
	case "data":
		if kind == jsonparser.Object && !f.nested {
			f.nested = true
			return f.object(value)
		}
	case "result":
		f.answer = true
	case "error":
		return fmt.Errorf("the exchange answered %.200q", value)
	}
	return nil
}

func (f *tradeFrame) setSymbol(value []byte) error {
	switch {
	case f.symbol != "" && string(value) == f.symbol:
		f.trade.Symbol = f.symbol
	case f.symbol != "":
		return fmt.Errorf("s %.50q: want %s", value, f.symbol)
	case !exchange.ValidSymbolName(string(value)):
		return fmt.Errorf("s %.50q: not a symbol's name", value)
	default:
		f.trade.Symbol = string(value)
	}
	return nil
}

func setID(to *int64, field string, value []byte) error {
	n, err := jsonparser.ParseInt(value)
	if err != nil || n <= 0 {
		return fmt.Errorf("%s %.50q: want a whole number above 0", field, value)
	}
	*to = n
	return nil
}

func setTime(to *exchange.Micros, field string, value []byte) error {
	n, err := jsonparser.ParseInt(value)
	if err != nil || n <= 0 {
		return fmt.Errorf("%s %.50q: want a time", field, value)
	}
	*to, err = microsOf(field, n)
	return err
}

func setPositive(to *decimal.Decimal, field string, value []byte) error {
	d, err := parseDecimal(value)
	if err != nil || d.Sign() <= 0 {
		return fmt.Errorf("%s %.50q: want a number above 0", field, value)
	}
	*to = d
	return nil
}

// decodeTrades reads the answer of the REST API's trade lists, which has to be
// in order of id.
func decodeTrades(body []byte, symbol string) ([]exchange.TradeEvent, error) {
	var answers []struct {
		ID           int64  `json:"id"`
		Price        amount `json:"price"`
		Qty          amount `json:"qty"`
		Time         int64  `json:"time"`
		IsBuyerMaker bool   `json:"isBuyerMaker"`
	}
	if err := json.Unmarshal(body, &answers); err != nil {
		return nil, err
	}
	trades := make([]exchange.TradeEvent, 0, len(answers))
	last := int64(0)
	for _, a := range answers {
		at, err := microsOf("time", a.Time)
		switch {
		case a.ID <= last:
			return nil, fmt.Errorf("id %d: want more than %d", a.ID, last)
		case a.Price.Sign() <= 0:
			return nil, fmt.Errorf("trade %d: price %s: want more than 0", a.ID, a.Price)
		case a.Qty.Sign() <= 0:
			return nil, fmt.Errorf("trade %d: qty %s: want more than 0", a.ID, a.Qty)
		case err != nil:
			return nil, fmt.Errorf("trade %d: %w", a.ID, err)
		}
		last = a.ID
		trades = append(trades, exchange.TradeEvent{
			Symbol:       symbol,
			ID:           a.ID,
			Price:        a.Price.Decimal,
			Quantity:     a.Qty.Decimal,
			TradeTime:    at,
			BuyerIsMaker: a.IsBuyerMaker,
			Source:       exchange.Backfill,
		})
	}
	return trades, nil
}
