package dump

import (
	"bytes"
	"fmt"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
)

const (
	wantPrice = "want a decimal number above 0"
	wantCount = "want a whole number"
)

// candle reads the line at r.at as a candle. There are few of them: 1440 a day at most.
func (r *Reader) candle(c *exchange.Candle) (bad int, reason string) {
	length := bytes.IndexByte(r.buf[r.at:r.whole], '\n')
	end := r.at + length + 1
	fields := bytes.Split(bytes.TrimSuffix(r.buf[r.at:end-1], []byte{'\r'}), []byte{','})
	columns := columnsOf[Klines]
	if length > maxLine || len(fields) != len(columns) {
		return 0, ""
	}
	*c = exchange.Candle{Symbol: r.name.Symbol, Minutes: r.name.Minutes}
	amounts := [...]*decimal.Decimal{1: &c.Open, 2: &c.High, 3: &c.Low, 4: &c.Close, 5: &c.Volume}
	var until exchange.Micros
	for i, field := range fields {
		ok := false
		switch columns[i].want {
		case wantTime:
			into := &c.StartTime
			if i > 0 {
				into = &until
			}
			*into, ok = momentField(field)
		case wantCount:
			c.Trades, ok = countField(field)
		default:
			var d decimal.Decimal
			d, ok = decimalField(field)
			ok = ok && (columns[i].want == wantNumber || d.Sign() > 0)
			if i < len(amounts) {
				*amounts[i] = d
			}
		}
		if !ok {
			return i, ""
		}
	}
	if bad, reason := inconsistent(c, until); bad != noColumn {
		return bad, reason
	}
	return r.accept(len(columns), end, int64(c.StartTime), c.StartTime)
}

// inconsistent returns the column that does not fit the others.
func inconsistent(c *exchange.Candle, until exchange.Micros) (bad int, reason string) {
	switch {
	case exchange.CandleStart(c.StartTime, c.Minutes) != c.StartTime:
		return 0, fmt.Sprintf("no candle of %d minutes begins then", c.Minutes)
	case c.High.LessThan(c.Open) || c.High.LessThan(c.Close) || c.High.LessThan(c.Low):
		return 2, "want the highest of the prices"
	case c.Low.GreaterThan(c.Open) || c.Low.GreaterThan(c.Close):
		return 3, "want the lowest of the prices"
	case exchange.CandleStart(until, c.Minutes) != c.StartTime:
		return 6, fmt.Sprintf("a candle of %d minutes does not end then", c.Minutes)
	case (c.Trades == 0) != c.Volume.IsZero():
		return 8, fmt.Sprintf("does not go with a volume of %s", c.Volume)
	default:
		return noColumn, ""
	}
}

// The functions of a field read it as the functions of parse.go do, and to its end.

func momentField(field []byte) (exchange.Micros, bool) {
	t, end := new(age).moment(padded(field), 0)
	return t, end == len(field)
}

func countField(field []byte) (int64, bool) {
	n, end := whole(padded(field), 0)
	return n, end == len(field)
}

// decimalField has no bound but the length of a line: volumes may be beyond Units.
func decimalField(field []byte) (decimal.Decimal, bool) {
	if number(padded(field), 0) != len(field) {
		return decimal.Decimal{}, false
	}
	d, err := decimal.NewFromString(string(field))
	return d, err == nil
}

func padded(field []byte) []byte {
	b := make([]byte, len(field)+1+pad)
	b[copy(b, field)] = '\n'
	return b
}
