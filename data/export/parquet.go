package export

import (
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
	"github.com/shopspring/decimal"

	"hedgehog/exchange"
)

const (
	// rowsPerGroup bounds the rows that wait in memory: about 10 MB of trades.
	rowsPerGroup = 1 << 18
	// dictionaryBytes is up to where repeated texts are written once per group. More
	// are taken for texts that do not repeat.
	dictionaryBytes = 1 << 20

	// places is the scale of all decimals: as many as the exchange writes amounts with.
	places = exchange.UnitPlaces
	// amountDigits is the most that a 64-bit column may hold, by the format's rules.
	amountDigits   = 18
	quantityDigits = 38
	quantityBytes  = 16
)

type parquetEncoder struct {
	columns []column
	out     *parquet.GenericWriter[any]
	row     parquet.Row
	bytes   [][quantityBytes]byte // of the row's quantities, by column
}

func newParquet(w io.Writer, t Table) *parquetEncoder {
	return &parquetEncoder{
		columns: t.columns,
		out: parquet.NewGenericWriter[any](w,
			parquet.NewSchema(t.name, schemaNode(t.columns)),
			parquet.CreatedBy("hedgehog", "", ""),
			parquet.Compression(&parquet.Zstd),
			parquet.MaxRowsPerRowGroup(rowsPerGroup),
			parquet.DictionaryMaxBytes(dictionaryBytes),
		),
		row:   make(parquet.Row, len(t.columns)),
		bytes: make([][quantityBytes]byte, len(t.columns)),
	}
}

// ordered is a group whose fields stay in the order of the table; by itself a group
// sorts them by name.
type ordered struct {
	parquet.Group
	columns []column
}

func schemaNode(columns []column) ordered {
	nodes := make(parquet.Group, len(columns))
	for _, c := range columns {
		nodes[c.name] = columnNode(c)
	}
	return ordered{nodes, columns}
}

// Fields returns the columns in order.
func (o ordered) Fields() []parquet.Field {
	byName := make(map[string]parquet.Field, len(o.columns))
	for _, f := range o.Group.Fields() {
		byName[f.Name()] = f
	}
	fields := make([]parquet.Field, len(o.columns))
	for i, c := range o.columns {
		fields[i] = byName[c.name]
	}
	return fields
}

func columnNode(c column) parquet.Node {
	var n parquet.Node
	switch c.kind {
	case integer:
		n = parquet.Encoded(parquet.Int(64), &parquet.DeltaBinaryPacked)
	case moment:
		n = parquet.Encoded(parquet.Timestamp(parquet.Microsecond), &parquet.DeltaBinaryPacked)
	case flag:
		n = parquet.Leaf(parquet.BooleanType)
	case amount:
		n = parquet.Decimal(places, amountDigits, parquet.Int64Type)
	case quantity:
		// The library orders such bytes without a sign, for the bounds that readers go
		// by: right for what is never negative only.
		n = parquet.Decimal(places, quantityDigits, parquet.FixedLenByteArrayType(quantityBytes))
	case text:
		n = parquet.Encoded(parquet.String(), &parquet.RLEDictionary)
	default:
		panic(fmt.Sprintf("export: column %s of unknown kind %d", c.name, c.kind))
	}
	if c.optional {
		n = parquet.Optional(n)
	}
	return n
}

func (e *parquetEncoder) write(row []cell) error {
	for i, c := range e.columns {
		v, err := e.value(i, row[i])
		if err != nil {
			return err
		}
		defined := 0
		if c.optional && !v.IsNull() {
			defined = 1
		}
		e.row[i] = v.Level(0, defined, i)
	}
	_, err := e.out.WriteRows([]parquet.Row{e.row})
	return err
}

func (e *parquetEncoder) close() error { return e.out.Close() }

// value returns the cell of a column. It is good until the next row.
func (e *parquetEncoder) value(i int, v cell) (parquet.Value, error) {
	c := e.columns[i]
	if c.optional && v.n == 0 {
		return parquet.NullValue(), nil
	}
	switch c.kind {
	case flag:
		return parquet.BooleanValue(v.n != 0), nil
	case text:
		return parquet.ByteArrayValue([]byte(v.s)), nil
	case amount:
		return amountValue(c.name, v.d)
	case quantity:
		return quantityValue(c.name, v.d, e.bytes[i][:])
	default:
		return parquet.Int64Value(v.n), nil
	}
}

func amountValue(name string, d decimal.Decimal) (parquet.Value, error) {
	const limit = 1_000_000_000_000_000_000 // 10 to the power of amountDigits
	u, ok := exchange.UnitsOf(d)
	if !ok || u <= -limit || u >= limit {
		return parquet.Value{}, fmt.Errorf("%s %s does not fit DECIMAL(%d,%d)", name, d, amountDigits, places)
	}
	return parquet.Int64Value(int64(u)), nil
}

// quantityValue writes the quantity into b, which the value refers to.
func quantityValue(name string, d decimal.Decimal, b []byte) (parquet.Value, error) {
	shifted := d.Shift(places)
	if d.IsNegative() || !shifted.IsInteger() || decimal.NewFromBigInt(shifted.BigInt(), 0).NumDigits() > quantityDigits {
		return parquet.Value{}, fmt.Errorf("%s %s does not fit DECIMAL(%d,%d) without a sign", name, d, quantityDigits, places)
	}
	shifted.BigInt().FillBytes(b)
	return parquet.FixedLenByteArrayValue(b), nil
}
