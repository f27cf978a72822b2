package top

import (
	"context"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"hedgehog/node/api"
)

// model is the screen. Its fields are bubbletea's goroutine's.
type model struct {
	*State
	watch func(topics []string) // has those told
	call  func(request) tea.Cmd // carries a request out beside the screen
	zone  *time.Location        // that times are shown in
	now   time.Time             // as of the last tick

	width, height int
	view          shown
	cursor        place
	firstNode     int // that is shown
	firstSymbol   int // likewise
	back          int // events that the list of events has been scrolled back by
	filter        string
	prompt        prompt // nil: the keys steer
	message       string // of the last action
	failed        bool   // that it tells of
	busy          bool   // an action is under way
	watched       string // topics, as told last
}

// shown is what fills the screen.
type shown int

const (
	overview shown = iota
	eventLog
	help
)

// place is where the cursor is: on a node or on a symbol, found by name, since rows
// come and go.
type place struct {
	onNode bool
	name   string
}

// tick comes every second.
type tick time.Time

// outcome is what came of an action.
type outcome struct {
	text string
	err  error
}

// settled are the settings of a symbol that is to be traded.
type settled api.Settings

func ticking() tea.Cmd { return tea.Tick(time.Second, func(t time.Time) tea.Msg { return tick(t) }) }

// Init begins.
func (m *model) Init() tea.Cmd { return ticking() }

// Update takes a key, the terminal's size, or what the follower tells.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	var then tea.Cmd
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tick:
		m.now = time.Time(msg)
		then = ticking()
	case tea.KeyPressMsg:
		then = m.key(msg)
	case tea.PasteMsg:
		if m.prompt != nil {
			m.prompt.paste(msg.Content)
		}
	case settled:
		m.busy, m.message = false, ""
		m.askTrading(api.Settings(msg))
	case outcome:
		m.busy, m.failed, m.message = false, msg.err != nil, clean(msg.text)
		if msg.err != nil {
			m.message = clean(msg.err.Error())
		}
	default:
		m.apply(msg)
		if m.refused != nil {
			then = tea.Quit
		}
	}
	m.settle()
	return m, then
}

// settle puts the cursor where there is something, and has the prices told of what is
// in view.
func (m *model) settle() {
	rows := m.symbols()
	if _, found := m.at(rows); !found {
		m.cursor = m.nearest(rows)
	}
	l := m.layout()
	index, _ := m.at(rows)
	node, symbol := m.firstNode, m.firstSymbol
	if m.cursor.onNode {
		node = index
	} else {
		symbol = index
	}
	m.firstNode = scroll(m.firstNode, node, l.nodes, len(m.nodes()))
	m.firstSymbol = scroll(m.firstSymbol, symbol, l.symbols, len(rows))
	inView := rows[m.firstSymbol:min(len(rows), m.firstSymbol+l.symbols)]
	topics := topicsOf(inView, symbol-m.firstSymbol)
	if joined := strings.Join(topics, " "); joined != m.watched {
		m.watched = joined
		m.watch(topics)
	}
}

// scroll returns the first of count rows to show where there is room for some, so
// that the one at index is in view.
func scroll(first, index, room, count int) int {
	if room < 1 {
		return 0
	}
	first = min(max(first, index-room+1), max(0, index))
	return max(0, min(first, count-room))
}

func (m *model) nodes() []api.ClusterNode {
	if m.cluster == nil {
		return nil
	}
	return m.cluster.Nodes
}

// symbols returns the rows that the filter leaves.
func (m *model) symbols() []Row {
	rows := m.rows()
	if m.filter == "" {
		return rows
	}
	var left []Row
	for _, r := range rows {
		if strings.Contains(r.Symbol, strings.ToUpper(m.filter)) || strings.EqualFold(r.Node, m.filter) {
			left = append(left, r)
		}
	}
	return left
}

// at returns where among the nodes or the rows the cursor is.
func (m *model) at(rows []Row) (index int, found bool) {
	if m.cursor.onNode {
		for i, n := range m.nodes() {
			if n.Name == m.cursor.name {
				return i, true
			}
		}
		return 0, false
	}
	for i, r := range rows {
		if r.Symbol == m.cursor.name {
			return i, true
		}
	}
	return 0, false
}

// nearest returns where a cursor goes whose row is gone.
func (m *model) nearest(rows []Row) place {
	if nodes := m.nodes(); len(nodes) > 0 && (m.cursor.onNode || len(rows) == 0 && m.ownersKnown) {
		return place{onNode: true, name: nodes[0].Name}
	}
	for _, r := range rows { // by name: the next one
		if r.Symbol > m.cursor.name {
			return place{name: r.Symbol}
		}
	}
	if len(rows) > 0 {
		return place{name: rows[len(rows)-1].Symbol}
	}
	return place{}
}

// move moves the cursor by so many rows; the symbols are below the nodes.
func (m *model) move(by int) {
	rows, nodes := m.symbols(), m.nodes()
	index, found := m.at(rows)
	if !found {
		return
	}
	if !m.cursor.onNode {
		index += len(nodes)
	}
	index = max(0, min(index+by, len(nodes)+len(rows)-1))
	if index < len(nodes) {
		m.cursor = place{onNode: true, name: nodes[index].Name}
	} else {
		m.cursor = place{name: rows[index-len(nodes)].Symbol}
	}
}

// selected returns the row that the cursor is on; false where it is on none.
func (m *model) selected() (Row, bool) {
	rows := m.symbols()
	index, found := m.at(rows)
	if !found || m.cursor.onNode {
		return Row{}, false
	}
	return rows[index], true
}

// selectedNode returns the node that the cursor is on; false where it is on none.
func (m *model) selectedNode() (api.ClusterNode, bool) {
	index, found := m.at(nil)
	if !found || !m.cursor.onNode {
		return api.ClusterNode{}, false
	}
	return m.nodes()[index], true
}

// request asks the node that tells for something, and returns the message of it.
type request func(ctx context.Context, node *api.Client) tea.Msg

// action changes something at a node and says in words what came of it.
type action func(ctx context.Context, node *api.Client) (string, error)
