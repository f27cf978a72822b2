package judge

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
	"hedgehog/exchange/sim"
)

// ReadJournal reads the file of a simulated exchange's journal as far as it is
// written: half a last line does not count. An error names the line.
func ReadJournal(r io.Reader) ([]sim.JournalEntry, error) {
	var entries []sim.JournalEntry
	lines := bufio.NewReader(r)
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return entries, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read journal: %w", err)
		}
		e, err := parseEntry(line)
		if err != nil {
			return nil, fmt.Errorf("read journal: line %d: %w", n, err)
		}
		entries = append(entries, e)
	}
}

func parseEntry(line []byte) (e sim.JournalEntry, err error) {
	if err := json.Unmarshal(line, &e); err != nil {
		return e, err
	}
	switch e.Event {
	case sim.JournalOrder, sim.JournalFill, sim.JournalCancel:
		if _, err := exchange.ParseSide(string(e.Side)); err != nil {
			return e, err
		}
	case sim.JournalReject: // of whatever was sent
	default:
		return e, fmt.Errorf("event %q: want order, fill, cancel or reject", e.Event)
	}
	if _, err := exchange.ParseStatus(string(e.Status)); err != nil {
		return e, err
	}
	for name, amount := range map[string]decimal.Decimal{"price": e.Price, "quantity": e.Quantity} {
		// Numbers such as 1e1000000000 are short to write and take for ever to work with.
		if amount.Exponent() < -18 || amount.Exponent() > 18 || amount.NumDigits() > 36 {
			return e, fmt.Errorf("%s with %d digits and exponent %d: want at most 36, and -18 to 18", name, amount.NumDigits(), amount.Exponent())
		}
	}
	return e, nil
}
