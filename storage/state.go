package storage

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
)

// table is a table of the replicated state.
type table struct {
	name    string
	columns []string
	key     string // the columns that rows are put in order by
}

// replicatedTables are the replicated state without the index. Snapshots name
// columns by their place here: a change of the list is a new snapshotVersion.
var replicatedTables = [...]table{
	{"streaming_settings", []string{"symbol", "enabled"}, "symbol"},
	{"trading_settings", []string{"symbol", "status", "chunks", "budget", "buy_down_interval", "profit_target", "rebuy_interval"}, "symbol"},
	{"collecting_settings", []string{"symbol", "trade_events", "orders", "ohlc"}, "symbol"},
	{"aggregating_settings", []string{"symbol", "enabled"}, "symbol"},
	{"positions", []string{"symbol", "position_id", "parent_id", "slot", "state", "rebuy_triggered", "buy_client_id",
		"sell_client_id", "start_time", "end_time", "profit"}, "symbol, position_id"},
	{"members", []string{"name", "zone", "weight", "draining", "address", "joined_time"}, "name"},
	{"cluster_symbols", []string{"symbol", "assigned", "weight", "pin"}, "symbol"},
	{"assignments", []string{"symbol", "node", "run", "epoch", "since_time", "next"}, "symbol"},
	{"watermarks", []string{"symbol", "trade_id"}, "symbol"},
	{"proposals", []string{"log_index", "proposal", "result"}, "log_index"},
	{"position_revisions", []string{"symbol", "epoch", "revision"}, "symbol"},
	{"tokens", []string{"name", "role", "hash", "created_time", "expires_time"}, "name"},
}

// StateHash returns the index of the last applied entry, a colon and the SHA-256
// of all replicated rows in hexadecimal. Nodes that have applied as much have
// the same.
func (db *DB) StateHash(ctx context.Context) (string, error) {
	hash := sha256.New()
	var index uint64
	err := db.view(ctx, func(q queryer) (err error) {
		if index, _, err = applied(q.row(ctx, selectApplied)); err != nil {
			return err
		}
		return eachRow(ctx, q, func(line []byte) error {
			_, err := hash.Write(line)
			return err
		})
	})
	if err != nil {
		return "", fmt.Errorf("hash state: %w", err)
	}
	return fmt.Sprintf("%d:%x", index, hash.Sum(nil)), nil
}

// eachRow hands each replicated row to yield, table by table in order of key, as
// a line of JSON: an array of the table's name and the row's values. The line is
// valid until yield returns.
func eachRow(ctx context.Context, q queryer, yield func(line []byte) error) error {
	for _, t := range replicatedTables {
		if err := t.eachRow(ctx, q, yield); err != nil {
			return fmt.Errorf("read %s: %w", t.name, err)
		}
	}
	return nil
}

func (t table) eachRow(ctx context.Context, q queryer, yield func(line []byte) error) error {
	values, into := make([]any, 1+len(t.columns)), make([]any, len(t.columns))
	values[0] = t.name
	for i := range into {
		into[i] = &values[1+i]
	}
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	return q.each(ctx, func(row scanner) error {
		if err := row.Scan(into...); err != nil {
			return err
		}
		line.Reset()
		if err := encoder.Encode(values); err != nil {
			return err
		}
		return yield(line.Bytes())
	}, "SELECT "+strings.Join(t.columns, ", ")+" FROM "+t.name+" ORDER BY "+t.key)
}
