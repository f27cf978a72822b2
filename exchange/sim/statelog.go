package sim

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

const (
	stateVersion = 1
	stateFile    = "state.jsonl"

	// minRewrite is the size in bytes below which the log is never written anew.
	minRewrite = 64 << 20
)

// stateLog is the file that a state is kept in: a snapshot and the changes since,
// one record a line. The directory is locked for as long as it is open.
type stateLog struct {
	path      string
	lock      *os.File
	file      *appendFile
	rewriteAt int64 // bytes
}

// openStateLog creates dir where needed, takes its lock and applies the records
// of an earlier run to s. It returns the journal's lines of the last change too.
func openStateLog(dir string, s *state) (l *stateLog, lastLines []byte, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, fmt.Errorf("data directory: %w", err)
	}
	lock, err := lockDirectory(dir)
	if err != nil {
		return nil, nil, err
	}
	l = &stateLog{path: filepath.Join(dir, stateFile), lock: lock}
	if l.file, err = openAppendFile(l.path); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("state: %w", err), l.close())
	}
	if lastLines, err = l.load(s); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("state %s: %w", l.path, err), l.close())
	}
	return l, lastLines, nil
}

func lockDirectory(dir string) (*os.File, error) {
	path := filepath.Join(dir, "lock")
	lock, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("data directory %s is in use by another simulated exchange: %w", dir, err), lock.Close())
	}
	return lock, nil
}

// load applies the records of the file. The journal's lines are worked out before
// a change is applied, so each record waits until it is known not to be the last.
func (l *stateLog) load(s *state) (lastLines []byte, err error) {
	var held *record
	lines := bufio.NewReader(l.file.file)
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if err != nil && err != io.EOF {
			return nil, err
		}
		if err == io.EOF && held != nil {
			lastLines = linesOf(s.entriesOf(held))
		}
		if held != nil {
			if err := s.apply(held); err != nil {
				return nil, fmt.Errorf("line %d: %w", n-1, err)
			}
		}
		if err == io.EOF {
			return lastLines, nil
		}
		held = new(record)
		if err := json.Unmarshal(line, held); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
}

// append writes one record and returns the size to go back to should it have to
// be taken back.
func (l *stateLog) append(r *record) (before int64, err error) {
	before = l.file.size
	line, err := json.Marshal(r)
	if err != nil {
		return before, fmt.Errorf("state: %w", err)
	}
	return before, l.file.append(append(line, '\n'))
}

// rewriteIfGrown makes a long log short again.
func (l *stateLog) rewriteIfGrown(s *state) error {
	if l.file.size < l.rewriteAt {
		return nil
	}
	l.rewriteAt += minRewrite // the next try, should this one fail
	return l.rewrite(s)
}

// rewrite replaces the log by a snapshot of s, at once or not at all.
func (l *stateLog) rewrite(s *state) error {
	next := l.path + ".next"
	if err := writeSnapshot(next, s); err != nil {
		return fmt.Errorf("write state anew: %w", err)
	}
	// Opened under its first name, so that after the rename nothing can fail.
	file, err := openAppendFile(next)
	if err != nil {
		return fmt.Errorf("write state anew: %w", err)
	}
	if err := os.Rename(next, l.path); err != nil {
		return errors.Join(fmt.Errorf("write state anew: %w", err), file.close())
	}
	old := l.file
	l.file = file
	l.rewriteAt = max(minRewrite, 4*file.size)
	return old.close()
}

func (l *stateLog) close() error {
	var err error
	if l.file != nil {
		err = l.file.close()
	}
	return errors.Join(err, l.lock.Close())
}

func writeSnapshot(path string, s *state) (err error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	out := bufio.NewWriter(file)
	encoder := json.NewEncoder(out)
	err = s.snapshot(func(r record) error { return encoder.Encode(r) })
	if err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	return file.Sync()
}

// snapshot hands write the records that make up s, in an order in which they can
// be applied.
func (s *state) snapshot(write func(record) error) error {
	records := []record{{Kind: kindIDs, Version: stateVersion, LastOrderID: s.lastOrderID, LastExecutionID: s.lastExecutionID}}
	for _, name := range slices.Sorted(maps.Keys(s.markets)) {
		rules := s.markets[name].rules
		records = append(records, record{Kind: kindSymbol, Symbol: name, Base: rules.BaseAsset, Quote: rules.QuoteAsset})
	}
	for _, name := range slices.Sorted(maps.Keys(s.accounts)) {
		a := s.accounts[name]
		records = append(records, record{Kind: kindAccount, Account: name, Balances: a.allBalances(), Counts: &a.counts})
	}
	for _, id := range slices.Sorted(maps.Keys(s.orders)) {
		o := s.orders[id]
		records = append(records, record{Kind: kindOrder, Account: o.account, Order: &o.Order, UserAgent: o.userAgent})
	}
	for _, name := range slices.Sorted(maps.Keys(s.accounts)) {
		ledgers := s.accounts[name].ledgers
		for _, symbol := range slices.Sorted(maps.Keys(ledgers)) {
			for fills := range slices.Chunk(ledgers[symbol].fills, 100) {
				records = append(records, record{Kind: kindFill, Account: name, Fills: fills})
			}
		}
	}
	for _, r := range records {
		if err := write(r); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.markets)) {
		for _, t := range s.markets[name].history.kept() {
			if err := write(record{Kind: kindTrade, Trade: t}); err != nil {
				return err
			}
		}
	}
	return nil
}
