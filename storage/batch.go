package storage

import (
	"context"
	"database/sql"
)

// batch is a transaction that runs the same few statements over and over: it
// prepares each once. The transaction's end closes them.
type batch struct {
	tx       *sql.Tx
	prepared map[string]*sql.Stmt
}

func newBatch(tx *sql.Tx) *batch {
	return &batch{tx: tx, prepared: make(map[string]*sql.Stmt)}
}

// exec runs the statement and returns how many rows it added or changed.
func (b *batch) exec(ctx context.Context, text string, args ...any) (int64, error) {
	stmt, unwatched, err := b.prepare(ctx, text)
	if err != nil {
		return 0, err
	}
	result, err := stmt.ExecContext(unwatched, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// row hands the one row of the query's answer to scan, or returns sql.ErrNoRows.
func (b *batch) row(ctx context.Context, scan func(scanner) error, text string, args ...any) error {
	stmt, unwatched, err := b.prepare(ctx, text)
	if err != nil {
		return err
	}
	return scan(stmt.QueryRowContext(unwatched, args...))
}

// prepare returns the statement and the context to run it under, for which see
// exec in write.go.
func (b *batch) prepare(ctx context.Context, text string) (*sql.Stmt, context.Context, error) {
	if ctx.Err() != nil {
		return nil, nil, context.Cause(ctx)
	}
	stmt, ok := b.prepared[text]
	if !ok {
		var err error
		if stmt, err = b.tx.PrepareContext(ctx, text); err != nil {
			return nil, nil, err
		}
		b.prepared[text] = stmt
	}
	return stmt, context.WithoutCancel(ctx), nil
}
