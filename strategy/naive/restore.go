package naive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"hedgehog/exchange"
)

// recentOrders is how many of the symbol's latest orders are read to find those
// that were sent and not recorded before a crash. The exchange gives at most as
// many at once.
const recentOrders = 1000

// Restore makes the positions agree with the exchange: what it has accepted is
// the truth, whatever was or was not recorded here. Run begins with it.
func (t *Trader) Restore(ctx context.Context) error {
	known := t.positions
	if t.config.Wait > 0 {
		if err := wait(ctx, t.config.Wait); err != nil {
			return err
		}
	}
	orders, err := t.readOrders(ctx, known)
	if err != nil {
		return fmt.Errorf("read the orders of %s: %w", t.config.Symbol.Name, err)
	}
	t.positions = slices.Clone(known)
	for i, p := range Rebuild(t.config.Symbol.Name, known, orders) {
		t.lastID = max(t.lastID, p.ID)
		if i >= len(known) {
			if p, err = t.unrecorded(ctx, p); err != nil {
				return err
			}
			if p.State != Open && p.State != Finished {
				continue
			}
			i = len(t.positions)
			t.positions = append(t.positions, Position{})
		}
		if err := t.replace(ctx, i, p); err != nil {
			return err
		}
	}
	for _, o := range orders {
		if name, err := ParseOrderName(o.ClientID); err == nil {
			t.lastID = max(t.lastID, name.Position)
		}
	}
	t.log.Info("positions restored", "known", len(known), "positions", len(t.positions), "orders_read", len(orders))
	return t.settle()
}

// unrecorded completes a position that the exchange has and Restore does not: of
// a finished one with what it earned. One whose end is recorded, or that is older
// than all that is recorded and so of a time before, is Dropped from what there is
// to do.
func (t *Trader) unrecorded(ctx context.Context, p Position) (Position, error) {
	if p.State != Finished {
		return p, nil
	}
	if t.config.Over[p.ID] || !t.recordedBefore(p.ID) {
		return over(p, Dropped), nil
	}
	p, err := t.withAllFills(ctx, p)
	if err != nil {
		return p, err
	}
	return t.formula.finish(p), nil
}

// recordedBefore says whether an older position than id is recorded.
func (t *Trader) recordedBefore(id PositionID) bool {
	for _, p := range t.config.Restore {
		if p.ID < id {
			return true
		}
	}
	for over := range t.config.Over {
		if over < id {
			return true
		}
	}
	return false
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// readOrders reads what the exchange has of this symbol: the open orders, the
// latest ones, and by client order id those that the known positions name.
func (t *Trader) readOrders(ctx context.Context, known []Position) ([]exchange.Order, error) {
	symbol := t.config.Symbol.Name
	open, err := t.exchange.OpenOrders(ctx, symbol)
	if err != nil {
		return nil, err
	}
	recent, err := t.exchange.AllOrders(ctx, symbol, 0, recentOrders)
	if err != nil {
		return nil, err
	}
	latest := make(map[string]exchange.Order)
	for _, o := range append(open, recent...) {
		if old, ok := latest[o.ClientID]; !ok || o.Supersedes(old) {
			latest[o.ClientID] = o
		}
	}
	lookUp := func(clientID string) error {
		if _, ok := latest[clientID]; ok {
			return nil
		}
		o, err := t.exchange.Order(ctx, exchange.OrderRef{Symbol: symbol, ClientID: clientID})
		if errors.Is(err, exchange.ErrUnknownOrder) {
			return nil
		}
		if err != nil {
			return err
		}
		latest[clientID] = o
		return nil
	}
	for _, p := range known {
		for _, o := range []*exchange.Order{p.Buy, p.Sell} {
			if o == nil {
				continue
			}
			if err := lookUp(o.ClientID); err != nil {
				return nil, err
			}
		}
	}
	for _, clientID := range slices.Sorted(maps.Keys(latest)) {
		name, err := ParseOrderName(clientID)
		if err != nil || name.Side != exchange.Sell {
			continue
		}
		name.Side, name.Attempt = exchange.Buy, 1
		if err := lookUp(name.String()); err != nil {
			return nil, err
		}
	}
	orders := make([]exchange.Order, 0, len(latest))
	for _, o := range latest {
		orders = append(orders, o)
	}
	slices.SortFunc(orders, func(a, b exchange.Order) int { return cmp.Compare(a.ID, b.ID) })
	return orders, nil
}

// Rebuild returns the positions that follow from the exchange's orders: first
// the known ones in their order, then those that were not recorded, also
// finished ones. A known position whose buy the exchange has never seen has ended.
// Only orders that OrderName can read count.
func Rebuild(symbol string, known []Position, orders []exchange.Order) []Position {
	byPosition := make(map[PositionID]*Position)
	triggered := make(map[PositionID]bool) // a further position names it as its parent
	var found []PositionID
	for _, o := range orders {
		name, err := ParseOrderName(o.ClientID)
		if err != nil || o.Symbol != symbol {
			continue
		}
		triggered[name.Parent] = true
		p := byPosition[name.Position]
		if p == nil {
			p = &Position{Symbol: symbol, ID: name.Position, Parent: name.Parent, State: Open, StartTime: name.Position.start()}
			byPosition[name.Position] = p
			found = append(found, name.Position)
		}
		p.addOrder(name, o)
	}
	positions := make([]Position, 0, len(known))
	slot := 0
	for _, k := range known {
		slot = max(slot, k.Slot+1)
		at := byPosition[k.ID]
		delete(byPosition, k.ID)
		switch {
		case at == nil && k.Buy == nil: // nothing of it was ever sent
			positions = append(positions, k)
			continue
		case at == nil || at.Buy == nil:
			positions = append(positions, over(k, Dropped))
			continue
		}
		k.Buy, k.Sell, k.Replaced = at.Buy, at.Sell, at.Replaced
		k.RebuyTriggered = k.RebuyTriggered || triggered[k.ID]
		positions = append(positions, k)
	}
	slices.Sort(found)
	for _, id := range found {
		p := byPosition[id]
		if p == nil || p.Buy == nil || p.buyFailed() {
			continue
		}
		if p.Sell != nil && p.Sell.Status == exchange.Filled {
			positions = append(positions, over(*p, Finished))
			continue
		}
		p.Slot = slot
		slot++
		p.RebuyTriggered = triggered[id]
		positions = append(positions, *p)
	}
	return positions
}

// addOrder takes one of the position's orders; the latest attempt of a side is
// the order that counts. Orders come in the order of their ids.
func (p *Position) addOrder(name OrderName, o exchange.Order) {
	if name.Side == exchange.Buy {
		p.Buy = &o
		return
	}
	*p = p.sells(&o)
}
