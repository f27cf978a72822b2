package storage

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"
	"strings"
)

const (
	snapshotFormat  = "hedgehog state"
	snapshotVersion = 3 // 1: no proposals and revisions, 2: no tokens
	// maxRow is how long a line of a snapshot may be, in bytes.
	maxRow = 1 << 16
)

// snapshotHead is the first line of a snapshot. The rows follow, a line each, as
// eachRow has them, then a snapshotTail.
type snapshotHead struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
	Index   uint64 `json:"index"` // of the last entry that the rows include
	Term    uint64 `json:"term"`
}

type snapshotTail struct {
	SHA256 string `json:"sha256"` // of all lines before, with their ends
}

// SnapshotState writes the replicated state with its index to w, as one
// consistent read; entries may be applied meanwhile. Because the state knows its
// own index it may be later than whoever asked for it believes: entries that
// it includes are skipped when they are applied to it again.
func (db *DB) SnapshotState(ctx context.Context, w io.Writer) error {
	buffered, sum := bufio.NewWriter(w), sha256.New()
	both := io.MultiWriter(buffered, sum)
	err := db.view(ctx, func(q queryer) error {
		head := snapshotHead{Format: snapshotFormat, Version: snapshotVersion}
		var err error
		if head.Index, head.Term, err = applied(q.row(ctx, selectApplied)); err != nil {
			return err
		}
		if err := json.NewEncoder(both).Encode(head); err != nil {
			return err
		}
		return eachRow(ctx, q, func(line []byte) error {
			_, err := both.Write(line)
			return err
		})
	})
	if err == nil {
		err = json.NewEncoder(buffered).Encode(snapshotTail{SHA256: hex.EncodeToString(sum.Sum(nil))})
	}
	if err == nil {
		err = buffered.Flush()
	}
	if err != nil {
		return fmt.Errorf("write snapshot: %w", err)
	}
	return nil
}

// RestoreState replaces the replicated state, index included, by the one that
// SnapshotState wrote to r, and returns once it is on the disk. After an error
// nothing has changed: ErrCorruptSnapshot for a snapshot that is not whole,
// ErrNewerPeer for one of a newer release, else one of r or of the disk.
func (db *DB) RestoreState(ctx context.Context, r io.Reader) error {
	err := db.update(ctx, onDisk, func(b batch) error {
		return restore(ctx, b, r)
	})
	if err != nil {
		return fmt.Errorf("restore snapshot: %w", err)
	}
	return nil
}

func restore(ctx context.Context, b batch, r io.Reader) error {
	lines := snapshotLines{from: bufio.NewReaderSize(r, maxRow), sum: sha256.New()}
	head, err := lines.head()
	if err != nil {
		return err
	}
	for _, t := range replicatedTables {
		if _, err := b.exec(ctx, "DELETE FROM "+t.name); err != nil {
			return err
		}
	}
	for {
		line, err := lines.row()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if err := restoreRow(ctx, b, line); err != nil {
			return err
		}
	}
	_, err = b.exec(ctx, "UPDATE replicated SET applied_index = ?, applied_term = ?", head.Index, head.Term)
	return err
}

// restoreRow stores the row of one line. What the schema refuses, no snapshot
// has had.
func restoreRow(ctx context.Context, b batch, line []byte) error {
	values, err := parseRow(line)
	if err != nil {
		return fmt.Errorf("%w: row %.100q: %w", ErrCorruptSnapshot, line, err)
	}
	for _, t := range replicatedTables {
		if t.name != values[0] || len(values) != 1+len(t.columns) {
			continue
		}
		_, err := b.exec(ctx, "INSERT INTO "+t.name+" ("+strings.Join(t.columns, ", ")+") VALUES (?"+
			strings.Repeat(", ?", len(t.columns)-1)+")", values[1:]...)
		if errors.Is(classify(err), ErrRefused) {
			return fmt.Errorf("%w: row %.100q: %w", ErrCorruptSnapshot, line, err)
		}
		return err
	}
	return fmt.Errorf("%w: row %.100q: no table is of this name and width", ErrCorruptSnapshot, line)
}

// parseRow returns the values of a line: text and integers.
func parseRow(line []byte) ([]any, error) {
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	var values []any
	if err := d.Decode(&values); err != nil {
		return nil, err
	}
	if len(values) == 0 {
		return nil, errors.New("it is empty")
	}
	for i, v := range values {
		switch v := v.(type) {
		case string:
		case json.Number:
			n, err := v.Int64()
			if err != nil {
				return nil, err
			}
			values[i] = n
		default:
			return nil, fmt.Errorf("value %d is a %T", i, v)
		}
	}
	return values, nil
}

// snapshotLines reads a snapshot line by line and checks what holds it together.
type snapshotLines struct {
	from *bufio.Reader
	sum  hash.Hash
}

func (l *snapshotLines) head() (snapshotHead, error) {
	var h snapshotHead
	line, err := l.read()
	switch {
	case err != nil:
		return h, err
	case json.Unmarshal(line, &h) != nil || h.Format != snapshotFormat || h.Version < 1 ||
		h.Index > math.MaxInt64 || h.Term > math.MaxInt64: // what SQLite can hold
		return h, fmt.Errorf("%w: it begins with %.100q", ErrCorruptSnapshot, line)
	case h.Version > snapshotVersion:
		return h, fmt.Errorf("%w: the snapshot has version %d and this release knows versions up to %d: install the newer release",
			ErrNewerPeer, h.Version, snapshotVersion)
	}
	l.sum.Write(line)
	return h, nil
}

// row returns the line of the next row, or io.EOF when the tail has come and fits
// what came before it. The line is valid until the next call.
func (l *snapshotLines) row() ([]byte, error) {
	line, err := l.read()
	if err != nil {
		return nil, err
	}
	if line[0] == '[' {
		l.sum.Write(line)
		return line, nil
	}
	var tail snapshotTail
	if err := decodeStrictly(line, &tail); err != nil {
		return nil, fmt.Errorf("%w: neither row nor end: %.100q", ErrCorruptSnapshot, line)
	}
	if got := hex.EncodeToString(l.sum.Sum(nil)); got != tail.SHA256 {
		return nil, fmt.Errorf("%w: its checksum is %s, not %.64q", ErrCorruptSnapshot, got, tail.SHA256)
	}
	if _, err := l.from.ReadByte(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: more follows after its end", ErrCorruptSnapshot)
	}
	return nil, io.EOF
}

// read returns the next line with its end.
func (l *snapshotLines) read() ([]byte, error) {
	line, err := l.from.ReadSlice('\n')
	switch {
	case errors.Is(err, io.EOF):
		return nil, fmt.Errorf("%w: it ends early", ErrCorruptSnapshot)
	case errors.Is(err, bufio.ErrBufferFull):
		return nil, fmt.Errorf("%w: a line of more than %d bytes", ErrCorruptSnapshot, maxRow)
	case err != nil:
		return nil, fmt.Errorf("read: %w", err)
	}
	return line, nil
}
