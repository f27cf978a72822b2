package storage

import (
	"context"
	"database/sql"
	"errors"
)

// scanner is a row of a query's answer: *sql.Row or *sql.Rows.
type scanner interface{ Scan(into ...any) error }

// collect runs the query and returns its rows, nil when there are none.
func collect[T any](ctx context.Context, db *sql.DB, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	rows, err := db.QueryContext(ctx, query, args...)
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
