package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"hedgehog/node/api"
)

// watchedEvents is how many events the watch shows.
const watchedEvents = 8

// clusterNow is the cluster at one moment, as one node sees it.
type clusterNow struct {
	Status  api.ClusterStatus   `json:"status"`
	Symbols []api.ClusterSymbol `json:"symbols"`
	Events  []api.ClusterEvent  `json:"events,omitempty"`
}

// readCluster asks the node for its status and the symbols; with all also for
// those that are not assigned any more.
func readCluster(ctx context.Context, node *api.Client, all bool) (now clusterNow, err error) {
	if now.Status, err = node.Cluster(ctx); err != nil {
		return now, err
	}
	now.Symbols, err = node.ClusterSymbols(ctx, all)
	return now, err
}

func (p *program) clusterStatusCommand() *cli.Command {
	return p.viewCommand(clusterView{
		name: "status", usage: "show how the cluster is: leader, quorum, nodes",
		description: "The cluster as the asked node sees it. Quorum means that more than half of the voters\n" +
			"are there; without it nothing is decided and nobody trades. Example:\n\n" +
			"  hedgehog cluster status --node http://127.0.0.1:8082",
		read: func(c *cli.Context, node *api.Client) (any, func(io.Writer), error) {
			now, err := readCluster(c.Context, node, false)
			return now.Status, func(w io.Writer) { writeCluster(w, now) }, err
		},
	})
}

func (p *program) clusterWatchCommand() *cli.Command {
	return p.viewCommand(clusterView{
		name: "watch", usage: "watch nodes, owners and events, anew each second", watched: true,
		description: "It goes on until it is interrupted, also while nodes fail. Whatever the asked node does\n" +
			"not know, because it is cut off, is not shown. With keys and more to see: hedgehog top.\n" +
			"Example:\n\n" +
			"  hedgehog cluster watch",
		read: func(c *cli.Context, node *api.Client) (any, func(io.Writer), error) {
			now, err := readCluster(c.Context, node, false)
			if err == nil {
				now.Events, err = node.ClusterEvents(c.Context, watchedEvents)
			}
			return now, func(w io.Writer) {
				writeCluster(w, now)
				if len(now.Symbols) > 0 {
					fmt.Fprintln(w)
					p.writeOwners(w, now.Symbols)
				}
				if len(now.Events) > 0 {
					fmt.Fprintln(w)
					p.writeEvents(w, now.Events)
				}
			}, err
		},
	})
}

func (p *program) clusterNodesCommand() *cli.Command {
	return p.viewCommand(clusterView{
		name: "nodes", usage: "list the nodes with their addresses",
		description: "GOSSIP is where other nodes --join, PEER where they talk (TLS), HTTP where commands go.\n" +
			"WEIGHT is a node's share of the symbols. SINCE is when its state began. Example:\n\n" +
			"  hedgehog cluster nodes --watch",
		read: func(c *cli.Context, node *api.Client) (any, func(io.Writer), error) {
			status, err := node.Cluster(c.Context)
			return status.Nodes, func(w io.Writer) { p.writeNodes(w, status.Nodes) }, err
		},
	})
}

// writeCluster says in words how the cluster is, then what each node is.
func writeCluster(w io.Writer, now clusterNow) {
	s := now.Status
	alive := 0
	for _, n := range s.Nodes {
		if n.State == api.StateAlive {
			alive++
		}
	}
	row(w, "nodes", fmt.Sprintf("%d of %d are there, as %s sees it", alive, len(s.Nodes), s.Node))
	if s.Leader == "" {
		row(w, "leader", fmt.Sprintf("none is known (term %d)", s.Term))
	} else {
		row(w, "leader", fmt.Sprintf("%s (term %d)", s.Leader, s.Term))
	}
	row(w, "quorum", quorum(s))
	row(w, "symbols", ownership(now.Symbols))
	if !s.Quorum {
		fmt.Fprintln(w, "\nWithout a quorum nobody places orders and nothing can be changed; trades are still stored\n"+
			"and queries answered. All goes on by itself when enough voters are there again. If they\n"+
			"are lost for good: hedgehog cluster recover --help")
	}
	fmt.Fprintln(w)
	row(w, "NODE", "STATE", "ROLE", "VERSION", "UPTIME", "SYMBOLS")
	for _, n := range s.Nodes {
		row(w, n.Name, stateOf(n), n.Role, orNone(n.Version), uptime(n), n.ActiveSymbols)
	}
}

// quorum says how many of the voters are there.
func quorum(s api.ClusterStatus) string {
	alive, voters := s.Voters()
	if s.Quorum {
		return fmt.Sprintf("yes, %d of %d voters are there", alive, voters)
	}
	return fmt.Sprintf("lost: %d of %d voters are there, and it takes %d", alive, voters, voters/2+1)
}

// ownership sums up who owns something.
func ownership(symbols []api.ClusterSymbol) string {
	if len(symbols) == 0 {
		return "none is assigned; begin with: hedgehog cluster assign SYMBOL…"
	}
	without := 0
	for _, s := range symbols {
		if s.Node == "" {
			without++
		}
	}
	if without == 0 {
		return fmt.Sprintf("%d assigned, each has an owner", len(symbols))
	}
	return fmt.Sprintf("%d assigned, %d of them without an owner", len(symbols), without)
}

func (p *program) writeNodes(w io.Writer, nodes []api.ClusterNode) {
	row(w, "NODE", "STATE", "ROLE", "ZONE", "WEIGHT", "GOSSIP", "PEER", "HTTP", "SINCE")
	for _, n := range nodes {
		row(w, n.Name, stateOf(n), n.Role, orNone(n.Zone), n.Weight, orNone(n.Address), orNone(n.Peer), orNone(n.HTTP), p.when(n.SinceUS))
	}
}

func stateOf(n api.ClusterNode) string {
	if n.Draining {
		return n.State + ", draining"
	}
	return n.State
}

// uptime says how long a node has been up, "-" for one that isn't.
func uptime(n api.ClusterNode) string {
	if n.State != api.StateAlive {
		return "-"
	}
	return (time.Duration(n.UptimeSeconds) * time.Second).String()
}

// orNone shows an empty text as "-".
func orNone(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
