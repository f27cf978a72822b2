package exchange

import "errors"

// Errors that callers tell apart with errors.Is.
var (
	// ErrUnknownSymbol is returned when the exchange does not list the symbol.
	ErrUnknownSymbol = errors.New("unknown symbol")

	// ErrUnknownOrder is returned when the exchange has no such order, or none
	// that can still be cancelled.
	ErrUnknownOrder = errors.New("unknown order")

	// ErrDuplicateOrder is returned when an open order bears the same client
	// order id.
	ErrDuplicateOrder = errors.New("duplicate order")

	// ErrOrderRejected is returned when the exchange refuses an order for a
	// reason that sending it again will not mend.
	ErrOrderRejected = errors.New("order rejected")

	// ErrInsufficientBalance is returned when the account holds too little for
	// the order; errors that wrap it also are ErrOrderRejected.
	ErrInsufficientBalance = errors.New("insufficient balance")

	// ErrUnknownOutcome is returned when a request may or may not have been
	// carried out and a look-up got no answer.
	ErrUnknownOutcome = errors.New("outcome unknown")

	// ErrStaleTimestamp is returned when a signed request reached the exchange
	// after its receive window, or ahead of its clock.
	ErrStaleTimestamp = errors.New("timestamp outside of the receive window")

	// ErrUnauthorized is returned when the key, the signature or the account's
	// rights do not allow the request, and when no key is configured.
	ErrUnauthorized = errors.New("not authorized")

	// ErrRateLimited is returned when the exchange refuses requests for now.
	ErrRateLimited = errors.New("rate limited")

	// ErrUnavailable is returned when the exchange can't be reached or does not
	// answer for now; reading again later is safe.
	ErrUnavailable = errors.New("exchange unavailable")
)

// FilterError is returned when an order breaks a rule of its symbol. It is also
// ErrOrderRejected.
type FilterError struct {
	Symbol string
	Filter string // the exchange's name for the rule: "LOT_SIZE"
	Reason string // what is wrong, with the values; empty where the exchange gave none
}

// Error names the filter and, where known, the values that break it.
func (e *FilterError) Error() string {
	if e.Reason == "" {
		return e.Symbol + ": filter " + e.Filter
	}
	return e.Symbol + ": filter " + e.Filter + ": " + e.Reason
}

// Is reports that a broken filter is a rejected order.
func (e *FilterError) Is(target error) bool { return target == ErrOrderRejected }
