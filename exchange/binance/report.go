package binance

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/buger/jsonparser"
	"github.com/shopspring/decimal"

	"hedgehog/exchange"
)

// accountEvent is what a message of the account's stream speaks of.
type accountEvent int

const (
	eventOther      accountEvent = iota // nothing that concerns orders
	eventOrder                          // an order has changed
	eventTerminated                     // the subscription has ended
	eventShutdown                       // the connection will end soon
)

// report gathers the fields of an execution report. Their names differ in case
// only, which encoding/json does not tell apart reliably.
type report struct {
	symbol             string
	client, original   string
	side, status       string
	execution          string
	asset              string
	id, trade          int64
	time, created      int64
	price, quantity    decimal.Decimal
	executed, quote    decimal.Decimal
	lastPrice, lastQty decimal.Decimal
	commission         decimal.Decimal
	maker              bool
}

// decodeAccountEvent reads one message of the account's stream and fills u when
// it is an execution report. Its errors name the field and the value.
func decodeAccountEvent(message []byte, u *exchange.OrderUpdate) (accountEvent, error) {
	event, kind, _, err := jsonparser.Get(message, "event")
	switch {
	case errors.Is(err, jsonparser.KeyPathNotFoundError):
		return eventOther, nil // an answer to a request
	case err != nil || kind != jsonparser.Object:
		return eventOther, fmt.Errorf("account event %.100q: want an object", event)
	}
	name, err := jsonparser.GetUnsafeString(event, "e")
	if err != nil {
		return eventOther, fmt.Errorf("account event: e: %w", err)
	}
	switch name {
	case "eventStreamTerminated":
		return eventTerminated, nil
	case "serverShutdown":
		return eventShutdown, nil
	case "executionReport":
	default:
		return eventOther, nil
	}
	var r report
	if err := jsonparser.ObjectEach(event, r.field); err != nil {
		return eventOther, fmt.Errorf("execution report: %w", err)
	}
	if err := r.update(u); err != nil {
		return eventOther, fmt.Errorf("execution report: %w", err)
	}
	return eventOrder, nil
}

func (r *report) field(key, value []byte, kind jsonparser.ValueType, _ int) error {
	if len(key) != 1 || kind == jsonparser.Null {
		return nil
	}
	var err error
	switch key[0] {
	case 's':
		r.symbol = string(value)
	case 'c':
		r.client = string(value)
	case 'C':
		r.original = string(value)
	case 'S':
		r.side = string(value)
	case 'x':
		r.execution = string(value)
	case 'X':
		r.status = string(value)
	case 'N':
		r.asset = string(value)
	case 'i':
		r.id, err = jsonparser.ParseInt(value)
	case 't':
		r.trade, err = jsonparser.ParseInt(value)
	case 'T':
		r.time, err = jsonparser.ParseInt(value)
	case 'O':
		r.created, err = jsonparser.ParseInt(value)
	case 'p':
		r.price, err = parseDecimal(value)
	case 'q':
		r.quantity, err = parseDecimal(value)
	case 'z':
		r.executed, err = parseDecimal(value)
	case 'Z':
		r.quote, err = parseDecimal(value)
	case 'L':
		r.lastPrice, err = parseDecimal(value)
	case 'l':
		r.lastQty, err = parseDecimal(value)
	case 'n':
		r.commission, err = parseDecimal(value)
	case 'm':
		r.maker = string(value) == "true"
	}
	if err != nil {
		return fmt.Errorf("%s %.50q: %w", key, value, err)
	}
	return nil
}

// update checks the report and turns it into an order's update, with a fill when
// a trade is what it reports.
func (r *report) update(u *exchange.OrderUpdate) error {
	side, err := exchange.ParseSide(r.side)
	if err != nil {
		return fmt.Errorf("side (S): %w", err)
	}
	status, err := exchange.ParseStatus(r.status)
	if err != nil {
		return fmt.Errorf("status (X): %w", err)
	}
	updated, err := microsOf("T", r.time)
	if err != nil {
		return err
	}
	created, err := microsOf("O", r.created)
	if err != nil {
		return err
	}
	u.Order = exchange.Order{
		Symbol: r.symbol,
		ID:     r.id,
		// A cancel has an id of its own; C is then the order's.
		ClientID:         cmp.Or(r.original, r.client),
		Side:             side,
		Status:           status,
		Price:            r.price,
		OriginalQuantity: r.quantity,
		ExecutedQuantity: r.executed,
		QuoteQuantity:    r.quote,
		Time:             created,
		UpdateTime:       updated,
	}
	if err := checkOrder(u.Order); err != nil {
		return err
	}
	if r.execution != "TRADE" {
		return nil
	}
	fill := exchange.Fill{
		Symbol:          r.symbol,
		OrderID:         r.id,
		TradeID:         r.trade,
		Side:            side,
		Price:           r.lastPrice,
		Quantity:        r.lastQty,
		Commission:      r.commission,
		CommissionAsset: r.asset,
		Maker:           r.maker,
		Time:            updated,
	}
	u.Fills = []exchange.Fill{fill}
	return checkFill(fill)
}
