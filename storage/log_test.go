package storage_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"hedgehog/exchange"
	"hedgehog/storage"
)

var (
	someSymbol = rapid.SampledFrom([]string{"A", "B", "C"}) // C is often unknown
	someNode   = rapid.SampledFrom([]string{"n1", "n2", "n3"})
	nodeOrNone = rapid.SampledFrom([]string{"", "n1", "n2", "n3"})
	someEpoch  = rapid.Int64Range(1, 4)
	someAmount = rapid.Custom(func(rt *rapid.T) decimal.Decimal {
		return decimal.New(rapid.Int64Range(0, 12).Draw(rt, "digits"), rapid.Int32Range(-3, 1).Draw(rt, "exponent"))
	})
	someEpochs = rapid.MapOfN(someSymbol, someEpoch, 3, 3)
)

// someCommand returns a command that may or may not be possible, and in range.
func someCommand(rt *rapid.T) storage.Command {
	flag := rapid.Ptr(rapid.Bool(), true)
	switch rapid.IntRange(0, 9).Draw(rt, "kind") {
	case 0:
		return storage.Command{Seed: rapid.SliceOfN(someSymbol, 1, 3).Draw(rt, "seed")}
	case 1:
		return settings(storage.SettingsChange{Symbol: someSymbol.Draw(rt, "symbol"), Streaming: flag.Draw(rt, "streaming"),
			CollectOHLC: flag.Draw(rt, "ohlc"), TradingStatus: rapid.Ptr(rapid.SampledFrom([]string{"off", "on", "shutdown"}), true).Draw(rt, "status"),
			Budget:              rapid.Ptr(someAmount, true).Draw(rt, "budget"),
			ExpectTradingStatus: rapid.SampledFrom([]string{"", "off", "on", "shutdown"}).Draw(rt, "expected")})
	case 2:
		return storage.Command{Assigned: &storage.AssignedChange{Symbols: rapid.SliceOfN(someSymbol, 1, 3).Draw(rt, "symbols"),
			Assigned: rapid.Bool().Draw(rt, "assigned"), Weight: rapid.IntRange(0, 3).Draw(rt, "weight")}}
	case 3:
		return storage.Command{Pin: &storage.PinChange{Symbol: someSymbol.Draw(rt, "symbol"), Node: nodeOrNone.Draw(rt, "node")}}
	case 4:
		return storage.Command{Member: &storage.MemberChange{Name: someNode.Draw(rt, "name"),
			Address: rapid.SampledFrom([]string{"", "a:1", "b:2"}).Draw(rt, "address"), Weight: rapid.IntRange(0, 3).Draw(rt, "weight"),
			Draining: flag.Draw(rt, "draining"), Time: exchange.Micros(rapid.Int64Range(0, 9).Draw(rt, "time"))}}
	case 5:
		return storage.Command{Member: &storage.MemberChange{Name: someNode.Draw(rt, "name"), Remove: true}}
	case 6, 7:
		return storage.Command{Assign: rapid.SliceOfN(rapid.Custom(someAssignment), 1, 4).Draw(rt, "assign")}
	case 8:
		return storage.Command{Positions: &storage.PositionsChange{Node: someNode.Draw(rt, "node"), Epochs: someEpochs.Draw(rt, "epochs"),
			Positions: rapid.SliceOfN(rapid.Custom(somePosition), 1, 3).Draw(rt, "positions")}}
	default:
		return storage.Command{Watermarks: &storage.WatermarksChange{Node: someNode.Draw(rt, "node"), Epochs: someEpochs.Draw(rt, "epochs"),
			Watermarks: rapid.MapOfN(someSymbol, rapid.Int64Range(0, 99), 1, 3).Draw(rt, "watermarks")}}
	}
}

func someAssignment(rt *rapid.T) storage.Assignment {
	return storage.Assignment{Symbol: someSymbol.Draw(rt, "symbol"), Node: nodeOrNone.Draw(rt, "node"), Run: rapid.Int64Range(0, 1).Draw(rt, "run"),
		Epoch: someEpoch.Draw(rt, "epoch"), Since: exchange.Micros(rapid.Int64Range(0, 9).Draw(rt, "since")), Next: nodeOrNone.Draw(rt, "next")}
}

func somePosition(rt *rapid.T) storage.Position {
	p := position(someSymbol.Draw(rt, "symbol"), rapid.SampledFrom([]string{"p1", "p2"}).Draw(rt, "id"))
	p.Slot, p.Profit = rapid.IntRange(0, 2).Draw(rt, "slot"), someAmount.Draw(rt, "profit")
	return p
}

// someLog returns entries at rising indices, some of which no node can decode.
func someLog(rt *rapid.T) []storage.Entry {
	var log []storage.Entry
	var index uint64
	for range rapid.IntRange(1, 10).Draw(rt, "length") {
		index += rapid.Uint64Range(1, 3).Draw(rt, "step")
		data, err := someCommand(rt).Encode()
		if err != nil {
			data = []byte(err.Error())
		}
		log = append(log, storage.Entry{Index: index, Term: 1 + index/10, Data: data})
	}
	return log
}

// replica is a node's database that is opened, closed and replaced.
type replica struct {
	t    *testing.T
	path string
	db   *storage.DB
}

func newReplica(t *testing.T) *replica {
	r := &replica{t: t, path: filepath.Join(t.TempDir(), "hedgehog.db")}
	r.open()
	return r
}

func (r *replica) open() {
	var err error
	if r.db, err = storage.Open(r.t.Context(), r.path); err != nil {
		r.t.Fatal(err)
	}
}

func (r *replica) close() {
	if err := r.db.Close(); err != nil {
		r.t.Fatal(err)
	}
}

// restore makes the replica's state that of the snapshot.
func (r *replica) restore(snapshot []byte) {
	if err := r.db.RestoreState(r.t.Context(), bytes.NewReader(snapshot)); err != nil {
		r.t.Fatal(err)
	}
}

// neverBack fails when an epoch or a watermark is lower than before, and
// returns what they are.
func neverBack(rt *rapid.T, s storage.ClusterState, before map[string]int64) map[string]int64 {
	now := make(map[string]int64)
	for _, a := range s.Assignments {
		now["epoch of "+a.Symbol] = a.Epoch
	}
	for symbol, id := range s.Watermarks {
		now["watermark of "+symbol] = id
	}
	for what, value := range before {
		if now[what] < value {
			rt.Fatalf("%s went from %d to %d", what, value, now[what])
		}
	}
	return now
}

// However the log reaches a node, in batches of any size, in part repeated, with
// restarts and snapshots in between, it comes to the state and the results of
// the node that applies it at once.
func TestTheSameLogGivesTheSameStateHoweverItIsApplied(t *testing.T) {
	one, other := newReplica(t), newReplica(t)
	defer func() { one.close(); other.close() }()
	empty := mustSnapshot(t, one.db)
	rapid.Check(t, func(rt *rapid.T) {
		one.restore(empty)
		other.restore(empty)
		log := someLog(rt)

		var want []string
		for _, r := range mustApplyAll(t, one.db, log...) {
			want = append(want, resultText(r))
		}

		var marks map[string]int64
		done, snapshot, inSnapshot := 0, empty, 0 // how many of the log are in the state, and in the snapshot
		for done < len(log) {
			switch rapid.IntRange(0, 14).Draw(rt, "event") {
			case 0:
				other.close()
				other.open()
			case 1:
				snapshot, inSnapshot = mustSnapshot(t, other.db), done
			case 2:
				other.restore(snapshot)
				done, marks = inSnapshot, nil
			default:
				from := rapid.IntRange(0, done).Draw(rt, "from")
				to := rapid.IntRange(from, len(log)).Draw(rt, "to")
				for i, r := range mustApplyAll(t, other.db, log[from:to]...) {
					if from+i < done && r != (storage.Result{}) {
						rt.Fatalf("entry %d was applied again: %+v", from+i, r)
					}
					if from+i >= done && resultText(r) != want[from+i] {
						rt.Fatalf("entry %d gives %s, want %s", from+i, resultText(r), want[from+i])
					}
				}
				done = max(done, to)
				marks = neverBack(rt, mustState(t, other.db), marks)
			}
		}
		if a, b := mustHash(t, one.db), mustHash(t, other.db); a != b {
			rt.Fatalf("the states differ: %s and %s", a, b)
		}
	})
}

func resultText(r storage.Result) string {
	if r.Settings == nil {
		return fmt.Sprintf("%d applied, %v", r.Applied, r.Err)
	}
	return fmt.Sprintf("%+v", *r.Settings)
}
