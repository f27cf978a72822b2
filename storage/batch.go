package storage

import "context"

// batch is a transaction of the writer. It holds the write lock, so that none of
// its statements waits: the context is looked at once instead of being watched by
// a goroutine for every statement.
type batch struct{ on *connection }

// exec runs the statement and returns how many rows it added or changed.
func (b batch) exec(ctx context.Context, text string, args ...any) (int64, error) {
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	return b.on.exec(context.WithoutCancel(ctx), text, args...)
}

// row returns the one row of the query's answer.
func (b batch) row(ctx context.Context, text string, args ...any) scanner {
	return scanFunc(func(into ...any) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return b.on.row(context.WithoutCancel(ctx), text, args...).Scan(into...)
	})
}
