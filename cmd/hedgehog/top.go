package main

import (
	"io"

	"github.com/urfave/cli/v2"

	"hedgehog/cmd/hedgehog/top"
)

func (p *program) topCommand() *cli.Command {
	return &cli.Command{
		Name:  "top",
		Usage: "see and steer the cluster live on the terminal",
		Description: "Nodes, symbols with owner, price and profit, and events, as they change. Keys start and\n" +
			"stop trading, give symbols other owners and drain nodes; ? lists them, and each change is\n" +
			"asked about first. When the node does not answer it goes on with another one of the\n" +
			"cluster. NO_COLOR=1 does without colours.\n\n" +
			"With --once or --json it takes one look, for scripts, in a second or two. Examples:\n\n" +
			"  hedgehog top\n" +
			"  hedgehog top --node http://127.0.0.1:8082\n" +
			"  hedgehog top --once\n" +
			"  hedgehog top --json",
		Flags: clientFlags(&cli.BoolFlag{Name: "once", Usage: "take one look and print it", DisableDefaultText: true}),
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			once := c.Bool("once") || c.Bool("json")
			if !once && !top.IsTerminal(p.stdout) {
				return wrongUsage(c, "the output is no terminal: use --once or --json to take one look")
			}
			node, err := client(c)
			if err != nil {
				return err
			}
			node.OnMissing(nil) // the screen says so
			if !once {
				return top.Run(c.Context, top.Config{Client: node, Zone: p.zone, Output: p.stdout})
			}
			seen, err := top.Once(c.Context, node)
			if err != nil {
				return err
			}
			return p.print(c, seen, func(w io.Writer) { seen.Write(w, p.zone) })
		},
	}
}
