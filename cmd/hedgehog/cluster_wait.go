package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"hedgehog/node/api"
)

// mostNamed is how many symbols a message names before it only counts.
const mostNamed = 5

// goal says what a change still lacks before it is in force; empty: nothing.
type goal func(clusterNow) (lacking string)

// awaitGoal asks the node until the goal is reached, and says on the standard
// error stream what it waits for whenever that changes.
func (p *program) awaitGoal(c *cli.Context, node *api.Client, reached goal) error {
	said := ""
	err := await(c.Context, c.Duration("timeout"), func(ctx context.Context) error {
		now, err := readCluster(ctx, node, true)
		if err != nil {
			return err
		}
		lacking := reached(now)
		if lacking == "" {
			return nil
		}
		if lacking != said {
			said = lacking
			fmt.Fprintf(p.stderr, "waiting: %s\n", lacking)
		}
		return errors.New(lacking)
	})
	if err != nil {
		return fmt.Errorf("not in force after %s: %w", c.Duration("timeout"), err)
	}
	return nil
}

// ownedBy wants the symbols to be owned by the node, by any when it is empty.
func ownedBy(name string, symbols []string) goal {
	return func(now clusterNow) string {
		at := byName(now)
		var left []string
		for _, symbol := range symbols {
			s := at[symbol]
			if s.Node == "" || name != "" && s.Node != name {
				left = append(left, symbol)
			}
		}
		if name == "" {
			return remaining(left, len(symbols), "without an owner")
		}
		return remaining(left, len(symbols), "not owned by "+name)
	}
}

// ownedByNobody wants the symbols to have no owner.
func ownedByNobody(symbols []string) goal {
	return func(now clusterNow) string {
		at := byName(now)
		left := slices.DeleteFunc(slices.Clone(symbols), func(symbol string) bool { return at[symbol].Node == "" })
		return remaining(left, len(symbols), "still owned")
	}
}

// moved wants every symbol to be where its move ends.
func moved(moves []api.Move) goal {
	return func(now clusterNow) string {
		at := byName(now)
		var left []string
		for _, m := range moves {
			if at[m.Symbol].Node != m.To {
				left = append(left, m.Symbol)
			}
		}
		return remaining(left, len(moves), "still on the move")
	}
}

// ownsNothing wants the node to have no symbol.
func ownsNothing(name string) goal {
	return func(now clusterNow) string {
		var left []string
		for _, s := range now.Symbols {
			if s.Node == name {
				left = append(left, s.Symbol)
			}
		}
		return remaining(left, len(now.Symbols), "still owned by "+name)
	}
}

// isNoMember wants the node to have no role any more; gossip may name it for a
// while longer.
func isNoMember(name string) goal {
	return func(now clusterNow) string {
		if slices.ContainsFunc(now.Status.Nodes, func(n api.ClusterNode) bool { return n.Name == name && n.Role != api.RoleNone }) {
			return name + " is still a member"
		}
		return ""
	}
}

// leads wants the node to lead, any when it is empty.
func leads(name string) goal {
	return func(now clusterNow) string {
		switch leader := now.Status.Leader; {
		case leader == "":
			return "nobody leads"
		case name != "" && leader != name:
			return leader + " still leads"
		default:
			return ""
		}
	}
}

func byName(now clusterNow) map[string]api.ClusterSymbol {
	symbols := make(map[string]api.ClusterSymbol, len(now.Symbols))
	for _, s := range now.Symbols {
		symbols[s.Symbol] = s
	}
	return symbols
}

// remaining says how many of all symbols are in the state, and names a few.
func remaining(left []string, all int, state string) string {
	if len(left) == 0 {
		return ""
	}
	named := strings.Join(left[:min(len(left), mostNamed)], ", ")
	if len(left) > mostNamed {
		named += ", …"
	}
	return fmt.Sprintf("%d of %d symbols %s: %s", len(left), all, state, named)
}
