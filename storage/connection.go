package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// connection is a connection to the database with the statements that it has
// prepared: SQLite takes longer to understand most of them than to run them. They
// are few, so they stay until the connection ends. One goroutine at a time has it.
type connection struct {
	conn       *sql.Conn
	prepared   map[string]*sql.Stmt
	raw        map[string]rawStmt // what scan has prepared
	durability durability         // that is set; empty when that is not known
}

// exec runs the statement and returns how many rows it added or changed.
func (c *connection) exec(ctx context.Context, text string, args ...any) (int64, error) {
	stmt, err := c.prepare(ctx, text)
	if err != nil {
		return 0, err
	}
	result, err := stmt.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// row returns the one row of the query's answer.
func (c *connection) row(ctx context.Context, text string, args ...any) scanner {
	return scanFunc(func(into ...any) error {
		stmt, err := c.prepare(ctx, text)
		if err != nil {
			return err
		}
		return stmt.QueryRowContext(ctx, args...).Scan(into...)
	})
}

// each hands the rows of the query's answer to visit until that returns an error.
func (c *connection) each(ctx context.Context, visit func(scanner) error, text string, args ...any) error {
	stmt, err := c.prepare(ctx, text)
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(ctx, args...)
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

func (c *connection) prepare(ctx context.Context, text string) (*sql.Stmt, error) {
	if stmt, ok := c.prepared[text]; ok {
		return stmt, nil
	}
	stmt, err := c.conn.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	c.prepared[text] = stmt
	return stmt, nil
}

// transaction runs do between begin, which is the statement of that, and COMMIT.
func (c *connection) transaction(ctx context.Context, begin string, do func() error) error {
	// What has begun ends, whatever becomes of the context: nothing waits for that.
	unwatched, committed := context.WithoutCancel(ctx), false
	defer func() {
		if !committed {
			// A roll-back that fails has no news beside the error before it: SQLite has
			// rolled back by itself, or there was nothing to roll back.
			_, _ = c.exec(unwatched, "ROLLBACK")
		}
	}()
	if _, err := c.exec(ctx, begin); err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	_, err := c.exec(unwatched, "COMMIT")
	committed = err == nil
	return err
}

// survive sets what the transactions from now on survive.
func (c *connection) survive(ctx context.Context, d durability) error {
	if c.durability == d {
		return nil
	}
	c.durability = ""
	// Not prepared: SQLite obeys this when it reads it, not when it runs it.
	if _, err := c.conn.ExecContext(ctx, "PRAGMA synchronous = "+string(d)); err != nil {
		return fmt.Errorf("set durability %s: %w", d, err)
	}
	c.durability = d
	return nil
}

func (c *connection) close() error {
	var errs []error
	for _, stmt := range c.prepared {
		errs = append(errs, stmt.Close())
	}
	for _, stmt := range c.raw {
		errs = append(errs, stmt.Close())
	}
	return errors.Join(append(errs, c.conn.Close())...)
}
