package dump

import (
	"encoding/binary"
	"fmt"

	"hedgehog/exchange"
)

// trade reads the line at r.at as a trade.
func (r *Reader) trade(t *exchange.Tick) (bad int, reason string) {
	b, i := r.buf, r.at
	if t.ID, i = whole(b, i); i < 0 || t.ID == 0 || b[i] != ',' {
		return 0, ""
	}
	if t.Price, i = amount(b, i+1); i < 0 || t.Price == 0 || b[i] != ',' {
		return 1, ""
	}
	if t.Quantity, i = amount(b, i+1); i < 0 || t.Quantity == 0 || b[i] != ',' {
		return 2, ""
	}
	if i = number(b, i+1); i < 0 || b[i] != ',' {
		return 3, ""
	}
	bad, columns, end := r.tail(b, i+1, 4, t)
	if bad != noColumn {
		return bad, ""
	}
	return r.accept(columns, end, t.ID, t.Time)
}

// aggTrade reads the line at r.at as an aggregate trade.
func (r *Reader) aggTrade(t *exchange.AggTrade) (bad int, reason string) {
	b, i := r.buf, r.at
	if t.ID, i = whole(b, i); i < 0 || t.ID == 0 || b[i] != ',' {
		return 0, ""
	}
	if t.Price, i = amount(b, i+1); i < 0 || t.Price == 0 || b[i] != ',' {
		return 1, ""
	}
	if t.Quantity, i = amount(b, i+1); i < 0 || t.Quantity == 0 || b[i] != ',' {
		return 2, ""
	}
	if t.FirstID, i = whole(b, i+1); i < 0 || t.FirstID == 0 || b[i] != ',' {
		return 3, ""
	}
	if t.LastID, i = whole(b, i+1); i < 0 || b[i] != ',' {
		return 4, ""
	}
	if t.LastID < t.FirstID {
		return 4, fmt.Sprintf("want the first id, %d, or more", t.FirstID)
	}
	bad, columns, end := r.tail(b, i+1, 5, &t.Tick)
	if bad != noColumn {
		return bad, ""
	}
	return r.accept(columns, end, t.ID, t.Time)
}

// tail reads the columns from the time, which is the one of that number, to the
// end of the line, where the best match may be missing.
func (r *Reader) tail(b []byte, i, column int, t *exchange.Tick) (bad, columns, end int) {
	if t.Time, i = r.age.moment(b, i); i < 0 || b[i] != ',' {
		return column, 0, 0
	}
	column++
	if t.BuyerIsMaker, i = flag(b, i+1); i < 0 {
		return column, 0, 0
	}
	if binary.LittleEndian.Uint64(b[i:])&(1<<48-1) == textLast {
		return noColumn, column + 2, i + len(",True\n")
	}
	if b[i] == ',' {
		column++
		if _, i = flag(b, i+1); i < 0 {
			return column, 0, 0
		}
	}
	if b[i] == '\r' {
		i++
	}
	if b[i] != '\n' {
		return column, 0, 0
	}
	return noColumn, column + 1, i + 1
}
