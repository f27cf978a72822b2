package wire_test

import (
	"errors"
	"fmt"
	"testing"

	"hedgehog/exchange"
	"hedgehog/exchange/wire"
)

func TestErrorsAreTheSentinelsOfTheirCodes(t *testing.T) {
	sentinels := []error{
		exchange.ErrUnknownSymbol, exchange.ErrUnknownOrder, exchange.ErrDuplicateOrder, exchange.ErrOrderRejected,
		exchange.ErrInsufficientBalance, exchange.ErrUnknownOutcome, exchange.ErrStaleTimestamp, exchange.ErrUnauthorized,
		exchange.ErrRateLimited, exchange.ErrUnavailable,
	}
	for _, c := range []struct {
		name string
		err  wire.Error
		want []error
	}{
		{"an unknown symbol", wire.Error{Status: 400, Code: -1121}, []error{exchange.ErrUnknownSymbol, exchange.ErrOrderRejected}},
		{"an order that is not there", wire.Error{Status: 400, Code: -2013, Message: "Order does not exist."}, []error{exchange.ErrUnknownOrder}},
		{"a cancel of an order that is not there", wire.Error{Status: 400, Code: -2011, Message: "Unknown order sent."}, []error{exchange.ErrUnknownOrder}},
		{"a cancel refused otherwise", wire.Error{Status: 400, Code: -2011, Message: "Order was not canceled due to cancel restrictions."}, nil},
		{"a duplicate order", wire.Error{Status: 400, Code: -2010, Message: "Duplicate order sent."}, []error{exchange.ErrDuplicateOrder, exchange.ErrOrderRejected}},
		{"too little balance", wire.Error{Status: 400, Code: -2010, Message: "Account has insufficient balance for requested action."},
			[]error{exchange.ErrInsufficientBalance, exchange.ErrOrderRejected}},
		{"a closed market", wire.Error{Status: 400, Code: -2010, Message: "Market is closed."}, []error{exchange.ErrOrderRejected}},
		{"a broken filter", *wire.FilterFailure("LOT_SIZE"), []error{exchange.ErrOrderRejected}},
		{"too many decimals", wire.Error{Status: 400, Code: -1111}, []error{exchange.ErrOrderRejected}},
		{"an illegal character", wire.Error{Status: 400, Code: -1100}, []error{exchange.ErrOrderRejected}},
		{"a missing parameter", wire.Error{Status: 400, Code: -1102}, []error{exchange.ErrOrderRejected}},
		{"a time in force", wire.Error{Status: 400, Code: -1115}, []error{exchange.ErrOrderRejected}},
		{"an order type", wire.Error{Status: 400, Code: -1116}, []error{exchange.ErrOrderRejected}},
		{"a side", wire.Error{Status: 400, Code: -1117}, []error{exchange.ErrOrderRejected}},
		{"a parameter's value", wire.Error{Status: 400, Code: -1130}, []error{exchange.ErrOrderRejected}},
		{"a stale timestamp", wire.Error{Status: 400, Code: -1021}, []error{exchange.ErrStaleTimestamp}},
		{"a wrong signature", wire.Error{Status: 400, Code: -1022}, []error{exchange.ErrUnauthorized}},
		{"no rights", wire.Error{Status: 401, Code: -1002}, []error{exchange.ErrUnauthorized}},
		{"a key of a wrong form", wire.Error{Status: 401, Code: -2014}, []error{exchange.ErrUnauthorized}},
		{"a key that is not known", wire.Error{Status: 401, Code: -2015}, []error{exchange.ErrUnauthorized}},
		{"too many requests", wire.Error{Status: 429, Code: -1003}, []error{exchange.ErrRateLimited}},
		{"too many orders", wire.Error{Status: 429, Code: -1015}, []error{exchange.ErrRateLimited}},
		{"a ban", wire.Error{Status: 418}, []error{exchange.ErrRateLimited}},
		{"a lost backend", wire.Error{Status: 400, Code: -1001}, []error{exchange.ErrUnavailable}},
		{"a time-out", wire.Error{Status: 408, Code: -1007}, []error{exchange.ErrUnavailable}},
		{"a busy exchange", wire.Error{Status: 400, Code: -1008}, []error{exchange.ErrUnavailable}},
		{"a gateway's own answer", wire.Error{Status: 502}, []error{exchange.ErrUnavailable}},
		{"an unread parameter", wire.Error{Status: 400, Code: -1104}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := fmt.Errorf("place order: %w", &c.err)
			for _, sentinel := range sentinels {
				want := false
				for _, w := range c.want {
					want = want || w == sentinel
				}
				if got := errors.Is(err, sentinel); got != want {
					t.Errorf("%v is %q: %t, want %t", err, sentinel, got, want)
				}
			}
		})
	}
}

func TestAFilterFailureNamesItsFilter(t *testing.T) {
	if filter, broken := wire.FilterFailure("MIN_NOTIONAL").Filter(); !broken || filter != "MIN_NOTIONAL" {
		t.Errorf("filter %q, %t, want MIN_NOTIONAL", filter, broken)
	}
	for _, other := range []wire.Error{
		{Code: wire.CodeFilterFailure, Message: "Invalid quantity."},
		{Code: wire.CodeOrderRejected, Message: "Filter failure: LOT_SIZE"},
	} {
		if filter, broken := other.Filter(); broken {
			t.Errorf("%v is taken for a failure of filter %q", &other, filter)
		}
	}
}

func TestAnErrorSaysWhatTheExchangeSaid(t *testing.T) {
	err := &wire.Error{Status: 400, Code: wire.CodeOrderRejected, Message: wire.MessageDuplicate}
	if got, want := err.Error(), "Duplicate order sent (code -2010, status 400)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
