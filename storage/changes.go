package storage

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
)

func changeAssigned(ctx context.Context, b batch, c *AssignedChange) (int, error) {
	for _, s := range c.Symbols {
		if _, err := storedSettings(ctx, b, s); err != nil {
			return 0, err
		}
		if err := putAssigned(ctx, b, s, c.Assigned, c.Weight); err != nil {
			return 0, err
		}
	}
	return len(c.Symbols), nil
}

// putAssigned stores whether some node is to run symbol; a weight of 0 leaves it.
func putAssigned(ctx context.Context, b batch, symbol string, assigned bool, weight int) error {
	_, err := b.exec(ctx, `INSERT INTO cluster_symbols (symbol, assigned, weight) VALUES (?1, ?2, max(?3, 1))
		ON CONFLICT DO UPDATE SET assigned = ?2, weight = iif(?3 = 0, weight, ?3)`, symbol, assigned, weight)
	return err
}

func changePin(ctx context.Context, b batch, c *PinChange) (int, error) {
	if _, err := storedSettings(ctx, b, c.Symbol); err != nil {
		return 0, err
	}
	if c.Node != "" {
		m, err := storedMember(ctx, b, c.Node)
		if err != nil {
			return 0, err
		}
		if m.Draining {
			return 0, fmt.Errorf("%w: pin %s: node %s is draining: undrain it first", ErrConflict, c.Symbol, c.Node)
		}
	}
	_, err := b.exec(ctx, "INSERT INTO cluster_symbols (symbol, pin) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET pin = ?2", c.Symbol, c.Node)
	return 1, err
}

func changeMember(ctx context.Context, b batch, c *MemberChange) (int, error) {
	m, err := storedMember(ctx, b, c.Name)
	switch {
	case errors.Is(err, ErrUnknownNode) && c.Address != "":
		m = Member{Name: c.Name, Weight: 1, Joined: c.Time}
	case err != nil:
		return 0, err
	case c.Remove:
		_, err := b.exec(ctx, "DELETE FROM members WHERE name = ?", c.Name)
		return 1, err
	}
	if c.Address != "" {
		m.Address, m.Zone = c.Address, c.Zone
	}
	if c.Weight > 0 {
		m.Weight = c.Weight
	}
	put(&m.Draining, c.Draining)
	_, err = b.exec(ctx, "INSERT OR REPLACE INTO members (name, zone, weight, draining, address, joined_time) VALUES (?, ?, ?, ?, ?, ?)",
		m.Name, m.Zone, m.Weight, m.Draining, m.Address, int64(m.Joined))
	return 1, err
}

// storedMember returns the named member, or ErrUnknownNode.
func storedMember(ctx context.Context, b batch, name string) (Member, error) {
	m, err := scanMember(b.row(ctx, selectMembers+" WHERE name = ?", name))
	if none(err) {
		return Member{}, fmt.Errorf("%w: %q: check the spelling", ErrUnknownNode, name)
	}
	return m, err
}

// assign returns how many of the assignments hold after it.
func assign(ctx context.Context, b batch, list []Assignment) (int, error) {
	hold := 0
	for _, a := range list {
		stored, err := storedAssignment(ctx, b, a.Symbol)
		if err != nil {
			return 0, err
		}
		switch {
		case a.Epoch-1 == stored.Epoch:
		case a.Epoch == stored.Epoch && a.Node == stored.Node && a.Run == stored.Run:
			a.Since = stored.Since
		default:
			continue
		}
		_, err = b.exec(ctx, "INSERT OR REPLACE INTO assignments (symbol, node, run, epoch, since_time, next) VALUES (?, ?, ?, ?, ?, ?)",
			a.Symbol, a.Node, a.Run, a.Epoch, int64(a.Since), a.Next)
		if err != nil {
			return 0, fmt.Errorf("assign %s: %w", a.Symbol, err)
		}
		hold++
	}
	return hold, nil
}

// storedAssignment returns the assignment of symbol, of epoch 0 when there is none.
func storedAssignment(ctx context.Context, b batch, symbol string) (Assignment, error) {
	a, err := scanAssignment(b.row(ctx, selectAssignments+" WHERE symbol = ?", symbol))
	if none(err) {
		return Assignment{}, nil
	}
	return a, err
}

// owned returns the symbols that are node's in the epoch given for them, in
// order: the fence against an owner that is none any more.
func owned(ctx context.Context, b batch, node string, epochs map[string]int64) (map[string]bool, error) {
	is := make(map[string]bool, len(epochs))
	for _, symbol := range slices.Sorted(maps.Keys(epochs)) {
		a, err := storedAssignment(ctx, b, symbol)
		if err != nil {
			return nil, err
		}
		is[symbol] = a.Node == node && a.Epoch == epochs[symbol]
	}
	return is, nil
}

func changePositions(ctx context.Context, b batch, c *PositionsChange) (int, error) {
	is, err := owned(ctx, b, c.Node, c.Epochs)
	if err != nil {
		return 0, err
	}
	for symbol := range is {
		if is[symbol], err = latest(ctx, b, symbol, c.Epochs[symbol], c.Revision, is[symbol]); err != nil {
			return 0, err
		}
	}
	stored := 0
	for _, p := range c.Positions {
		if !is[p.Symbol] {
			continue
		}
		if _, err := putPosition(ctx, b, p); err != nil {
			return 0, fmt.Errorf("%s position %s: %w", p.Symbol, p.ID, err)
		}
		stored++
	}
	return stored, nil
}

// latest says whether no later revision of the symbol's positions has arrived in
// the owner's epoch, and notes this one.
func latest(ctx context.Context, b batch, symbol string, epoch, revision int64, owned bool) (bool, error) {
	if !owned || revision == 0 {
		return owned, nil
	}
	n, err := b.exec(ctx, `INSERT INTO position_revisions (symbol, epoch, revision) VALUES (?1, ?2, ?3)
		ON CONFLICT DO UPDATE SET epoch = ?2, revision = ?3 WHERE epoch < ?2 OR epoch = ?2 AND revision < ?3`, symbol, epoch, revision)
	if err != nil {
		return false, fmt.Errorf("revision of the positions of %s: %w", symbol, err)
	}
	return n > 0, nil
}

func changeWatermarks(ctx context.Context, b batch, c *WatermarksChange) (int, error) {
	is, err := owned(ctx, b, c.Node, c.Epochs)
	if err != nil {
		return 0, err
	}
	stored := 0
	for _, symbol := range slices.Sorted(maps.Keys(c.Watermarks)) {
		if !is[symbol] {
			continue
		}
		_, err := b.exec(ctx, `INSERT INTO watermarks (symbol, trade_id) VALUES (?, ?)
			ON CONFLICT DO UPDATE SET trade_id = max(trade_id, excluded.trade_id)`, symbol, c.Watermarks[symbol])
		if err != nil {
			return 0, fmt.Errorf("watermark of %s: %w", symbol, err)
		}
		stored++
	}
	return stored, nil
}
