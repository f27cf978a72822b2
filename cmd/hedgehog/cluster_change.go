package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"hedgehog/node/api"
)

// clusterChange describes a command that changes the cluster.
type clusterChange struct {
	name, usage, args string
	description       string
	flags             []cli.Flag
	placing           bool // its --node may name an owner too
	unplanned         bool // no symbol moves by it, so there is no plan to show
	// request reads the command line, before anything is sent.
	request func(c *cli.Context) (clusterRequest, error)
}

// clusterRequest is a change that a command line asks for.
type clusterRequest struct {
	// send carries it out and returns what it leads to.
	send func(c *cli.Context, node *api.Client) (api.Plan, error)
	// done says in words what was done.
	done func(api.Plan) string
	// goal returns what has to be there before the change is in force.
	goal func(api.Plan) goal
}

func (p *program) clusterChangeCommand(is clusterChange) *cli.Command {
	flags := append(is.flags,
		&cli.BoolFlag{Name: "wait", Usage: "return when it is in force", DisableDefaultText: true},
		&cli.DurationFlag{Name: "timeout", Usage: "with --wait: fail after `TIME`", Value: 30 * time.Second},
	)
	if !is.unplanned {
		flags = append(flags, &cli.BoolFlag{Name: "dry-run", Usage: "only show what would move", DisableDefaultText: true})
	}
	if is.placing {
		flags = append(flags, placingFlag(), tokenFlag(), jsonFlag())
	} else {
		flags = clientFlags(flags...)
	}
	return &cli.Command{
		Name:        is.name,
		Usage:       is.usage,
		ArgsUsage:   is.args,
		Description: is.description,
		Flags:       flags,
		Action: func(c *cli.Context) error {
			request, err := is.request(c)
			if err != nil {
				return err
			}
			if err := checkWait(c); err != nil {
				return err
			}
			node, err := changedNode(c, is.placing)
			if err != nil {
				return err
			}
			plan, err := request.send(c, node)
			if err != nil {
				return err
			}
			if err := p.print(c, plan, func(w io.Writer) { writePlan(w, is, request, plan, c.Bool("dry-run")) }); err != nil {
				return err
			}
			if !c.Bool("wait") {
				return nil
			}
			return p.awaitGoal(c, node, request.goal(plan))
		},
	}
}

// checkWait refuses flags of waiting that contradict each other.
func checkWait(c *cli.Context) error {
	switch {
	case c.IsSet("timeout") && !c.Bool("wait"):
		return wrongUsage(c, "--timeout has a meaning only with --wait")
	case c.Duration("timeout") <= 0:
		return wrongUsage(c, "--timeout %s: want more than 0", c.Duration("timeout"))
	case c.Bool("wait") && c.Bool("dry-run"):
		return wrongUsage(c, "--wait and --dry-run: a dry run changes nothing that could be waited for")
	}
	return nil
}

// placingFlag is --node where it may name an owner. That and the address of the
// node to talk to can be told apart, since an address has a colon and a name
// never has.
func placingFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: "node", Usage: "the node `NAME` that shall own them; or, as with other commands, the URL of the node to talk to (HEDGEHOG_NODE)", DefaultText: "wherever there is room"}
}

// owner returns the node that --node names as the owner, empty for none.
func owner(c *cli.Context) (string, error) {
	name := ""
	for _, value := range c.StringSlice("node") {
		switch {
		case strings.Contains(value, ":"):
		case value == "":
			return "", wrongUsage(c, "--node \"\": want a node's name; they are listed by hedgehog cluster nodes")
		case name != "":
			return "", wrongUsage(c, "--node %s and --node %s: want one owner", name, value)
		default:
			name = value
		}
	}
	return name, nil
}

// changedNode returns a client for the node that takes the change.
func changedNode(c *cli.Context, placing bool) (*api.Client, error) {
	if !placing {
		return client(c)
	}
	at := os.Getenv("HEDGEHOG_NODE")
	for _, value := range c.StringSlice("node") {
		if strings.Contains(value, ":") {
			at = value
		}
	}
	return clientAt(c, at)
}

// writePlan says what was done, or would be, and what moves.
func writePlan(w io.Writer, is clusterChange, r clusterRequest, plan api.Plan, dry bool) {
	switch {
	case is.unplanned:
		fmt.Fprintln(w, r.done(plan))
		return
	case dry:
		fmt.Fprintf(w, "a dry run, nothing is changed; %s\n", moving(plan.Moves))
	default:
		fmt.Fprintf(w, "%s; %s\n", r.done(plan), moving(plan.Moves))
	}
	if len(plan.Moves) == 0 {
		return
	}
	fmt.Fprintln(w)
	row(w, "SYMBOL", "FROM", "", "TO")
	for _, m := range plan.Moves {
		row(w, m.Symbol, orNobody(m.From), "→", orNobody(m.To))
	}
}

func moving(moves []api.Move) string {
	switch len(moves) {
	case 0:
		return "no symbol moves"
	case 1:
		return "one symbol moves"
	default:
		return fmt.Sprintf("%d symbols move", len(moves))
	}
}

func orNobody(node string) string {
	if node == "" {
		return "nobody"
	}
	return node
}

// neededNode returns the one node that the arguments name.
func neededNode(c *cli.Context) (string, error) {
	switch {
	case c.NArg() == 0 || c.Args().First() == "":
		return "", wrongUsage(c, "which node? hedgehog cluster nodes lists them")
	case c.NArg() > 1:
		return "", wrongUsage(c, "want one node, not %d", c.NArg())
	case strings.Contains(c.Args().First(), ":"):
		return "", wrongUsage(c, "%q is not a node's name: hedgehog cluster nodes lists them", c.Args().First())
	}
	return c.Args().First(), nil
}
