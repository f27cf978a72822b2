package export

import (
	"context"
	"fmt"
	"io"
	"iter"

	"github.com/shopspring/decimal"
)

// kind is what the cells of a column are.
type kind uint8

const (
	integer  kind = iota // cell.n
	moment               // cell.n, in µs since the Unix epoch
	flag                 // cell.n, 0 or 1
	amount               // cell.d, of any sign, below 10^10
	quantity             // cell.d, not below zero
	text                 // cell.s
)

// cell is one value; which field it is in says its column's kind.
type cell struct {
	n int64
	d decimal.Decimal
	s string
}

// column is how a column is called and what it holds.
type column struct {
	name string
	kind kind
	// optional columns have no value where n is zero.
	optional bool
}

// Table is rows that can be written once.
type Table struct {
	name    string
	columns []column
	rows    iter.Seq2[[]cell, error] // the slice is used again for the next row
}

// encoder writes rows in a format. close writes what is left; after an error it is
// not called.
type encoder interface {
	write(row []cell) error
	close() error
}

// Write writes the table to w and returns how many rows that were. It blocks until
// all is written, ctx ends (it returns ctx's cause), reading or writing fails, or a
// value does not fit its column. progress, where there is one, is called after every
// row with the number of rows so far, and must be quick.
func (t Table) Write(ctx context.Context, w io.Writer, f Format, progress func(rows int64)) (rows int64, err error) {
	out, err := f.encoder(w, t)
	if err != nil {
		return 0, fmt.Errorf("export %s: %w", t.name, err)
	}
	for row, err := range t.rows {
		if ctx.Err() != nil {
			return rows, context.Cause(ctx)
		}
		if err != nil {
			return rows, err
		}
		if err := out.write(row); err != nil {
			return rows, fmt.Errorf("export %s, row %d: %w", t.name, rows+1, err)
		}
		rows++
		if progress != nil {
			progress(rows)
		}
	}
	if err := out.close(); err != nil {
		return rows, fmt.Errorf("export %s: %w", t.name, err)
	}
	return rows, nil
}

// field is a column of a table of Ts, and where its cells come from.
type field[T any] struct {
	column
	read func(*T) cell
}

// tableOf makes the Table of rows with the fields.
func tableOf[T any](name string, rows iter.Seq2[T, error], fields ...field[T]) Table {
	t := Table{name: name}
	for _, f := range fields {
		t.columns = append(t.columns, f.column)
	}
	t.rows = func(yield func([]cell, error) bool) {
		row := make([]cell, len(fields))
		for value, err := range rows {
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range fields {
				row[i] = fields[i].read(&value)
			}
			if !yield(row, nil) {
				return
			}
		}
	}
	return t
}
