package naive

import (
	"fmt"
	"strconv"
	"strings"

	"hedgehog/exchange"
)

// OrderName is what a client order id says of its order. The exchange keeps it,
// so it survives the loss of everything else. It reads
// hh-POSITION-PARENT-SIDE+ATTEMPT, numbers in base 36: hh-1jy9dvk3-0-B1.
type OrderName struct {
	// Position is the position's id.
	Position int64
	// Parent is the position whose rebuy started Position; 0 when none did.
	Parent int64
	// Side is the side of the order.
	Side exchange.Side
	// Attempt counts the orders of that side, from 1: a sell that was cancelled
	// behind our back is placed again under the next number.
	Attempt int
}

const orderNamePrefix = "hh-"

// String returns the client order id, at most 33 characters.
func (n OrderName) String() string {
	return orderNamePrefix + strconv.FormatInt(n.Position, 36) + "-" + strconv.FormatInt(n.Parent, 36) + "-" +
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
	var err error
	if n.Position, err = strconv.ParseInt(parts[0], 36, 64); err != nil || n.Position <= 0 {
		return fail("bad position")
	}
	if n.Parent, err = strconv.ParseInt(parts[1], 36, 64); err != nil || n.Parent < 0 {
		return fail("bad parent")
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
