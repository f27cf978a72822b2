package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"hedgehog/cmd/hedgehog/completion"
	"hedgehog/node/api"
)

func (p *program) completionCommand() *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print a script that completes commands in a shell",
		ArgsUsage: strings.Join(completion.Shells, "|"),
		Description: "The script completes commands, flags, and the symbols and nodes of the node that the\n" +
			"command line or HEDGEHOG_NODE names, where that runs. Examples, for the shell that they\n" +
			"are typed in:\n\n" +
			"  hedgehog completion bash > hedgehog.bash && source hedgehog.bash\n" +
			"  hedgehog completion zsh > hedgehog.zsh && source hedgehog.zsh\n" +
			"  hedgehog completion fish | source",
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return wrongUsage(c, "which shell? want one of %s", strings.Join(completion.Shells, ", "))
			}
			script, err := completion.Script(c.Args().First())
			if err != nil {
				return wrongUsage(c, "%v", err)
			}
			if _, err := fmt.Fprint(p.stdout, script); err != nil {
				return fmt.Errorf("print: %w", err)
			}
			return nil
		},
	}
}

// completionPatience is how long a node has to answer somebody who types.
const completionPatience = 700 * time.Millisecond

// completeCommand is what the scripts call.
func (p *program) completeCommand() *cli.Command {
	return &cli.Command{
		Name:      "__complete",
		Usage:     "print how a command line can go on, for the scripts of hedgehog completion",
		ArgsUsage: "WORD…",
		Description: "A candidate a line, with a tab and its description; :files and :dirs stand for those that\n" +
			"the shell knows. Example:\n\n" +
			"  hedgehog __complete -- trade start X",
		Hidden: true,
		Flags:  clientFlags(),
		Action: func(c *cli.Context) error {
			words := c.Args().Slice()
			ctx, cancel := context.WithTimeout(c.Context, completionPatience)
			defer cancel()
			for _, found := range completion.Candidates(p.app(), words, asked{ctx, c, words}) {
				line := found.Word
				if found.Description != "" {
					line += "\t" + strings.ReplaceAll(found.Description, "\n", " ")
				}
				if _, err := fmt.Fprintln(p.stdout, line); err != nil {
					return fmt.Errorf("print: %w", err)
				}
			}
			return nil
		},
	}
}

// asked is what the node knows that the command line in the making is for. Where it
// does not answer it knows nothing, and nobody is told: somebody types.
type asked struct {
	ctx   context.Context
	c     *cli.Context
	words []string
}

// node returns a client for the node, with what gives access to it; nil: none.
func (a asked) node() *api.Client {
	at := a.c.String("node")
	for i, word := range a.words[:max(0, len(a.words)-2)] { // the last word is in the making
		switch {
		case word == "--node" && strings.Contains(a.words[i+1], ":"):
			at = a.words[i+1]
		case word == "--token-file":
			if a.c.Set("token-file", a.words[i+1]) != nil {
				return nil
			}
		}
	}
	node, err := clientAt(a.c, at)
	if err != nil {
		return nil
	}
	node.OnMissing(nil)
	return node
}

// Symbols returns those that anything is on for where nothing is typed yet, or else of
// all that the exchange lists those that go on as it is typed.
func (a asked) Symbols(prefix string) []string {
	node := a.node()
	if node == nil {
		return nil
	}
	settings, err := node.Symbols(a.ctx, prefix == "")
	if err == nil && len(settings) == 0 {
		settings, err = node.Symbols(a.ctx, false)
	}
	if err != nil {
		return nil
	}
	var symbols []string
	for _, s := range settings {
		if strings.HasPrefix(s.Symbol, prefix) {
			symbols = append(symbols, s.Symbol)
		}
	}
	return symbols
}

// Nodes returns the cluster's nodes, each with its address.
func (a asked) Nodes() []completion.Candidate {
	node := a.node()
	if node == nil {
		return nil
	}
	status, err := node.Cluster(a.ctx)
	if err != nil {
		return nil
	}
	var nodes []completion.Candidate
	for _, n := range status.Nodes {
		address := url.URL{Scheme: "http", Host: n.HTTP}
		if strings.HasPrefix(node.Address(), "https:") {
			address.Scheme = "https"
		}
		nodes = append(nodes, completion.Candidate{Word: n.Name, Description: address.String()})
	}
	return nodes
}
