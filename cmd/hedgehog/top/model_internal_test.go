package top

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"hedgehog/cmd/hedgehog/top/toptest"
	"hedgehog/node/api"
)

var update = flag.Bool("update", false, "write the golden files anew")

// start is when everything begins.
var start = time.Date(2019, 10, 11, 12, 0, 0, 0, time.UTC)

// screen is a model that a test drives, without a terminal.
type screen struct {
	*model
	tb      testing.TB
	client  *api.Client
	topics  []string // watched
	quitted bool
}

func newScreen(tb testing.TB, node string, width, height int) *screen {
	client, err := api.NewClient(node)
	if err != nil {
		tb.Fatal(err)
	}
	s := &screen{tb: tb, client: client}
	s.model = &model{State: newState(client.Address()), zone: time.UTC, now: start, watch: func(topics []string) { s.topics = topics }}
	s.call = func(what request) tea.Cmd {
		node := s.model.client
		return func() tea.Msg { return what(context.Background(), node) }
	}
	s.send(tea.WindowSizeMsg{Width: width, Height: height})
	return s
}

// send gives the model messages, and what the commands that it returns lead to.
func (s *screen) send(messages ...tea.Msg) {
	for _, msg := range messages {
		_, then := s.Update(msg)
		if _, isTick := msg.(tick); isTick || then == nil {
			continue
		}
		switch next := then().(type) {
		case tea.QuitMsg:
			s.quitted = true
		case outcome, settled:
			s.send(next)
		}
	}
}

// press presses keys: names of keys, and any other text letter by letter.
func (s *screen) press(keys ...string) {
	codes := map[string]rune{"up": tea.KeyUp, "down": tea.KeyDown, "left": tea.KeyLeft, "right": tea.KeyRight, "enter": tea.KeyEnter,
		"esc": tea.KeyEscape, "tab": tea.KeyTab, "pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown, "home": tea.KeyHome, "end": tea.KeyEnd, "backspace": tea.KeyBackspace}
	for _, k := range keys {
		if code, special := codes[k]; special {
			s.send(tea.KeyPressMsg{Code: code})
			continue
		}
		for _, r := range k {
			s.send(tea.KeyPressMsg{Code: r, Text: string(r)})
		}
	}
}

// frame is what a node tells, so long after the start.
func frame(kind string, data any, after time.Duration) told {
	text, err := json.Marshal(data)
	if err != nil {
		panic(err)
	}
	return told{frame: api.LiveFrame{Kind: kind, Data: text}, at: start.Add(after)}
}

// hearAll has the model told of a whole cluster.
func (s *screen) hearAll() {
	s.send(connected{s.client}, told{frame: api.LiveFrame{Kind: api.LiveBeat, TimeUS: toptest.Noon}, at: start},
		frame(api.LiveCluster, toptest.Cluster(), 0), frame(api.LiveSymbols, toptest.Symbols(), 0), frame(api.LiveEvents, toptest.Events(), 0),
		frame(api.LiveStatus, toptest.Status(1000), 0), frame(api.LiveStatus, toptest.Status(1042), 2*time.Second),
		earned(toptest.Profits()), traded{"BTCUSDT": decimal.RequireFromString("59400.83")})
}

// text is what is on the screen, without colours.
func (s *screen) text() string {
	var lines []string
	for line := range strings.Lines(ansi.Strip(s.View().Content)) {
		lines = append(lines, strings.TrimRight(line, " \n"))
	}
	return strings.Join(lines, "\n") + "\n"
}

// checkGolden compares text with a file of testdata.
func checkGolden(tb testing.TB, name, text string) {
	tb.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			tb.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		tb.Fatalf("%v: -update writes it", err)
	}
	if text != string(want) {
		tb.Errorf("%s differs; -update accepts it\n got:\n%s\nwant:\n%s", path, text, want)
	}
}

const nowhere = "http://127.0.0.1:8080"

func TestWhatIsOnTheScreen(t *testing.T) {
	failed := lost{address: nowhere, err: errors.New("no node answers"), at: start}
	for _, test := range []struct {
		golden        string
		width, height int
		do            func(s *screen)
	}{
		{"overview", 80, 24, func(s *screen) { s.hearAll() }},
		{"wide", 140, 30, func(s *screen) { s.hearAll() }},
		{"narrow", 50, 14, func(s *screen) { s.hearAll() }},
		{"too_small", 30, 8, func(s *screen) { s.hearAll() }},
		{"resized", 80, 24, func(s *screen) { s.hearAll(); s.send(tea.WindowSizeMsg{Width: 64, Height: 16}) }},
		{"beginning", 80, 24, func(*screen) {}},
		{"nobody_answers", 80, 24, func(s *screen) { s.send(failed, tick(start.Add(12*time.Second))) }},
		{"node_lost", 80, 24, func(s *screen) { s.hearAll(); s.send(failed, tick(start.Add(2*time.Second))) }},
		{"empty", 80, 24, func(s *screen) {
			s.hearAll()
			s.send(frame(api.LiveSymbols, []api.ClusterSymbol{}, 0), frame(api.LiveStatus, api.Status{}, 0))
		}},
		{"no_quorum", 80, 24, func(s *screen) {
			s.hearAll()
			c := toptest.Cluster()
			c.Quorum, c.Leader, c.Nodes[0].State, c.Nodes[2].State, c.Nodes[1].Draining = false, "", "failed", "failed", true
			late := frame(api.LiveStatus, toptest.Status(1050), 3*time.Second)
			late.frame.Missing = []string{"n1", "n3"}
			s.send(frame(api.LiveCluster, c, 0), late)
		}},
		{"trouble", 80, 24, func(s *screen) {
			s.hearAll()
			status := toptest.Status(1050)
			status.Symbols[0].TradingError = "Filter failure: NOTIONAL"
			owners := toptest.Symbols()
			owners[0].Node = ""
			s.send(frame(api.LiveStatus, status, 3*time.Second), frame(api.LiveSymbols, owners, 0))
			s.press("down")
		}},
		{"node_selected", 80, 24, func(s *screen) { s.hearAll(); s.press("tab", "down") }},
		{"filtered", 80, 24, func(s *screen) { s.hearAll(); s.press("/xr") }},
		{"events", 80, 12, func(s *screen) { s.hearAll(); s.press("e") }},
		{"help", 80, 24, func(s *screen) { s.hearAll(); s.press("?") }},
		{"ask_start", 80, 24, func(s *screen) {
			s.hearAll()
			s.send(settled{Symbol: "BNBUSDT", Trading: api.Trading{Budget: decimal.NewFromInt(1000), Chunks: 5}})
		}},
		{"ask_stop", 80, 24, func(s *screen) { s.hearAll(); s.press("down", "x") }},
		{"ask_drain", 80, 24, func(s *screen) { s.hearAll(); s.press("tab", "d") }},
		{"ask_owner", 80, 24, func(s *screen) { s.hearAll(); s.press("a", "right") }},
		{"ask_symbols", 80, 24, func(s *screen) { s.hearAll(); s.press("tab", "a", "sol") }},
	} {
		t.Run(test.golden, func(t *testing.T) {
			s := newScreen(t, nowhere, test.width, test.height)
			test.do(s)
			checkGolden(t, test.golden, s.text())
		})
	}
}

func TestKeysChangeTheClusterOnceItHasBeenAgreedTo(t *testing.T) {
	for _, test := range []struct{ keys, want, said string }{
		{"s y", `PATCH symbols/BNBUSDT {"streaming":true,"trading_status":"on"}`, "BNBUSDT is traded"},
		{"down down s y", `PATCH symbols/XRPUSDT {"trading_status":"on"}`, "XRPUSDT is traded"},
		{"down x s", `PATCH symbols/BTCUSDT {"trading_status":"shutdown"}`, "BTCUSDT is shut down: it sells what is held"},
		{"down x x", `PATCH symbols/BTCUSDT {"trading_status":"off"}`, "BTCUSDT is not traded any more"},
		{"tab down d y", `POST cluster/drain {"node":"n2"}`, "n2 is drained; 2 symbols move"},
		{"a enter", `POST cluster/assign {"symbols":["BNBUSDT"],"node":"n2"}`, "XRPUSDT assigned; 2 symbols move"},
		{"a right right enter", `POST cluster/assign {"symbols":["BNBUSDT"]}`, "XRPUSDT assigned; 2 symbols move"},
		{"a left enter", `POST cluster/assign {"symbols":["BNBUSDT"],"unassign":true}`, "XRPUSDT unassigned; 2 symbols move"},
		{"tab a solx backspace * enter", `POST cluster/assign {"symbols":["SOL*"],"node":"n1"}`, "XRPUSDT assigned; 2 symbols move"},
		{"s n", "", ""},
		{"s enter", "", ""},
		{"down x esc", "", ""},
		{"tab d q", "", ""},
		{"a esc", "", ""},
		{"tab a sol esc", "", ""},
		{"tab a enter", "", ""},
		{"down s", "", "BTCUSDT is traded already"},
		{"x", "", "BNBUSDT is not traded"},
		{"d", "", "which node? move to it first, with tab"},
		{"tab s", "", "on which symbol? move there first"},
		{"tab x", "", "on which symbol? move there first"},
	} {
		t.Run(test.keys, func(t *testing.T) {
			node := toptest.New(t)
			s := newScreen(t, node.URL, 80, 24)
			s.hearAll()
			s.press(strings.Fields(test.keys)...)
			if got := strings.Join(node.Requests(), "\n"); got != test.want {
				t.Errorf("asked the node for %q, want %q", got, test.want)
			}
			if s.message != test.said {
				t.Errorf("said %q, want %q", s.message, test.said)
			}
			if s.prompt != nil || s.quitted {
				t.Errorf("prompt %v, quitted %t: want neither", s.prompt, s.quitted)
			}
		})
	}
}

func TestADrainedNodeIsUndrained(t *testing.T) {
	node := toptest.New(t)
	s := newScreen(t, node.URL, 80, 24)
	s.hearAll()
	c := toptest.Cluster()
	c.Nodes[0].Draining = true
	s.send(frame(api.LiveCluster, c, 0))
	s.press("tab", "d", "y")
	if got := node.Requests(); !slices.Equal(got, []string{`POST cluster/undrain {"node":"n1"}`}) {
		t.Errorf("asked the node for %q", got)
	}
}

func TestWhatTheNodeRefusesIsSaid(t *testing.T) {
	node := toptest.New(t)
	node.Refuse(&api.StatusError{Status: 403, Message: "this takes the role trade"})
	s := newScreen(t, node.URL, 80, 24)
	s.hearAll()
	s.press("down", "x", "x")
	if !s.failed || s.message != "this takes the role trade" || !strings.Contains(s.text(), s.message) {
		t.Errorf("said %q, failed %t", s.message, s.failed)
	}
	if s.press("down"); s.message != "" {
		t.Errorf("still says %q after another key", s.message)
	}
}

func TestNothingIsChangedWhileNoNodeAnswersOrAChangeIsUnderWay(t *testing.T) {
	s := newScreen(t, nowhere, 80, 24)
	s.hearAll()
	s.busy = true
	if s.press("s"); s.prompt != nil || !strings.Contains(s.message, "still under way") {
		t.Errorf("asks %v, says %q", s.prompt, s.message)
	}
	s.busy = false
	s.press("down", "x") // it asks, and the node dies before the answer
	s.send(lost{address: nowhere, err: errors.New("gone"), at: start})
	if s.press("x"); s.busy || s.message != "no node answers: nothing is changed" {
		t.Errorf("busy %t, says %q", s.busy, s.message)
	}
	if s.press("up", "s"); s.prompt != nil || s.message != "no node answers: nothing can be changed now" {
		t.Errorf("asks %v, says %q", s.prompt, s.message)
	}
}

func TestQuitting(t *testing.T) {
	for _, keys := range [][]string{{"q"}, {"?", "q"}, {"e", "q"}} {
		s := newScreen(t, nowhere, 80, 24)
		if s.press(keys...); !s.quitted {
			t.Errorf("keys %q do not quit", keys)
		}
	}
	s := newScreen(t, nowhere, 80, 24)
	s.hearAll()
	s.press("s")
	if s.send(tea.KeyPressMsg{Code: 'c', Mod: tea.ModCtrl}); !s.quitted {
		t.Error("Ctrl-C does not quit while something is asked")
	}
	s = newScreen(t, nowhere, 80, 24)
	if s.send(lost{address: nowhere, err: &api.StatusError{Status: 401, Message: "log in"}, at: start}); !s.quitted || s.refused == nil {
		t.Error("it goes on without access")
	}
}

func TestTheCursorStaysOnItsRowWhileOthersComeAndGo(t *testing.T) {
	s := newScreen(t, nowhere, 80, 24)
	s.hearAll()
	s.press("down")
	owners := append([]api.ClusterSymbol{{Symbol: "ADAUSDT", Node: "n3", Active: true}}, toptest.Symbols()...)
	if s.send(frame(api.LiveSymbols, owners, 0)); s.cursor != (place{name: "BTCUSDT"}) {
		t.Errorf("cursor on %+v, want BTCUSDT", s.cursor)
	}
	status := toptest.Status(0)
	status.Symbols = status.Symbols[1:]
	if s.send(frame(api.LiveStatus, status, 0), frame(api.LiveSymbols, owners[3:], 0)); s.cursor != (place{name: "XRPUSDT"}) {
		t.Errorf("cursor on %+v after its row has gone, want the next one", s.cursor)
	}
	s.press("up", "up")
	if s.cursor != (place{onNode: true, name: "n2"}) {
		t.Errorf("cursor on %+v, want it to go up into the nodes", s.cursor)
	}
}

func TestThePricesOfWhatIsInViewAreAskedFor(t *testing.T) {
	s := newScreen(t, nowhere, 80, 24)
	s.hearAll()
	if want := []string{"TRADE_EVENTS:BNBUSDT", "TRADE_EVENTS:BTCUSDT", "TRADE_EVENTS:XRPUSDT"}; !slices.Equal(s.topics, want) {
		t.Errorf("watching %v, want %v", s.topics, want)
	}
	var many []api.ClusterSymbol
	for i := range 100 {
		many = append(many, api.ClusterSymbol{Symbol: fmt.Sprintf("A%02dUSDT", i), Node: "n1", Active: true})
	}
	s.send(tea.WindowSizeMsg{Width: 80, Height: 60}, frame(api.LiveSymbols, many, 0), frame(api.LiveStatus, api.Status{}, 0))
	for _, key := range []string{"end", "pgup", "up", "home", "pgdown"} {
		s.press(key)
		row, ok := s.selected()
		if !ok {
			s.press("tab")
			continue
		}
		if len(s.topics) != api.MaxLiveTopics || !slices.Contains(s.topics, "TRADE_EVENTS:"+row.Symbol) {
			t.Errorf("after %s the cursor is on %s and %v are watched", key, row.Symbol, s.topics)
		}
	}
}

func TestTradesASecondAreCountedOverAFewSecondsAndByOneOwner(t *testing.T) {
	s := newState(nowhere)
	rate := func(trades int64, after time.Duration) float64 {
		s.apply(frame(api.LiveStatus, toptest.Status(trades), after))
		got, known := s.rate("BTCUSDT")
		if !known {
			return -1
		}
		return got
	}
	for _, step := range []struct {
		trades int64
		after  time.Duration
		want   float64
	}{
		{100, 0, -1},
		{120, time.Second, 20},
		{120, 2 * time.Second, 10},
		{160, 6 * time.Second, 8},  // since second 1
		{160, 12 * time.Second, 0}, // since second 6
		{160, 12*time.Second + time.Millisecond, 0},
		{10, 13 * time.Second, -1}, // the new owner counts from nothing
		{40, 14 * time.Second, 30},
	} {
		if got := rate(step.trades, step.after); got != step.want {
			t.Errorf("%d trades after %s: %v a second, want %v", step.trades, step.after, got, step.want)
		}
	}
}

func TestEventsOfAnotherNodeTakeThePlaceOfThoseBefore(t *testing.T) {
	s := newScreen(t, nowhere, 80, 24)
	s.hearAll()
	s.send(connected{s.client}, frame(api.LiveEvents, toptest.Events(), 0))
	more := []api.ClusterEvent{{TimeUS: toptest.Noon, Kind: "member", Node: "n3", Text: "is failed"}}
	s.send(frame(api.LiveEvents, more, 0))
	if want := append(toptest.Events(), more...); !slices.Equal(s.events, want) {
		t.Errorf("events %+v, want %+v", s.events, want)
	}
	for range 2 * keptEvents {
		s.send(frame(api.LiveEvents, more, 0))
	}
	if len(s.events) != keptEvents {
		t.Errorf("%d events kept, want %d", len(s.events), keptEvents)
	}
	s.press("e", "home")
	if want := keptEvents - s.eventRoom(); s.back != want {
		t.Errorf("scrolled back by %d events, want %d", s.back, want)
	}
	if s.press("down", "pgdown", "end"); s.back != 0 {
		t.Errorf("scrolled back by %d events at the end", s.back)
	}
}

func TestTextsOfOthersCannotCommandTheTerminal(t *testing.T) {
	const evil = "\x1b]0;owned\x07\x1b[2J\u009b31m\r\n"
	c := toptest.Cluster()
	c.Nodes[0].Name, c.Nodes[1].Zone, c.Leader = "n1"+evil, evil, evil
	status := toptest.Status(1)
	status.Symbols[0].TradingError, status.Exchange.Error, status.Exchange.Ready = evil, evil, false
	s := newScreen(t, nowhere, 140, 40)
	s.hearAll()
	s.send(frame(api.LiveCluster, c, 0), frame(api.LiveStatus, status, 0), frame(api.LiveEvents, []api.ClusterEvent{{Kind: evil, Node: evil, Text: evil}}, 0),
		outcome{text: evil}, lost{address: nowhere, err: errors.New(evil), at: start})
	for range 8 {
		content := s.View().Content
		for _, command := range []string{"\x1b]", "\x1b[2J", "\u009b", "\x07", "\r"} {
			if strings.Contains(content, command) {
				t.Fatalf("the screen has %q in it", command)
			}
		}
		s.press("up")
	}
}

func TestWhateverHappensFitsOnTheTerminal(t *testing.T) {
	keys := []string{"up", "down", "left", "right", "enter", "esc", "tab", "pgup", "pgdown", "home", "end", "backspace", "s", "x", "a", "d", "e", "/", "?", "y", "n", "B", "4", "ü"}
	rapid.Check(t, func(r *rapid.T) {
		s := newScreen(t, nowhere, 80, 24)
		s.call = func(request) tea.Cmd { return func() tea.Msg { return outcome{text: "done"} } }
		steps := map[string]func(*rapid.T){
			"key": func(r *rapid.T) { s.press(rapid.SampledFrom(keys).Draw(r, "key")) },
			"size": func(r *rapid.T) {
				s.send(tea.WindowSizeMsg{Width: rapid.IntRange(0, 120).Draw(r, "width"), Height: rapid.IntRange(0, 30).Draw(r, "height")})
			},
			"all":  func(*rapid.T) { s.hearAll() },
			"lost": func(*rapid.T) { s.send(lost{address: nowhere, err: errors.New("gone"), at: start}) },
			"tell": func(*rapid.T) {
				s.send(told{frame: api.LiveFrame{Kind: api.LiveCluster, Data: []byte("[")}, at: start})
			},
			"symbols": func(r *rapid.T) {
				owners := make([]api.ClusterSymbol, rapid.IntRange(0, 20).Draw(r, "symbols"))
				for i := range owners {
					owners[i] = api.ClusterSymbol{Symbol: fmt.Sprintf("B%dUSDT", i), Node: "n1", Active: true}
				}
				s.send(frame(api.LiveSymbols, owners, 0))
			},
			"nodes": func(r *rapid.T) {
				c := api.ClusterStatus{Nodes: make([]api.ClusterNode, rapid.IntRange(0, 8).Draw(r, "nodes"))}
				for i := range c.Nodes {
					c.Nodes[i] = api.ClusterNode{Name: fmt.Sprintf("n%d", i), State: "alive"}
				}
				s.send(frame(api.LiveCluster, c, 0))
			},
			"": func(r *rapid.T) {
				lines := strings.Split(s.View().Content, "\n")
				if len(lines) > max(1, s.height) {
					r.Fatalf("%d lines on %d", len(lines), s.height)
				}
				for _, l := range lines {
					if ansi.StringWidth(l) > s.width {
						r.Fatalf("a line of %d on %d: %q", ansi.StringWidth(l), s.width, l)
					}
				}
			},
		}
		r.Repeat(steps)
	})
}
