package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"hedgehog/node/api"
)

func (p *program) assignCommand() *cli.Command {
	return p.clusterChangeCommand(clusterChange{
		name: "assign", usage: "give symbols an owner", args: "SYMBOL|PATTERN… | --all", placing: true,
		description: "The cluster chooses the owners, evenly by weight, and gives a symbol another one when its\n" +
			"owner fails. With --node the symbols go to that node now; should it fail they go elsewhere\n" +
			"and stay there (to have them come back: hedgehog cluster pin). A pattern stands for the\n" +
			"symbols that the exchange lists; * stands for any characters, ? for one. Examples:\n\n" +
			"  hedgehog cluster assign XRPUSDT BTCUSDT\n" +
			"  hedgehog cluster assign '*USDT' --dry-run\n" +
			"  hedgehog cluster assign XRPUSDT --node n2 --wait\n" +
			"  hedgehog cluster assign BTCUSDT --weight 5",
		flags: []cli.Flag{allFlag("every symbol that the exchange lists"),
			&cli.IntFlag{Name: "weight", Usage: "each is as much work as `N` symbols", DefaultText: "as it is, 1 at first"}},
		request: func(c *cli.Context) (clusterRequest, error) {
			r, err := assigned(c)
			if err != nil {
				return clusterRequest{}, err
			}
			if r.Weight = c.Int("weight"); c.IsSet("weight") && r.Weight < 1 {
				return clusterRequest{}, wrongUsage(c, "--weight %d: want 1 or more", r.Weight)
			}
			if r.Node, err = owner(c); err != nil {
				return clusterRequest{}, err
			}
			return clusterRequest{
				send: sendAssign(r),
				done: func(plan api.Plan) string { return counted(plan.Symbols) + " assigned" },
				goal: func(plan api.Plan) goal { return ownedBy(r.Node, plan.Symbols) },
			}, nil
		},
	})
}

func (p *program) unassignCommand() *cli.Command {
	return p.clusterChangeCommand(clusterChange{
		name: "unassign", usage: "take symbols from their owners", args: "SYMBOL|PATTERN… | --all",
		description: "Nobody streams, trades or stores them any more. Their settings stay, and so do orders that\n" +
			"rest at the exchange. Examples:\n\n" +
			"  hedgehog cluster unassign XRPUSDT\n" +
			"  hedgehog cluster unassign --all --dry-run",
		flags: []cli.Flag{allFlag("every symbol that is assigned")},
		request: func(c *cli.Context) (clusterRequest, error) {
			r, err := assigned(c)
			if err != nil {
				return clusterRequest{}, err
			}
			r.Unassign = true
			return clusterRequest{
				send: sendAssign(r),
				done: func(plan api.Plan) string { return counted(plan.Symbols) + " unassigned" },
				goal: func(plan api.Plan) goal { return ownedByNobody(plan.Symbols) },
			}, nil
		},
	})
}

func allFlag(usage string) cli.Flag {
	return &cli.BoolFlag{Name: "all", Usage: usage, DisableDefaultText: true}
}

// assigned returns the request for the symbols that the command line names.
func assigned(c *cli.Context) (api.AssignRequest, error) {
	patterns, err := patternArguments(c)
	switch {
	case err != nil:
		return api.AssignRequest{}, err
	case len(patterns) == 0 && !c.Bool("all"):
		return api.AssignRequest{}, wrongUsage(c, "which symbols? name them, or use --all")
	case len(patterns) > 0 && c.Bool("all"):
		return api.AssignRequest{}, wrongUsage(c, "--all and symbols: want one of the two")
	}
	return api.AssignRequest{Symbols: patterns, All: c.Bool("all"), DryRun: c.Bool("dry-run")}, nil
}

func sendAssign(r api.AssignRequest) func(*cli.Context, *api.Client) (api.Plan, error) {
	return func(c *cli.Context, node *api.Client) (api.Plan, error) { return node.Assign(c.Context, r) }
}

func (p *program) pinCommand() *cli.Command {
	return p.clusterChangeCommand(clusterChange{
		name: "pin", usage: "bind symbols to a node", args: "SYMBOL|PATTERN… --node NAME", placing: true,
		description: "A pinned symbol is owned by that node whenever the node is there, and by another while it\n" +
			"is not. Example:\n\n" +
			"  hedgehog cluster pin XRPUSDT --node n2 --wait",
		request: func(c *cli.Context) (clusterRequest, error) {
			patterns, err := neededPatterns(c)
			if err != nil {
				return clusterRequest{}, err
			}
			name, err := owner(c)
			if err != nil {
				return clusterRequest{}, err
			}
			if name == "" {
				return clusterRequest{}, wrongUsage(c, "to which node? --node NAME")
			}
			return clusterRequest{
				send: sendPin(patterns, name),
				done: func(plan api.Plan) string { return counted(plan.Symbols) + " pinned to " + name },
				goal: func(plan api.Plan) goal { return ownedBy(name, plan.Symbols) },
			}, nil
		},
	})
}

func (p *program) unpinCommand() *cli.Command {
	return p.clusterChangeCommand(clusterChange{
		name: "unpin", usage: "let symbols be owned by any node again", args: "SYMBOL|PATTERN…",
		description: "They stay where they are until there is a reason to move them. Example:\n\n" +
			"  hedgehog cluster unpin XRPUSDT",
		request: func(c *cli.Context) (clusterRequest, error) {
			patterns, err := neededPatterns(c)
			if err != nil {
				return clusterRequest{}, err
			}
			return clusterRequest{
				send: sendPin(patterns, ""),
				done: func(plan api.Plan) string { return counted(plan.Symbols) + " unpinned" },
				goal: func(plan api.Plan) goal { return moved(plan.Moves) },
			}, nil
		},
	})
}

func neededPatterns(c *cli.Context) ([]string, error) {
	patterns, err := patternArguments(c)
	if err == nil && len(patterns) == 0 {
		err = wrongUsage(c, "which symbol?")
	}
	return patterns, err
}

func sendPin(patterns []string, name string) func(*cli.Context, *api.Client) (api.Plan, error) {
	return func(c *cli.Context, node *api.Client) (api.Plan, error) {
		return node.Pin(c.Context, api.PinRequest{Symbols: patterns, Node: name, DryRun: c.Bool("dry-run")})
	}
}

// counted names a symbol that is alone and counts them otherwise.
func counted(symbols []string) string {
	if len(symbols) == 1 {
		return symbols[0]
	}
	return fmt.Sprintf("%d symbols", len(symbols))
}
