package judge_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hedgehog/exchange"
	"hedgehog/node/judge"
)

type values = map[string]string

// enough is more than any of the histories here takes.
const enough = 20 * time.Second

// talk records calls of several clients, one after the other unless told otherwise.
type talk struct {
	judge.History
	now exchange.Micros
}

func (h *talk) begin(client string, write values) int {
	h.now++
	return h.Invoke(h.now, judge.Call{Client: client, Key: symbol, Write: write})
}

func (h *talk) end(id int, shown values) {
	h.now++
	h.Return(h.now, id, shown)
}

func (h *talk) write(client string, fields values) { h.end(h.begin(client, fields), nil) }
func (h *talk) read(client string, shown values)   { h.end(h.begin(client, nil), shown) }

func (h *talk) readCopy(client string, shown values) {
	h.now++
	h.end(h.Invoke(h.now, judge.Call{Client: client, Key: symbol, Behind: true}), shown)
}

func TestHistories(t *testing.T) {
	tests := []struct {
		name string
		good bool
		tell func(h *talk)
	}{
		{"what was written is read", true, func(h *talk) {
			h.write("x", values{"chunks": "4"})
			h.read("y", values{"chunks": "4"})
		}},
		{"what was there before anything is known is found out", true, func(h *talk) {
			h.read("x", values{"chunks": "5", "status": "on"})
			h.write("x", values{"chunks": "4"})
			h.read("y", values{"chunks": "4", "status": "on"})
		}},
		{"an acknowledged change is lost", false, func(h *talk) {
			h.write("x", values{"chunks": "4"})
			h.write("x", values{"chunks": "7"})
			h.read("y", values{"chunks": "4"})
		}},
		{"a value that nobody wrote", false, func(h *talk) {
			h.write("x", values{"chunks": "4"})
			h.read("y", values{"chunks": "9"})
		}},
		{"a read beside a write shows either", true, func(h *talk) {
			h.write("x", values{"chunks": "4"})
			w, before, after := h.begin("x", values{"chunks": "7"}), h.begin("y", nil), h.begin("z", nil)
			h.end(after, values{"chunks": "7"})
			h.end(before, values{"chunks": "4"})
			h.end(w, nil)
		}},
		{"a value goes and comes back", false, func(h *talk) {
			h.write("x", values{"chunks": "4"})
			w := h.begin("x", values{"chunks": "7"})
			h.read("y", values{"chunks": "7"})
			h.read("y", values{"chunks": "4"})
			h.end(w, nil)
		}},
		{"a write of unknown outcome has not happened", true, func(h *talk) {
			h.write("x", values{"chunks": "4"})
			h.begin("x", values{"chunks": "7"})
			h.read("y", values{"chunks": "4"})
		}},
		{"a write of unknown outcome happens late", true, func(h *talk) {
			h.write("x", values{"chunks": "4"})
			h.begin("x", values{"chunks": "7"})
			h.read("y", values{"chunks": "4"})
			h.write("y", values{"chunks": "5"})
			h.read("y", values{"chunks": "7"})
		}},
		{"a write of unknown outcome happens twice", false, func(h *talk) {
			h.write("x", values{"chunks": "4"})
			h.begin("x", values{"chunks": "7"})
			h.read("y", values{"chunks": "7"})
			h.write("y", values{"chunks": "5"})
			h.read("y", values{"chunks": "5"})
			h.read("y", values{"chunks": "7"})
		}},
		{"a read of unknown outcome says nothing", true, func(h *talk) {
			h.write("x", values{"chunks": "4"})
			h.begin("y", nil)
			h.read("y", values{"chunks": "4"})
		}},
		{"a refused write has not happened", true, func(h *talk) {
			h.write("x", values{"chunks": "4"})
			h.Refuse(h.begin("x", values{"chunks": "7"}))
			h.read("y", values{"chunks": "4"})
		}},
		{"a refused write has happened", false, func(h *talk) {
			h.write("x", values{"chunks": "4"})
			h.Refuse(h.begin("x", values{"chunks": "7"}))
			h.read("y", values{"chunks": "7"})
		}},
		{"changes of different fields come together", true, func(h *talk) {
			h.write("x", values{"chunks": "4", "pin": ""})
			h.write("y", values{"pin": "node-a"})
			h.read("z", values{"chunks": "4", "pin": "node-a"})
		}},
		{"two readers see two changes in different orders", false, func(h *talk) {
			h.write("x", values{"chunks": "4", "pin": ""})
			a, b := h.begin("x", values{"chunks": "7"}), h.begin("y", values{"pin": "node-a"})
			r, s := h.begin("z", nil), h.begin("w", nil)
			h.end(r, values{"chunks": "7", "pin": ""})
			h.end(s, values{"chunks": "4", "pin": "node-a"})
			h.end(a, nil)
			h.end(b, nil)
		}},
		{"a write's answer shows all fields as they then are", true, func(h *talk) {
			h.write("x", values{"chunks": "4", "pin": ""})
			h.end(h.begin("y", values{"chunks": "7"}), values{"chunks": "7", "pin": ""})
		}},
		{"a write's answer shows what it did not write", false, func(h *talk) {
			h.end(h.begin("y", values{"chunks": "7"}), values{"chunks": "4"})
		}},
		{"a copy is behind", true, func(h *talk) {
			h.write("x", values{"chunks": "4"})
			h.write("x", values{"chunks": "7"})
			h.readCopy("y", values{"chunks": "4"})
		}},
		{"a copy is ahead", false, func(h *talk) {
			h.read("x", values{"chunks": "4"})
			h.readCopy("y", values{"chunks": "7"})
			h.write("x", values{"chunks": "7"})
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var h talk
			tt.tell(&h)
			found := h.Check(enough)
			switch {
			case tt.good && len(found) > 0:
				t.Errorf("violations:\n%s", lines(found))
			case !tt.good && (len(found) != 1 || found[0].Rule != judge.Linearizable):
				t.Errorf("violations are %v, want %s alone", found, judge.Linearizable)
			}
		})
	}
}

func TestKeysAreJudgedApart(t *testing.T) {
	var h judge.History
	for _, key := range []string{"ADAUSDT", "XRPUSDT"} {
		h.Return(2, h.Invoke(1, judge.Call{Client: "x", Key: key, Write: values{"chunks": key}}), nil)
	}
	h.Return(3, h.Invoke(3, judge.Call{Client: "x", Key: "XRPUSDT"}), values{"chunks": "ADAUSDT"})
	if found := h.Check(enough); len(found) != 1 || found[0].Symbol != "XRPUSDT" {
		t.Errorf("violations are %v, want one of XRPUSDT", found)
	}
}

func TestAViolationShowsOnlyTheCallsThatMatter(t *testing.T) {
	h := talk{now: exchange.MicrosOf(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))}
	random := rand.New(rand.NewPCG(1, 1))
	state := values{"chunks": "5", "status": "on", "budget": "100"}
	noise := func() {
		for range 30 {
			field, value := []string{"status", "budget"}[random.IntN(2)], fmt.Sprint(random.IntN(4))
			state[field] = value
			h.end(h.begin("x", values{field: value}), state)
			h.begin("z", values{"budget": "unknown"})
			h.read("y", state)
		}
	}
	noise()
	state["chunks"] = "7"
	h.write("x", values{"chunks": "7"})
	noise()
	state["chunks"] = "8"
	h.write("w", values{"chunks": "8"})
	lost := values{"chunks": "5", "status": state["status"], "budget": state["budget"]}
	h.read("y", lost)
	noise()
	found := h.Check(enough)
	if len(found) != 1 {
		t.Fatalf("%d violations:\n%s", len(found), lines(found))
	}
	shown := strings.Split(found[0].Text, "\n")[1:]
	if len(shown) != 2 || !strings.Contains(shown[0], "w writes chunks=8, done at 03:04:05.") || !strings.Contains(shown[1], "y reads, done at 03:04:05.") ||
		!strings.HasSuffix(shown[1], "shows chunks=5") {
		t.Errorf("shown are\n%s\nwant the write of 8 and the read of 5", found[0].Text)
	}
}

func TestAHistoryThatTakesTooLongIsUndecided(t *testing.T) {
	var h talk
	h.write("x", values{"chunks": "4"})
	if found := h.Check(0); len(found) != 1 || found[0].Rule != judge.Undecided {
		t.Errorf("violations are %v, want %s", found, judge.Undecided)
	}
}

func TestAnyHistoryOfARegisterIsLinearizable(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var h talk
		state := values{"chunks": "0", "pin": "0"}
		var past []values // each state that there was
		past = append(past, values{"chunks": "0", "pin": "0"})
		h.write("x", state)
		type running struct {
			id    int
			write values
			shown values // nil: it has not taken effect yet
		}
		var open []*running
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			switch rapid.IntRange(0, 4).Draw(rt, "step") {
			case 0, 1:
				r := &running{write: values{rapid.SampledFrom([]string{"chunks", "pin"}).Draw(rt, "field"): fmt.Sprint(rapid.IntRange(0, 3).Draw(rt, "value"))}}
				if rapid.Bool().Draw(rt, "read") {
					r.write = nil
				}
				r.id = h.begin("x", r.write)
				open = append(open, r)
			case 2: // one of the calls takes effect
				if i := slices.IndexFunc(open, func(r *running) bool { return r.shown == nil }); i >= 0 {
					next := values{"chunks": state["chunks"], "pin": state["pin"]}
					for field, value := range open[i].write {
						next[field] = value
					}
					state, open[i].shown = next, next
					past = append(past, next)
				}
			case 3: // and is answered; what isn't stays unknown
				if i := slices.IndexFunc(open, func(r *running) bool { return r.shown != nil }); i >= 0 {
					h.end(open[i].id, open[i].shown)
					open = slices.Delete(open, i, i+1)
				}
			case 4:
				h.readCopy("y", rapid.SampledFrom(past).Draw(rt, "copy"))
			}
		}
		if found := h.Check(enough); len(found) > 0 {
			rt.Fatalf("violations:\n%s", lines(found))
		}
	})
}
