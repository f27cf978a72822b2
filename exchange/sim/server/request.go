package server

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
	"hedgehog/exchange/wire"
)

// The legal ranges of parameters, as the exchange's answers quote them.
var (
	symbolRange     = regexp.MustCompile(`^[A-Z0-9-_.]{1,20}$`)
	integerRange    = regexp.MustCompile(`^[0-9]{1,20}$`)
	decimalRange    = regexp.MustCompile(`^([0-9]{1,20})(\.[0-9]{1,20})?$`)
	recvWindowRange = regexp.MustCompile(`^[0-9]{1,20}(\.[0-9]{1,3})?$`)
	clientIDRange   = regexp.MustCompile(`^[.A-Z:/a-z0-9_-]{1,36}$`)
	boolRange       = regexp.MustCompile(`^(true|false)$`)
)

// request is one request on its way, whichever way it came.
//
// Its getters read parameters for a handler. The first that is missing or
// malformed leaves its error in err, and the getters after it return zero
// values: a handler reads all it needs and looks at err once.
type request struct {
	params  params
	payload string // what the signature covers
	apiKey  string // from the header; WebSocket API requests have it in params
	session *session
	client  string // the address that limits are counted for
	agent   string
	unit    timeUnit

	account  string          // of the key, once authorized
	deadline exchange.Micros // latest time to be accepted by the engine; 0 for unsigned requests
	inEngine bool            // the engine has seen the order and journals its fate
	err      error
}

// fail keeps the first error.
func (r *request) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *request) has(name string) bool { return r.params[name] != "" }

// text returns a parameter that has to be there.
func (r *request) text(name string) string {
	if !r.has(name) {
		r.fail(missing(name))
	}
	return r.params[name]
}

// within returns a parameter in its legal range; empty when it was not sent.
func (r *request) within(name string, legal *regexp.Regexp) string {
	value := r.params[name]
	if value != "" && !legal.MatchString(value) {
		r.fail(illegal(name, legal))
		return ""
	}
	return value
}

func illegal(name string, legal *regexp.Regexp) error {
	return refuse(wire.CodeIllegalChars, "Illegal characters found in parameter '%s'; legal range is '%s'.", name, legal)
}

// symbol returns the rules of the symbol that has to be named.
func (r *request) symbol(s *Server) exchange.Symbol {
	r.text("symbol")
	return r.optionalSymbol(s)
}

// optionalSymbol returns the rules of the named symbol; zero when none is named.
func (r *request) optionalSymbol(s *Server) exchange.Symbol {
	name := r.within("symbol", symbolRange)
	if r.err != nil || name == "" {
		return exchange.Symbol{}
	}
	symbol, known := s.markets[name]
	if !known {
		r.fail(invalidSymbol())
	}
	return symbol
}

// integer returns a whole number from 0 up; 0 when it was not sent.
func (r *request) integer(name string) int64 {
	value := r.within(name, integerRange)
	if r.err != nil || value == "" {
		return 0
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		r.fail(refuse(codeOverflow, "Parameter '%s' overflowed.", name))
	}
	return n
}

// limit returns how many items are asked for: 500 when not sent, at most 1000.
func (r *request) limit() int {
	if !r.has("limit") {
		return 500
	}
	n := r.integer("limit")
	if r.err == nil && (n < 1 || n > 1000) {
		r.fail(refuse(wire.CodeInvalidParameter, "Data sent for parameter 'limit' is not valid."))
	}
	return int(n)
}

// moment returns a time sent in milliseconds or microseconds; 0 when it was not
// sent.
func (r *request) moment(name string) exchange.Micros {
	return microsOf(r.integer(name))
}

// microsOf tells milliseconds from microseconds by size: as milliseconds,
// 100,000,000,000,000 lies in the year 5138; as microseconds, in 1973.
func microsOf(n int64) exchange.Micros {
	if n >= 100_000_000_000_000 {
		return exchange.Micros(n)
	}
	return exchange.MicrosOfMillis(n)
}

// span returns the bounds startTime and endTime, at most a day apart when both
// are sent and day is set.
func (r *request) span(day bool) (start, end exchange.Micros) {
	start, end = r.moment("startTime"), r.moment("endTime")
	switch {
	case start == 0 || end == 0:
	case start > end:
		r.fail(refuse(wire.CodeInvalidParameter, "Data sent for parameter 'startTime' is not valid."))
	case day && end-start > 24*60*60*1_000_000:
		r.fail(refuse(codeIntervalTooBig, "More than 24 hours between startTime and endTime."))
	}
	return start, end
}

// amount returns a decimal that has to be there, with at most places decimal places.
func (r *request) amount(name string, places int) decimal.Decimal {
	r.text(name)
	value := r.within(name, decimalRange)
	if r.err != nil {
		return decimal.Zero
	}
	if _, fraction, _ := strings.Cut(value, "."); len(strings.TrimRight(fraction, "0")) > places {
		r.fail(refuse(wire.CodePrecision, "Parameter '%s' has too much precision.", name))
		return decimal.Zero
	}
	d, err := decimal.NewFromString(value)
	if err != nil {
		r.fail(illegal(name, decimalRange))
	}
	return d
}

// flag returns a parameter that is true or false; false when it was not sent.
func (r *request) flag(name string) bool { return r.within(name, boolRange) == "true" }

// choice returns one of the allowed values of a parameter that has to be there,
// or fails with err.
func (r *request) choice(name string, err error, allowed ...string) string {
	value := r.text(name)
	if r.err == nil && !slices.Contains(allowed, value) {
		r.fail(err)
	}
	return value
}

// orderRef returns the order that orderId or origClientOrderId names.
func (r *request) orderRef(symbol string) exchange.OrderRef {
	ref := exchange.OrderRef{
		Symbol:   symbol,
		ID:       r.integer("orderId"),
		ClientID: r.within("origClientOrderId", clientIDRange),
	}
	if ref.ID == 0 && ref.ClientID == "" {
		r.fail(refuse(wire.CodeMandatoryMissing, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!"))
	}
	return ref
}

// timeUnit is the unit that a client wants the times of answers in.
type timeUnit bool

const (
	millis timeUnit = false
	micros timeUnit = true
)

// parseTimeUnit reads a header or address parameter; empty means milliseconds.
func parseTimeUnit(s string) (timeUnit, error) {
	switch s {
	case "", "MILLISECOND", "millisecond":
		return millis, nil
	case "MICROSECOND", "microsecond":
		return micros, nil
	}
	return millis, refuse(codeInvalidTimeUnit, "Invalid value for time unit; expected either MICROSECOND or MILLISECOND.")
}

// of returns m in the unit.
func (u timeUnit) of(m exchange.Micros) int64 {
	if u == micros {
		return int64(m)
	}
	return m.Millis()
}

// last returns the last moment of the unit before m: the end of a span that m
// is no part of.
func (u timeUnit) last(m exchange.Micros) int64 { return u.of(m) - 1 }
