package storage

import (
	"context"
	"database/sql/driver"
	"fmt"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
)

// PositionState is where a stored position is in its life.
type PositionState string

// The states of a position.
const (
	PositionOpen     PositionState = "open"
	PositionFinished PositionState = "finished" // its sell was filled
	PositionDropped  PositionState = "dropped"  // ended without a cycle
)

// Position is one position of a symbol's trader, with the names of its orders.
type Position struct {
	Symbol         string          `json:"symbol"`
	ID             string          `json:"id"`               // the trader's name for it, unique per symbol
	Parent         string          `json:"parent,omitempty"` // ID of the position whose rebuy started this one; empty for none
	Slot           int             `json:"slot"`             // which of the symbol's chunks it holds, from 0
	State          PositionState   `json:"state"`
	RebuyTriggered bool            `json:"rebuy_triggered,omitempty"` // it has started a further position
	BuyClientID    string          `json:"buy_client_id,omitempty"`   // client order id of the buy; empty before it
	SellClientID   string          `json:"sell_client_id,omitempty"`  // client order id of the sell; empty before it
	StartTime      exchange.Micros `json:"start_time"`                // when it began
	EndTime        exchange.Micros `json:"end_time,omitempty"`        // when it ended; 0 while it is open
	Profit         decimal.Decimal `json:"profit"`                    // quote asset, fees taken off; below 0 for a loss
}

const selectPositions = `SELECT symbol, position_id, parent_id, slot, state, rebuy_triggered, buy_client_id,
	sell_client_id, start_time, end_time, profit FROM positions`

func putPosition(ctx context.Context, b batch, p Position) (int64, error) {
	return b.exec(ctx, `INSERT OR REPLACE INTO positions (symbol, position_id, parent_id, slot, state,
		rebuy_triggered, buy_client_id, sell_client_id, start_time, end_time, profit)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, p.Symbol, p.ID, p.Parent, p.Slot, p.State,
		p.RebuyTriggered, p.BuyClientID, p.SellClientID, int64(p.StartTime), int64(p.EndTime), text(p.Profit))
}

// Positions returns the positions of symbol, of all symbols when it is empty, in
// order of their start; only the open ones if so asked.
func (db *DB) Positions(ctx context.Context, symbol string, openOnly bool) ([]Position, error) {
	query := selectPositions + " WHERE (?1 = '' OR symbol = ?1)"
	if openOnly {
		query += " AND state = 'open'"
	}
	positions, err := collect(ctx, db.reader, scanPosition, query+" ORDER BY symbol, start_time, position_id", symbol)
	if err != nil {
		return nil, fmt.Errorf("read positions of %s: %w", symbol, err)
	}
	return positions, nil
}

func scanPosition(row scanner) (p Position, err error) {
	err = row.Scan(&p.Symbol, &p.ID, &p.Parent, &p.Slot, &p.State, &p.RebuyTriggered, &p.BuyClientID,
		&p.SellClientID, &p.StartTime, &p.EndTime, &p.Profit)
	return p, err
}

// Earnings are what the finished positions of one symbol have earned.
type Earnings struct {
	Symbol   string
	Open     int // positions that are open
	Finished int
	Profit   decimal.Decimal   // in all, quote asset
	ProfitOf []decimal.Decimal // of those that ended since each of the given times
}

// Earnings returns what has been earned, of symbol, of all symbols with any position
// when it is empty, by symbol; in all and since each of some times.
func (db *DB) Earnings(ctx context.Context, symbol string, since ...exchange.Micros) ([]Earnings, error) {
	var all []Earnings
	add := func(row []driver.Value) error {
		name, state, end := row[0].(string), row[1].(string), exchange.Micros(row[2].(int64))
		if len(all) == 0 || all[len(all)-1].Symbol != name {
			all = append(all, Earnings{Symbol: name, ProfitOf: make([]decimal.Decimal, len(since))})
		}
		e := &all[len(all)-1]
		switch PositionState(state) {
		case PositionOpen:
			e.Open++
		case PositionFinished:
			profit, err := decimal.NewFromString(row[3].(string))
			if err != nil {
				return fmt.Errorf("profit of a position of %s: %w", name, err)
			}
			e.Finished++
			e.Profit = e.Profit.Add(profit)
			for i, from := range since {
				if end >= from {
					e.ProfitOf[i] = e.ProfitOf[i].Add(profit)
				}
			}
		}
		return nil
	}
	c, err := db.reader.take(ctx)
	if err == nil {
		defer db.reader.give(c)
		err = c.scan(ctx, add, "SELECT symbol, state, end_time, profit FROM positions WHERE (?1 = '' OR symbol = ?1) ORDER BY symbol", symbol)
	}
	if err != nil {
		return nil, fmt.Errorf("read what %s earned: %w", symbol, classify(err))
	}
	return all, nil
}
