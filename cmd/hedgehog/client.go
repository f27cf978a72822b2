package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"hedgehog/exchange"
	"hedgehog/node/api"
)

// mostRows is the most rows that a command asks a node for.
const mostRows = 10_000

func jsonFlag() cli.Flag {
	return &cli.BoolFlag{Name: "json", Usage: "print JSON", DisableDefaultText: true}
}

// clientFlags returns the flags that all commands have that talk to a node,
// after those of one command.
func clientFlags(own ...cli.Flag) []cli.Flag {
	return append(own,
		&cli.StringFlag{Name: "node", Usage: "talk to the node at `URL`", Value: api.DefaultNode, EnvVars: []string{"HEDGEHOG_NODE"}},
		tokenFlag(),
		jsonFlag(),
	)
}

func limitFlag(rows int) cli.Flag {
	return &cli.IntFlag{Name: "limit", Usage: "show at most `N` rows, the newest ones", Value: rows}
}

// limitOf returns the value of the limit flag.
func limitOf(c *cli.Context) (int, error) {
	limit := c.Int("limit")
	if limit < 1 || limit > mostRows {
		return 0, wrongUsage(c, "--limit %d: want 1 to %d", limit, mostRows)
	}
	return limit, nil
}

// client returns a client for the node that the flags name.
func client(c *cli.Context) (*api.Client, error) { return clientAt(c, c.String("node")) }

func clientAt(c *cli.Context, at string) (*api.Client, error) {
	if at == "" { // as an empty environment variable leaves it
		at = api.DefaultNode
	}
	node, err := api.NewClient(at)
	if err != nil {
		return nil, wrongUsage(c, "%v", err)
	}
	token, err := clientToken(c)
	if err != nil {
		return nil, err
	}
	node.SetToken(token)
	if token != "" && node.InTheClear() {
		fmt.Fprintf(c.App.ErrWriter, "warning: the token goes to %s unencrypted, for the address does not begin with https\n", at)
	}
	node.OnMissing(func(nodes []string) {
		fmt.Fprintf(c.App.ErrWriter, "warning: no answer from %s: what only they know is not shown\n", strings.Join(nodes, ", "))
	})
	return node, nil
}

// print writes document as JSON where the flags say so, else what text writes:
// cells of a row end with a tab and are aligned.
func (p *program) print(c *cli.Context, document any, text func(io.Writer)) error {
	if c.Bool("json") {
		encoder := json.NewEncoder(p.stdout)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(document); err != nil {
			return fmt.Errorf("print JSON: %w", err)
		}
		return nil
	}
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	text(w)
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// row writes one line of cells.
func row(w io.Writer, cells ...any) {
	texts := make([]string, len(cells))
	for i, cell := range cells {
		texts[i] = fmt.Sprint(cell)
	}
	fmt.Fprintln(w, strings.Join(texts, "\t"))
}

// when returns a time for people, to the millisecond; "-" for none.
func (p *program) when(t exchange.Micros) string {
	if t == 0 {
		return "-"
	}
	return t.Time().In(p.zone).Format("2006-01-02 15:04:05.000")
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "-"
}
