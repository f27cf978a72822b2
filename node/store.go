package node

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/shopspring/decimal"

	"hedgehog/data/collector"
	"hedgehog/exchange"
	"hedgehog/storage"
	"hedgehog/strategy/naive"
)

// store is the database as the parts see it: each part's own small interface,
// and the translation between their types and the tables' rows.
type store struct{ db *storage.DB }

// Write stores what a collector gathered.
func (s store) Write(ctx context.Context, b collector.Batch) error {
	if len(b.Others) > 0 {
		return fmt.Errorf("store an event of type %T: not known", b.Others[0])
	}
	_, err := s.db.Write(ctx, storage.Batch{Trades: b.Trades, Orders: b.Orders, Candles: b.Candles})
	return err
}

// LastCandle is for the aggregator.
func (s store) LastCandle(ctx context.Context, symbol string, minutes int) (exchange.Candle, bool, error) {
	return s.db.LastCandle(ctx, symbol, minutes)
}

// LastTradeBefore is for the aggregator.
func (s store) LastTradeBefore(ctx context.Context, symbol string, at exchange.Micros) (int64, bool, error) {
	return s.db.LastTradeBefore(ctx, symbol, at)
}

// TradesSince is for the aggregator.
func (s store) TradesSince(ctx context.Context, symbol string, from exchange.Micros) iter.Seq2[exchange.TradeEvent, error] {
	return s.db.Trades(ctx, symbol, storage.TradeRange{From: from})
}

// StoreMissed is for the aggregator.
func (s store) StoreMissed(ctx context.Context, symbol string, trades []*exchange.TradeEvent) error {
	set, err := s.db.Settings(ctx, symbol)
	if err != nil || !set.Collecting.TradeEvents {
		return err
	}
	return s.Write(ctx, collector.Batch{Trades: trades})
}

// TradesBetween is for the publisher.
func (s store) TradesBetween(ctx context.Context, symbol string, from, to exchange.Micros) iter.Seq2[exchange.TradeEvent, error] {
	return s.db.Trades(ctx, symbol, storage.TradeRange{From: from, To: to})
}

// OldestOpenOrder is for the order stream.
func (s store) OldestOpenOrder(ctx context.Context, symbol string) (int64, error) {
	open, err := s.db.Orders(ctx, storage.OrderFilter{Symbol: symbol, OpenOnly: true})
	if err != nil {
		return 0, err
	}
	if len(open) == 0 {
		open, err = s.db.Orders(ctx, storage.OrderFilter{Symbol: symbol, Limit: 1})
		if err != nil {
			return 0, err
		}
	}
	var oldest int64
	for _, o := range open {
		if oldest == 0 || o.ID < oldest {
			oldest = o.ID
		}
	}
	return oldest, nil
}

// StoredOrder is for the order stream.
func (s store) StoredOrder(ctx context.Context, symbol string, id int64) (exchange.Order, decimal.Decimal, bool, error) {
	o, ok, err := s.db.Order(ctx, symbol, id)
	if err != nil || !ok {
		return o, decimal.Zero, false, err
	}
	fills, err := s.db.Fills(ctx, symbol, id)
	if err != nil {
		return o, decimal.Zero, false, err
	}
	filled := decimal.Zero
	for _, f := range fills {
		filled = filled.Add(f.Quantity)
	}
	return o, filled, true, nil
}

// openPositions returns the positions that a trader goes on with. Their orders
// bear their client order ids alone: their states are read from the exchange.
func (s store) openPositions(ctx context.Context, symbol string) ([]naive.Position, error) {
	rows, err := s.db.Positions(ctx, symbol, true)
	if err != nil {
		return nil, err
	}
	positions := make([]naive.Position, 0, len(rows))
	for _, r := range rows {
		p := naive.Position{
			Symbol: r.Symbol, Slot: r.Slot, State: naive.Open, RebuyTriggered: r.RebuyTriggered, StartTime: r.StartTime,
		}
		if err := p.ID.UnmarshalText([]byte(r.ID)); err != nil {
			return nil, err
		}
		if r.Parent != "" {
			if err := p.Parent.UnmarshalText([]byte(r.Parent)); err != nil {
				return nil, err
			}
		}
		if r.BuyClientID != "" {
			p.Buy = &exchange.Order{Symbol: symbol, ClientID: r.BuyClientID, Side: exchange.Buy}
		}
		if r.SellClientID != "" {
			p.Sell = &exchange.Order{Symbol: symbol, ClientID: r.SellClientID, Side: exchange.Sell}
		}
		positions = append(positions, p)
	}
	slices.SortStableFunc(positions, func(a, b naive.Position) int { return cmp.Compare(a.Slot, b.Slot) })
	return positions, nil
}

// endedPositions returns the stored positions that are over.
func (s store) endedPositions(ctx context.Context, symbol string) (map[naive.PositionID]bool, error) {
	rows, err := s.db.Positions(ctx, symbol, false)
	if err != nil {
		return nil, err
	}
	ended := make(map[naive.PositionID]bool)
	for _, r := range rows {
		if r.State == storage.PositionOpen {
			continue
		}
		var id naive.PositionID
		if err := id.UnmarshalText([]byte(r.ID)); err != nil {
			return nil, err
		}
		ended[id] = true
	}
	return ended, nil
}

func positionRow(p *naive.Position) storage.Position {
	r := storage.Position{
		Symbol: p.Symbol, ID: p.ID.String(), Slot: p.Slot, State: storage.PositionState(p.State),
		RebuyTriggered: p.RebuyTriggered, StartTime: p.StartTime, EndTime: p.EndTime, Profit: p.Profit,
	}
	if p.Parent != 0 {
		r.Parent = p.Parent.String()
	}
	if p.Buy != nil {
		r.BuyClientID = p.Buy.ClientID
	}
	if p.Sell != nil {
		r.SellClientID = p.Sell.ClientID
	}
	return r
}
