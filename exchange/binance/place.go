package binance

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"hedgehog/exchange"
	"hedgehog/exchange/wire"
)

// PlaceLimitOrder places a limit order, good till cancelled. When its outcome is
// unknown the order is looked up by client order id: at once, and where it is
// absent or nobody answers once more when the exchange can accept it no longer.
// Then an absent order is exchange.ErrUnavailable (it does not exist and may be
// sent again), no answer is exchange.ErrUnknownOutcome.
//
// A client order id belongs to one order: when the exchange has an order of the
// same id and the same terms already, that order is the result.
func (c *Client) PlaceLimitOrder(ctx context.Context, o exchange.LimitOrder) (exchange.OrderUpdate, error) {
	update, err := c.place(ctx, o)
	if err != nil {
		return exchange.OrderUpdate{}, fmt.Errorf("place order %q %s %s %s at %s: %w", o.ClientID, o.Symbol, o.Side, o.Quantity, o.Price, err)
	}
	return update, nil
}

func (c *Client) place(ctx context.Context, o exchange.LimitOrder) (exchange.OrderUpdate, error) {
	if err := checkLimitOrder(o); err != nil {
		return exchange.OrderUpdate{}, err
	}
	a, expires, err := c.send(ctx, request{
		method: http.MethodPost,
		path:   "/api/v3/order",
		params: url.Values{
			"symbol":           {o.Symbol},
			"side":             {string(o.Side)},
			"type":             {"LIMIT"},
			"timeInForce":      {"GTC"},
			"quantity":         {o.Quantity.String()},
			"price":            {o.Price.String()},
			"newClientOrderId": {o.ClientID},
			"newOrderRespType": {"FULL"},
		},
		cost:    cost{weight: 1, orders: 1, urgent: true},
		signed:  true,
		guarded: o.Symbol,
	})
	if err == nil {
		var update exchange.OrderUpdate
		if update, err = decodePlaced(a.body); err == nil && sameTerms(update.Order, o) {
			return update, nil
		}
		err = &lostError{fmt.Errorf("answer for another order, or not understood: %w", errors.Join(err))}
	}
	var refused *wire.Error
	switch {
	case errors.Is(err, exchange.ErrDuplicateOrder):
		return c.adopt(ctx, o, err)
	case unknownOutcome(err):
		return c.findPlaced(ctx, o, expires, err)
	case errors.As(err, &refused):
		if filter, ok := refused.Filter(); ok {
			return exchange.OrderUpdate{}, &exchange.FilterError{Symbol: o.Symbol, Filter: filter}
		}
	}
	return exchange.OrderUpdate{}, err
}

func checkLimitOrder(o exchange.LimitOrder) error {
	_, err := exchange.ParseSide(string(o.Side))
	switch {
	case !exchange.ValidSymbolName(o.Symbol):
		return fmt.Errorf("%w: %w: %q", exchange.ErrOrderRejected, exchange.ErrUnknownSymbol, o.Symbol)
	case err != nil:
		return fmt.Errorf("%w: %w", exchange.ErrOrderRejected, err)
	case !validClientID(o.ClientID):
		return fmt.Errorf("%w: client order id %q: want 1 to 36 of [.A-Z:/a-z0-9_-]", exchange.ErrOrderRejected, o.ClientID)
	default:
		return nil
	}
}

func validClientID(id string) bool {
	for _, c := range []byte(id) {
		switch {
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9':
		case c == '.', c == ':', c == '/', c == '_', c == '-':
		default:
			return false
		}
	}
	return len(id) >= 1 && len(id) <= 36
}

// sameTerms says whether the exchange's order is the one that was asked for.
func sameTerms(have exchange.Order, want exchange.LimitOrder) bool {
	return have.Symbol == want.Symbol && have.ClientID == want.ClientID && have.Side == want.Side &&
		have.Price.Equal(want.Price) && have.OriginalQuantity.Equal(want.Quantity)
}

// adopt returns the order that made the exchange refuse o as a duplicate, when
// it is the same order; otherwise refused.
func (c *Client) adopt(ctx context.Context, o exchange.LimitOrder, refused error) (exchange.OrderUpdate, error) {
	update, err := c.withFills(ctx, exchange.OrderRef{Symbol: o.Symbol, ClientID: o.ClientID})
	switch {
	case err == nil && sameTerms(update.Order, o):
		return update, nil
	case err == nil || errors.Is(err, exchange.ErrUnknownOrder):
		return exchange.OrderUpdate{}, refused
	default:
		return exchange.OrderUpdate{}, fmt.Errorf("%w: %v; looking it up: %w", exchange.ErrUnknownOutcome, refused, err)
	}
}

// findPlaced looks up an order whose sending failed with cause and which the
// exchange takes no later than expires.
func (c *Client) findPlaced(ctx context.Context, o exchange.LimitOrder, expires time.Time, cause error) (exchange.OrderUpdate, error) {
	c.log.Warn("order of unknown outcome, looking it up", "symbol", o.Symbol, "client_order_id", o.ClientID, "error", cause)
	var found exchange.OrderUpdate
	settled, err := c.lookUp(ctx, expires, func() (bool, error) {
		var err error
		found, err = c.withFills(ctx, exchange.OrderRef{Symbol: o.Symbol, ClientID: o.ClientID})
		if errors.Is(err, exchange.ErrUnknownOrder) {
			return false, nil
		}
		return err == nil && sameTerms(found.Order, o), err
	})
	switch {
	case err != nil:
		return exchange.OrderUpdate{}, fmt.Errorf("%w: %v; looking it up: %w", exchange.ErrUnknownOutcome, cause, err)
	case !settled:
		return exchange.OrderUpdate{}, fmt.Errorf("%w: the exchange did not take the order: %v", exchange.ErrUnavailable, cause)
	default:
		return found, nil
	}
}

// lookUp asks whether a request of unknown outcome was carried out: at once and,
// unless it was, again when the exchange can no longer carry it out. Only the
// second no is a no.
func (c *Client) lookUp(ctx context.Context, expires time.Time, ask func() (bool, error)) (bool, error) {
	final := expires.Add(c.cfg.LookupGrace)
	for {
		last := c.cfg.Now().After(final)
		done, err := ask()
		if done || last || ctx.Err() != nil {
			return done, err
		}
		if err := wait(ctx, final.Sub(c.cfg.Now())+time.Millisecond); err != nil {
			return false, err
		}
	}
}

// CancelOrder cancels an open order and returns its last state; its Time is zero
// where the exchange's answer leaves it out. When the outcome is unknown the
// order is looked up as in PlaceLimitOrder: exchange.ErrUnavailable says that it
// is still open, exchange.ErrUnknownOrder that it ended otherwise.
func (c *Client) CancelOrder(ctx context.Context, ref exchange.OrderRef) (exchange.Order, error) {
	order, err := c.cancel(ctx, ref)
	if err != nil {
		return exchange.Order{}, fmt.Errorf("cancel %s: %w", ref, err)
	}
	return order, nil
}

func (c *Client) cancel(ctx context.Context, ref exchange.OrderRef) (exchange.Order, error) {
	params, err := refParams(ref)
	if err != nil {
		return exchange.Order{}, err
	}
	a, expires, err := c.send(ctx, request{
		method:  http.MethodDelete,
		path:    "/api/v3/order",
		params:  params,
		cost:    cost{weight: 1, urgent: true},
		signed:  true,
		guarded: ref.Symbol,
	})
	if err == nil {
		var order exchange.Order
		if order, err = decodeOrder(a.body); err == nil {
			return order, nil
		}
		err = &lostError{fmt.Errorf("answer: %w", err)}
	}
	if !unknownOutcome(err) {
		return exchange.Order{}, err
	}
	return c.findCancelled(ctx, ref, expires, err)
}

// findCancelled looks up an order whose cancelling failed with cause.
func (c *Client) findCancelled(ctx context.Context, ref exchange.OrderRef, expires time.Time, cause error) (exchange.Order, error) {
	c.log.Warn("cancel of unknown outcome, looking the order up", "symbol", ref.Symbol, "order_id", ref.ID,
		"client_order_id", ref.ClientID, "error", cause)
	var found exchange.Order
	settled, err := c.lookUp(ctx, expires, func() (bool, error) {
		var err error
		found, err = c.Order(ctx, ref)
		return err == nil && found.Status.Done(), err
	})
	switch {
	case errors.Is(err, exchange.ErrUnknownOrder):
		return exchange.Order{}, err
	case err != nil:
		return exchange.Order{}, fmt.Errorf("%w: %v; looking it up: %w", exchange.ErrUnknownOutcome, cause, err)
	case !settled:
		return exchange.Order{}, fmt.Errorf("%w: the exchange did not take the cancel: %v", exchange.ErrUnavailable, cause)
	case found.Status != exchange.Canceled:
		return exchange.Order{}, fmt.Errorf("%w: it is %s", exchange.ErrUnknownOrder, found.Status)
	default:
		return found, nil
	}
}

// refParams returns the parameters that name an order.
func refParams(ref exchange.OrderRef) (url.Values, error) {
	params := url.Values{"symbol": {ref.Symbol}}
	switch {
	case !exchange.ValidSymbolName(ref.Symbol):
		return nil, fmt.Errorf("%w: %q", exchange.ErrUnknownSymbol, ref.Symbol)
	case ref.ID > 0:
		params.Set("orderId", strconv.FormatInt(ref.ID, 10))
	case ref.ID == 0 && validClientID(ref.ClientID):
		params.Set("origClientOrderId", ref.ClientID)
	default:
		return nil, fmt.Errorf("%w: neither an order id nor a client order id", exchange.ErrUnknownOrder)
	}
	return params, nil
}
