package sim

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
	"hedgehog/exchange/wire"
)

// JournalEntry is one line of the journal, the record of what was asked for and
// what came of it that tests and people judge by.
type JournalEntry struct {
	Time          exchange.Micros `json:"time_us"` // of the exchange's clock
	Event         JournalEvent    `json:"event"`
	Symbol        string          `json:"symbol"`
	OrderID       int64           `json:"order_id,omitempty"`
	ClientOrderID string          `json:"client_order_id"`
	Side          exchange.Side   `json:"side"`
	Price         decimal.Decimal `json:"price"`
	Quantity      decimal.Decimal `json:"quantity"` // of a fill what it filled, else what was ordered
	Status        exchange.Status `json:"status"`   // after the event
	TradeID       int64           `json:"trade_id,omitempty"`
	Code          wire.Code       `json:"code,omitempty"` // of a reject
	Account       string          `json:"account"`
	UserAgent     string          `json:"user_agent"` // of the request; of a fill, that of its order
}

// JournalEvent is what a line of the journal tells of.
type JournalEvent string

// The events of a journal. A cancel that is refused is in none.
const (
	JournalOrder  JournalEvent = "order"  // accepted
	JournalFill   JournalEvent = "fill"   // one order's share of a trade
	JournalCancel JournalEvent = "cancel" // carried out
	JournalReject JournalEvent = "reject" // an order that was refused
)

// openJournal opens the journal to append to. last are the lines of the change
// that the state log ends with: should the process have ended between the log
// and the journal, the journal gets them now.
func openJournal(path string, last []byte) (*appendFile, error) {
	_, err := os.Stat(path)
	existed := err == nil
	f, err := openAppendFile(path)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	if len(last) == 0 || !existed {
		return f, nil
	}
	if err := completeJournal(f, last); err != nil {
		return nil, errors.Join(fmt.Errorf("journal %s: %w", path, err), f.close())
	}
	return f, nil
}

// completeJournal appends lines unless they are the last ones that are not of
// refused orders.
func completeJournal(f *appendFile, lines []byte) error {
	want := lines[bytes.LastIndexByte(lines[:len(lines)-1], '\n')+1:]
	var last []byte
	file := bufio.NewReader(io.NewSectionReader(f.file, 0, f.size))
	for {
		line, err := file.ReadBytes('\n')
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if !bytes.Contains(line, []byte(`"event":"`+JournalReject+`"`)) {
			last = line
		}
	}
	if bytes.Equal(last, want) {
		return nil
	}
	return f.append(lines)
}

// entriesOf returns the journal's entries for a change that is about to be applied.
func (s *state) entriesOf(r *record) []JournalEntry {
	switch r.Kind {
	case kindPlace:
		return []JournalEntry{orderEntry(JournalOrder, r.Account, r.UserAgent, *r.Order, r.Order.Time)}
	case kindCancel:
		return []JournalEntry{orderEntry(JournalCancel, r.Account, r.UserAgent, *r.Order, r.Order.UpdateTime)}
	case kindTrade:
		entries := make([]JournalEntry, 0, len(r.Fills))
		for _, f := range r.Fills {
			o := s.orders[f.OrderID]
			entry := orderEntry(JournalFill, o.account, o.userAgent, filled(o.Order, f), f.Time)
			entry.Quantity = f.Quantity
			entry.TradeID = f.TradeID
			entries = append(entries, entry)
		}
		return entries
	}
	return nil
}

func orderEntry(event JournalEvent, account, userAgent string, o exchange.Order, at exchange.Micros) JournalEntry {
	return JournalEntry{
		Time:          at,
		Event:         event,
		Symbol:        o.Symbol,
		OrderID:       o.ID,
		ClientOrderID: o.ClientID,
		Side:          o.Side,
		Price:         o.Price,
		Quantity:      o.OriginalQuantity,
		Status:        o.Status,
		Account:       account,
		UserAgent:     userAgent,
	}
}

// linesOf returns the entries as the journal's file has them.
func linesOf(entries []JournalEntry) []byte {
	var lines []byte
	for _, entry := range entries {
		line, err := json.Marshal(entry)
		if err != nil {
			// Strings and numbers alone: there is nothing that can fail.
			panic(fmt.Sprintf("journal entry: %v", err))
		}
		lines = append(append(lines, line...), '\n')
	}
	return lines
}

// journalling says whether anyone takes journal entries.
func (e *Engine) journalling() bool { return e.journal != nil || e.cfg.Journalled != nil }

// writeJournal appends the entries to the journal's file, if there is one.
func (e *Engine) writeJournal(entries []JournalEntry) error {
	if e.journal == nil || len(entries) == 0 {
		return nil
	}
	return e.journal.append(linesOf(entries))
}

// tellJournal hands on entries that are written and hold.
func (e *Engine) tellJournal(entries []JournalEntry) {
	if e.cfg.Journalled == nil {
		return
	}
	for _, entry := range entries {
		e.cfg.Journalled(entry)
	}
}
