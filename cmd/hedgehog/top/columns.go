package top

import (
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/shopspring/decimal"

	"hedgehog/node/api"
)

// usualWidth is the width of a terminal that nobody has made wider.
const usualWidth = 80

// column is one column of a table: of nodes, or of symbols.
type column struct {
	title  string
	width  int  // 0: what is left of the line
	right  bool // numbers
	from   int  // the width of the terminal from which on there is room for it
	node   func(api.ClusterNode) string
	symbol func(Row) string
}

var nodeColumns = []column{
	{title: "NODE", width: 16, node: func(n api.ClusterNode) string { return clean(n.Name) }},
	{title: "STATE", width: 16, node: stateOf},
	{title: "ROLE", width: 10, node: func(n api.ClusterNode) string { return clean(n.Role) }},
	{title: "SYMBOLS", width: 7, right: true, from: 60, node: func(n api.ClusterNode) string { return fmt.Sprint(n.ActiveSymbols) }},
	{title: "UPTIME", width: 10, right: true, from: 70, node: uptimeOf},
	{title: "ZONE", width: 10, from: 90, node: func(n api.ClusterNode) string { return orNone(n.Zone) }},
	{title: "HTTP", width: 22, from: 112, node: func(n api.ClusterNode) string { return orNone(n.HTTP) }},
	{title: "VERSION", from: 70, node: func(n api.ClusterNode) string { return orNone(n.Version) }},
}

var symbolColumns = []column{
	{title: "SYMBOL", width: 12, symbol: func(r Row) string { return clean(r.Symbol) }},
	{title: "OWNER", width: 10, symbol: ownerOf},
	{title: "PRICE", width: 11, right: true, symbol: func(r Row) string { return amountOrNone(r.Price, 11) }},
	{title: "TRADES/S", width: 8, right: true, from: 70, symbol: func(r Row) string {
		if r.TradesPerSecond == nil {
			return "-"
		}
		return fmt.Sprintf("%.1f", *r.TradesPerSecond)
	}},
	{title: "POS", width: 3, right: true, from: 60, symbol: func(r Row) string { return fmt.Sprint(r.OpenPositions) }},
	{title: "PROFIT", width: 12, right: true, from: 70, symbol: func(r Row) string { return amountOrNone(r.Profit, 12) }},
	{title: "24 H", width: 12, right: true, from: 96, symbol: func(r Row) string { return amountOrNone(r.ProfitDay, 12) }},
	{title: "PIN", width: 8, from: 110, symbol: func(r Row) string { return orNone(r.Pin) }},
	{title: "STATE", symbol: func(r Row) string {
		if r.Trouble != "" {
			return "! " + r.State
		}
		return r.State
	}},
}

func stateOf(n api.ClusterNode) string {
	if n.Draining {
		return clean(n.State) + ", draining"
	}
	return clean(n.State)
}

func uptimeOf(n api.ClusterNode) string {
	if n.State != api.StateAlive {
		return "-"
	}
	return (time.Duration(n.UptimeSeconds) * time.Second).String()
}

func ownerOf(r Row) string {
	switch {
	case r.Node != "" && r.Next != "":
		return clean(r.Node + "→" + r.Next)
	case r.Node != "":
		return clean(r.Node)
	case r.Assigned:
		return "nobody yet"
	default:
		return "-"
	}
}

func amountOrNone(d *decimal.Decimal, width int) string {
	if d == nil {
		return "-"
	}
	return amount(*d, width)
}

func orNone(text string) string {
	if text == "" {
		return "-"
	}
	return clean(text)
}

// leaderOf says who leads.
func leaderOf(c *api.ClusterStatus) string {
	if c.Leader == "" {
		return fmt.Sprintf("none is known (term %d)", c.Term)
	}
	return fmt.Sprintf("%s (term %d)", clean(c.Leader), c.Term)
}

// quorumOf says whether enough voters are there.
func quorumOf(c *api.ClusterStatus) string {
	if !c.Quorum {
		return "lost, nobody trades: " + votersOf(c)
	}
	return votersOf(c)
}

// votersOf says how many voters are there.
func votersOf(c *api.ClusterStatus) string {
	alive, voters := c.Voters()
	return fmt.Sprintf("%d of %d voters", alive, voters)
}

// eventLine is an event for people.
func eventLine(e api.ClusterEvent, zone *time.Location) string {
	about := strings.TrimSpace(clean(e.Node + " " + e.Symbol))
	return strings.TrimSpace(fmt.Sprintf("%s  %-7s %s  %s", e.TimeUS.Time().In(zone).Format(time.TimeOnly), clean(e.Kind), fit(about, 18, false), clean(e.Text)))
}

// line sets cells in the columns for which there is room.
func line(columns []column, width int, cell func(column) string) string {
	var cells []string
	for _, c := range columns {
		if c.from > width {
			continue
		}
		text := cell(c)
		if c.width > 0 {
			text = fit(text, c.width, c.right)
		}
		cells = append(cells, text)
	}
	return strings.TrimRight(strings.Join(cells, "  "), " ")
}

// fit makes a text exactly so wide; right puts it there.
func fit(text string, width int, right bool) string {
	text = ansi.Truncate(text, width, "…")
	space := strings.Repeat(" ", max(0, width-ansi.StringWidth(text)))
	if right {
		return space + text
	}
	return text + space
}
