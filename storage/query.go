package storage

import (
	"context"
	"database/sql"
	"errors"
)

// scanner is a row of a query's answer: *sql.Row or *sql.Rows.
type scanner interface{ Scan(into ...any) error }

// queryer is what answers queries: *sql.DB or *sql.Tx.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// view runs do in a transaction that sees the database as it is when do's first
// query runs, whatever is written meanwhile.
func (db *DB) view(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := db.reader.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return classify(err)
	}
	// It has only read, so its end has no news.
	defer tx.Rollback()
	return classify(do(tx))
}

// collect runs the query and returns its rows, nil when there are none.
func collect[T any](ctx context.Context, q queryer, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

// none says that a query of one row had no answer, which is no failure.
func none(err error) bool { return errors.Is(err, sql.ErrNoRows) }
