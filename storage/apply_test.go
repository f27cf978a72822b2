package storage_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/shopspring/decimal"

	"hedgehog/storage"
)

func mustHash(tb testing.TB, db *storage.DB) string {
	tb.Helper()
	h, err := db.StateHash(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return h
}

func mustSnapshot(tb testing.TB, db *storage.DB) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := db.SnapshotState(tb.Context(), &b); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func mustApplyAll(tb testing.TB, db *storage.DB, entries ...storage.Entry) []storage.Result {
	tb.Helper()
	results, err := db.ApplyEntries(tb.Context(), entries)
	if err != nil {
		tb.Fatal(err)
	}
	return results
}

func TestANewDatabaseHasAppliedNothing(t *testing.T) {
	s := mustState(t, newDB(t))
	if s.Index != 0 || s.Term != 0 || len(s.Members)+len(s.Symbols)+len(s.Assignments)+len(s.Watermarks) != 0 {
		t.Errorf("state %+v, want an empty one", s)
	}
}

func TestAnEntryIsAppliedOnceWhateverComesAgain(t *testing.T) {
	db := newDB(t)
	first, second := entry(t, 3, assign("n1", 1, 1, "")), entry(t, 4, assign("n2", 1, 2, ""))
	second.Term = 2
	if results := mustApplyAll(t, db, first, first, second); results[0].Applied != 1 || results[1] != (storage.Result{}) || results[2].Applied != 1 {
		t.Errorf("results %+v, want the second to be empty", results)
	}
	hash := mustHash(t, db)
	if results := mustApplyAll(t, db, first, second); !slices.Equal(results, make([]storage.Result, 2)) {
		t.Errorf("again: %+v, want empty results", results)
	}
	index, term, err := db.Applied(t.Context())
	if err != nil || index != 4 || term != 2 || mustHash(t, db) != hash {
		t.Errorf("applied %d in term %d, %v, state %s; want 4 in 2, state %s", index, term, err, mustHash(t, db), hash)
	}
}

func TestAFailedCommandCountsAsAppliedAndChangesNothing(t *testing.T) {
	tests := map[string]struct {
		data []byte
		want error
	}{
		"an unknown symbol behind a known one": {entry(t, 1, storage.Command{Assigned: &storage.AssignedChange{Symbols: []string{"A", "X"}}}).Data,
			storage.ErrUnknownSymbol},
		"a conflict":                      {entry(t, 1, settings(storage.SettingsChange{Symbol: "A", ExpectTradingStatus: "on"})).Data, storage.ErrConflict},
		"an unknown node":                 {entry(t, 1, storage.Command{Member: &storage.MemberChange{Name: "x", Remove: true}}).Data, storage.ErrUnknownNode},
		"a command that can't be decoded": {[]byte("?"), storage.ErrRefused},
		"an empty one":                    {nil, storage.ErrRefused},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			with, without := newDB(t), newDB(t)
			seed, after := entry(t, 1, storage.Command{Seed: []string{"A"}}), entry(t, 3, assign("n1", 1, 1, ""))
			results := mustApplyAll(t, with, seed, storage.Entry{Index: 2, Term: 1, Data: tt.data}, after)
			if !errors.Is(results[1].Err, tt.want) || results[0].Err != nil || results[2].Applied != 1 {
				t.Errorf("results %+v, want %v in between", results, tt.want)
			}
			mustApplyAll(t, without, seed, after)
			if a, b := mustHash(t, with), mustHash(t, without); a != b {
				t.Errorf("state %s, and %s without the failed command", a, b)
			}
			failed := mustApplyAll(t, with, storage.Entry{Index: 4, Term: 1, Data: tt.data})
			if index, _, err := with.Applied(t.Context()); err != nil || index != 4 || failed[0].Err == nil {
				t.Errorf("applied %d, %v, %v; want 4 and an error", index, err, failed)
			}
		})
	}
}

func TestACommandOfANewerPeerStopsTheWholeBatch(t *testing.T) {
	db := newDB(t)
	newer := storage.Entry{Index: 2, Term: 1, Data: []byte(`{"v":4,"leap":{}}`)}
	if results, err := db.ApplyEntries(t.Context(), []storage.Entry{entry(t, 1, assign("n1", 1, 1, "")), newer}); !errors.Is(err, storage.ErrNewerPeer) || results != nil {
		t.Errorf("%+v, %v; want ErrNewerPeer alone", results, err)
	}
	if s := mustState(t, db); s.Index != 0 || len(s.Assignments) != 0 {
		t.Errorf("state %+v, want an empty one", s)
	}
}

func TestACommandOfATermTakesEffectInNoOther(t *testing.T) {
	db := newDB(t)
	decided := assign("n1", 1, 1, "")
	decided.Term = 3
	for index, term := range []uint64{2, 4} {
		e := entry(t, uint64(index)+1, decided)
		e.Term = term
		results, err := db.ApplyEntries(t.Context(), []storage.Entry{e})
		if err != nil || !errors.Is(results[0].Err, storage.ErrConflict) {
			t.Errorf("in term %d: %+v, %v; want ErrConflict", term, results, err)
		}
	}
	if s := mustState(t, db); s.Index != 2 || len(s.Assignments) != 0 {
		t.Errorf("state %+v, want two entries that changed nothing", s)
	}
	e := entry(t, 3, decided)
	e.Term = 3
	if results, err := db.ApplyEntries(t.Context(), []storage.Entry{e}); err != nil || results[0].Err != nil || results[0].Applied != 1 {
		t.Errorf("in its term: %+v, %v; want it applied", results, err)
	}
}

func TestAnInterruptedBatchIsNotApplied(t *testing.T) {
	db := newDB(t)
	stopped := errors.New("stopped")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stopped)
	if _, err := db.ApplyEntries(ctx, []storage.Entry{entry(t, 1, assign("n1", 1, 1, ""))}); err == nil {
		t.Error("no error under a context that has ended")
	}
	if s := mustState(t, db); s.Index != 0 || len(s.Assignments) != 0 {
		t.Errorf("state %+v, want an empty one", s)
	}
}

func TestTheAppliedStateIsThereAfterReopening(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hedgehog.db")
	db, err := storage.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	mustApply(t, db, member("n1"))
	mustApply(t, db, assign("n1", 1, 1, ""))
	hash := mustHash(t, db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if again := mustHash(t, mustOpen(t, path)); again != hash {
		t.Errorf("state %s after reopening, %s before", again, hash)
	}
}

func TestTheHashTellsEveryTableApart(t *testing.T) {
	db := seeded(t, "A")
	seen := map[string]string{mustHash(t, db)[len("1:"):]: "seeding"}
	for _, step := range []struct {
		name    string
		command storage.Command
	}{
		{"a setting", settings(storage.SettingsChange{Symbol: "A", Chunks: new(9)})},
		{"a member", member("n1")},
		{"a pin", storage.Command{Pin: &storage.PinChange{Symbol: "A", Node: "n1"}}},
		{"an assignment", assign("n1", 1, 1, "")},
		{"a position", storage.Command{Positions: &storage.PositionsChange{Node: "n1", Epochs: map[string]int64{"A": 1},
			Positions: []storage.Position{position("A", "p1")}}}},
		{"a watermark", storage.Command{Watermarks: &storage.WatermarksChange{Node: "n1", Epochs: map[string]int64{"A": 1},
			Watermarks: map[string]int64{"A": 4}}}},
	} {
		mustApply(t, db, step.command)
		hash := mustHash(t, db)[len("1:"):]
		if before, ok := seen[hash]; ok {
			t.Errorf("the hash after %s is that after %s", step.name, before)
		}
		seen[hash] = step.name
	}
}

func BenchmarkApplyEntries(b *testing.B) {
	for _, size := range []int{1, 16, 256} {
		b.Run(fmt.Sprint("batch of ", size), func(b *testing.B) {
			db := newDB(b)
			mustApply(b, db, assign("n1", 1, 1, ""))
			index := uint64(1)
			p := position("A", "")
			c := storage.PositionsChange{Node: "n1", Epochs: map[string]int64{"A": 1}, Positions: []storage.Position{p}}
			entries := make([]storage.Entry, size)
			b.ReportAllocs()
			for b.Loop() {
				for i := range entries {
					index++
					c.Positions[0].ID = fmt.Sprint("p", index%1000)
					entries[i] = entry(b, index, storage.Command{Positions: &c})
				}
				mustApplyAll(b, db, entries...)
			}
			b.ReportMetric(float64(size*b.N)/b.Elapsed().Seconds(), "commands/s")
		})
	}
}

// A proposer who does not know what came of his change sends it again. It must not
// undo what others have changed meanwhile.
func TestAProposalTakesEffectOnce(t *testing.T) {
	db := seeded(t, "XRPETH")
	budget := func(index uint64, proposal, value string) storage.Result {
		t.Helper()
		amount := decimal.RequireFromString(value)
		e := entry(t, index, storage.Command{Proposal: proposal, Settings: &storage.SettingsChange{Symbol: "XRPETH", Budget: &amount}})
		return mustApplyAll(t, db, e)[0]
	}
	first := budget(10, "n1/1", "100")
	budget(11, "n2/1", "200")
	again := budget(12, "n1/1", "100")
	if again.Settings == nil || !again.Settings.Trading.Budget.Equal(first.Settings.Trading.Budget) || again.Applied != 1 {
		t.Errorf("sent again it is answered with %+v, want %+v", again, first)
	}
	s, err := db.Settings(t.Context(), "XRPETH")
	if err != nil || s.Trading.Budget.String() != "200" {
		t.Errorf("budget %v, %v; want 200, which was set last", s.Trading.Budget, err)
	}
	budget(10_000, "n2/2", "300")
	if budget(10_001, "n1/1", "100"); mustSettings(t, db, "XRPETH").Trading.Budget.String() != "100" {
		t.Error("the proposal is remembered for ever")
	}
}
