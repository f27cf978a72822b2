package judge

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"hedgehog/exchange"
	"hedgehog/storage"

	_ "modernc.org/sqlite" // the driver
)

// Store is what one node has stored.
type Store struct {
	Node      string
	Trades    map[string][]exchange.TradeEvent // by symbol, in order of id
	Orders    []exchange.Order
	Fills     []exchange.Fill
	Positions []storage.Position // of the replicated state, as is what follows
	// Watermarks are the ids up to which the cluster says that trades are stored.
	Watermarks map[string]int64
	// Index is up to where the node has applied the cluster's log.
	Index uint64
	// State are all replicated rows, as "table: values", in the order of their keys.
	State []string
}

// ReadStore reads the database of the named node at path as it is at this moment,
// whether the node runs or was killed. It changes nothing. What it reads is known
// by the documented names of tables and columns alone, so that a mistake of the
// code that writes them is not made twice.
func ReadStore(ctx context.Context, node, path string) (Store, error) {
	s := Store{Node: node, Trades: make(map[string][]exchange.TradeEvent), Watermarks: make(map[string]int64)}
	if err := s.read(ctx, path); err != nil {
		return Store{}, fmt.Errorf("read what %s has stored in %s: %w", node, path, err)
	}
	return s, nil
}

func (s *Store) read(ctx context.Context, path string) (err error) {
	if path, err = filepath.Abs(path); err != nil {
		return err
	}
	address := url.URL{Scheme: "file", Path: path, RawQuery: "mode=ro&_pragma=busy_timeout(10000)&_pragma=query_only(1)"}
	db, err := sql.Open("sqlite", address.String())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}) // all rows of one moment
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // it has only read
	for _, read := range []func(context.Context, *sql.Tx) error{
		s.readTrades, s.readOrders, s.readFills, s.readPositions, s.readWatermarks, s.readState,
	} {
		if err := read(ctx, tx); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) readTrades(ctx context.Context, tx *sql.Tx) error {
	return each(ctx, tx, `SELECT symbol, trade_id, price, quantity, trade_time, buyer_is_maker
		FROM trade_events ORDER BY symbol, trade_id`, func(rows *sql.Rows) error {
		var t exchange.TradeEvent
		err := rows.Scan(&t.Symbol, &t.ID, &t.Price, &t.Quantity, &t.TradeTime, &t.BuyerIsMaker)
		s.Trades[t.Symbol] = append(s.Trades[t.Symbol], t)
		return err
	})
}

func (s *Store) readOrders(ctx context.Context, tx *sql.Tx) error {
	return each(ctx, tx, `SELECT symbol, order_id, client_order_id, side, status, price, original_quantity,
		executed_quantity, quote_quantity, order_time, update_time FROM orders`, func(rows *sql.Rows) error {
		var o exchange.Order
		err := rows.Scan(&o.Symbol, &o.ID, &o.ClientID, &o.Side, &o.Status, &o.Price, &o.OriginalQuantity,
			&o.ExecutedQuantity, &o.QuoteQuantity, &o.Time, &o.UpdateTime)
		s.Orders = append(s.Orders, o)
		return err
	})
}

func (s *Store) readFills(ctx context.Context, tx *sql.Tx) error {
	return each(ctx, tx, `SELECT symbol, order_id, trade_id, side, price, quantity, commission, commission_asset
		FROM fills ORDER BY symbol, order_id, trade_id`, func(rows *sql.Rows) error {
		var f exchange.Fill
		err := rows.Scan(&f.Symbol, &f.OrderID, &f.TradeID, &f.Side, &f.Price, &f.Quantity, &f.Commission, &f.CommissionAsset)
		s.Fills = append(s.Fills, f)
		return err
	})
}

func (s *Store) readPositions(ctx context.Context, tx *sql.Tx) error {
	return each(ctx, tx, `SELECT symbol, position_id, parent_id, slot, state, rebuy_triggered, buy_client_id,
		sell_client_id, start_time, end_time, profit FROM positions`, func(rows *sql.Rows) error {
		var p storage.Position
		err := rows.Scan(&p.Symbol, &p.ID, &p.Parent, &p.Slot, &p.State, &p.RebuyTriggered, &p.BuyClientID,
			&p.SellClientID, &p.StartTime, &p.EndTime, &p.Profit)
		s.Positions = append(s.Positions, p)
		return err
	})
}

func (s *Store) readWatermarks(ctx context.Context, tx *sql.Tx) error {
	return each(ctx, tx, "SELECT symbol, trade_id FROM watermarks", func(rows *sql.Rows) error {
		var symbol string
		var id int64
		err := rows.Scan(&symbol, &id)
		s.Watermarks[symbol] = id
		return err
	})
}

// replicated are the tables that are the same on every node, with their keys.
var replicated = [...]struct{ table, key string }{
	{"streaming_settings", "symbol"}, {"trading_settings", "symbol"}, {"collecting_settings", "symbol"},
	{"aggregating_settings", "symbol"}, {"positions", "symbol, position_id"}, {"members", "name"},
	{"cluster_symbols", "symbol"}, {"assignments", "symbol"}, {"watermarks", "symbol"},
	{"proposals", "log_index"}, {"position_revisions", "symbol"},
}

func (s *Store) readState(ctx context.Context, tx *sql.Tx) error {
	err := tx.QueryRowContext(ctx, "SELECT applied_index FROM replicated").Scan(&s.Index)
	if err != nil {
		return err
	}
	for _, r := range replicated {
		err := each(ctx, tx, "SELECT * FROM "+r.table+" ORDER BY "+r.key, func(rows *sql.Rows) error {
			row, err := rowText(rows)
			s.State = append(s.State, r.table+": "+row)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// rowText returns a row's values, whatever they are.
func rowText(rows *sql.Rows) (string, error) {
	columns, err := rows.Columns()
	if err != nil {
		return "", err
	}
	values, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	if err := rows.Scan(into...); err != nil {
		return "", err
	}
	text := make([]string, len(columns))
	for i, v := range values {
		text[i] = v.String
	}
	return strings.Join(text, " | "), nil
}

// each runs the query and hands each of its rows to visit.
func each(ctx context.Context, tx *sql.Tx, query string, visit func(*sql.Rows) error) error {
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := visit(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
