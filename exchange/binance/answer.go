package binance

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"hedgehog/exchange"
)

// orderAnswer is an order in the answers of the REST API: of placing, cancelling
// and querying, which have most fields in common.
type orderAnswer struct {
	Symbol        string       `json:"symbol"`
	OrderID       int64        `json:"orderId"`
	ClientOrderID string       `json:"clientOrderId"`
	Original      string       `json:"origClientOrderId"` // of a cancel: the order's id, while clientOrderId is the cancel's
	Side          string       `json:"side"`
	Status        string       `json:"status"`
	Price         amount       `json:"price"`
	OrigQty       amount       `json:"origQty"`
	ExecutedQty   amount       `json:"executedQty"`
	QuoteQty      amount       `json:"cummulativeQuoteQty"` // sic
	Time          int64        `json:"time"`
	UpdateTime    int64        `json:"updateTime"`
	WorkingTime   int64        `json:"workingTime"`
	TransactTime  int64        `json:"transactTime"`
	Fills         []fillAnswer `json:"fills"`
}

// fillAnswer is a fill in the answer of placing an order.
type fillAnswer struct {
	Price           amount `json:"price"`
	Qty             amount `json:"qty"`
	Commission      amount `json:"commission"`
	CommissionAsset string `json:"commissionAsset"`
	TradeID         int64  `json:"tradeId"`
}

// order checks the answer and returns it as an order.
func (a orderAnswer) order() (exchange.Order, error) {
	fail := func(err error) (exchange.Order, error) {
		return exchange.Order{}, fmt.Errorf("order %d: %w", a.OrderID, err)
	}
	side, err := exchange.ParseSide(a.Side)
	if err != nil {
		return fail(err)
	}
	status, err := exchange.ParseStatus(a.Status)
	if err != nil {
		return fail(err)
	}
	created, err := microsOf("time", cmp.Or(a.Time, max(a.WorkingTime, 0)))
	if err != nil {
		return fail(err)
	}
	updated, err := microsOf("updateTime", cmp.Or(a.UpdateTime, a.TransactTime))
	if err != nil {
		return fail(err)
	}
	order := exchange.Order{
		Symbol:           a.Symbol,
		ID:               a.OrderID,
		ClientID:         cmp.Or(a.Original, a.ClientOrderID),
		Side:             side,
		Status:           status,
		Price:            a.Price.Decimal,
		OriginalQuantity: a.OrigQty.Decimal,
		ExecutedQuantity: a.ExecutedQty.Decimal,
		QuoteQuantity:    a.QuoteQty.Decimal,
		Time:             created,
		UpdateTime:       updated,
	}
	if order.QuoteQuantity.IsNegative() {
		// Some very old orders: the exchange has lost it.
		order.QuoteQuantity = order.Price.Mul(order.ExecutedQuantity)
	}
	return order, checkOrder(order)
}

// checkOrder checks what every order of the exchange has to satisfy.
func checkOrder(o exchange.Order) error {
	switch {
	case !exchange.ValidSymbolName(o.Symbol):
		return fmt.Errorf("order %d: symbol %.50q: not a symbol's name", o.ID, o.Symbol)
	case o.ID <= 0:
		return fmt.Errorf("order id %d: want more than 0", o.ID)
	case len(o.ClientID) == 0 || len(o.ClientID) > 100:
		return fmt.Errorf("order %d: client order id of %d bytes: want 1 to 100", o.ID, len(o.ClientID))
	case o.Price.IsNegative():
		return fmt.Errorf("order %d: price %s: want 0 or more", o.ID, o.Price)
	case o.OriginalQuantity.IsNegative():
		return fmt.Errorf("order %d: quantity %s: want 0 or more", o.ID, o.OriginalQuantity)
	case o.ExecutedQuantity.IsNegative() || o.ExecutedQuantity.GreaterThan(o.OriginalQuantity) && o.OriginalQuantity.Sign() > 0:
		return fmt.Errorf("order %d: executed quantity %s: want 0 to %s", o.ID, o.ExecutedQuantity, o.OriginalQuantity)
	case o.QuoteQuantity.IsNegative():
		return fmt.Errorf("order %d: quote quantity %s: want 0 or more", o.ID, o.QuoteQuantity)
	default:
		return nil
	}
}

// checkFill checks what every fill has to satisfy. A commission may be negative:
// some accounts are paid for making the market.
func checkFill(f exchange.Fill) error {
	switch {
	case !exchange.ValidSymbolName(f.Symbol):
		return fmt.Errorf("fill %d: symbol %.50q: not a symbol's name", f.TradeID, f.Symbol)
	case f.TradeID < 0:
		return fmt.Errorf("fill: trade id %d: want 0 or more", f.TradeID)
	case f.Price.Sign() <= 0:
		return fmt.Errorf("fill %d: price %s: want more than 0", f.TradeID, f.Price)
	case f.Quantity.Sign() <= 0:
		return fmt.Errorf("fill %d: quantity %s: want more than 0", f.TradeID, f.Quantity)
	case f.CommissionAsset == "" && !f.Commission.IsZero():
		return fmt.Errorf("fill %d: commission %s of no asset", f.TradeID, f.Commission)
	default:
		return nil
	}
}

func decodeOrder(body []byte) (exchange.Order, error) {
	var a orderAnswer
	if err := json.Unmarshal(body, &a); err != nil {
		return exchange.Order{}, err
	}
	return a.order()
}

// decodePlaced reads the full answer of placing an order.
func decodePlaced(body []byte) (exchange.OrderUpdate, error) {
	var a orderAnswer
	if err := json.Unmarshal(body, &a); err != nil {
		return exchange.OrderUpdate{}, err
	}
	order, err := a.order()
	if err != nil {
		return exchange.OrderUpdate{}, err
	}
	if order.Time == 0 {
		order.Time = order.UpdateTime
	}
	update := exchange.OrderUpdate{Order: order}
	for _, f := range a.Fills {
		fill := exchange.Fill{
			Symbol:          order.Symbol,
			OrderID:         order.ID,
			TradeID:         f.TradeID,
			Side:            order.Side,
			Price:           f.Price.Decimal,
			Quantity:        f.Qty.Decimal,
			Commission:      f.Commission.Decimal,
			CommissionAsset: f.CommissionAsset,
			Time:            order.UpdateTime,
		}
		if err := checkFill(fill); err != nil {
			return exchange.OrderUpdate{}, err
		}
		update.Fills = append(update.Fills, fill)
	}
	return update, nil
}

// decodeFills reads the account's trades that filled the order, any order where
// orderID is 0, in order of id.
func decodeFills(body []byte, orderID int64) ([]exchange.Fill, error) {
	var answers []struct {
		Symbol          string `json:"symbol"`
		ID              int64  `json:"id"`
		OrderID         int64  `json:"orderId"`
		Price           amount `json:"price"`
		Qty             amount `json:"qty"`
		Commission      amount `json:"commission"`
		CommissionAsset string `json:"commissionAsset"`
		Time            int64  `json:"time"`
		IsBuyer         bool   `json:"isBuyer"`
		IsMaker         bool   `json:"isMaker"`
	}
	if err := json.Unmarshal(body, &answers); err != nil {
		return nil, err
	}
	fills := make([]exchange.Fill, 0, len(answers))
	for _, a := range answers {
		at, err := microsOf("time", a.Time)
		if err != nil {
			return nil, fmt.Errorf("fill %d: %w", a.ID, err)
		}
		fill := exchange.Fill{
			Symbol:          a.Symbol,
			OrderID:         a.OrderID,
			TradeID:         a.ID,
			Side:            exchange.Sell,
			Price:           a.Price.Decimal,
			Quantity:        a.Qty.Decimal,
			Commission:      a.Commission.Decimal,
			CommissionAsset: a.CommissionAsset,
			Maker:           a.IsMaker,
			Time:            at,
		}
		if a.IsBuyer {
			fill.Side = exchange.Buy
		}
		if err := checkFill(fill); err != nil {
			return nil, err
		}
		if orderID != 0 && fill.OrderID != orderID {
			return nil, fmt.Errorf("fill %d: of order %d: want %d", fill.TradeID, fill.OrderID, orderID)
		}
		fills = append(fills, fill)
	}
	slices.SortFunc(fills, func(a, b exchange.Fill) int { return cmp.Compare(a.TradeID, b.TradeID) })
	return fills, nil
}
