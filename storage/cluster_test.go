package storage_test

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"hedgehog/exchange"
	"hedgehog/storage"
)

// mustApply applies the command as the next entry and returns its result.
func mustApply(tb testing.TB, db *storage.DB, c storage.Command) storage.Result {
	tb.Helper()
	index, _, err := db.Applied(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	results, err := db.ApplyEntries(tb.Context(), []storage.Entry{entry(tb, index+1, c)})
	if err != nil {
		tb.Fatal(err)
	}
	return results[0]
}

// entry returns the command at index, in term 1.
func entry(tb testing.TB, index uint64, c storage.Command) storage.Entry {
	tb.Helper()
	data, err := c.Encode()
	if err != nil {
		tb.Fatal(err)
	}
	return storage.Entry{Index: index, Term: 1, Data: data}
}

func mustState(tb testing.TB, db *storage.DB) storage.ClusterState {
	tb.Helper()
	s, err := db.ClusterState(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func mustPositions(tb testing.TB, db *storage.DB, symbol string) []storage.Position {
	tb.Helper()
	all, err := db.Positions(tb.Context(), symbol, false)
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

// member returns the announcement of a member.
func member(name string) storage.Command {
	return storage.Command{Member: &storage.MemberChange{Name: name, Address: name + ":7947", Time: 5}}
}

// assign returns the command that assigns A.
func assign(node string, run, epoch int64, next string) storage.Command {
	return storage.Command{Assign: []storage.Assignment{{Symbol: "A", Node: node, Run: run, Epoch: epoch, Since: exchange.Micros(epoch * 10), Next: next}}}
}

// position returns an open position without orders.
func position(symbol, id string) storage.Position {
	return storage.Position{Symbol: symbol, ID: id, State: storage.PositionOpen, StartTime: 1, Profit: amount("0")}
}

func samePosition(a, b storage.Position) bool {
	equal := a.Profit.Equal(b.Profit)
	b.Profit = a.Profit
	return equal && a == b
}

func TestMembersJoinChangeAndLeave(t *testing.T) {
	db := newDB(t)
	steps := []struct {
		name   string
		change storage.MemberChange
		err    error
		want   []storage.Member
	}{
		{"drain before it is there", storage.MemberChange{Name: "n1", Draining: new(true)}, storage.ErrUnknownNode, nil},
		{"remove before it is there", storage.MemberChange{Name: "n1", Remove: true}, storage.ErrUnknownNode, nil},
		{"join", storage.MemberChange{Name: "n1", Address: "a:1", Zone: "z", Time: 5}, nil,
			[]storage.Member{{Name: "n1", Zone: "z", Weight: 1, Address: "a:1", Joined: 5}}},
		{"drain", storage.MemberChange{Name: "n1", Draining: new(true)}, nil,
			[]storage.Member{{Name: "n1", Zone: "z", Weight: 1, Draining: true, Address: "a:1", Joined: 5}}},
		{"weight", storage.MemberChange{Name: "n1", Weight: 3}, nil,
			[]storage.Member{{Name: "n1", Zone: "z", Weight: 3, Draining: true, Address: "a:1", Joined: 5}}},
		{"come back elsewhere", storage.MemberChange{Name: "n1", Address: "b:2", Time: 9}, nil,
			[]storage.Member{{Name: "n1", Weight: 3, Draining: true, Address: "b:2", Joined: 5}}},
		{"undrain", storage.MemberChange{Name: "n1", Draining: new(false)}, nil,
			[]storage.Member{{Name: "n1", Weight: 3, Address: "b:2", Joined: 5}}},
		{"remove", storage.MemberChange{Name: "n1", Remove: true}, nil, nil},
	}
	for _, s := range steps {
		if r := mustApply(t, db, storage.Command{Member: &s.change}); !errors.Is(r.Err, s.err) || (r.Applied == 1) != (s.err == nil) {
			t.Errorf("%s: %+v, want %v", s.name, r, s.err)
		}
		if got := mustState(t, db).Members; !slices.Equal(got, s.want) {
			t.Errorf("%s: members %+v, want %+v", s.name, got, s.want)
		}
	}
}

func TestSymbolsAreAssignedWeightedAndUnassigned(t *testing.T) {
	db := seeded(t, "A", "B")
	change := func(assigned bool, weight int, symbols ...string) storage.Result {
		return mustApply(t, db, storage.Command{Assigned: &storage.AssignedChange{Symbols: symbols, Assigned: assigned, Weight: weight}})
	}
	if r := change(true, 0, "A", "B"); r.Err != nil || r.Applied != 2 {
		t.Errorf("assigning two: %+v", r)
	}
	change(true, 7, "B")
	change(false, 0, "B")
	if r := change(false, 3, "A", "C"); !errors.Is(r.Err, storage.ErrUnknownSymbol) || r.Applied != 0 {
		t.Errorf("an unknown symbol among them: %+v, want ErrUnknownSymbol", r)
	}
	want := []storage.ClusterSymbol{{Symbol: "A", Assigned: true, Weight: 1}, {Symbol: "B", Weight: 7}}
	if got := mustState(t, db).Symbols; !slices.Equal(got, want) {
		t.Errorf("symbols %+v, want %+v", got, want)
	}
}

func TestASymbolIsPinnedToAMemberThatDoesNotDrain(t *testing.T) {
	db := seeded(t, "A")
	mustApply(t, db, member("n1"))
	mustApply(t, db, member("n2"))
	mustApply(t, db, storage.Command{Member: &storage.MemberChange{Name: "n2", Draining: new(true)}})
	steps := []struct {
		pin  storage.PinChange
		err  error
		want string // the pin after it
	}{
		{storage.PinChange{Symbol: "A", Node: "n1"}, nil, "n1"},
		{storage.PinChange{Symbol: "A", Node: "n2"}, storage.ErrConflict, "n1"},
		{storage.PinChange{Symbol: "A", Node: "n3"}, storage.ErrUnknownNode, "n1"},
		{storage.PinChange{Symbol: "B", Node: "n1"}, storage.ErrUnknownSymbol, "n1"},
		{storage.PinChange{Symbol: "A"}, nil, ""},
	}
	for _, s := range steps {
		if r := mustApply(t, db, storage.Command{Pin: &s.pin}); !errors.Is(r.Err, s.err) {
			t.Errorf("%+v: %v, want %v", s.pin, r.Err, s.err)
		}
		want := []storage.ClusterSymbol{{Symbol: "A", Weight: 1, Pin: s.want}}
		if got := mustState(t, db).Symbols; !slices.Equal(got, want) {
			t.Errorf("%+v: symbols %+v, want %+v", s.pin, got, want)
		}
	}
}

func TestAnAssignmentTakesHoldOnlyAsTheNextEpochOrForItsNext(t *testing.T) {
	db := newDB(t)
	steps := []struct {
		name    string
		command storage.Command
		applied int
		want    storage.Assignment
	}{
		{"a first epoch of 2", assign("n1", 1, 2, ""), 0, storage.Assignment{}},
		{"the first", assign("n1", 1, 1, ""), 1, storage.Assignment{Symbol: "A", Node: "n1", Run: 1, Epoch: 1, Since: 10}},
		{"the first again", assign("n1", 1, 1, ""), 1, storage.Assignment{Symbol: "A", Node: "n1", Run: 1, Epoch: 1, Since: 10}},
		{"another node in the same epoch", assign("n2", 1, 1, ""), 0, storage.Assignment{Symbol: "A", Node: "n1", Run: 1, Epoch: 1, Since: 10}},
		{"another run in the same epoch", assign("n1", 2, 1, "n2"), 0, storage.Assignment{Symbol: "A", Node: "n1", Run: 1, Epoch: 1, Since: 10}},
		{"an epoch left out", assign("n2", 1, 3, ""), 0, storage.Assignment{Symbol: "A", Node: "n1", Run: 1, Epoch: 1, Since: 10}},
		{"being handed over", storage.Command{Assign: []storage.Assignment{{Symbol: "A", Node: "n1", Run: 1, Epoch: 1, Since: 99, Next: "n2"}}}, 1,
			storage.Assignment{Symbol: "A", Node: "n1", Run: 1, Epoch: 1, Since: 10, Next: "n2"}},
		{"handed over", assign("n2", 4, 2, ""), 1, storage.Assignment{Symbol: "A", Node: "n2", Run: 4, Epoch: 2, Since: 20}},
		{"an old epoch", assign("n1", 1, 1, ""), 0, storage.Assignment{Symbol: "A", Node: "n2", Run: 4, Epoch: 2, Since: 20}},
		{"taken from everybody", assign("", 0, 3, ""), 1, storage.Assignment{Symbol: "A", Epoch: 3, Since: 30}},
		{"another life of the node", assign("n2", 5, 4, ""), 1, storage.Assignment{Symbol: "A", Node: "n2", Run: 5, Epoch: 4, Since: 40}},
	}
	for _, s := range steps {
		if r := mustApply(t, db, s.command); r.Err != nil || r.Applied != s.applied {
			t.Errorf("%s: %+v, want %d applied", s.name, r, s.applied)
		}
		var got storage.Assignment
		if all := mustState(t, db).Assignments; len(all) > 0 {
			got = all[0]
		}
		if got != s.want {
			t.Errorf("%s: %+v, want %+v", s.name, got, s.want)
		}
	}
}

func TestAStaleAssignmentHoldsUpNoneOfTheOthers(t *testing.T) {
	db := newDB(t)
	list := []storage.Assignment{{Symbol: "A", Node: "n1", Epoch: 1}, {Symbol: "B", Node: "n1", Epoch: 7}, {Symbol: "C", Node: "n2", Epoch: 1}}
	if r := mustApply(t, db, storage.Command{Assign: list}); r.Err != nil || r.Applied != 2 {
		t.Errorf("%+v, want 2 applied", r)
	}
	if got, want := mustState(t, db).Assignments, []storage.Assignment{list[0], list[2]}; !slices.Equal(got, want) {
		t.Errorf("assignments %+v, want %+v", got, want)
	}
}

func TestPositionsComeBackAsTheirOwnerStoredThem(t *testing.T) {
	db := newDB(t)
	mustApply(t, db, storage.Command{Assign: []storage.Assignment{{Symbol: "A", Node: "n1", Epoch: 1}, {Symbol: "B", Node: "n1", Epoch: 1}}})
	put := func(positions ...storage.Position) {
		t.Helper()
		c := storage.PositionsChange{Node: "n1", Epochs: map[string]int64{"A": 1, "B": 1}, Positions: positions}
		if r := mustApply(t, db, storage.Command{Positions: &c}); r.Err != nil || r.Applied != len(positions) {
			t.Errorf("store %d positions: %+v", len(positions), r)
		}
	}
	first, second := position("A", "p1"), position("A", "p2")
	first.RebuyTriggered, first.BuyClientID = true, "b1"
	second.Parent, second.Slot, second.BuyClientID, second.SellClientID, second.StartTime = "p1", 1, "b2", "s2", 2
	put(second, first, position("B", "p1"))
	second.State, second.EndTime, second.Profit = storage.PositionFinished, 9, amount("-0.00000123")
	put(second)
	for openOnly, want := range map[bool][]storage.Position{true: {first}, false: {first, second}} {
		got, err := db.Positions(t.Context(), "A", openOnly)
		if err != nil || !slices.EqualFunc(got, want, samePosition) {
			t.Errorf("open only %v: %+v, %v; want %+v", openOnly, got, err, want)
		}
	}
}

func TestAnOwnerThatIsNoneAnyMoreChangesNothing(t *testing.T) {
	tests := map[string]struct {
		node   string
		epoch  int64
		counts bool
	}{
		"the owner":                       {"n2", 2, true},
		"the owner before":                {"n1", 1, false},
		"the owner before, epoch guessed": {"n1", 2, false},
		"the owner in an epoch before":    {"n2", 1, false},
		"the owner in an epoch to come":   {"n2", 3, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			db := newDB(t)
			mustApply(t, db, assign("n1", 1, 1, ""))
			mustApply(t, db, assign("n2", 1, 2, ""))
			epochs := map[string]int64{"A": tt.epoch, "B": 1} // B is nobody's
			r := mustApply(t, db, storage.Command{Positions: &storage.PositionsChange{Node: tt.node, Epochs: epochs,
				Positions: []storage.Position{position("A", "p1"), position("B", "p1")}}})
			w := mustApply(t, db, storage.Command{Watermarks: &storage.WatermarksChange{Node: tt.node, Epochs: epochs,
				Watermarks: map[string]int64{"A": 7, "B": 8}}})
			var count int
			want := map[string]int64{}
			if tt.counts {
				count, want["A"] = 1, 7
			}
			if r.Err != nil || w.Err != nil || r.Applied != count || w.Applied != count {
				t.Errorf("positions %+v, watermarks %+v; want %d each", r, w, count)
			}
			if stored := mustPositions(t, db, ""); len(stored) != count {
				t.Errorf("positions %+v, want %d", stored, count)
			}
			if got := mustState(t, db).Watermarks; !maps.Equal(got, want) {
				t.Errorf("watermarks %v, want %v", got, want)
			}
		})
	}
}

func TestASymbolThatIsNobodysTakesNoPositions(t *testing.T) {
	db := newDB(t)
	mustApply(t, db, assign("n1", 1, 1, ""))
	mustApply(t, db, assign("", 0, 2, ""))
	for epoch := range int64(3) {
		r := mustApply(t, db, storage.Command{Positions: &storage.PositionsChange{Node: "n1", Epochs: map[string]int64{"A": 1 + epoch},
			Positions: []storage.Position{position("A", "p1")}}})
		if r.Applied != 0 {
			t.Errorf("epoch %d: %+v, want none", 1+epoch, r)
		}
	}
}

func TestAWatermarkNeverGoesDown(t *testing.T) {
	db := newDB(t)
	mustApply(t, db, assign("n1", 1, 1, ""))
	for _, step := range []struct{ to, want int64 }{{5, 5}, {3, 5}, {5, 5}, {6, 6}, {0, 6}} {
		mustApply(t, db, storage.Command{Watermarks: &storage.WatermarksChange{Node: "n1", Epochs: map[string]int64{"A": 1},
			Watermarks: map[string]int64{"A": step.to}}})
		if got := mustState(t, db).Watermarks["A"]; got != step.want {
			t.Errorf("after %d it is %d, want %d", step.to, got, step.want)
		}
	}
}

// A proposal that is held up on its way arrives when the owner has gone on.
func TestPositionsThatComeLateChangeNothing(t *testing.T) {
	db := seeded(t, "A")
	mustApply(t, db, assign("n1", 1, 1, ""))
	propose := func(epoch, revision int64, state storage.PositionState) int {
		t.Helper()
		p := position("A", "p1")
		p.State = state
		return mustApply(t, db, storage.Command{Positions: &storage.PositionsChange{
			Node: "n1", Revision: revision, Epochs: map[string]int64{"A": epoch}, Positions: []storage.Position{p},
		}}).Applied
	}
	for _, step := range []struct {
		epoch, revision int64
		state           storage.PositionState
		applied         int
	}{
		{1, 7, storage.PositionFinished, 1},
		{1, 6, storage.PositionOpen, 0},
		{1, 7, storage.PositionOpen, 0},
		{1, 8, storage.PositionFinished, 1},
	} {
		if n := propose(step.epoch, step.revision, step.state); n != step.applied {
			t.Errorf("revision %d took hold of %d positions, want %d", step.revision, n, step.applied)
		}
	}
	mustApply(t, db, assign("n1", 2, 2, "")) // another life counts anew
	if n := propose(2, 1, storage.PositionFinished); n != 1 {
		t.Errorf("the first revision of the next epoch took hold of %d positions, want 1", n)
	}
}
