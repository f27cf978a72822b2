package storage

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
)

// scan hands the rows of the query's answer to visit until that returns an error, as
// the driver has them: int64 and string. It is each for millions of rows; the layer
// that it goes around takes longer for a row than SQLite. The row is visit's until it
// returns. An end of the context ends it before the first row only.
func (c *connection) scan(ctx context.Context, visit func(row []driver.Value) error, text string, args ...driver.Value) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return c.conn.Raw(func(conn any) (err error) {
		stmt, err := c.prepareRaw(conn, text)
		if err != nil {
			return err
		}
		named := make([]driver.NamedValue, len(args))
		for i, arg := range args {
			named[i] = driver.NamedValue{Ordinal: i + 1, Value: arg}
		}
		rows, err := stmt.QueryContext(context.WithoutCancel(ctx), named)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		row := make([]driver.Value, len(rows.Columns()))
		for {
			if err := rows.Next(row); err == io.EOF {
				return nil
			} else if err != nil {
				return err
			}
			if err := visit(row); err != nil {
				return err
			}
		}
	})
}

// rawStmt is what the driver's statements can do.
type rawStmt interface {
	driver.Stmt
	driver.StmtQueryContext
}

// prepareRaw returns the driver's own statement for text on the connection conn.
func (c *connection) prepareRaw(conn any, text string) (rawStmt, error) {
	if stmt, ok := c.raw[text]; ok {
		return stmt, nil
	}
	prepared, err := conn.(driver.Conn).Prepare(text)
	if err != nil {
		return nil, err
	}
	stmt, ok := prepared.(rawStmt)
	if !ok {
		return nil, errors.Join(fmt.Errorf("statement %T takes no context", prepared), prepared.Close())
	}
	c.raw[text] = stmt
	return stmt, nil
}
