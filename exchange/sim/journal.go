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

// journalEntry is one line of the journal, the record of what was asked for and
// what came of it that tests and people judge by.
type journalEntry struct {
	Time          exchange.Micros `json:"time_us"`
	Event         string          `json:"event"` // order, fill, cancel or reject
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

const eventReject = "reject"

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
		if !bytes.Contains(line, []byte(`"event":"`+eventReject+`"`)) {
			last = line
		}
	}
	if bytes.Equal(last, want) {
		return nil
	}
	return f.append(lines)
}

// journalled returns the lines for a change that is about to be applied.
func (s *state) journalled(r *record) []byte {
	var lines []byte
	switch r.Kind {
	case kindPlace:
		lines = appendEntry(lines, orderEntry("order", r.Account, r.UserAgent, *r.Order, r.Order.Time))
	case kindCancel:
		lines = appendEntry(lines, orderEntry("cancel", r.Account, r.UserAgent, *r.Order, r.Order.UpdateTime))
	case kindTrade:
		for _, f := range r.Fills {
			o := s.orders[f.OrderID]
			entry := orderEntry("fill", o.account, o.userAgent, filled(o.Order, f), f.Time)
			entry.Quantity = f.Quantity
			entry.TradeID = f.TradeID
			lines = appendEntry(lines, entry)
		}
	}
	return lines
}

func orderEntry(event, account, userAgent string, o exchange.Order, at exchange.Micros) journalEntry {
	return journalEntry{
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

func appendEntry(lines []byte, entry journalEntry) []byte {
	line, err := json.Marshal(entry)
	if err != nil {
		// Strings and numbers alone: there is nothing that can fail.
		panic(fmt.Sprintf("journal entry: %v", err))
	}
	return append(append(lines, line...), '\n')
}
