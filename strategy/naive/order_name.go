package naive

import (
	"fmt"
	"strconv"
	"strings"

	"hedgehog/exchange"
)

// PositionID names a position of a symbol. Everywhere outside of this package it
// is written in base 36, as the client order ids of its orders spell it.
type PositionID int64

// String returns the id in base 36.
func (id PositionID) String() string { return strconv.FormatInt(int64(id), 36) }

// MarshalText writes the id as String does.
func (id PositionID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (id *PositionID) UnmarshalText(text []byte) error {
	v, err := strconv.ParseInt(string(text), 36, 64)
	if err != nil || v <= 0 {
		return fmt.Errorf("position id %q is not one of ours", text)
	}
	*id = PositionID(v)
	return nil
}

// OrderName is what a client order id says of its order. The exchange keeps it,
// so it survives the loss of everything else. It reads
// hh-POSITION-PARENT-SIDE+ATTEMPT, numbers in base 36: hh-1jy9dvk3-0-B1.
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
)

// String returns the client order id, at most 33 characters.
func (n OrderName) String() string {
	return orderNamePrefix + n.Position.String() + "-" + n.Parent.String() + "-" +
		string(n.Side[0]) + strconv.FormatInt(int64(n.Attempt), 36)
}

// ParseOrderName reads a client order id. Orders that are not ours, placed by
// hand or by another program, give an error.
func ParseOrderName(clientID string) (OrderName, error) {
	fail := func(what string) (OrderName, error) {
		return OrderName{}, fmt.Errorf("client order id %q: %s", clientID, what)
	}
	rest, ours := strings.CutPrefix(clientID, orderNamePrefix)
	parts := strings.Split(rest, "-")
	if !ours || len(parts) != 3 || len(parts[2]) < 2 {
		return fail("not one of ours")
	}
	var n OrderName
	if err := n.Position.UnmarshalText([]byte(parts[0])); err != nil {
		return fail("bad position")
	}
	if parts[1] != noParent {
		if err := n.Parent.UnmarshalText([]byte(parts[1])); err != nil {
			return fail("bad parent")
		}
	}
	switch parts[2][0] {
	case 'B':
		n.Side = exchange.Buy
	case 'S':
		n.Side = exchange.Sell
	default:
		return fail("bad side")
	}
	attempt, err := strconv.ParseInt(parts[2][1:], 36, 16)
	if err != nil || attempt < 1 {
		return fail("bad attempt")
	}
	n.Attempt = int(attempt)
	if n.String() != clientID {
		return fail("not in canonical form")
	}
	return n, nil
}
