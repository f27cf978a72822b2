package server

import (
	"encoding/json"
	"fmt"

	"hedgehog/exchange"
	"hedgehog/exchange/sim"
)

// subscription is a user data stream on a session.
type subscription struct {
	id      int
	account string
	byLogon bool // ends with the session's logout
	conn    *conn
	cancel  func()
}

type eventJSON struct {
	SubscriptionID int `json:"subscriptionId"`
	Event          any `json:"event"`
}

// report sends what the exchange tells of r: the order, and the balances that
// have changed with it. It is called under the engine's lock.
func (s *subscription) report(r *sim.Report) {
	s.send(executionOf(r, s.conn.unit))
	if len(r.Balances) > 0 {
		s.send(positionOf(r, s.conn.unit))
	}
}

// terminated tells the client that no more events will come.
func (s *subscription) terminated(now int64) {
	s.send(struct {
		Event string `json:"e"`
		Time  int64  `json:"E"`
	}{"eventStreamTerminated", now})
}

func (s *subscription) send(event any) {
	payload, err := json.Marshal(eventJSON{s.id, event})
	if err != nil {
		// The events are plain structs of numbers and strings.
		panic(fmt.Sprintf("user data event does not marshal: %v", err))
	}
	s.conn.send(payload)
}

// executionJSON is an executionReport, with its fields in the exchange's order.
type executionJSON struct {
	Event                 string          `json:"e"`
	EventTime             int64           `json:"E"`
	Symbol                string          `json:"s"`
	ClientOrderID         string          `json:"c"`
	Side                  exchange.Side   `json:"S"`
	Type                  string          `json:"o"`
	TimeInForce           string          `json:"f"`
	Quantity              fixed           `json:"q"`
	Price                 fixed           `json:"p"`
	StopPrice             fixed           `json:"P"`
	IcebergQuantity       fixed           `json:"F"`
	OrderListID           int64           `json:"g"`
	OriginalClientOrderID string          `json:"C"`
	Execution             string          `json:"x"`
	Status                exchange.Status `json:"X"`
	RejectReason          string          `json:"r"`
	OrderID               int64           `json:"i"`
	LastQuantity          fixed           `json:"l"`
	ExecutedQuantity      fixed           `json:"z"`
	LastPrice             fixed           `json:"L"`
	Commission            fixed           `json:"n"`
	CommissionAsset       *string         `json:"N"`
	TransactionTime       int64           `json:"T"`
	TradeID               int64           `json:"t"`
	ExecutionID           int64           `json:"I"`
	Working               bool            `json:"w"`
	Maker                 bool            `json:"m"`
	Ignored               bool            `json:"M"`
	OrderTime             int64           `json:"O"`
	CumulativeQuote       fixed           `json:"Z"`
	LastQuote             fixed           `json:"Y"`
	QuoteOrderQuantity    fixed           `json:"Q"`
	WorkingTime           int64           `json:"W"`
	SelfTradePrevention   string          `json:"V"`
}

func executionOf(r *sim.Report, unit timeUnit) executionJSON {
	o := &r.Update.Order
	e := executionJSON{
		Event: "executionReport", EventTime: unit.of(r.Time), Symbol: o.Symbol, ClientOrderID: o.ClientID,
		Side: o.Side, Type: "LIMIT", TimeInForce: "GTC", Quantity: fixed{o.OriginalQuantity}, Price: fixed{o.Price},
		OrderListID: -1, Execution: r.Execution, Status: o.Status, RejectReason: "NONE", OrderID: o.ID,
		ExecutedQuantity: fixed{o.ExecutedQuantity}, TransactionTime: unit.of(r.Time), TradeID: -1,
		ExecutionID: r.ExecutionID, Working: !o.Status.Done(), OrderTime: unit.of(o.Time),
		CumulativeQuote: fixed{o.QuoteQuantity}, WorkingTime: unit.of(o.Time), SelfTradePrevention: "NONE",
	}
	if r.CancelID != "" {
		e.ClientOrderID, e.OriginalClientOrderID = r.CancelID, o.ClientID
	}
	for _, f := range r.Update.Fills {
		e.LastQuantity, e.LastPrice, e.LastQuote = fixed{f.Quantity}, fixed{f.Price}, fixed{f.Price.Mul(f.Quantity)}
		e.Commission, e.CommissionAsset = fixed{f.Commission}, &f.CommissionAsset
		e.TradeID, e.Maker = f.TradeID, f.Maker
	}
	return e
}

type positionJSON struct {
	Event      string            `json:"e"`
	EventTime  int64             `json:"E"`
	UpdateTime int64             `json:"u"`
	Balances   []positionBalance `json:"B"`
}

type positionBalance struct {
	Asset  string `json:"a"`
	Free   fixed  `json:"f"`
	Locked fixed  `json:"l"`
}

func positionOf(r *sim.Report, unit timeUnit) positionJSON {
	p := positionJSON{Event: "outboundAccountPosition", EventTime: unit.of(r.Time), UpdateTime: unit.of(r.Time)}
	for _, b := range r.Balances {
		p.Balances = append(p.Balances, positionBalance{b.Asset, fixed{b.Free}, fixed{b.Locked}})
	}
	return p
}
