package main

import (
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"hedgehog/exchange"
	"hedgehog/node/api"
)

func (p *program) clusterSymbolsCommand() *cli.Command {
	return p.viewCommand(clusterView{
		name: "symbols", usage: "list the assigned symbols with their owners", args: "[PATTERN…]",
		description: "A pattern is a symbol's name, in which * stands for any characters and ? for one.\n" +
			"EPOCH rises with every change of the owner; SINCE is when the owner was decided on.\n" +
			"Examples:\n\n" +
			"  hedgehog cluster symbols\n" +
			"  hedgehog cluster symbols 'XRP*' --watch",
		flags: []cli.Flag{&cli.BoolFlag{Name: "all", Usage: "those that are not assigned any more too", DisableDefaultText: true}},
		read: func(c *cli.Context, node *api.Client) (any, func(io.Writer), error) {
			patterns, err := patternArguments(c)
			if err != nil {
				return nil, nil, err
			}
			symbols, err := node.ClusterSymbols(c.Context, c.Bool("all"))
			if len(patterns) > 0 {
				symbols = slices.DeleteFunc(symbols, func(s api.ClusterSymbol) bool { return !matchesAny(patterns, s.Symbol) })
			}
			return symbols, func(w io.Writer) { p.writeOwners(w, symbols) }, err
		},
	})
}

// patternArguments returns the arguments as patterns of symbols, in upper case.
func patternArguments(c *cli.Context) ([]string, error) {
	var patterns []string
	plain := strings.NewReplacer("*", "", "?", "X")
	for _, arg := range c.Args().Slice() {
		pattern := strings.ToUpper(arg)
		if named := plain.Replace(pattern); !exchange.ValidSymbolName(named) && strings.Trim(pattern, "*") != "" || pattern == "" {
			return nil, wrongUsage(c, "%q is no symbol and no pattern, which look like XRPUSDT and XRP*", arg)
		}
		patterns = append(patterns, pattern)
	}
	return patterns, nil
}

func matchesAny(patterns []string, symbol string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		// A pattern that was accepted is well-formed: its only wildcards are * and ?.
		matched, _ := path.Match(pattern, symbol)
		return matched
	})
}

func (p *program) writeOwners(w io.Writer, symbols []api.ClusterSymbol) {
	if len(symbols) == 0 {
		fmt.Fprintln(w, "no such symbol is assigned: hedgehog cluster assign SYMBOL…")
		return
	}
	row(w, "SYMBOL", "NODE", "EPOCH", "SINCE", "WEIGHT", "PIN", "NEXT")
	for _, s := range symbols {
		row(w, s.Symbol, ownerOf(s), s.Epoch, p.when(s.SinceUS), s.Weight, orNone(s.Pin), orNone(s.Next))
	}
}

func ownerOf(s api.ClusterSymbol) string {
	switch {
	case s.Node != "":
		return s.Node
	case s.Active:
		return "nobody yet"
	default:
		return "not assigned"
	}
}

func (p *program) clusterEventsCommand() *cli.Command {
	return p.viewCommand(clusterView{
		name: "events", usage: "show what happened in the cluster",
		description: "The latest events that the asked node knows of, oldest first: leaders, nodes that came\n" +
			"and went, owners, quorum, changes by people. Example:\n\n" +
			"  hedgehog cluster events --limit 100",
		flags: []cli.Flag{limitFlag(30)},
		read: func(c *cli.Context, node *api.Client) (any, func(io.Writer), error) {
			limit, err := limitOf(c)
			if err != nil {
				return nil, nil, err
			}
			events, err := node.ClusterEvents(c.Context, limit)
			return events, func(w io.Writer) { p.writeEvents(w, events) }, err
		},
	})
}

func (p *program) writeEvents(w io.Writer, events []api.ClusterEvent) {
	if len(events) == 0 {
		fmt.Fprintln(w, "nothing has happened since the node started")
		return
	}
	row(w, "TIME", "KIND", "NODE", "SYMBOL", "WHAT")
	for _, e := range events {
		row(w, p.when(e.TimeUS), e.Kind, orNone(e.Node), orNone(e.Symbol), e.Text)
	}
}
