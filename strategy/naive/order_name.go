package naive

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	"hedgehog/exchange"
)

// PositionID names a position: its upper bits are when it started, in ms, and its
// lowest symbolBits a mark of its symbol, since traders of several symbols may
// start positions in the same millisecond, and an account's open orders need
// different client order ids. Everywhere outside of this package it is written
// in base 36, as the client order ids of its orders spell it.
type PositionID int64

// symbolBits leave the time enough until the year 2248, and make two symbols with
// one mark rare: there the exchange refuses the later order while the earlier one
// of the same millisecond is open.
const symbolBits = 20

// newPositionID returns the id of a position that starts now, later than last,
// which is one of the same symbol or 0.
func newPositionID(symbol string, now time.Time, last PositionID) PositionID {
	mark := fnv.New32a()
	_, _ = mark.Write([]byte(symbol)) // it never fails
	id := PositionID(now.UnixMilli()<<symbolBits | int64(mark.Sum32()&(1<<symbolBits-1)))
	if id <= last {
		return last + 1<<symbolBits
	}
	return id
}

// start is when the position started, to the millisecond.
func (id PositionID) start() exchange.Micros { return exchange.MicrosOfMillis(int64(id >> symbolBits)) }

// String returns the id in base 36.
func (id PositionID) String() string { return strconv.FormatInt(int64(id), 36) }

// MarshalText writes the id as String does.
func (id PositionID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (id *PositionID) UnmarshalText(text []byte) error {
	v, ok := parsePositionID(string(text))
	if !ok {
		return fmt.Errorf("position id %q is not one of ours", text)
	}
	*id = v
	return nil
}

func parsePositionID(text string) (id PositionID, ok bool) {
	v, err := strconv.ParseInt(text, 36, 64)
	return PositionID(v), err == nil && v > 0
}

// OrderName is what a client order id says of its order. The exchange keeps it,
// so it survives the loss of everything else. It reads
// hh-POSITION-PARENT-SIDE+ATTEMPT, numbers in base 36: hh-ehk6tmprapl3-0-B1.
type OrderName struct {
	// Position is the position's id.
	Position PositionID
	// Parent is the position whose rebuy started Position; 0 when none did.
	Parent PositionID
	// Side is the side of the order.
	Side exchange.Side
	// Attempt counts the orders of that side, from 1: a sell that was cancelled
	// behind our back is placed again under the next number.
	Attempt int
}

const (
	orderNamePrefix = "hh-"
	noParent        = "0"
	longestName     = 33 // characters
)

// String returns the client order id, at most 33 characters.
func (n OrderName) String() string { return string(n.appendTo(make([]byte, 0, longestName))) }

func (n OrderName) appendTo(b []byte) []byte {
	b = strconv.AppendInt(append(b, orderNamePrefix...), int64(n.Position), 36)
	b = strconv.AppendInt(append(b, '-'), int64(n.Parent), 36)
	return strconv.AppendInt(append(b, '-', n.Side[0]), int64(n.Attempt), 36)
}

// ParseOrderName reads a client order id. Orders that are not ours, placed by
// hand or by another program, give an error.
func ParseOrderName(clientID string) (OrderName, error) {
	fail := func(what string) (OrderName, error) {
		return OrderName{}, fmt.Errorf("client order id %q: %s", clientID, what)
	}
	rest, ours := strings.CutPrefix(clientID, orderNamePrefix)
	position, rest, _ := strings.Cut(rest, "-")
	parent, order, _ := strings.Cut(rest, "-")
	if !ours || len(order) < 2 || strings.Contains(order, "-") {
		return fail("not one of ours")
	}
	var n OrderName
	var ok bool
	if n.Position, ok = parsePositionID(position); !ok {
		return fail("bad position")
	}
	if parent != noParent {
		if n.Parent, ok = parsePositionID(parent); !ok {
			return fail("bad parent")
		}
	}
	switch order[0] {
	case 'B':
		n.Side = exchange.Buy
	case 'S':
		n.Side = exchange.Sell
	default:
		return fail("bad side")
	}
	attempt, err := strconv.ParseInt(order[1:], 36, 16)
	if err != nil || attempt < 1 {
		return fail("bad attempt")
	}
	n.Attempt = int(attempt)
	if string(n.appendTo(make([]byte, 0, longestName))) != clientID {
		return fail("not in canonical form")
	}
	return n, nil
}
