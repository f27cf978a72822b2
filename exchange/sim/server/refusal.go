package server

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"hedgehog/exchange/wire"
)

// Codes that the exchange sends and no client of ours tells apart.
const (
	codeShuttingDown         wire.Code = -1016
	codeUnsupported          wire.Code = -1020
	codeOverflow             wire.Code = -1108
	codeInvalidInterval      wire.Code = -1120
	codeIntervalTooBig       wire.Code = -1127
	codeParameterCombination wire.Code = -1128
	codeInvalidJSON          wire.Code = -1135
	codeDuplicateSymbols     wire.Code = -1151
	codeInvalidTimeUnit      wire.Code = -1194
	codeSubscribedAlready    wire.Code = -2035
	codeNotSubscribed        wire.Code = -2036
)

// refuse returns the answer to a request that is the client's mistake.
func refuse(code wire.Code, format string, args ...any) *wire.Error {
	return &wire.Error{Status: http.StatusBadRequest, Code: code, Message: fmt.Sprintf(format, args...)}
}

func missing(parameter string) *wire.Error {
	return refuse(wire.CodeMandatoryMissing, "Mandatory parameter '%s' was not sent, was empty/null, or malformed.", parameter)
}

func invalidSymbol() *wire.Error { return refuse(wire.CodeInvalidSymbol, "Invalid symbol.") }

func unsupported(status int) *wire.Error {
	return &wire.Error{Status: status, Code: codeUnsupported, Message: "This operation is not supported."}
}

func badKey(code wire.Code, message string) *wire.Error {
	return &wire.Error{Status: http.StatusUnauthorized, Code: code, Message: message}
}

// limited is the refusal of a client that asks too much, with the time from
// which on it may ask again.
type limited struct {
	cause *wire.Error
	until time.Time
}

func (l *limited) Error() string { return l.cause.Error() }

func (l *limited) Unwrap() error { return l.cause }

// wireError returns what the client is told of err, and whether it is the
// server's own failure, which its operator has to hear of.
func wireError(err error) (answer *wire.Error, failure bool) {
	if errors.As(err, &answer) {
		return answer, answer.Status >= http.StatusInternalServerError
	}
	return &wire.Error{
		Status:  http.StatusInternalServerError,
		Code:    wire.CodeUnknown,
		Message: "An unknown error occurred while processing the request.",
	}, true
}
