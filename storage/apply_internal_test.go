package storage

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

func TestOnAFullDiskNothingIsAppliedAndARepeatAppliesIt(t *testing.T) {
	ctx := t.Context()
	db, err := Open(ctx, filepath.Join(t.TempDir(), "hedgehog.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	limit := func(pages int) {
		t.Helper()
		c, err := db.writer.take(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer db.writer.give(c)
		if _, err := c.conn.ExecContext(ctx, fmt.Sprint("PRAGMA max_page_count = ", pages)); err != nil {
			t.Fatal(err)
		}
	}
	small, err := Command{Assign: []Assignment{{Symbol: "A", Node: "n1", Epoch: 1}}}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	var symbols []string
	for i := range 1000 {
		symbols = append(symbols, fmt.Sprint("SYMBOL", i))
	}
	large, err := Command{Seed: symbols}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	entries := []Entry{{Index: 1, Term: 1, Data: small}, {Index: 2, Term: 1, Data: large}}

	limit(1) // SQLite makes this the size that the file has
	if results, err := db.ApplyEntries(ctx, entries); err == nil || !strings.Contains(err.Error(), "full") || results != nil {
		t.Errorf("%v, %v; want the error of a full disk", results, err)
	}
	if s, err := db.ClusterState(ctx); err != nil || s.Index != 0 || len(s.Assignments) != 0 {
		t.Errorf("state %+v, %v; want an empty one", s, err)
	}
	limit(1 << 20)
	if results, err := db.ApplyEntries(ctx, entries); err != nil || results[0].Applied != 1 || results[1].Applied != len(symbols) {
		t.Errorf("again: %v, %v", results, err)
	}
}
