package exchange

import (
	"fmt"

	"github.com/shopspring/decimal"
)

// Side is the direction of an order.
type Side string

// The sides, as the exchange writes them.
const (
	Buy  Side = "BUY"
	Sell Side = "SELL"
)

// ParseSide returns the side named s, or an error that names the value.
func ParseSide(s string) (Side, error) {
	switch side := Side(s); side {
	case Buy, Sell:
		return side, nil
	default:
		return "", fmt.Errorf("side %q: want BUY or SELL", s)
	}
}

// Status is where an order is in its life.
type Status string

// The states of an order, as the exchange writes them.
const (
	New             Status = "NEW"
	PendingNew      Status = "PENDING_NEW"
	PartiallyFilled Status = "PARTIALLY_FILLED"
	Filled          Status = "FILLED"
	Canceled        Status = "CANCELED"
	Rejected        Status = "REJECTED"
	Expired         Status = "EXPIRED"
	ExpiredInMatch  Status = "EXPIRED_IN_MATCH"
)

// ParseStatus returns the status named s, or an error that names the value.
func ParseStatus(s string) (Status, error) {
	switch status := Status(s); status {
	case New, PendingNew, PartiallyFilled, Filled, Canceled, Rejected, Expired, ExpiredInMatch:
		return status, nil
	default:
		return "", fmt.Errorf("order status %q is not known", s)
	}
}

// Done says that an order of this status will not change again.
func (s Status) Done() bool {
	switch s {
	case Filled, Canceled, Rejected, Expired, ExpiredInMatch:
		return true
	default:
		return false
	}
}

// rank orders the states along an order's life; a later state never goes back
// to an earlier one.
func (s Status) rank() int {
	switch s {
	case PendingNew:
		return 1
	case New:
		return 2
	case PartiallyFilled:
		return 3
	case Filled, Canceled, Rejected, Expired, ExpiredInMatch:
		return 4
	default:
		return 0
	}
}

// Order is the latest known state of one limit order.
type Order struct {
	Symbol   string `json:"symbol"`
	ID       int64  `json:"order_id"`
	ClientID string `json:"client_order_id"`
	Side     Side   `json:"side"`
	Status   Status `json:"status"`
	// Price is the limit, in the quote asset.
	Price decimal.Decimal `json:"price"`
	// OriginalQuantity is what was ordered, in the base asset.
	OriginalQuantity decimal.Decimal `json:"original_quantity"`
	// ExecutedQuantity is what has been filled so far, in the base asset.
	ExecutedQuantity decimal.Decimal `json:"executed_quantity"`
	// QuoteQuantity is what the fills have cost or brought so far, in the quote asset.
	QuoteQuantity decimal.Decimal `json:"quote_quantity"`
	Time          Micros          `json:"time"`        // when the exchange accepted it
	UpdateTime    Micros          `json:"update_time"` // when it last changed
}

// Supersedes says whether o tells more of the same order than old does. News of
// an order come over several ways, repeated and out of order; what is filled
// never shrinks and a status never goes back, so the larger executed quantity
// is the later news, and with equal quantities the status further on.
func (o Order) Supersedes(old Order) bool {
	if c := o.ExecutedQuantity.Cmp(old.ExecutedQuantity); c != 0 {
		return c > 0 && !(old.Status.Done() && !o.Status.Done())
	}
	return o.Status.rank() > old.Status.rank()
}

// Fill is one trade that filled an order wholly or in part.
type Fill struct {
	Symbol          string          `json:"symbol"`
	OrderID         int64           `json:"order_id"`
	TradeID         int64           `json:"trade_id"`
	Side            Side            `json:"side"`
	Price           decimal.Decimal `json:"price"`
	Quantity        decimal.Decimal `json:"quantity"`         // base asset
	Commission      decimal.Decimal `json:"commission"`       // in CommissionAsset
	CommissionAsset string          `json:"commission_asset"` // the received asset, unless the account pays otherwise
	Maker           bool            `json:"maker"`
	Time            Micros          `json:"time"`
}

// OrderUpdate is news of an order: its state and, when a fill caused the news,
// that fill. Updates are shared by pointer once published and never changed
// after that.
type OrderUpdate struct {
	Order
	Fills []Fill `json:"fills,omitempty"`
}

// LimitOrder asks for a good-till-cancelled limit order.
type LimitOrder struct {
	Symbol string
	// ClientID is the caller's name for the order: 1 to 36 of [.A-Z:/a-z0-9_-].
	// The exchange keeps it unique among open orders only.
	ClientID string
	Side     Side
	Price    decimal.Decimal // quote asset, a multiple of the tick size
	Quantity decimal.Decimal // base asset, a multiple of the step size
}

// OrderRef names an order of a symbol by the exchange's id or, where ID is
// zero, by the client order id.
type OrderRef struct {
	Symbol   string
	ID       int64
	ClientID string
}

// String returns the reference for errors and logs.
func (r OrderRef) String() string {
	if r.ID != 0 {
		return fmt.Sprintf("%s order %d", r.Symbol, r.ID)
	}
	return fmt.Sprintf("%s order %q", r.Symbol, r.ClientID)
}

// Balance is what an account holds of one asset.
type Balance struct {
	Asset  string          `json:"asset"`
	Free   decimal.Decimal `json:"free"`
	Locked decimal.Decimal `json:"locked"` // bound by open orders
}

// Account is the state of the account that an Exchange signs for.
type Account struct {
	CanTrade bool
	// MakerCommission and TakerCommission are shares of what is received (0.001 is 0.1 %).
	MakerCommission decimal.Decimal
	TakerCommission decimal.Decimal
	Balances        []Balance
}
