package storage

import (
	"context"
	"fmt"

	"hedgehog/exchange"
)

// ClusterState is the replicated state without settings and positions, as it
// is after the command at Index.
type ClusterState struct {
	Index, Term uint64           // of the last applied command, 0 before the first
	Members     []Member         // in order of name
	Symbols     []ClusterSymbol  // in order of symbol
	Assignments []Assignment     // in order of symbol; those to nobody too
	Watermarks  map[string]int64 // by symbol: the trade id up to which its trades are stored
	Tokens      []Token          // in order of name, those that have expired too
}

// Member is a node that belongs to the cluster.
type Member struct {
	Name     string
	Zone     string // empty for none
	Weight   int    // share of the load relative to other members', 1 or more
	Draining bool   // it is to give up its symbols
	Address  string // last known TLS address, host:port
	Joined   exchange.Micros
}

// ClusterSymbol is what the cluster is asked to do with a symbol.
type ClusterSymbol struct {
	Symbol   string
	Assigned bool   // some node is to run it
	Weight   int    // load relative to other symbols', 1 or more
	Pin      string // the node that it is to run on; empty for any
}

const (
	selectMembers     = "SELECT name, zone, weight, draining, address, joined_time FROM members"
	selectAssignments = "SELECT symbol, node, run, epoch, since_time, next FROM assignments"
)

// ClusterState returns the state in one consistent read.
func (db *DB) ClusterState(ctx context.Context) (ClusterState, error) {
	var s ClusterState
	err := db.view(ctx, func(q queryer) (err error) {
		if s.Index, s.Term, err = applied(q.row(ctx, selectApplied)); err != nil {
			return err
		}
		if s.Members, err = collect(ctx, q, scanMember, selectMembers+" ORDER BY name"); err != nil {
			return err
		}
		if s.Symbols, err = collect(ctx, q, scanClusterSymbol, "SELECT symbol, assigned, weight, pin FROM cluster_symbols ORDER BY symbol"); err != nil {
			return err
		}
		if s.Assignments, err = collect(ctx, q, scanAssignment, selectAssignments+" ORDER BY symbol"); err != nil {
			return err
		}
		if s.Tokens, err = collect(ctx, q, scanToken, selectTokens+" ORDER BY name"); err != nil {
			return err
		}
		s.Watermarks = make(map[string]int64)
		_, err = collect(ctx, q, func(row scanner) (symbol string, err error) {
			var id int64
			err = row.Scan(&symbol, &id)
			s.Watermarks[symbol] = id
			return symbol, err
		}, "SELECT symbol, trade_id FROM watermarks")
		return err
	})
	if err != nil {
		return ClusterState{}, fmt.Errorf("read cluster state: %w", err)
	}
	return s, nil
}

func scanMember(row scanner) (m Member, err error) {
	err = row.Scan(&m.Name, &m.Zone, &m.Weight, &m.Draining, &m.Address, &m.Joined)
	return m, err
}

func scanClusterSymbol(row scanner) (s ClusterSymbol, err error) {
	err = row.Scan(&s.Symbol, &s.Assigned, &s.Weight, &s.Pin)
	return s, err
}

func scanAssignment(row scanner) (a Assignment, err error) {
	err = row.Scan(&a.Symbol, &a.Node, &a.Run, &a.Epoch, &a.Since, &a.Next)
	return a, err
}

// Watermark returns the trade id up to which the symbol's trades are stored by
// the cluster; false when none was told yet.
func (db *DB) Watermark(ctx context.Context, symbol string) (id int64, ok bool, err error) {
	err = db.reader.row(ctx, "SELECT trade_id FROM watermarks WHERE symbol = ?", symbol).Scan(&id)
	switch {
	case none(err):
		return 0, false, nil
	case err != nil:
		return 0, false, fmt.Errorf("read watermark of %s: %w", symbol, err)
	}
	return id, true, nil
}
