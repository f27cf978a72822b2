package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"hedgehog/node"
)

func (p *program) recoverCommand() *cli.Command {
	usual := node.DefaultConfig()
	return &cli.Command{
		Name:  "recover",
		Usage: "rebuild a cluster whose quorum is lost for good, from one node's data",
		Description: "When more than half of the voters are lost with their data, those left cannot decide\n" +
			"anything. This makes one stopped node the only member of its cluster, which goes on from\n" +
			"what that node's data directory holds: assignments, settings, positions, watermarks.\n\n" +
			"Changes that had not reached this node are lost; orders are not, the exchange has them.\n" +
			"Should a node of the old cluster still run, two nodes would trade one symbol: stop all\n" +
			"nodes before. Afterwards start this one, empty the data directories of the others and have\n" +
			"them --join it. Of several nodes choose the one whose data know most: without --yes the\n" +
			"command changes nothing and says what they know. Example:\n\n" +
			"  hedgehog cluster recover --data-dir /var/lib/hedgehog --name alpha\n" +
			"  hedgehog cluster recover --data-dir /var/lib/hedgehog --name alpha --yes",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "data-dir", Usage: "the data directory `DIR` of the node", Value: usual.DataDir, EnvVars: []string{"HEDGEHOG_DATA_DIR"}},
			&cli.StringFlag{Name: "name", Usage: "the `NAME` of the node", Value: usual.Name, DefaultText: "the host's name", EnvVars: []string{"HEDGEHOG_NAME"}},
			&cli.BoolFlag{Name: "yes", Usage: "do it", DisableDefaultText: true},
			jsonFlag(),
		},
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			do := node.ReadRemains
			if c.Bool("yes") {
				do = node.Recover
			}
			remains, err := do(c.Context, c.String("data-dir"), c.String("name"))
			if err != nil {
				return fmt.Errorf("recover from %s: %w", c.String("data-dir"), err)
			}
			document := recovery{c.Bool("yes"), remains.Node, append([]string{}, remains.Others...), remains.Symbols, remains.Index}
			return p.print(c, document, func(w io.Writer) { document.write(w) })
		},
	}
}

// recovery is what the command has found and done.
type recovery struct {
	Recovered bool     `json:"recovered"`
	Node      string   `json:"node"`
	Others    []string `json:"others"`
	Symbols   int      `json:"symbols"`
	Index     uint64   `json:"index"` // the latest change that the data have
}

func (r recovery) write(w io.Writer) {
	others := "no others"
	if len(r.Others) > 0 {
		others = strings.Join(r.Others, ", ")
	}
	row(w, "node", r.Node)
	row(w, "members", "of its cluster beside it: "+others)
	row(w, "symbols", fmt.Sprintf("%d assigned", r.Symbols))
	row(w, "latest", fmt.Sprintf("change %d", r.Index))
	fmt.Fprintln(w)
	if !r.Recovered {
		fmt.Fprintf(w, "Nothing is changed yet. With --yes %s becomes the only member; changes after %d are lost.\nStop all nodes before.\n", r.Node, r.Index)
		return
	}
	fmt.Fprintf(w, "%s is the only member now: start it as always. Its symbols trade again as soon as it leads.\n", r.Node)
	if len(r.Others) > 0 {
		fmt.Fprintf(w, "Before %s start again, empty their data directories; then have them --join %s.\n", others, r.Node)
	}
}
