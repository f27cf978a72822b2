package optimize

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"
	"unsafe"

	"hedgehog/data/backtest"
	"hedgehog/exchange"
)

// ErrMemory is returned when trades need more memory than they may have.
var ErrMemory = errors.New("the trades need more memory than they may have")

const (
	// TickSize is how many bytes of memory a trade takes.
	TickSize = int64(unsafe.Sizeof(exchange.Tick{}))
	// blockLength is how many trades are allocated at once. Nothing is copied when
	// another block follows.
	blockLength = 1 << 16
)

// Trades are past trades of one symbol in memory, forty bytes each. Once all are
// added any number of goroutines may read them.
type Trades struct {
	blocks [][]exchange.Tick // all but the last of blockLength
	count  int64
	most   int64
}

// NewTrades returns an empty collection that may take up to so many bytes.
func NewTrades(memory int64) *Trades { return &Trades{most: memory / TickSize} }

// Count returns how many trades there are.
func (t *Trades) Count() int64 { return t.count }

// Memory returns how many bytes the trades take.
func (t *Trades) Memory() int64 { return t.count * TickSize }

// First returns the first trade; there is one.
func (t *Trades) First() exchange.Tick { return t.blocks[0][0] }

// Last returns the last trade; there is one.
func (t *Trades) Last() exchange.Tick {
	block := t.blocks[len(t.blocks)-1]
	return block[len(block)-1]
}

// Add copies the trades behind those that are there. Their ids have to rise and
// their times must not fall. It returns ErrMemory when there are too many; the
// error says up to which time they fit.
func (t *Trades) Add(ticks []exchange.Tick) error {
	for len(ticks) > 0 {
		if len(t.blocks) == 0 || len(t.blocks[len(t.blocks)-1]) == blockLength {
			t.blocks = append(t.blocks, make([]exchange.Tick, 0, blockLength))
		}
		block := &t.blocks[len(t.blocks)-1]
		n := min(len(ticks), blockLength-len(*block))
		for i := range ticks[:n] {
			if err := t.add(block, &ticks[i]); err != nil {
				return err
			}
		}
		ticks = ticks[n:]
	}
	return nil
}

func (t *Trades) add(block *[]exchange.Tick, tick *exchange.Tick) error {
	if t.count > 0 {
		switch last := t.lastOf(block); {
		case t.count == t.most:
			return fmt.Errorf("%w: %d bytes hold %d trades, those up to %s", ErrMemory, t.most*TickSize, t.most,
				last.Time.Time().UTC().Format(time.RFC3339))
		case tick.ID <= last.ID:
			return fmt.Errorf("trade %d comes after trade %d: ids must rise", tick.ID, last.ID)
		case tick.Time < last.Time:
			return fmt.Errorf("trade %d is of an earlier time than trade %d before it", tick.ID, last.ID)
		}
	} else if t.most == 0 {
		return fmt.Errorf("%w: not one fits", ErrMemory)
	}
	*block = append(*block, *tick)
	t.count++
	return nil
}

// lastOf returns the last trade when block is the last one, which may be empty.
func (t *Trades) lastOf(block *[]exchange.Tick) *exchange.Tick {
	if n := len(*block); n > 0 {
		return &(*block)[n-1]
	}
	return &t.blocks[len(t.blocks)-2][blockLength-1]
}

// Between returns the trades of from to before to.
func (t *Trades) Between(from, to exchange.Micros) backtest.Ticks {
	return func(yield func([]exchange.Tick, error) bool) {
		for _, block := range t.blocks {
			block = block[since(block, from):since(block, to)]
			if len(block) > 0 && !yield(block, nil) {
				return
			}
		}
	}
}

// has says whether there is a trade of from to before to.
func (t *Trades) has(from, to exchange.Micros) bool {
	for range t.Between(from, to) {
		return true
	}
	return false
}

// since returns where the trades at that time or later begin.
func since(block []exchange.Tick, at exchange.Micros) int {
	n, _ := slices.BinarySearchFunc(block, at, func(t exchange.Tick, at exchange.Micros) int { return cmp.Compare(t.Time, at) })
	return n
}

// recordSize is how many bytes a trade takes where it is digested.
const recordSize = 33

// appendRecord appends the trade in a form that is the same on every machine.
func appendRecord(to []byte, t *exchange.Tick) []byte {
	to = binary.LittleEndian.AppendUint64(to, uint64(t.ID))
	to = binary.LittleEndian.AppendUint64(to, uint64(t.Time))
	to = binary.LittleEndian.AppendUint64(to, uint64(t.Price))
	to = binary.LittleEndian.AppendUint64(to, uint64(t.Quantity))
	if t.BuyerIsMaker {
		return append(to, 1)
	}
	return append(to, 0)
}

// Digest returns what tells these trades from any others: the SHA-256 of all their
// fields, in hexadecimal digits. It takes as long as it takes to read them, and ends
// early with ctx.
func (t *Trades) Digest(ctx context.Context) (string, error) {
	sum, buffer := sha256.New(), make([]byte, 0, recordSize*blockLength)
	for _, block := range t.blocks {
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		buffer = buffer[:0]
		for i := range block {
			buffer = appendRecord(buffer, &block[i])
		}
		sum.Write(buffer) // never fails
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
