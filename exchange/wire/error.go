package wire

import (
	"fmt"
	"strings"

	"hedgehog/exchange"
)

// Code is an error code of the exchange.
type Code int

// The codes that Hedgehog sends or tells apart.
const (
	CodeUnknown           Code = -1000
	CodeDisconnected      Code = -1001
	CodeUnauthorized      Code = -1002
	CodeTooManyRequests   Code = -1003
	CodeUnexpectedAnswer  Code = -1006
	CodeTimeout           Code = -1007
	CodeBusy              Code = -1008
	CodeFilterFailure     Code = -1013
	CodeTooManyOrders     Code = -1015
	CodeTimestamp         Code = -1021
	CodeSignature         Code = -1022
	CodeIllegalChars      Code = -1100
	CodeTooManyParameters Code = -1101
	CodeMandatoryMissing  Code = -1102
	CodeUnknownParameter  Code = -1103
	CodeUnreadParameters  Code = -1104
	CodeParameterEmpty    Code = -1105
	CodeNotRequired       Code = -1106
	CodePrecision         Code = -1111
	CodeInvalidTIF        Code = -1115
	CodeInvalidOrderType  Code = -1116
	CodeInvalidSide       Code = -1117
	CodeInvalidSymbol     Code = -1121
	CodeInvalidParameter  Code = -1130
	CodeOrderRejected     Code = -2010
	CodeCancelRejected    Code = -2011
	CodeNoSuchOrder       Code = -2013
	CodeKeyFormat         Code = -2014
	CodeKeyRejected       Code = -2015
	CodeOrderArchived     Code = -2026
	CodeOrderIDMismatch   Code = -2039
)

// Messages that come with CodeOrderRejected and tell its reasons apart.
const (
	MessageDuplicate           = "Duplicate order sent."
	MessageInsufficientBalance = "Account has insufficient balance for requested action."
	MessageMarketClosed        = "Market is closed."
	MessageMayNotTrade         = "This account may not place or cancel orders."
	MessageUnknownOrder        = "Unknown order sent."
	MessageNoSuchOrder         = "Order does not exist."
	filterFailure              = "Filter failure: "
)

// Error is the exchange's answer to a request that it did not carry out.
type Error struct {
	Status  int    `json:"-"` // HTTP status of the answer
	Code    Code   `json:"code"`
	Message string `json:"msg"`
}

// FilterFailure returns the error for an order that breaks the named filter.
func FilterFailure(filter string) *Error {
	return &Error{Status: 400, Code: CodeFilterFailure, Message: filterFailure + filter}
}

// Error gives the exchange's message and code.
func (e *Error) Error() string {
	return fmt.Sprintf("%s (code %d, status %d)", strings.TrimSuffix(e.Message, "."), e.Code, e.Status)
}

// Filter returns the name of the filter that the order broke, if that is what
// the error says.
func (e *Error) Filter() (string, bool) {
	if e.Code != CodeFilterFailure {
		return "", false
	}
	return strings.CutPrefix(e.Message, filterFailure)
}

// Is maps codes and messages to the sentinels of package exchange.
func (e *Error) Is(target error) bool {
	switch target {
	case exchange.ErrUnknownSymbol:
		return e.Code == CodeInvalidSymbol
	case exchange.ErrUnknownOrder:
		return e.Code == CodeNoSuchOrder || e.Code == CodeCancelRejected && e.Message == MessageUnknownOrder
	case exchange.ErrDuplicateOrder:
		return e.Code == CodeOrderRejected && e.Message == MessageDuplicate
	case exchange.ErrInsufficientBalance:
		return e.Code == CodeOrderRejected && e.Message == MessageInsufficientBalance
	case exchange.ErrOrderRejected:
		switch e.Code {
		case CodeFilterFailure, CodeOrderRejected, CodePrecision, CodeInvalidSide, CodeInvalidSymbol,
			CodeInvalidOrderType, CodeInvalidTIF, CodeIllegalChars, CodeMandatoryMissing, CodeInvalidParameter:
			return true
		}
		return false
	case exchange.ErrStaleTimestamp:
		return e.Code == CodeTimestamp
	case exchange.ErrUnauthorized:
		return e.Code == CodeSignature || e.Code == CodeKeyFormat || e.Code == CodeKeyRejected || e.Code == CodeUnauthorized
	case exchange.ErrRateLimited:
		return e.Code == CodeTooManyRequests || e.Code == CodeTooManyOrders || e.Status == 429 || e.Status == 418
	case exchange.ErrUnavailable:
		return e.Status >= 500 || e.Code == CodeTimeout || e.Code == CodeBusy || e.Code == CodeDisconnected
	default:
		return false
	}
}
