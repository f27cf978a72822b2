package top

import (
	"context"
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"hedgehog/node/api"
)

// keyHelp says what the keys do, as the help shows it.
var keyHelp = [][2]string{
	{"↑ ↓  k j", "move; PgUp, PgDn, Home and End too"},
	{"tab", "from the nodes to the symbols and back"},
	{"s", "start trading the symbol"},
	{"x", "stop trading the symbol: at once, or when all is sold"},
	{"a", "give the symbol another owner, or none; on a node: give it symbols"},
	{"d", "drain the node, or let it own symbols again"},
	{"e", "all events, and back"},
	{"/", "show only symbols with this in their name, or of this node"},
	{"?", "this help, and back"},
	{"q", "quit; Ctrl-C too"},
}

// key does what a key asks for.
func (m *model) key(k tea.KeyPressMsg) tea.Cmd {
	name := k.String()
	switch name {
	case "ctrl+c":
		return tea.Quit
	case "ctrl+z":
		return tea.Suspend
	}
	m.message, m.failed = "", false
	if m.prompt != nil {
		then, done := m.prompt.key(m, k)
		if done {
			m.prompt = nil
		}
		return then
	}
	switch name {
	case "q":
		return tea.Quit
	case "?":
		m.show(help)
	case "e":
		m.show(eventLog)
	case "esc":
		if m.view == overview {
			m.filter = ""
		}
		m.view = overview
	case "/":
		m.view = overview
		m.ask(filtering{before: m.filter})
	default:
		switch m.view {
		case overview:
			return m.steer(name)
		case eventLog:
			m.leaf(name)
		case help:
		}
	}
	return nil
}

// show fills the screen with something, or, where that is there already, with the
// overview again.
func (m *model) show(what shown) {
	if m.view == what {
		what = overview
	}
	m.view, m.back = what, 0
}

// steer does what a key asks for on the overview.
func (m *model) steer(name string) tea.Cmd {
	page := max(1, m.layout().symbols-1)
	switch name {
	case "up", "k":
		m.move(-1)
	case "down", "j":
		m.move(1)
	case "pgup":
		m.move(-page)
	case "pgdown":
		m.move(page)
	case "home", "g":
		m.move(-len(m.nodes()) - len(m.rows()))
	case "end", "G", "shift+g":
		m.move(len(m.nodes()) + len(m.rows()))
	case "tab", "shift+tab":
		m.cursor.onNode, m.cursor.name = !m.cursor.onNode, ""
	case "s":
		return m.start()
	case "x":
		m.askStop()
	case "d":
		m.askDrain()
	case "a":
		m.askAssign()
	}
	return nil
}

// leaf moves in the list of events.
func (m *model) leaf(name string) {
	page := max(1, m.eventRoom()-1)
	by := map[string]int{"up": 1, "k": 1, "down": -1, "j": -1, "pgup": page, "pgdown": -page,
		"home": len(m.events), "g": len(m.events), "end": -len(m.events), "G": -len(m.events)}[name]
	m.back = max(0, min(m.back+by, len(m.events)-m.eventRoom()))
}

// ask asks something, unless nothing can be changed now.
func (m *model) ask(p prompt) {
	if _, only := p.(filtering); only || m.able() {
		m.prompt = p
	}
}

// able says whether something can be changed now, and to the user why not.
func (m *model) able() bool {
	switch {
	case m.client == nil:
		m.tellOff("no node answers: nothing can be changed now")
	case m.busy:
		m.tellOff("one thing after the other: the last change is still under way")
	default:
		return true
	}
	return false
}

func (m *model) tellOff(text string) { m.message, m.failed = text, true }

// begin carries an action out.
func (m *model) begin(what action) tea.Cmd {
	if m.client == nil {
		m.tellOff("no node answers: nothing is changed")
		return nil
	}
	return m.request(func(ctx context.Context, node *api.Client) tea.Msg {
		text, err := what(ctx, node)
		return outcome{text, err}
	})
}

func (m *model) request(what request) tea.Cmd {
	m.busy, m.message = true, "…"
	return m.call(what)
}

// start asks for the symbol's settings, which the question of trading it names.
func (m *model) start() tea.Cmd {
	row, ok := m.selected()
	switch {
	case !ok:
		m.tellOff("on which symbol? move there first")
		return nil
	case row.State == "trading":
		m.tellOff(row.Symbol + " is traded already")
		return nil
	case !m.able():
		return nil
	}
	return m.request(func(ctx context.Context, node *api.Client) tea.Msg {
		settings, err := node.Symbol(ctx, row.Symbol)
		if err != nil {
			return outcome{err: err}
		}
		return settled(settings)
	})
}

func (m *model) askTrading(s api.Settings) {
	on, streaming := "on", true
	change := api.Change{TradingStatus: &on}
	text := fmt.Sprintf("Trade %s, budget %s in up to %d positions", s.Symbol, s.Trading.Budget, s.Trading.Chunks)
	if !s.Streaming {
		text += ", and switch its stream on"
		change.Streaming = &streaming
	}
	m.ask(question{text: clean(text) + "?", options: []option{{key: "y", text: "yes", do: changing(s.Symbol, change, "is traded")}}})
}

func (m *model) askStop() {
	row, ok := m.selected()
	switch {
	case !ok:
		m.tellOff("on which symbol? move there first")
		return
	case row.status == nil || row.status.Trading.Status == "off":
		m.tellOff(row.Symbol + " is not traded")
		return
	}
	off, shutdown := "off", "shutdown"
	m.ask(question{text: "Stop trading " + row.Symbol + "?", options: []option{
		{key: "s", text: "when its open positions have sold", do: changing(row.Symbol, api.Change{TradingStatus: &shutdown}, "is shut down: it sells what is held")},
		{key: "x", text: "at once, orders stay", do: changing(row.Symbol, api.Change{TradingStatus: &off}, "is not traded any more")},
	}})
}

// changing changes a symbol's settings.
func changing(symbol string, change api.Change, done string) action {
	return func(ctx context.Context, node *api.Client) (string, error) {
		_, err := node.Change(ctx, symbol, change)
		return symbol + " " + done, err
	}
}

func (m *model) askDrain() {
	n, ok := m.selectedNode()
	if !ok {
		m.tellOff("which node? move to it first, with tab")
		return
	}
	text, what, done := "Drain "+n.Name+": hand its symbols to the others, and give it none?", "drain", "is drained"
	if n.Draining {
		text, what, done = "Let "+n.Name+" own symbols again?", "undrain", "may own symbols again"
	}
	m.ask(question{text: clean(text), options: []option{{key: "y", text: "yes", do: func(ctx context.Context, node *api.Client) (string, error) {
		plan, err := node.ChangeNode(ctx, what, api.NodeRequest{Node: n.Name})
		return fmt.Sprintf("%s %s; %s", n.Name, done, moving(plan)), err
	}}}})
}

// moving says how many symbols move.
func moving(plan api.Plan) string {
	switch len(plan.Moves) {
	case 0:
		return "no symbol moves"
	case 1:
		return "one symbol moves"
	default:
		return fmt.Sprintf("%d symbols move", len(plan.Moves))
	}
}

func (m *model) askAssign() {
	if n, ok := m.selectedNode(); ok {
		m.ask(&entry{text: "Which symbols for " + clean(n.Name) + "?", enter: func(text string) action {
			return assigning(api.AssignRequest{Symbols: strings.Fields(strings.ToUpper(text)), Node: n.Name})
		}})
		return
	}
	row, ok := m.selected()
	if !ok { // there is nothing at all
		m.ask(&entry{text: "Which symbols shall have an owner?", enter: func(text string) action {
			return assigning(api.AssignRequest{Symbols: strings.Fields(strings.ToUpper(text))})
		}})
		return
	}
	c := &choice{text: "Owner of " + row.Symbol}
	for _, n := range m.nodes() {
		if n.State == api.StateAlive && !n.Draining && n.Name != row.Node {
			c.options = append(c.options, option{text: clean(n.Name), do: assigning(api.AssignRequest{Symbols: []string{row.Symbol}, Node: n.Name})})
		}
	}
	c.options = append(c.options,
		option{text: "wherever there is room", do: assigning(api.AssignRequest{Symbols: []string{row.Symbol}})},
		option{text: "nobody", do: assigning(api.AssignRequest{Symbols: []string{row.Symbol}, Unassign: true})})
	m.ask(c)
}

// assigning assigns symbols, or unassigns them.
func assigning(r api.AssignRequest) action {
	return func(ctx context.Context, node *api.Client) (string, error) {
		plan, err := node.Assign(ctx, r)
		if err != nil {
			return "", err
		}
		done := "assigned"
		if r.Unassign {
			done = "unassigned"
		}
		symbols := slices.Clone(plan.Symbols)
		if len(symbols) > 3 {
			symbols = append(symbols[:3], "…")
		}
		return fmt.Sprintf("%s %s; %s", strings.Join(symbols, ", "), done, moving(plan)), nil
	}
}
