package export_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"iter"
	"math/big"
	"strconv"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
	"github.com/shopspring/decimal"

	"hedgehog/data/export"
	"hedgehog/exchange"
)

// noon is 2019-10-11 12:00:00 UTC.
const noon = exchange.Micros(1570795200_000_000)

func amount(s string) decimal.Decimal { return decimal.RequireFromString(s) }

func rowsOf[T any](rows ...T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	}
}

func trade(id int64) exchange.TradeEvent {
	return exchange.TradeEvent{Symbol: "XRPETH", ID: id, Price: amount("0.00141342"), Quantity: amount("23"), TradeTime: noon}
}

func mustWrite(tb testing.TB, t export.Table, f export.Format) []byte {
	tb.Helper()
	var out bytes.Buffer
	if _, err := t.Write(tb.Context(), &out, f, nil); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// mustReadCSV returns the lines of a CSV file, the header first.
func mustReadCSV(tb testing.TB, content []byte) [][]string {
	tb.Helper()
	lines, err := csv.NewReader(bytes.NewReader(content)).ReadAll()
	if err != nil {
		tb.Fatal(err)
	}
	return lines
}

func mustOpenParquet(tb testing.TB, content []byte) *parquet.File {
	tb.Helper()
	f, err := parquet.OpenFile(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

// mustReadParquet returns what a Parquet file says by its own types, in the words of
// the CSV file of the same rows.
func mustReadParquet(tb testing.TB, content []byte) [][]string {
	tb.Helper()
	f := mustOpenParquet(tb, content)
	var header []string
	for _, column := range f.Root().Columns() {
		header = append(header, column.Name())
	}
	lines := [][]string{header}
	rows := parquet.NewReader(f)
	defer rows.Close()
	batch := make([]parquet.Row, 100)
	for {
		n, err := rows.ReadRows(batch)
		for _, row := range batch[:n] {
			var line []string
			for i, column := range f.Root().Columns() {
				line = append(line, words(tb, column, row[i]))
			}
			lines = append(lines, line)
		}
		if errors.Is(err, io.EOF) {
			return lines
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
}

// words returns a value as its column's logical type has it understood.
func words(tb testing.TB, column *parquet.Column, v parquet.Value) string {
	tb.Helper()
	if v.IsNull() {
		return ""
	}
	logical := column.Type().LogicalType()
	if logical == nil {
		return v.String()
	}
	switch is := logical.Value.(type) {
	case *format.DecimalType:
		whole := big.NewInt(0)
		if v.Kind() == parquet.Int64 {
			whole.SetInt64(v.Int64())
		} else { // two's complement, big-endian
			whole.SetBytes(v.ByteArray())
			if v.ByteArray()[0] >= 0x80 {
				whole.Sub(whole, new(big.Int).Lsh(big.NewInt(1), uint(8*len(v.ByteArray()))))
			}
		}
		return decimal.NewFromBigInt(whole, -is.Scale).String()
	case *format.TimestampType:
		return time.UnixMicro(v.Int64()).UTC().Format("2006-01-02T15:04:05.000000Z07:00")
	case *format.IntType:
		return strconv.FormatInt(v.Int64(), 10)
	case *format.StringType:
		return string(v.ByteArray())
	default:
		tb.Fatalf("column %s has the unexpected type %s", column.Name(), logical)
		return ""
	}
}
