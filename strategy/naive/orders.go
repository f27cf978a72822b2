package naive

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
)

// carryOut does what was decided about position i, whose new state is p.
func (t *Trader) carryOut(ctx context.Context, i int, p Position, d Decision, price decimal.Decimal) error {
	if err := t.replace(ctx, i, p); err != nil {
		return err
	}
	switch d.Action {
	case PlaceBuy:
		return t.place(ctx, i, exchange.Buy, d, price)
	case PlaceSell:
		return t.place(ctx, i, exchange.Sell, d, price)
	case FetchFills:
		return t.fetchFills(ctx, i)
	case Renew:
		t.positions[i] = t.fresh(0, p.Slot)
	case Rebuy:
		t.positions = append(t.positions, t.fresh(p.ID, t.nextSlot()))
	}
	return nil
}

// place sends an order for position i. What can't be placed now leaves the
// position as it is; a later event tries again, after a pause that grows.
func (t *Trader) place(ctx context.Context, i int, side exchange.Side, d Decision, price decimal.Decimal) error {
	now := t.config.Now()
	if now.Before(t.pauseUntil) {
		return nil
	}
	p := t.positions[i]
	name := OrderName{Position: p.ID, Parent: p.Parent, Side: side, Attempt: p.nextAttempt(side)}
	order := exchange.LimitOrder{
		Symbol: p.Symbol, ClientID: name.String(), Side: side, Price: d.Price, Quantity: d.Quantity,
	}
	if err := t.config.Symbol.CheckOrder(order, exchange.MarketState{AveragePrice: price}); err != nil {
		t.refuse(err)
		return nil
	}
	if side == exchange.Buy && !t.begun {
		if err := t.config.Begin(ctx, p); err != nil {
			return t.later(ctx, fmt.Errorf("record the first position of %s: %w", p.Symbol, err))
		}
		t.begun = true
	}
	request, done := t.outlive(ctx)
	defer done()
	update, err := t.exchange.PlaceLimitOrder(request, order)
	switch {
	case ctx.Err() == nil && errors.Is(err, exchange.ErrUnknownOutcome):
		// The order may exist: a new Trader looks before anything is sent again.
		return fmt.Errorf("place %s %s %s: %w", p.Symbol, side, d.Price, err)
	case err != nil:
		return t.later(ctx, err)
	}
	t.failures.Reset()
	t.refuse(nil)
	if t.log.Enabled(ctx, slog.LevelInfo) { // a backtest has thousands and shows none
		t.log.Info("order placed", "order_id", update.ID, "client_order_id", update.ClientID,
			"side", side, "price", d.Price, "quantity", d.Quantity)
	}
	if side == exchange.Sell {
		return t.replace(ctx, i, p.sells(&update.Order).withFills(update.Fills))
	}
	p.Buy = &update.Order
	if err := t.replace(ctx, i, p.withFills(update.Fills)); err != nil || !p.bought() {
		return err
	}
	p, d = t.formula.proceed(t.positions[i], t.settings, len(t.positions)) // filled at once
	return t.carryOut(ctx, i, p, d, price)
}

// later leaves it to a later event to try again what failed with err, after a
// pause that grows.
func (t *Trader) later(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	t.refuse(err)
	t.pauseUntil = t.config.Now().Add(t.failures.NextBackOff())
	return nil
}

// outlive returns a context for a request to the exchange that goes on for
// Finish after ctx has ended: when Run returns, nothing of it can be accepted any
// more that it does not know of.
func (t *Trader) outlive(ctx context.Context) (context.Context, func()) {
	if t.config.Finish == 0 {
		return ctx, func() {}
	}
	request, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.NewTimer(t.config.Finish)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel(context.Cause(ctx))
		case <-request.Done():
		}
	})
	return request, func() {
		stop()
		cancel(nil)
	}
}

// refuse notes why an order could not be placed and logs it, once for each
// reason in a row; nil says that one could.
func (t *Trader) refuse(err error) {
	if err == nil {
		t.lastError, t.refusal = "", ""
		return
	}
	t.lastError = err.Error()
	refusal := t.lastError
	var filter *exchange.FilterError
	if errors.As(err, &filter) {
		refusal = filter.Filter // the values change with every trade
	}
	if refusal != t.refusal {
		t.refusal = refusal
		t.log.Warn("order not placed", "error", err)
	}
}

// fetchFills has position i go on once the fills that it lacks are known.
func (t *Trader) fetchFills(ctx context.Context, i int) error {
	now := t.config.Now()
	if now.Before(t.pauseUntil) {
		return nil
	}
	p, err := t.withAllFills(ctx, t.positions[i])
	if err != nil {
		return t.later(ctx, err)
	}
	p, d := t.formula.proceed(p, t.settings, len(t.positions))
	return t.carryOut(ctx, i, p, d, decimal.Zero)
}

// withAllFills returns p with the fills that it lacks. An error that the exchange
// has them not all yet wraps exchange.ErrUnavailable.
func (t *Trader) withAllFills(ctx context.Context, p Position) (Position, error) {
	for o := p.lacksFills(); o != nil; o = p.lacksFills() {
		fills, err := t.exchange.Fills(ctx, p.Symbol, o.ID)
		if err != nil {
			return p, fmt.Errorf("fills of order %d: %w", o.ID, err)
		}
		if p = p.withFills(fills); !p.fillsComplete(o) {
			return p, fmt.Errorf("fills of order %d: %w: its records lag behind", o.ID, exchange.ErrUnavailable)
		}
	}
	return p, nil
}
