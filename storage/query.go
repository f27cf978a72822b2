package storage

import (
	"context"
	"database/sql"
	"errors"
)

// scanner is a row of a query's answer.
type scanner interface{ Scan(into ...any) error }

// scanFunc is a row that is asked for when it is scanned; sql.ErrNoRows says that
// there is none.
type scanFunc func(into ...any) error

func (s scanFunc) Scan(into ...any) error { return s(into...) }

// queryer is what answers queries: a pool, or one connection of it.
type queryer interface {
	row(ctx context.Context, text string, args ...any) scanner
	each(ctx context.Context, visit func(scanner) error, text string, args ...any) error
}

// view runs do in a transaction that sees the database as it is when do's first
// query runs, whatever is written meanwhile.
func (db *DB) view(ctx context.Context, do func(queryer) error) error {
	c, err := db.reader.take(ctx)
	if err != nil {
		return classify(err)
	}
	defer db.reader.give(c)
	return classify(c.transaction(ctx, "BEGIN", func() error { return do(c) }))
}

// collect runs the query and returns its rows, nil when there are none.
func collect[T any](ctx context.Context, q queryer, scan func(scanner) (T, error), text string, args ...any) ([]T, error) {
	var all []T
	err := q.each(ctx, func(row scanner) error {
		v, err := scan(row)
		all = append(all, v)
		return err
	}, text, args...)
	if err != nil {
		return nil, err
	}
	return all, nil
}

// none says that a query of one row had no answer, which is no failure.
func none(err error) bool { return errors.Is(err, sql.ErrNoRows) }
