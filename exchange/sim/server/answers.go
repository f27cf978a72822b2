package server

import (
	"errors"

	"hedgehog/exchange"
	"hedgehog/exchange/wire"
)

// The answers on orders and accounts, with their fields in the exchange's order.

type ackJSON struct {
	Symbol        string `json:"symbol"`
	OrderID       int64  `json:"orderId"`
	OrderListID   int64  `json:"orderListId"`
	ClientOrderID string `json:"clientOrderId"`
	TransactTime  int64  `json:"transactTime"`
}

// stateJSON is what all answers tell of an order but the shortest.
type stateJSON struct {
	Price                   fixed           `json:"price"`
	OriginalQuantity        fixed           `json:"origQty"`
	ExecutedQuantity        fixed           `json:"executedQty"`
	OriginalQuoteOrder      fixed           `json:"origQuoteOrderQty"`
	CumulativeQuote         fixed           `json:"cummulativeQuoteQty"`
	Status                  exchange.Status `json:"status"`
	TimeInForce             string          `json:"timeInForce"`
	Type                    string          `json:"type"`
	Side                    exchange.Side   `json:"side"`
	SelfTradePreventionMode string          `json:"selfTradePreventionMode"`
}

func stateOf(o *exchange.Order) stateJSON {
	return stateJSON{
		Price: fixed{o.Price}, OriginalQuantity: fixed{o.OriginalQuantity}, ExecutedQuantity: fixed{o.ExecutedQuantity},
		CumulativeQuote: fixed{o.QuoteQuantity}, Status: o.Status, TimeInForce: "GTC", Type: "LIMIT", Side: o.Side,
		SelfTradePreventionMode: "NONE",
	}
}

type resultJSON struct {
	ackJSON
	stateJSON
	WorkingTime int64 `json:"workingTime"`
}

type fullJSON struct {
	resultJSON
	Fills []orderFillJSON `json:"fills"`
}

type orderFillJSON struct {
	Price           fixed  `json:"price"`
	Quantity        fixed  `json:"qty"`
	Commission      fixed  `json:"commission"`
	CommissionAsset string `json:"commissionAsset"`
	TradeID         int64  `json:"tradeId"`
}

// placedAnswer returns the answer to an order that was taken, in the wanted detail.
func placedAnswer(u *exchange.OrderUpdate, detail string, unit timeUnit) any {
	ack := ackJSON{u.Symbol, u.ID, -1, u.ClientID, unit.of(u.UpdateTime)}
	if detail == "ACK" {
		return ack
	}
	result := resultJSON{ack, stateOf(&u.Order), unit.of(u.Time)}
	if detail == "RESULT" {
		return result
	}
	full := fullJSON{result, make([]orderFillJSON, 0, len(u.Fills))}
	for _, f := range u.Fills {
		full.Fills = append(full.Fills, orderFillJSON{fixed{f.Price}, fixed{f.Quantity}, fixed{f.Commission}, f.CommissionAsset, f.TradeID})
	}
	return full
}

type canceledJSON struct {
	Symbol                string `json:"symbol"`
	OriginalClientOrderID string `json:"origClientOrderId"`
	OrderID               int64  `json:"orderId"`
	OrderListID           int64  `json:"orderListId"`
	ClientOrderID         string `json:"clientOrderId"` // of the cancel
	TransactTime          int64  `json:"transactTime"`
	stateJSON
}

func canceledAnswer(o *exchange.Order, cancelID string, unit timeUnit) any {
	return canceledJSON{o.Symbol, o.ClientID, o.ID, -1, cancelID, unit.of(o.UpdateTime), stateOf(o)}
}

type orderJSON struct {
	Symbol        string `json:"symbol"`
	OrderID       int64  `json:"orderId"`
	OrderListID   int64  `json:"orderListId"`
	ClientOrderID string `json:"clientOrderId"`
	stateJSON
	StopPrice       fixed `json:"stopPrice"`
	IcebergQuantity fixed `json:"icebergQty"`
	Time            int64 `json:"time"`
	UpdateTime      int64 `json:"updateTime"`
	IsWorking       bool  `json:"isWorking"`
	WorkingTime     int64 `json:"workingTime"`
}

func orderAnswer(o *exchange.Order, unit timeUnit) orderJSON {
	return orderJSON{
		Symbol: o.Symbol, OrderID: o.ID, OrderListID: -1, ClientOrderID: o.ClientID, stateJSON: stateOf(o),
		Time: unit.of(o.Time), UpdateTime: unit.of(o.UpdateTime), IsWorking: true, WorkingTime: unit.of(o.Time),
	}
}

func orderAnswers(orders []exchange.Order, unit timeUnit) []orderJSON {
	answers := make([]orderJSON, 0, len(orders))
	for i := range orders {
		answers = append(answers, orderAnswer(&orders[i], unit))
	}
	return answers
}

type fillJSON struct {
	Symbol          string `json:"symbol"`
	ID              int64  `json:"id"`
	OrderID         int64  `json:"orderId"`
	OrderListID     int64  `json:"orderListId"`
	Price           fixed  `json:"price"`
	Quantity        fixed  `json:"qty"`
	Quote           fixed  `json:"quoteQty"`
	Commission      fixed  `json:"commission"`
	CommissionAsset string `json:"commissionAsset"`
	Time            int64  `json:"time"`
	IsBuyer         bool   `json:"isBuyer"`
	IsMaker         bool   `json:"isMaker"`
	IsBestMatch     bool   `json:"isBestMatch"`
}

func fillAnswers(fills []exchange.Fill, unit timeUnit) []fillJSON {
	answers := make([]fillJSON, 0, len(fills))
	for _, f := range fills {
		answers = append(answers, fillJSON{
			Symbol: f.Symbol, ID: f.TradeID, OrderID: f.OrderID, OrderListID: -1,
			Price: fixed{f.Price}, Quantity: fixed{f.Quantity}, Quote: fixed{f.Price.Mul(f.Quantity)},
			Commission: fixed{f.Commission}, CommissionAsset: f.CommissionAsset,
			Time: unit.of(f.Time), IsBuyer: f.Side == exchange.Buy, IsMaker: f.Maker, IsBestMatch: true,
		})
	}
	return answers
}

type balanceJSON struct {
	Asset  string `json:"asset"`
	Free   fixed  `json:"free"`
	Locked fixed  `json:"locked"`
}

type ratesJSON struct {
	Maker  fixed `json:"maker"`
	Taker  fixed `json:"taker"`
	Buyer  fixed `json:"buyer"`
	Seller fixed `json:"seller"`
}

type accountJSON struct {
	MakerCommission            int64         `json:"makerCommission"` // in 1/10,000
	TakerCommission            int64         `json:"takerCommission"`
	BuyerCommission            int64         `json:"buyerCommission"`
	SellerCommission           int64         `json:"sellerCommission"`
	CommissionRates            ratesJSON     `json:"commissionRates"`
	CanTrade                   bool          `json:"canTrade"`
	CanWithdraw                bool          `json:"canWithdraw"`
	CanDeposit                 bool          `json:"canDeposit"`
	Brokered                   bool          `json:"brokered"`
	RequireSelfTradePrevention bool          `json:"requireSelfTradePrevention"`
	PreventSOR                 bool          `json:"preventSor"`
	UpdateTime                 int64         `json:"updateTime"`
	AccountType                string        `json:"accountType"`
	Balances                   []balanceJSON `json:"balances"`
	Permissions                []string      `json:"permissions"`
	UID                        int64         `json:"uid"`
}

func accountAnswer(a exchange.Account, balances []balanceJSON, now int64) accountJSON {
	return accountJSON{
		MakerCommission: basisPoints(a.MakerCommission), TakerCommission: basisPoints(a.TakerCommission),
		CommissionRates: ratesJSON{Maker: fixed{a.MakerCommission}, Taker: fixed{a.TakerCommission}},
		CanTrade:        a.CanTrade, UpdateTime: now, AccountType: "SPOT", Balances: balances, Permissions: []string{"SPOT"},
	}
}

type rateLimitJSON struct {
	Type        string `json:"rateLimitType"`
	Interval    string `json:"interval"`
	IntervalNum int    `json:"intervalNum"`
	Limit       int    `json:"limit"`
	Count       int    `json:"count"`
}

func rateLimitAnswers(counts []count) []rateLimitJSON {
	answers := make([]rateLimitJSON, 0, len(counts))
	for _, c := range counts {
		answers = append(answers, rateLimitJSON{c.Type, c.Interval, c.IntervalNum, c.Limit, c.used})
	}
	return answers
}

// filterFailure returns a broken filter as the exchange tells it.
func filterFailure(err error) error {
	var broken *exchange.FilterError
	if errors.As(err, &broken) {
		return wire.FilterFailure(broken.Filter)
	}
	return err
}
