package main

import (
	"github.com/urfave/cli/v2"

	"hedgehog/node/api"
)

func (p *program) drainCommand() *cli.Command {
	return p.nodeChangeCommand(nodeChange{
		name: "drain", usage: "hand a node's symbols to the others",
		description: "Each symbol is handed over without a trade unseen. A drained node gets no symbols until\n" +
			"hedgehog cluster undrain; good before it is stopped or upgraded. Example:\n\n" +
			"  hedgehog cluster drain n2 --wait",
		done: "is drained",
		goal: func(name string, _ api.Plan) goal { return ownsNothing(name) },
	})
}

func (p *program) undrainCommand() *cli.Command {
	return p.nodeChangeCommand(nodeChange{
		name: "undrain", usage: "let a drained node own symbols again",
		description: "Example:\n\n  hedgehog cluster undrain n2",
		done:        "may own symbols again",
		goal:        func(_ string, plan api.Plan) goal { return moved(plan.Moves) },
	})
}

func (p *program) removeCommand() *cli.Command {
	return p.nodeChangeCommand(nodeChange{
		name: "remove", usage: "forget a node that is gone for good",
		description: "The node is no voter and no member any more; its symbols go to the others. Should it start\n" +
			"again with --join it is a new member. Example:\n\n" +
			"  hedgehog cluster remove n3",
		done: "is removed",
		goal: func(name string, _ api.Plan) goal { return isNoMember(name) },
	})
}

// nodeChange describes a command that changes one node.
type nodeChange struct {
	name, usage, description string
	done                     string // after the node's name
	goal                     func(name string, plan api.Plan) goal
}

func (p *program) nodeChangeCommand(is nodeChange) *cli.Command {
	return p.clusterChangeCommand(clusterChange{
		name: is.name, usage: is.usage, args: "NODE", description: is.description,
		request: func(c *cli.Context) (clusterRequest, error) {
			name, err := neededNode(c)
			if err != nil {
				return clusterRequest{}, err
			}
			return clusterRequest{
				send: sendNode(is.name, name),
				done: func(api.Plan) string { return name + " " + is.done },
				goal: func(plan api.Plan) goal { return is.goal(name, plan) },
			}, nil
		},
	})
}

func sendNode(what, name string) func(*cli.Context, *api.Client) (api.Plan, error) {
	return func(c *cli.Context, node *api.Client) (api.Plan, error) {
		return node.ChangeNode(c.Context, what, api.NodeRequest{Node: name, DryRun: c.Bool("dry-run")})
	}
}

func (p *program) rebalanceCommand() *cli.Command {
	return p.clusterChangeCommand(clusterChange{
		name: "rebalance", usage: "spread the symbols evenly, which may move many",
		description: "Otherwise a symbol moves only when it has to. Example:\n\n" +
			"  hedgehog cluster rebalance --dry-run",
		request: func(c *cli.Context) (clusterRequest, error) {
			if err := noArguments(c); err != nil {
				return clusterRequest{}, err
			}
			return clusterRequest{
				send: func(c *cli.Context, node *api.Client) (api.Plan, error) {
					return node.Rebalance(c.Context, c.Bool("dry-run"))
				},
				done: func(api.Plan) string { return "the symbols are spread anew" },
				goal: func(plan api.Plan) goal { return moved(plan.Moves) },
			}, nil
		},
	})
}

func (p *program) transferLeaderCommand() *cli.Command {
	return p.clusterChangeCommand(clusterChange{
		name: "transfer-leader", usage: "have another voter lead", args: "[NODE]", unplanned: true,
		description: "Without a name the cluster chooses one that is up to date. Example:\n\n" +
			"  hedgehog cluster transfer-leader n2",
		request: func(c *cli.Context) (clusterRequest, error) {
			var name string
			var err error
			if c.Args().Present() {
				if name, err = neededNode(c); err != nil {
					return clusterRequest{}, err
				}
			}
			return clusterRequest{
				send: sendNode("transfer-leader", name),
				done: func(api.Plan) string { return "the leadership is handed over" },
				goal: func(api.Plan) goal { return leads(name) },
			}, nil
		},
	})
}
