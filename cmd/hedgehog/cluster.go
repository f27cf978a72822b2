package main

import (
	"bytes"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"hedgehog/node/api"
)

// refreshEvery is how often a view that is watched is read again.
const refreshEvery = time.Second

func (p *program) clusterCommand() *cli.Command {
	return &cli.Command{
		Name:  "cluster",
		Usage: "see and steer the cluster of nodes",
		Description: "Nodes that know each other form a cluster. Each assigned symbol has one owner among them,\n" +
			"which streams, trades and stores it; when an owner fails, another takes over. Any node\n" +
			"answers these commands. Three nodes on one machine:\n\n" +
			"  hedgehog cluster keygen --out secret\n" +
			"  export HEDGEHOG_SECRET_FILE=secret\n" +
			"  hedgehog node --name n1 --data-dir n1 --http 127.0.0.1:8081 --bind 127.0.0.1:7941\n" +
			"  hedgehog node --name n2 --data-dir n2 --http 127.0.0.1:8082 --bind 127.0.0.1:7943 --join 127.0.0.1:7941\n" +
			"  hedgehog node --name n3 --data-dir n3 --http 127.0.0.1:8083 --bind 127.0.0.1:7945 --join 127.0.0.1:7941\n\n" +
			"  export HEDGEHOG_NODE=http://127.0.0.1:8081\n" +
			"  hedgehog cluster assign XRPUSDT 'BTC*' --wait\n" +
			"  hedgehog cluster watch",
		Subcommands: []*cli.Command{
			p.clusterStatusCommand(),
			p.clusterNodesCommand(),
			p.clusterSymbolsCommand(),
			p.clusterEventsCommand(),
			p.clusterWatchCommand(),
			p.assignCommand(),
			p.unassignCommand(),
			p.pinCommand(),
			p.unpinCommand(),
			p.drainCommand(),
			p.undrainCommand(),
			p.rebalanceCommand(),
			p.removeCommand(),
			p.transferLeaderCommand(),
			p.recoverCommand(),
			p.keygenCommand(),
		},
	}
}

// clusterView describes a command that shows something of the cluster, once or
// again and again.
type clusterView struct {
	name, usage string
	args        string // empty: it takes none
	description string
	flags       []cli.Flag
	watched     bool // it is always shown again and again
	// read asks the node and returns what JSON shows and what writes it for people.
	read func(c *cli.Context, node *api.Client) (document any, text func(io.Writer), err error)
}

func (p *program) viewCommand(is clusterView) *cli.Command {
	flags := is.flags
	if !is.watched {
		flags = append(flags, &cli.BoolFlag{Name: "watch", Usage: "show it anew each second until interrupted", DisableDefaultText: true})
	}
	return &cli.Command{
		Name:        is.name,
		Usage:       is.usage,
		ArgsUsage:   is.args,
		Description: is.description,
		Flags:       clientFlags(flags...),
		Action: func(c *cli.Context) error {
			if is.args == "" {
				if err := noArguments(c); err != nil {
					return err
				}
			}
			node, err := client(c)
			if err != nil {
				return err
			}
			if is.watched || c.Bool("watch") {
				return p.keepShowing(c, node, is)
			}
			return p.show(c, node, is)
		},
	}
}

// show reads and prints the view once.
func (p *program) show(c *cli.Context, node *api.Client, is clusterView) error {
	document, text, err := is.read(c, node)
	if err != nil {
		return err
	}
	return p.print(c, document, text)
}

// keepShowing shows the view each second until it is interrupted, on a terminal
// always in the same place. Only the first failure ends it: nodes that die are
// what people watch a cluster for.
func (p *program) keepShowing(c *cli.Context, node *api.Client, is clusterView) error {
	clear := ""
	if isTerminal(p.stdout) && !c.Bool("json") {
		clear = "\x1b[H\x1b[J" // to the upper left corner, and nothing below it
	}
	again := time.NewTicker(refreshEvery)
	defer again.Stop()
	for shown := false; ; shown = true {
		var frame bytes.Buffer // so that a screen is never seen half full
		onFrame := program{stdout: &frame, stderr: p.stderr, zone: p.zone}
		err := onFrame.show(c, node, is)
		switch {
		case c.Context.Err() != nil:
			return nil
		case err != nil && !shown:
			return err
		case err != nil:
			fmt.Fprintf(p.stderr, "%shedgehog: %v; trying again\n", clear, err)
		default:
			if _, err := fmt.Fprintf(p.stdout, "%s%s", clear, frame.Bytes()); err != nil {
				return fmt.Errorf("print: %w", err)
			}
		}
		select {
		case <-again.C:
		case <-c.Context.Done():
			return nil
		}
	}
}
