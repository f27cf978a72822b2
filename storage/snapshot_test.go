package storage_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"hedgehog/storage"
)

// fullDB returns a database with rows in every replicated table.
func fullDB(tb testing.TB) *storage.DB {
	tb.Helper()
	db := seeded(tb, "A", "B")
	mustApply(tb, db, settings(storage.SettingsChange{Symbol: "A", Streaming: new(true), Budget: new(amount("12.5"))}))
	mustApply(tb, db, member("n1"))
	mustApply(tb, db, storage.Command{Pin: &storage.PinChange{Symbol: "A", Node: "n1"}})
	mustApply(tb, db, assign("n1", 1, 1, "n2"))
	epochs := map[string]int64{"A": 1}
	p := position("A", "p1")
	p.BuyClientID, p.Profit = `"<&>"`, amount("-0.00000123")
	mustApply(tb, db, storage.Command{Positions: &storage.PositionsChange{Node: "n1", Epochs: epochs, Positions: []storage.Position{p, position("A", "p2")}}})
	mustApply(tb, db, storage.Command{Watermarks: &storage.WatermarksChange{Node: "n1", Epochs: epochs, Watermarks: map[string]int64{"A": 1 << 60}}})
	mustApply(tb, db, token("root", "admin", 0))
	return db
}

func TestARestoredStateIsTheOneOfTheSnapshot(t *testing.T) {
	from := fullDB(t)
	snapshot := mustSnapshot(t, from)
	path := filepath.Join(t.TempDir(), "hedgehog.db")
	to, err := storage.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	// What is there of the replicated state goes, what is the node's own stays.
	mustApply(t, to, storage.Command{Seed: []string{"X"}})
	mustApply(t, to, member("x"))
	mustWrite(t, to, storage.Batch{Trades: trades(1, 2)})
	if err := to.RestoreState(t.Context(), iotest.OneByteReader(bytes.NewReader(snapshot))); err != nil {
		t.Fatal(err)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	to = mustOpen(t, path)
	if a, b := mustHash(t, from), mustHash(t, to); a != b {
		t.Errorf("restored %s from %s", b, a)
	}
	if again := mustSnapshot(t, to); !bytes.Equal(again, snapshot) {
		t.Errorf("a snapshot of the restored state is\n%s\nnot\n%s", again, snapshot)
	}
	if !slices.EqualFunc(mustAllSettings(t, from), mustAllSettings(t, to), same) || !slices.EqualFunc(mustPositions(t, from, ""), mustPositions(t, to, ""), samePosition) {
		t.Error("settings or positions differ")
	}
	if stats, err := to.TradeStats(t.Context(), "A"); err != nil || stats.Count != 2 {
		t.Errorf("the node's own trades: %+v, %v; want 2", stats, err)
	}
	if r := mustApply(t, to, assign("n2", 1, 2, "")); r.Applied != 1 {
		t.Errorf("applying goes on with %+v, want 1 applied", r)
	}
}

// signed returns the lines as a snapshot with the checksum that is right for them.
func signed(lines ...string) string {
	all := strings.Join(lines, "")
	return all + fmt.Sprintf("{\"sha256\":\"%x\"}\n", sha256.Sum256([]byte(all)))
}

func TestABrokenSnapshotChangesNothing(t *testing.T) {
	const head = `{"format":"hedgehog state","version":1,"index":9,"term":1}` + "\n"
	good := string(mustSnapshot(t, fullDB(t)))
	tests := map[string]struct {
		snapshot string
		want     error
	}{
		"empty":                   {"", storage.ErrCorruptSnapshot},
		"cut in a line":           {good[:len(good)/2], storage.ErrCorruptSnapshot},
		"cut before its end":      {good[:strings.LastIndex(good, `{"sha256"`)], storage.ErrCorruptSnapshot},
		"without the last byte":   {good[:len(good)-1], storage.ErrCorruptSnapshot},
		"more behind it":          {good + "x", storage.ErrCorruptSnapshot},
		"an amount changed":       {strings.Replace(good, "12.5", "12.6", 1), storage.ErrCorruptSnapshot},
		"a row missing":           {strings.Replace(good, `["streaming_settings","B",0]`+"\n", "", 1), storage.ErrCorruptSnapshot},
		"something else":          {strings.Repeat("hello\n", 100), storage.ErrCorruptSnapshot},
		"one endless line":        {strings.Repeat("x", 1<<20), storage.ErrCorruptSnapshot},
		"another format":          {signed(strings.Replace(head, "state", "stare", 1)), storage.ErrCorruptSnapshot},
		"no version":              {signed(strings.Replace(head, `"version":1,`, "", 1)), storage.ErrCorruptSnapshot},
		"a newer version":         {signed(strings.Replace(head, `"version":1`, `"version":4`, 1)), storage.ErrNewerPeer},
		"an index out of range":   {signed(strings.Replace(head, `9`, "18446744073709551615", 1)), storage.ErrCorruptSnapshot},
		"a table that is unknown": {signed(head, `["trade_events","A",1]`+"\n"), storage.ErrCorruptSnapshot},
		"a table's name alone":    {signed(head, `["watermarks"]`+"\n"), storage.ErrCorruptSnapshot},
		"an empty row":            {signed(head, "[]\n"), storage.ErrCorruptSnapshot},
		"a row too short":         {signed(head, `["watermarks","A"]`+"\n"), storage.ErrCorruptSnapshot},
		"a row twice":             {signed(head, `["watermarks","A",1]`+"\n", `["watermarks","A",2]`+"\n"), storage.ErrCorruptSnapshot},
		"a value out of range":    {signed(head, `["watermarks","A",-1]`+"\n"), storage.ErrCorruptSnapshot},
		"a value of another type": {signed(head, `["watermarks","A","x"]`+"\n"), storage.ErrCorruptSnapshot},
		"a fraction":              {signed(head, `["watermarks","A",1.5]`+"\n"), storage.ErrCorruptSnapshot},
		"null":                    {signed(head, `["watermarks","A",null]`+"\n"), storage.ErrCorruptSnapshot},
	}
	db := fullDB(t)
	before := mustHash(t, db)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if err := db.RestoreState(t.Context(), strings.NewReader(tt.snapshot)); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if after := mustHash(t, db); after != before {
				t.Errorf("the state is %s and was %s", after, before)
			}
		})
	}
	if err := db.RestoreState(t.Context(), strings.NewReader(signed(head))); err != nil {
		t.Errorf("a snapshot of an empty state: %v", err)
	}
}

func TestErrorsOfTheReaderAndTheWriterArePassedOn(t *testing.T) {
	db, broken := fullDB(t), errors.New("broken pipe")
	before := mustHash(t, db)
	snapshot := mustSnapshot(t, db)
	r := io.MultiReader(bytes.NewReader(snapshot[:len(snapshot)/2]), iotest.ErrReader(broken))
	if err := db.RestoreState(t.Context(), r); !errors.Is(err, broken) || errors.Is(err, storage.ErrCorruptSnapshot) {
		t.Errorf("restore: %v, want the reader's error alone", err)
	}
	if after := mustHash(t, db); after != before {
		t.Errorf("the state is %s and was %s", after, before)
	}
	if err := db.SnapshotState(t.Context(), failingWriter{broken}); !errors.Is(err, broken) {
		t.Errorf("snapshot: %v, want the writer's error", err)
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

// applyingWriter applies a command before each write, as raft does meanwhile.
type applyingWriter struct {
	bytes.Buffer
	apply func()
}

func (w *applyingWriter) Write(b []byte) (int, error) {
	w.apply()
	return w.Buffer.Write(b)
}

func TestASnapshotIsOfOneMomentWhileEntriesAreApplied(t *testing.T) {
	db := newDB(t)
	var symbols []string
	for i := range 500 { // more than one buffer of rows
		symbols = append(symbols, fmt.Sprint("S", i))
	}
	mustApply(t, db, storage.Command{Seed: symbols})
	before, writes := mustHash(t, db), 0
	w := applyingWriter{apply: func() {
		writes++
		// The last table that is read: a state of two moments would show it.
		mustApply(t, db, storage.Command{Assign: []storage.Assignment{{Symbol: fmt.Sprint("T", writes), Node: "n1", Epoch: 1}}})
	}}
	if err := db.SnapshotState(t.Context(), &w); err != nil {
		t.Fatal(err)
	}
	if writes < 2 {
		t.Fatalf("%d writes, want several", writes)
	}
	to := newDB(t)
	if err := to.RestoreState(t.Context(), &w.Buffer); err != nil {
		t.Fatal(err)
	}
	if got := mustHash(t, to); got != before {
		t.Errorf("restored %s, want %s, the state when the snapshot began", got, before)
	}
}

func TestATransactionThatEndsEarlyLeavesItsConnectionAsItWas(t *testing.T) {
	db := seeded(t, "A", "B")
	snapshot, before := mustSnapshot(t, db), mustHash(t, db)
	mustApply(t, db, member("n1"))
	after := mustHash(t, db)

	ctx, cancel := context.WithCancel(t.Context())
	half := &atEOF{from: bytes.NewReader(snapshot[:len(snapshot)/2]), do: cancel}
	if err := db.RestoreState(ctx, io.MultiReader(half, bytes.NewReader(snapshot[len(snapshot)/2:]))); !errors.Is(err, context.Canceled) {
		t.Errorf("restore with its context ended half-way: %v, want %v", err, context.Canceled)
	}
	if got := mustHash(t, db); got != after || got == before {
		t.Errorf("state %s, want %s", got, after)
	}
	full := errors.New("full")
	if err := db.SnapshotState(t.Context(), failing{full}); !errors.Is(err, full) {
		t.Errorf("snapshot to a writer that fails: %v, want %v", err, full)
	}
	mustApply(t, db, member("n2"))
	if got := mustState(t, db).Members; len(got) != 2 {
		t.Errorf("members %+v, want two", got)
	}
}

// atEOF does something when all has been read.
type atEOF struct {
	from io.Reader
	do   func()
}

func (r *atEOF) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	if err == io.EOF {
		r.do()
	}
	return n, err
}

// failing is a writer that fails.
type failing struct{ err error }

func (w failing) Write([]byte) (int, error) { return 0, w.err }
