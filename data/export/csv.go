package export

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"

	"hedgehog/exchange"
)

// csvTime is how a time is written: RFC 3339 with all microseconds, so that all
// times are of one length and sort as text.
const csvTime = "2006-01-02T15:04:05.000000Z"

type csvEncoder struct {
	columns []column
	out     *csv.Writer
	record  []string
}

func newCSV(w io.Writer, t Table) (*csvEncoder, error) {
	e := &csvEncoder{columns: t.columns, out: csv.NewWriter(w), record: make([]string, len(t.columns))}
	for i, c := range t.columns {
		e.record[i] = c.name
	}
	return e, e.out.Write(e.record)
}

func (e *csvEncoder) write(row []cell) error {
	for i, c := range e.columns {
		e.record[i] = csvText(c, row[i])
	}
	return e.out.Write(e.record)
}

func (e *csvEncoder) close() error {
	e.out.Flush()
	return e.out.Error()
}

func csvText(c column, v cell) string {
	if c.optional && v.n == 0 {
		return ""
	}
	switch c.kind {
	case integer:
		return strconv.FormatInt(v.n, 10)
	case moment:
		return exchange.Micros(v.n).Time().Format(csvTime)
	case flag:
		return strconv.FormatBool(v.n != 0)
	case amount, quantity:
		return v.d.String()
	case text:
		return v.s
	default:
		panic(fmt.Sprintf("export: column %s of unknown kind %d", c.name, c.kind))
	}
}
