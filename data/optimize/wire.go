package optimize

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"hedgehog/exchange"
)

// ErrMalformed is returned when what is read are not trades.
var ErrMalformed = errors.New("not trades in the form of optimize")

// Write writes the trades for ReadTrades, some ten bytes each: their number, then of
// each how much its id, time and price differ from the trade before, its quantity,
// and 1 where the buyer was the maker, all as variable-length integers.
func (t *Trades) Write(w io.Writer) error {
	out := bufio.NewWriterSize(w, 1<<16)
	var last exchange.Tick
	line := binary.AppendUvarint(nil, uint64(t.count))
	for _, block := range t.blocks {
		for i := range block {
			tick := &block[i]
			line = binary.AppendVarint(line, tick.ID-last.ID)
			line = binary.AppendVarint(line, int64(tick.Time-last.Time))
			line = binary.AppendVarint(line, int64(tick.Price-last.Price))
			line = binary.AppendVarint(line, int64(tick.Quantity))
			maker := byte(0)
			if tick.BuyerIsMaker {
				maker = 1
			}
			line = append(line, maker)
			if _, err := out.Write(line); err != nil {
				return fmt.Errorf("write trades: %w", err)
			}
			last, line = *tick, line[:0]
		}
	}
	if _, err := out.Write(line); err != nil { // the number, where there are no trades
		return fmt.Errorf("write trades: %w", err)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write trades: %w", err)
	}
	return nil
}

// ReadTrades reads what Write has written, up to its end, into up to so many bytes of
// memory. It returns ErrMalformed for anything else, and ErrMemory where there are
// more trades.
func ReadTrades(r io.Reader, memory int64) (*Trades, error) {
	in := bufio.NewReaderSize(r, 1<<16)
	count, err := binary.ReadUvarint(in)
	if err != nil {
		return nil, malformed(err, "their number")
	}
	trades := NewTrades(memory)
	if count > uint64(trades.most) {
		return nil, fmt.Errorf("%w: they are %d, and %d fit", ErrMemory, count, trades.most)
	}
	var tick [1]exchange.Tick
	for range count {
		if err := readTick(in, &tick[0]); err != nil {
			return nil, malformed(err, fmt.Sprintf("the one after %d", tick[0].ID))
		}
		if err := trades.Add(tick[:]); err != nil {
			return nil, malformed(err, "their order")
		}
	}
	if _, err := in.ReadByte(); err != io.EOF {
		return nil, malformed(err, "their end")
	}
	return trades, nil
}

func malformed(err error, what string) error {
	if err == nil {
		return fmt.Errorf("%w: there is more behind %s", ErrMalformed, what)
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("%w: %s: %w", ErrMalformed, what, err)
}

// readTick reads the trade behind the one that tick is.
func readTick(in *bufio.Reader, tick *exchange.Tick) error {
	var values [4]int64
	for i := range values {
		v, err := binary.ReadVarint(in)
		if err != nil {
			return err
		}
		values[i] = v
	}
	maker, err := in.ReadByte()
	if err != nil {
		return err
	}
	next := exchange.Tick{
		ID: tick.ID + values[0], Time: tick.Time + exchange.Micros(values[1]), Price: tick.Price + exchange.Units(values[2]),
		Quantity: exchange.Units(values[3]), BuyerIsMaker: maker == 1,
	}
	if next.Time <= 0 || next.Price <= 0 || next.Quantity <= 0 || maker > 1 {
		return fmt.Errorf("time %d, price %s, quantity %s and flag %d: want more than 0, and a flag of 0 or 1", next.Time, next.Price, next.Quantity, maker)
	}
	*tick = next
	return nil
}
