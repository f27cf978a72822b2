package storage

import (
	"context"
	"errors"
	"fmt"
)

// Entry is one place of the cluster's log.
type Entry struct {
	Index, Term uint64 // Index rises from one command to the next, not always by one
	Data        []byte // what Command.Encode returned
}

// Result is what came of a command. It is the same on every node.
type Result struct {
	Settings *Settings // for Command.Settings: as they are after it
	Applied  int       // how many of what the command lists took hold, or hold already
	// Err says why the command changed nothing: ErrRefused, ErrConflict,
	// ErrUnknownSymbol, ErrUnknownNode or ErrUnknownToken.
	Err error
}

// ApplyEntries applies the entries in order, in one transaction together with
// the index of the last one, and returns a result for each. An entry that was
// applied before, by its index, is skipped: its result is empty. A command with
// an error changes nothing, counts as applied and does not hold up the others;
// so does one that can't be decoded.
//
// The returned error is ErrNewerPeer or one of the disk: then nothing has been
// applied. The transaction is not flushed: the loss of power takes the last ones
// away together with their index, and the log has them to be applied again.
func (db *DB) ApplyEntries(ctx context.Context, entries []Entry) ([]Result, error) {
	var results []Result
	err := db.update(ctx, untilPowerLoss, func(b batch) (err error) {
		results, err = applyEntries(ctx, b, entries)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("apply %d entries: %w", len(entries), err)
	}
	return results, nil
}

func applyEntries(ctx context.Context, b batch, entries []Entry) ([]Result, error) {
	before, term, err := applied(b.row(ctx, selectApplied))
	if err != nil {
		return nil, err
	}
	index, results := before, make([]Result, len(entries))
	for i, e := range entries {
		if e.Index <= index {
			continue
		}
		if results[i], err = applyEntry(ctx, b, e); err != nil {
			return nil, fmt.Errorf("entry %d: %w", e.Index, err)
		}
		index, term = e.Index, e.Term
	}
	if index == before {
		return results, nil
	}
	_, err = b.exec(ctx, "UPDATE replicated SET applied_index = ?, applied_term = ?", index, term)
	return results, err
}

// applyEntry returns an error that is not the command's as its second value.
func applyEntry(ctx context.Context, b batch, e Entry) (Result, error) {
	c, err := DecodeCommand(e.Data)
	if errors.Is(err, ErrNewerPeer) {
		return Result{}, err
	}
	if err != nil {
		return Result{Err: err}, nil
	}
	if c.Term != 0 && c.Term != e.Term {
		return Result{Err: fmt.Errorf("%w: decided in term %d, committed in term %d", ErrConflict, c.Term, e.Term)}, nil
	}
	if _, err := b.exec(ctx, "SAVEPOINT command"); err != nil {
		return Result{}, err
	}
	result, err := applyOnce(ctx, b, e.Index, c)
	if err != nil {
		ofCommand := classify(err)
		if !isOfCommand(ofCommand) {
			return Result{}, err
		}
		if _, err := b.exec(ctx, "ROLLBACK TO command"); err != nil {
			return Result{}, err
		}
		result = Result{Err: ofCommand}
	}
	_, err = b.exec(ctx, "RELEASE command")
	return result, err
}

// isOfCommand says whether the error follows from command and state alone, so
// that every node has it.
func isOfCommand(err error) bool {
	for _, of := range []error{ErrRefused, ErrConflict, ErrUnknownSymbol, ErrUnknownNode, ErrUnknownToken} {
		if errors.Is(err, of) {
			return true
		}
	}
	return false
}

// applyOnce applies the command, unless it is of a proposal that was carried out.
func applyOnce(ctx context.Context, b batch, index uint64, c Command) (Result, error) {
	r, before, err := carriedOut(ctx, b, c.Proposal)
	if err != nil || before {
		return r, err
	}
	if r, err = applyCommand(ctx, b, c); err != nil {
		return r, err
	}
	return r, remember(ctx, b, index, c.Proposal, r)
}

func applyCommand(ctx context.Context, b batch, c Command) (r Result, err error) {
	switch {
	case len(c.Seed) > 0:
		r.Applied, err = seed(ctx, b, c.Seed)
	case c.Settings != nil:
		var s Settings
		s, err = changeSettings(ctx, b, c.Settings)
		r.Applied, r.Settings = 1, &s
	case c.Assigned != nil:
		r.Applied, err = changeAssigned(ctx, b, c.Assigned)
	case c.Pin != nil:
		r.Applied, err = changePin(ctx, b, c.Pin)
	case c.Member != nil:
		r.Applied, err = changeMember(ctx, b, c.Member)
	case len(c.Assign) > 0:
		r.Applied, err = assign(ctx, b, c.Assign)
	case c.Positions != nil:
		r.Applied, err = changePositions(ctx, b, c.Positions)
	case c.Watermarks != nil:
		r.Applied, err = changeWatermarks(ctx, b, c.Watermarks)
	case c.Token != nil:
		r.Applied, err = changeToken(ctx, b, c.Token)
	}
	return r, err
}

// Applied returns index and term of the last entry that was applied, 0 before
// the first.
func (db *DB) Applied(ctx context.Context) (index, term uint64, err error) {
	index, term, err = applied(db.reader.row(ctx, selectApplied))
	if err != nil {
		return 0, 0, fmt.Errorf("read applied index: %w", classify(err))
	}
	return index, term, nil
}

const selectApplied = "SELECT applied_index, applied_term FROM replicated"

func applied(row scanner) (index, term uint64, err error) {
	err = row.Scan(&index, &term)
	return index, term, err
}
