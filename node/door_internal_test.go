package node

import (
	"log/slog"
	"testing"
	"time"

	"hedgehog/cluster"
	"hedgehog/node/access"
)

// doorOnly returns a node of which the door alone is there, with a token hh_ROLE of
// each of the roles.
func doorOnly(t *testing.T, roles ...access.Role) *Node {
	t.Helper()
	n := &Node{log: slog.New(slog.DiscardHandler), door: access.New("hedgehog", time.Now)}
	n.state.Store(&cluster.State{Index: 1})
	var tokens []access.Token
	for _, role := range roles {
		tokens = append(tokens, access.Token{Name: role.String(), Role: role, Hash: access.HashOf(access.Secret("hh_" + role.String()))})
	}
	n.door.SetTokens(tokens, true)
	return n
}
