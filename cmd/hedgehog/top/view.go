package top

import (
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"hedgehog/node/api"
)

// Colours are of the sixteen that a terminal shows as its user likes them, and never
// say what words do not.
var (
	bold     = lipgloss.NewStyle().Bold(true)
	faint    = lipgloss.NewStyle().Faint(true)
	heading  = lipgloss.NewStyle().Bold(true).Foreground(lipgloss.Cyan)
	bad      = lipgloss.NewStyle().Bold(true).Foreground(lipgloss.Red)
	good     = lipgloss.NewStyle().Foreground(lipgloss.Green)
	cautious = lipgloss.NewStyle().Foreground(lipgloss.Yellow)
	chosen   = lipgloss.NewStyle().Reverse(true)
)

// The smallest terminal that something can be seen on.
const (
	leastWidth  = 40
	leastHeight = 10
)

// layout is how many rows of each table there is room for.
type layout struct{ nodes, symbols, events int }

// layout shares the height among the tables: nodes at most a third, symbols what they
// need, events the rest and a few at least.
func (m *model) layout() layout {
	room := m.height - 7 // two lines above, three titles, two lines below
	nodes := min(len(m.nodes()), max(1, room/3))
	room -= nodes
	few := min(4, room/3)
	symbols := max(0, min(max(1, len(m.symbols())), room-few))
	return layout{nodes: nodes, symbols: symbols, events: max(0, room-symbols)}
}

// eventRoom is how many events the list of events has room for.
func (m *model) eventRoom() int { return max(1, m.height-4) }

// View draws the screen.
func (m *model) View() tea.View {
	var lines []string
	switch {
	case m.width == 0: // not known yet
	case m.width < leastWidth || m.height < leastHeight:
		lines = []string{fmt.Sprintf("The terminal is too small: it takes %d by %d.", leastWidth, leastHeight)}
	case m.view == help:
		lines = m.helpView()
	case m.view == eventLog:
		lines = m.eventView()
	default:
		lines = m.overviewView()
	}
	for i, l := range lines {
		lines[i] = ansi.Truncate(l, m.width, "…")
	}
	v := tea.NewView(strings.Join(lines[:min(len(lines), max(0, m.height))], "\n"))
	v.AltScreen = true
	v.WindowTitle = "hedgehog top"
	return v
}

// above are the two lines at the top: how the cluster is, and who tells.
func (m *model) above() []string {
	first := bold.Render("hedgehog top")
	if c := m.cluster; c != nil {
		quorum := "quorum " + quorumOf(c)
		if !c.Quorum {
			quorum = bad.Render("NO QUORUM, nobody trades:") + " " + votersOf(c)
		}
		first += "   leader " + leaderOf(c) + "   " + quorum
		if m.nodeTime != 0 {
			first += "   " + m.nodeTime.Time().In(m.zone).Format(time.TimeOnly)
		}
	}
	return []string{first, m.source()}
}

// source says who tells what is shown, and what is wrong with that.
func (m *model) source() string {
	switch {
	case m.trouble != "" && m.client == nil:
		text := "NO ANSWER"
		if since := m.now.Sub(m.since).Truncate(time.Second); since > 0 {
			text += " for " + since.String()
		}
		text += " from " + clean(m.address) + ", trying again."
		if m.cluster != nil {
			return bad.Render(text) + " Below is how it was."
		}
		return bad.Render(text)
	case m.trouble != "":
		return bad.Render(clean(m.address)+" says:") + " " + m.trouble
	case m.client == nil:
		return "asking " + clean(m.address) + " …"
	case len(m.missing) > 0:
		return "as " + clean(m.address) + " tells it. " + bad.Render("No answer from "+clean(strings.Join(m.missing, ", "))+".")
	case m.status != nil && !m.status.Exchange.Ready && m.status.Exchange.Error != "":
		return bad.Render("The exchange is not ready:") + " " + clean(m.status.Exchange.Error)
	}
	text := "as " + clean(m.address) + " tells it"
	if earned := m.earnedToday(); earned != "" {
		text += "   profit of 24 h: " + earned
	}
	return text
}

func (m *model) overviewView() []string {
	l := m.layout()
	lines := append(m.above(), m.nodesView(l.nodes)...)
	lines = append(lines, m.symbolsView(l.symbols)...)
	lines = append(lines, heading.Render("EVENTS"))
	lines = append(lines, m.lastEvents(l.events, 0)...)
	return m.withBelow(lines, m.detail(), "s start  x stop  a assign  d drain  e events  / filter  tab  ? help  q quit")
}

// withBelow puts the two lines at the bottom below others.
func (m *model) withBelow(lines []string, detail, keys string) []string {
	for len(lines) < m.height-2 {
		lines = append(lines, "")
	}
	switch {
	case m.prompt != nil:
		detail, keys = bold.Render(m.prompt.line()), m.prompt.keys()
		if _, filter := m.prompt.(filtering); filter {
			detail = bold.Render("Only: " + m.filter + "█")
		}
	case m.message != "" && m.failed:
		detail = bad.Render(m.message)
	case m.message != "":
		detail = good.Render(m.message)
	}
	return append(lines[:m.height-2], detail, faint.Render(keys))
}

func (m *model) nodesView(room int) []string {
	lines := []string{heading.Render("  " + line(nodeColumns, m.width-2, func(c column) string { return c.title }))}
	nodes := m.nodes()
	for _, n := range nodes[m.firstNode:min(len(nodes), m.firstNode+room)] {
		style := lipgloss.NewStyle()
		switch {
		case n.State != api.StateAlive:
			style = bad
		case n.Draining:
			style = cautious
		}
		text := line(nodeColumns, m.width-2, func(c column) string { return c.node(n) })
		lines = append(lines, m.mark(text, m.cursor == place{true, n.Name}, style))
	}
	return lines
}

func (m *model) symbolsView(room int) []string {
	title := line(symbolColumns, m.width-2, func(c column) string { return c.title })
	if m.filter != "" {
		title += "  (only " + m.filter + ")"
	}
	lines := []string{heading.Render("  " + title)}
	rows := m.symbols()
	for _, r := range rows[m.firstSymbol:min(len(rows), m.firstSymbol+room)] {
		style := lipgloss.NewStyle()
		switch {
		case r.Trouble != "":
			style = bad
		case r.Next != "" || r.State == "shutdown":
			style = cautious
		case r.State == "off":
			style = faint
		}
		text := line(symbolColumns, m.width-2, func(c column) string { return c.symbol(r) })
		lines = append(lines, m.mark(text, m.cursor == place{false, r.Symbol}, style))
	}
	if len(rows) == 0 && room > 0 {
		lines = append(lines, "  "+m.whyNone())
	}
	return lines
}

// whyNone says why there are no symbols.
func (m *model) whyNone() string {
	switch {
	case m.filter != "":
		return "no symbol has that in its name; esc shows all"
	case m.cluster == nil:
		return m.trouble
	case m.ownersKnown:
		return "no symbol is assigned; a assigns some"
	default:
		return ""
	}
}

// mark shows a row as the one that the cursor is on, or as another.
func (m *model) mark(text string, on bool, style lipgloss.Style) string {
	if !on {
		return "  " + style.Render(text)
	}
	return chosen.Render(fit("> "+text, m.width, false))
}

// detail says more of the row that the cursor is on.
func (m *model) detail() string {
	if n, ok := m.selectedNode(); ok {
		return nodeDetail(n)
	}
	r, ok := m.selected()
	switch {
	case !ok:
		return ""
	case r.Trouble != "":
		return bad.Render(r.Symbol+": ") + r.Trouble
	case r.status == nil:
		return r.Symbol + ": nothing is on; s starts trading"
	}
	t := r.status.Trading
	text := fmt.Sprintf("%s: budget %s in %d, target %s", r.Symbol, t.Budget, t.Chunks, t.ProfitTarget)
	if r.QuoteAsset != "" {
		text += ", profits in " + clean(r.QuoteAsset)
	}
	if r.Pin != "" {
		text += ", pinned to " + clean(r.Pin)
	}
	return text
}

func nodeDetail(n api.ClusterNode) string {
	text := fmt.Sprintf("%s: %s, API at %s, weight %d", clean(n.Name), stateOf(n), orNone(n.HTTP), n.Weight)
	if n.Zone != "" {
		text += ", zone " + clean(n.Zone)
	}
	return text
}

// lastEvents are so many of the events, the latest below, but for as many that are
// scrolled back.
func (m *model) lastEvents(room, back int) []string {
	var lines []string
	end := max(0, len(m.events)-back)
	for _, e := range m.events[max(0, end-room):end] {
		lines = append(lines, "  "+eventLine(e, m.zone))
	}
	if len(lines) == 0 && m.eventsKnown && room > 0 {
		lines = append(lines, "  nothing has happened since the node started")
	}
	return lines
}

func (m *model) eventView() []string {
	title := "EVENTS"
	if m.back > 0 {
		title += fmt.Sprintf("  (%d newer ones below)", m.back)
	}
	lines := []string{m.above()[1], heading.Render(title)}
	lines = append(lines, m.lastEvents(m.eventRoom(), m.back)...)
	return m.withBelow(lines, "", "↑ ↓ move  e back  ? help  q quit")
}

func (m *model) helpView() []string {
	lines := []string{bold.Render("hedgehog top"), ""}
	for _, k := range keyHelp {
		lines = append(lines, "  "+fit(k[0], 10, false)+"  "+k[1])
	}
	lines = append(lines, "", "POS are open positions. PROFIT is in the quote asset, less fees. TRADES/S is",
		"over five seconds. ! marks a symbol with a trouble: move there to read it. When",
		"the node does not answer, another one of the cluster is asked.")
	return m.withBelow(lines, "", "? back  q quit")
}
